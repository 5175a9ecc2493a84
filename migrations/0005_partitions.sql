-- Certificates of any stream: a vendor whose ids are no numbers has them too.

ALTER TABLE surveysync.certificate
    ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT 'response',
    ADD COLUMN partition text COLLATE "C" NOT NULL DEFAULT '';
UPDATE surveysync.certificate SET partition = survey_id::text;
ALTER TABLE surveysync.certificate
    DROP CONSTRAINT certificate_pkey,
    ALTER COLUMN survey_id DROP NOT NULL,
    ADD PRIMARY KEY (run_id, source, stream, partition);
CREATE INDEX certificate_by_partition ON surveysync.certificate (source, stream, partition, certified_at);
COMMENT ON COLUMN surveysync.certificate.stream IS 'Which records are counted.';
COMMENT ON COLUMN surveysync.certificate.partition IS 'The part of the stream that is certified: a survey''s id, or empty for all of it.';
COMMENT ON COLUMN surveysync.certificate.survey_id IS 'The same as a number, where it is one.';

-- Files that answers name are looked for without reading all answers.
CREATE INDEX answer_file ON alchemer.answer (source, survey_id, response_id) WHERE type = 'FILE';
