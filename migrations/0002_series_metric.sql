-- Metrics are never removed, and a series gets the number of its metric in the transaction that found or added it: asking
-- for the metric row by row took a quarter of the time that registering series takes.

ALTER TABLE series DROP CONSTRAINT series_metric_id_fkey;
COMMENT ON COLUMN series.metric_id IS 'the metric; without a foreign key, since metrics are never removed';
