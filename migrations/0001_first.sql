-- The first schema. Times are timestamptz (UTC). Sample tables have no foreign keys: a check per row would cost more than
-- the row, and housekeeping removes samples by time alone.

CREATE TABLE host (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id         uuid NOT NULL UNIQUE,
    name            text NOT NULL UNIQUE,
    claimed_name    text NOT NULL,
    conflict        boolean NOT NULL DEFAULT false,
    agent_version   text,
    epoch           bigint NOT NULL DEFAULT 0,
    first_seen      timestamptz NOT NULL,
    last_seen       timestamptz NOT NULL
);
COMMENT ON COLUMN host.name IS 'instance label of its series; derived, not stored with them, so a rename is one update';
COMMENT ON COLUMN host.epoch IS 'start of its newest agent, Unix milliseconds';

CREATE TABLE host_source (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    source          text NOT NULL,
    outcome         text NOT NULL,
    reason          text,
    message         text,
    interval_ms     bigint NOT NULL,
    since           timestamptz NOT NULL,
    position        integer NOT NULL,
    PRIMARY KEY (host_id, source)
);

CREATE TABLE metric (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    kind            text NOT NULL,
    unit            text NOT NULL DEFAULT '',
    help            text NOT NULL DEFAULT ''
);

CREATE TABLE series (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    metric_id       integer NOT NULL REFERENCES metric,
    labels          jsonb NOT NULL,
    labels_hash     uuid NOT NULL,
    kind            text NOT NULL,
    first_seen      timestamptz NOT NULL,
    last_seen       timestamptz NOT NULL,
    UNIQUE (host_id, metric_id, labels_hash)
);
COMMENT ON COLUMN series.labels_hash IS 'xxh3-128 of the sorted labels';
COMMENT ON COLUMN series.last_seen IS 'brought up to date when a day is merged';
CREATE INDEX series_metric ON series (metric_id);

CREATE TABLE layout (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    source          text NOT NULL,
    hash            bigint NOT NULL,
    series          integer[] NOT NULL,
    series_count    integer NOT NULL,
    used_at         timestamptz NOT NULL,
    PRIMARY KEY (host_id, source, hash)
);
COMMENT ON COLUMN layout.series IS 'series of each value, 0 where it was refused';

CREATE TABLE stream_position (
    stream          text PRIMARY KEY,
    stream_created  timestamptz NOT NULL,
    seq             bigint NOT NULL,
    message_at      timestamptz NOT NULL,
    message_id      text NOT NULL
);

CREATE TABLE batch_cursor (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    epoch           bigint NOT NULL,
    next_seq        bigint NOT NULL,
    seen            bigint[] NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (host_id, epoch)
);
COMMENT ON TABLE batch_cursor IS 'batches of an agent''s start that are stored: all below next_seq and the ranges in seen (first, last, first, last, …)';

CREATE TABLE gap (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    epoch           bigint NOT NULL,
    from_seq        bigint NOT NULL,
    to_seq          bigint NOT NULL,
    state           text NOT NULL CHECK (state IN ('open', 'repaired', 'lost')),
    noticed_at      timestamptz NOT NULL,
    closed_at       timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (host_id, epoch, from_seq)
);
CREATE INDEX gap_noticed ON gap (noticed_at);

CREATE TABLE flush (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day             date NOT NULL,
    start           timestamptz NOT NULL,
    stop            timestamptz NOT NULL,
    blocks          integer NOT NULL,
    samples         bigint NOT NULL,
    committed_at    timestamptz NOT NULL
);
COMMENT ON TABLE flush IS 'what one flush wrote for one UTC day; gone once that day is merged';
CREATE INDEX flush_day ON flush (day);

CREATE TABLE dirty_hour (
    hour            timestamptz NOT NULL,
    host_id         integer NOT NULL,
    PRIMARY KEY (hour, host_id)
);
COMMENT ON TABLE dirty_hour IS 'hours whose summaries are to be written or written again';

CREATE TABLE dead_letter (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    host            text,
    subject         text NOT NULL,
    reason          text NOT NULL,
    detail          text NOT NULL,
    payload         bytea NOT NULL,
    stream_created  timestamptz NOT NULL,
    stream_seq      bigint NOT NULL
);
CREATE UNIQUE INDEX dead_letter_message ON dead_letter (subject, stream_created, stream_seq);

