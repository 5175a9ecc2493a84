-- Erasure: what was erased on request is remembered by keyed digests, records and persons alike.

ALTER TABLE surveysync.erasure
    ADD COLUMN present          boolean NOT NULL DEFAULT true,
    ADD COLUMN key_fingerprint  text COLLATE "C";
COMMENT ON COLUMN surveysync.erasure.kind IS 'erasure: a record that was erased; person: somebody who was, by e-mail address or contact id; drop: a record dropped from quarantine.';
COMMENT ON COLUMN surveysync.erasure.stream IS 'Empty for a person: no stream brings them back.';
COMMENT ON COLUMN surveysync.erasure.digest IS 'HMAC-SHA256 by the privacy key, 16 bytes; of dropped records XXH3-128.';
COMMENT ON COLUMN surveysync.erasure.present IS 'The vendor has the record: certificates count it as excluded.';
COMMENT ON COLUMN surveysync.erasure.key_fingerprint IS 'Which privacy key made the digest; null for dropped records, which need none.';
