-- What a host had when its agent stopped may be gone when it starts again, and nobody tells: a fact that a later start of the
-- agent has not told, though the source it comes from works, is gone.

ALTER TABLE fact
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN fact.source IS 'the source of the agent that told it';
COMMENT ON COLUMN fact.epoch IS 'the start of the agent that told it last';
