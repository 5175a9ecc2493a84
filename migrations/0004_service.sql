-- What the daemon and its keys need: probes of refused keys, requests of other processes, incidents that are open once.
ALTER TABLE surveysync.credential
    ADD COLUMN lines          text[],
    ADD COLUMN good_lines     text[],
    ADD COLUMN evidence       text,
    ADD COLUMN next_step      text,
    ADD COLUMN probes         integer NOT NULL DEFAULT 0,
    ADD COLUMN refusals       integer NOT NULL DEFAULT 0,
    ADD COLUMN next_probe_at  timestamptz,
    ADD COLUMN probing        boolean NOT NULL DEFAULT false,
    ADD COLUMN uses           integer NOT NULL DEFAULT 0,
    ADD COLUMN used_at        timestamptz;
COMMENT ON COLUMN surveysync.credential.lines IS 'Fingerprint of each line: tells which half of a pair changed.';
COMMENT ON COLUMN surveysync.credential.good_lines IS 'The same of the key that this slot last worked with.';
COMMENT ON COLUMN surveysync.credential.refusals IS 'Requests that were refused since refused_at.';
COMMENT ON COLUMN surveysync.credential.probing IS 'A probe was granted and has not answered yet: refusals counts it already.';
COMMENT ON COLUMN surveysync.credential.uses IS 'Uses that began since the last answer; many of them mean that a process dies again and again.';
CREATE INDEX credential_by_fingerprint ON surveysync.credential (fingerprint);

ALTER TABLE surveysync.request
    ADD COLUMN exit_code integer,
    ADD COLUMN holder    text,
    ALTER COLUMN requested_by SET DEFAULT CURRENT_USER,
    ALTER COLUMN requested_at SET DEFAULT pg_catalog.now();
COMMENT ON COLUMN surveysync.request.exit_code IS 'What the verb that asked exits with.';
COMMENT ON COLUMN surveysync.request.holder IS 'host/process/start of the program that works on it.';

CREATE INDEX request_unfinished ON surveysync.request (source, request_id) WHERE finished_at IS NULL;

CREATE UNIQUE INDEX incident_open ON surveysync.incident (key) WHERE resolved_at IS NULL;
