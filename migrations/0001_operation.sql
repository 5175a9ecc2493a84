-- Operation: what ran, where each stream stands, what is certified, what could not be stored, who works what.
-- surveysync.schema_migration itself is made by `surveysync migrate` before any migration runs: it carries the lock.

CREATE TABLE surveysync.run (
    run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text COLLATE "C" NOT NULL,
    kind         text NOT NULL,
    outcome      text,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    requests     bigint NOT NULL DEFAULT 0,
    inserted     bigint NOT NULL DEFAULT 0,
    updated      bigint NOT NULL DEFAULT 0,
    unchanged    bigint NOT NULL DEFAULT 0,
    tombstoned   bigint NOT NULL DEFAULT 0,
    quarantined  bigint NOT NULL DEFAULT 0,
    error        text,
    holder       text NOT NULL,
    epoch        bigint NOT NULL
);
CREATE INDEX run_by_source ON surveysync.run (source, run_id);
COMMENT ON TABLE surveysync.run IS 'One row for each execution of a job.';
COMMENT ON COLUMN surveysync.run.kind IS 'incremental, backfill, resync, …';
COMMENT ON COLUMN surveysync.run.outcome IS 'succeeded, partial, failed or cancelled; null while it runs.';
COMMENT ON COLUMN surveysync.run.holder IS 'host/process/start of the program that ran it.';
COMMENT ON COLUMN surveysync.run.epoch IS 'Fencing number of the lease under which it ran.';

CREATE TABLE surveysync.run_stream (
    run_id       bigint NOT NULL,
    stream       text COLLATE "C" NOT NULL,
    partition    text COLLATE "C" NOT NULL,
    source       text COLLATE "C" NOT NULL,
    outcome      text,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    requests     bigint NOT NULL DEFAULT 0,
    inserted     bigint NOT NULL DEFAULT 0,
    updated      bigint NOT NULL DEFAULT 0,
    unchanged    bigint NOT NULL DEFAULT 0,
    tombstoned   bigint NOT NULL DEFAULT 0,
    quarantined  bigint NOT NULL DEFAULT 0,
    error        text,
    PRIMARY KEY (run_id, stream, partition)
) WITH (fillfactor = 70);
CREATE INDEX run_stream_by_partition ON surveysync.run_stream (source, stream, partition, run_id);
COMMENT ON TABLE surveysync.run_stream IS 'What a run did in each partition (a survey) of each stream.';

CREATE TABLE surveysync.checkpoint (
    source         text COLLATE "C" NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    partition      text COLLATE "C" NOT NULL,
    bookmark       text NOT NULL DEFAULT '',
    position       text NOT NULL DEFAULT '',
    page_size      int  NOT NULL DEFAULT 0,
    updated_at     timestamptz NOT NULL,
    title          text NOT NULL DEFAULT '',
    newest_change  timestamptz,
    PRIMARY KEY (source, stream, partition)
) WITH (fillfactor = 70);
COMMENT ON TABLE surveysync.checkpoint IS 'Where each partition stands; committed together with its rows.';
COMMENT ON COLUMN surveysync.checkpoint.bookmark IS 'Everything up to here is stored; empty before the first complete pass.';
COMMENT ON COLUMN surveysync.checkpoint.position IS 'Where an unfinished pass continues; empty when none is open.';
COMMENT ON COLUMN surveysync.checkpoint.page_size IS 'Page size learned for this partition; 0 when not yet.';
COMMENT ON COLUMN surveysync.checkpoint.newest_change IS 'Newest change seen at the vendor.';

CREATE TABLE surveysync.certificate (
    run_id        bigint NOT NULL,
    source        text COLLATE "C" NOT NULL,
    survey_id     bigint NOT NULL,
    as_of         timestamptz NOT NULL,
    total_before  bigint NOT NULL,
    total_after   bigint NOT NULL,
    fetched       bigint NOT NULL,
    stored_live   bigint NOT NULL,
    tombstoned    bigint NOT NULL,
    quarantined   bigint NOT NULL,
    excluded      bigint NOT NULL,
    in_flight     bigint NOT NULL,
    balanced      boolean NOT NULL,
    certified_at  timestamptz NOT NULL,
    PRIMARY KEY (run_id, source, survey_id)
);
CREATE INDEX certificate_by_survey ON surveysync.certificate (source, survey_id, certified_at);
COMMENT ON TABLE surveysync.certificate IS 'What the vendor has against what the database has, one row for each survey and run.';
COMMENT ON COLUMN surveysync.certificate.total_before IS 'The vendor''s own count before the survey was read.';
COMMENT ON COLUMN surveysync.certificate.total_after IS 'The vendor''s own count after it was read.';
COMMENT ON COLUMN surveysync.certificate.stored_live IS 'Rows here that are not marked deleted.';
COMMENT ON COLUMN surveysync.certificate.quarantined IS 'Records in quarantine that have no stored row.';
COMMENT ON COLUMN surveysync.certificate.excluded IS 'Records kept out by erasure or by `quarantine drop`.';
COMMENT ON COLUMN surveysync.certificate.in_flight IS 'Stored rows younger than as_of, for information.';
COMMENT ON COLUMN surveysync.certificate.balanced IS 'total_before = total_after = stored_live + quarantined + excluded.';

