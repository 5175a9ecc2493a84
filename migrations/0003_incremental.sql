-- Incremental runs: what was known of a partition when it was last certified, what a pass has met, the plan that the
-- next run takes over, and every version of a definition.

ALTER TABLE surveysync.checkpoint
    ADD COLUMN total       bigint,
    ADD COLUMN newest      text,
    ADD COLUMN newest_at   timestamptz,
    ADD COLUMN hint        text,
    ADD COLUMN removed     bigint,
    ADD COLUMN tombstoned  bigint NOT NULL DEFAULT 0,
    ADD COLUMN settled     boolean NOT NULL DEFAULT false,
    ADD COLUMN balanced    boolean NOT NULL DEFAULT false,
    ADD COLUMN probed_at   timestamptz,
    ADD COLUMN swept_at    timestamptz;
COMMENT ON COLUMN surveysync.checkpoint.total IS 'The vendor''s count when it was last looked at.';
COMMENT ON COLUMN surveysync.checkpoint.newest IS 'The newest change at that time, as the vendor writes it.';
COMMENT ON COLUMN surveysync.checkpoint.newest_at IS 'The same as an instant.';
COMMENT ON COLUMN surveysync.checkpoint.hint IS 'Digest of the entry in the vendor''s list at that time.';
COMMENT ON COLUMN surveysync.checkpoint.removed IS 'How many deleted records the vendor counted at that time.';
COMMENT ON COLUMN surveysync.checkpoint.tombstoned IS 'How many rows were marked deleted since then.';
COMMENT ON COLUMN surveysync.checkpoint.settled IS 'The newest change was old enough that none can have come later with an earlier date.';
COMMENT ON COLUMN surveysync.checkpoint.balanced IS 'Whether the last certificate balanced.';
COMMENT ON COLUMN surveysync.checkpoint.probed_at IS 'When the vendor was last asked for newest change and total.';
COMMENT ON COLUMN surveysync.checkpoint.swept_at IS 'When all ids were last compared.';

-- The keys that an unfinished complete pass has met, one row a page: what is stored but not met may be deleted.
CREATE TABLE surveysync.sighting (
    source       text COLLATE "C" NOT NULL,
    stream       text COLLATE "C" NOT NULL,
    partition    text COLLATE "C" NOT NULL,
    sighting_id  bigint GENERATED ALWAYS AS IDENTITY,
    record_keys  text[] COLLATE "C" NOT NULL,
    PRIMARY KEY (source, stream, partition, sighting_id)
);
COMMENT ON TABLE surveysync.sighting IS 'Keys met by an unfinished complete pass; emptied when it ends.';

CREATE TABLE surveysync.plan (
    source      text COLLATE "C" NOT NULL,
    ordinal     int NOT NULL,
    partition   text COLLATE "C" NOT NULL,
    title       text NOT NULL,
    expected    bigint NOT NULL,
    removed     bigint,
    context     bytea NOT NULL,
    total       bigint,
    newest      text,
    newest_at   timestamptz,
    planned_at  timestamptz NOT NULL,
    PRIMARY KEY (source, ordinal)
);
COMMENT ON TABLE surveysync.plan IS 'The vendor''s list and the probes that `surveysync plan` made; a run that follows at once takes them over.';

ALTER TABLE surveysync.definition_history
    ADD COLUMN context       text NOT NULL DEFAULT '',
    ADD COLUMN payload_hash  bytea,
    ADD COLUMN payload_raw   bytea,
    ADD COLUMN flags         text[],
    ADD COLUMN valid_from    timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON TABLE surveysync.definition_history IS 'Every version of survey, page, question and option definitions, the present one included. payload is null where the vendor deleted it.';
COMMENT ON COLUMN surveysync.definition_history.payload_raw IS 'As in the row: the original bytes, only where payload had to be altered.';
COMMENT ON COLUMN surveysync.definition_history.valid_from IS 'From when on respondents saw this version, as far as the vendor tells; -infinity for the first one known.';

ALTER TABLE surveysync.run
    ADD COLUMN certified  boolean NOT NULL DEFAULT false,
    ADD COLUMN hook_at    timestamptz;
COMMENT ON COLUMN surveysync.run.certified IS 'Every survey that was looked at balanced.';
COMMENT ON COLUMN surveysync.run.hook_at IS 'When the configured hook had run for it.';
