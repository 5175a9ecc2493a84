-- A run of named surveys, or over a window of time, says nothing of the rest of its source: it is no night's load, and no
-- proof that the source is complete.
ALTER TABLE surveysync.run ADD COLUMN narrowed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN surveysync.run.narrowed IS 'Only named surveys or responses, or a window of time; not the whole source.';