CREATE TABLE event (
    id              uuid PRIMARY KEY,
    host_id         integer REFERENCES host ON DELETE CASCADE,
    at              timestamptz NOT NULL,
    type            text NOT NULL,
    severity        text NOT NULL,
    message         text NOT NULL,
    data            jsonb NOT NULL
);
CREATE INDEX event_at ON event (at DESC, id DESC);

CREATE TABLE fact (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    kind            text NOT NULL,
    id              text NOT NULL,
    since           timestamptz NOT NULL,
    seen            timestamptz NOT NULL,
    doc             jsonb,
    PRIMARY KEY (host_id, kind, id)
);
COMMENT ON COLUMN fact.doc IS 'NULL: it is gone';

CREATE TABLE fact_history (
    host_id         integer NOT NULL REFERENCES host ON DELETE CASCADE,
    kind            text NOT NULL,
    id              text NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    doc             jsonb,
    PRIMARY KEY (host_id, kind, id, since)
);

CREATE TABLE housekeeping_run (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task            text NOT NULL,
    started_at      timestamptz NOT NULL,
    seconds         double precision NOT NULL,
    error           text,
    result          text
);
CREATE INDEX housekeeping_run_task ON housekeeping_run (task, started_at DESC);

-- The three tables of samples: partitioned by the collector, or hypertables where the extension is.
-- Their keys begin with the time of writing and not with the series: rows then arrive in the order of the index, so that a
-- flush fills pages one after the other and touches no old one. A reader knows the few leading values and asks for each.
DO $$
DECLARE
    timescale boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
BEGIN
    EXECUTE 'CREATE TABLE sample_block (
        start       timestamptz NOT NULL,
        flush_id    integer NOT NULL,
        series_id   integer NOT NULL,
        data        bytea NOT NULL
    )' || CASE WHEN timescale THEN '' ELSE ' PARTITION BY RANGE (start)' END;
    EXECUTE 'CREATE TABLE sample_day (
        day         date NOT NULL,
        series_id   integer NOT NULL,
        part        smallint NOT NULL,
        data        bytea NOT NULL,
        PRIMARY KEY (day, series_id, part)
    )' || CASE WHEN timescale THEN '' ELSE ' PARTITION BY RANGE (day)' END;
    EXECUTE 'CREATE TABLE sample_hour (
        hour        timestamptz NOT NULL,
        series_id   integer NOT NULL,
        count       integer NOT NULL,
        last        double precision NOT NULL,
        min         double precision,
        max         double precision,
        sum         double precision,
        increase    double precision,
        PRIMARY KEY (hour, series_id)
    )' || CASE WHEN timescale THEN '' ELSE ' PARTITION BY RANGE (hour)' END;
    -- Blocks are compressed already.
    ALTER TABLE sample_block ALTER COLUMN data SET STORAGE EXTERNAL;
    ALTER TABLE sample_day ALTER COLUMN data SET STORAGE EXTERNAL;
    CREATE INDEX sample_block_flush ON sample_block (flush_id, series_id);
    IF timescale THEN
        PERFORM create_hypertable('sample_block', 'start', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);
        PERFORM create_hypertable('sample_day', 'day', chunk_time_interval => INTERVAL '7 days', create_default_indexes => false);
        PERFORM create_hypertable('sample_hour', 'hour', chunk_time_interval => INTERVAL '91 days', create_default_indexes => false);
    END IF;
END $$;
COMMENT ON TABLE sample_block IS 'samples of one series since the flush before; format: docs/reference/block.md';
COMMENT ON TABLE sample_day IS 'samples of one series over one UTC day, merged';
COMMENT ON TABLE sample_hour IS 'hourly summary; NULL is what follows from the others, see the view sample_hour_full';

CREATE VIEW sample_hour_full AS
SELECT h.hour, host.name AS host, metric.name AS metric, series.labels, series.kind, metric.unit,
       h.count, coalesce(h.sum, h.last * h.count) AS sum, coalesce(h.min, h.last) AS min, coalesce(h.max, h.last) AS max,
       coalesce(h.sum / h.count, h.last) AS avg, h.last, coalesce(h.increase, 0) AS increase, h.series_id
FROM sample_hour h
JOIN series ON series.id = h.series_id
JOIN host ON host.id = series.host_id
JOIN metric ON metric.id = series.metric_id;
COMMENT ON VIEW sample_hour_full IS 'hourly summaries with names, for SQL';