CREATE TABLE surveysync.quarantine (
    quarantine_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text COLLATE "C" NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    partition      text COLLATE "C" NOT NULL,
    record_key     text COLLATE "C" NOT NULL,
    reason         text NOT NULL,
    raw            bytea NOT NULL,
    run_id         bigint NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    retried_at     timestamptz,
    UNIQUE (source, stream, partition, record_key)
);
COMMENT ON TABLE surveysync.quarantine IS 'Records that could not be decoded or stored, with their exact bytes. A row goes away when its record is stored.';
COMMENT ON COLUMN surveysync.quarantine.record_key IS 'The record''s ids, outermost first, joined by /; raw:<hash> where none can be read.';
COMMENT ON COLUMN surveysync.quarantine.raw IS 'The vendor''s bytes.';
COMMENT ON COLUMN surveysync.quarantine.last_seen_at IS 'When it was met last; older than the last complete pass: the vendor no longer sends it.';

CREATE TABLE surveysync.incident (
    incident_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text COLLATE "C" NOT NULL,
    rule         text NOT NULL,
    source       text COLLATE "C" NOT NULL DEFAULT '',
    severity     text NOT NULL,
    verdict      text,
    evidence     text,
    next_step    text,
    opened_at    timestamptz NOT NULL,
    notified_at  timestamptz,
    resolved_at  timestamptz
);
CREATE INDEX incident_by_key ON surveysync.incident (key, opened_at);
COMMENT ON TABLE surveysync.incident IS 'What people were told about: opened once, repeated rarely, resolved.';

CREATE TABLE surveysync.credential (
    source         text COLLATE "C" NOT NULL,
    slot           text COLLATE "C" NOT NULL,
    fingerprint    text NOT NULL,
    verdict        text,
    first_used_at  timestamptz,
    last_good_at   timestamptz,
    refused_at     timestamptz,
    PRIMARY KEY (source, slot)
);
COMMENT ON TABLE surveysync.credential IS 'Which key each source uses, by fingerprint only; never the key.';
COMMENT ON COLUMN surveysync.credential.fingerprint IS 'First 8 hex digits of SHA-256.';

CREATE TABLE surveysync.request (
    request_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text COLLATE "C" NOT NULL,
    kind          text NOT NULL,
    arguments     jsonb NOT NULL DEFAULT '{}',
    requested_by  text NOT NULL,
    requested_at  timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    run_id        bigint,
    outcome       text,
    error         text
);
CREATE INDEX request_by_source ON surveysync.request (source, request_id);
COMMENT ON TABLE surveysync.request IS 'Runs asked for while another process held the source; the holder executes them.';

CREATE TABLE surveysync.lease (
    source       text COLLATE "C" PRIMARY KEY,
    holder       text NOT NULL,
    epoch        bigint NOT NULL,
    acquired_at  timestamptz NOT NULL,
    renewed_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE surveysync.lease IS 'Which process works which source.';
COMMENT ON COLUMN surveysync.lease.holder IS 'host/process/start; empty when nobody holds it.';
COMMENT ON COLUMN surveysync.lease.epoch IS 'Fencing number: grows with each new holder; every writing transaction checks it.';

CREATE TABLE surveysync.rate_budget (
    account       text COLLATE "C" PRIMARY KEY,
    next_free_at  timestamptz NOT NULL,
    rest_until    timestamptz,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE surveysync.rate_budget IS 'The request budget that all processes of an account share.';

CREATE TABLE surveysync.erasure (
    source     text COLLATE "C" NOT NULL,
    stream     text COLLATE "C" NOT NULL,
    partition  text COLLATE "C" NOT NULL,
    digest     bytea NOT NULL,
    kind       text NOT NULL,
    erased_at  timestamptz NOT NULL,
    PRIMARY KEY (source, stream, partition, digest)
);
COMMENT ON TABLE surveysync.erasure IS 'Records that must not come back, by keyed digest: erased on request, or dropped from quarantine.';
COMMENT ON COLUMN surveysync.erasure.kind IS 'erasure or drop.';

CREATE TABLE surveysync.contract_change (
    source         text COLLATE "C" NOT NULL,
    stream         text COLLATE "C" NOT NULL,
    what           text COLLATE "C" NOT NULL,
    sample         text NOT NULL,
    run_id         bigint NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (source, stream, what)
);
COMMENT ON TABLE surveysync.contract_change IS 'First sight of each shape, field, type or status that the vendor did not send before.';

CREATE TABLE surveysync.definition_history (
    source       text COLLATE "C" NOT NULL,
    survey_id    bigint NOT NULL,
    object       text COLLATE "C" NOT NULL,
    object_id    text COLLATE "C" NOT NULL,
    recorded_at  timestamptz NOT NULL,
    payload      json,
    run_id       bigint NOT NULL,
    PRIMARY KEY (source, survey_id, object, object_id, recorded_at)
);
COMMENT ON TABLE surveysync.definition_history IS 'Earlier versions of survey, page, question and option definitions.';

CREATE TABLE surveysync.capability (
    source      text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    value       text NOT NULL,
    evidence    text NOT NULL,
    learned_at  timestamptz NOT NULL,
    PRIMARY KEY (source, name)
);
COMMENT ON TABLE surveysync.capability IS 'What the vendor''s API was found to support, tested and not assumed.';
