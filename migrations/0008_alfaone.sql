-- AlfaOne: assessments, their questions, invites, members and tags. Ids are the vendor's (uuid or text); every key starts with the
-- configured source. Key texts compare by bytes (COLLATE "C"): faster, and alike everywhere.

CREATE SCHEMA alfaone;
COMMENT ON SCHEMA alfaone IS 'What AlfaOne has, typed: assessments, questions, invites, members, tags.';

CREATE TABLE alfaone.assessment (
    source                   text COLLATE "C" NOT NULL,
    assessment_id            text COLLATE "C" NOT NULL,
    name                     text,
    default_question_format  text,
    default_answer_format    text,
    languages                text[],
    question_count           integer,
    invite_count             integer,
    total_points             numeric,
    created_at               timestamptz,
    updated_at               timestamptz,
    payload                  json NOT NULL,
    payload_raw              bytea,
    payload_hash             bytea NOT NULL,
    flags                    text[],
    first_seen_at            timestamptz NOT NULL,
    changed_at               timestamptz NOT NULL,
    deleted_at               timestamptz,
    run_id                   bigint NOT NULL,
    PRIMARY KEY (source, assessment_id)
);
COMMENT ON TABLE alfaone.assessment IS 'One row for each assessment of the organisation.';
COMMENT ON COLUMN alfaone.assessment.source IS 'The configured name of the account.';
COMMENT ON COLUMN alfaone.assessment.assessment_id IS 'The vendor''s id.';
COMMENT ON COLUMN alfaone.assessment.default_question_format IS 'text, audio, video or mixed.';
COMMENT ON COLUMN alfaone.assessment.default_answer_format IS 'text, audio, video or mixed.';
COMMENT ON COLUMN alfaone.assessment.total_points IS 'Only the assessment alone shows it: it is asked for alone where the list does not.';
COMMENT ON COLUMN alfaone.assessment.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alfaone.assessment.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alfaone.assessment.payload_hash IS 'XXH3-128 of the vendor''s bytes after privacy.';
COMMENT ON COLUMN alfaone.assessment.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alfaone.assessment.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alfaone.assessment.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alfaone.assessment.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alfaone.assessment.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alfaone.question (
    source           text COLLATE "C" NOT NULL,
    assessment_id    text COLLATE "C" NOT NULL,
    question_id      text COLLATE "C" NOT NULL,
    position         integer,
    type             text,
    title            text,
    text             text,
    description      text,
    format           text,
    question_format  text,
    answer_format    text,
    points           numeric,
    time_limit_seconds  numeric,
    required         boolean,
    options          jsonb,
    created_at       timestamptz,
    updated_at       timestamptz,
    payload          json NOT NULL,
    payload_raw      bytea,
    payload_hash     bytea NOT NULL,
    flags            text[],
    first_seen_at    timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    deleted_at       timestamptz,
    run_id           bigint NOT NULL,
    PRIMARY KEY (source, assessment_id, question_id)
);
COMMENT ON TABLE alfaone.question IS 'Questions of an assessment. The vendor documents neither their fields nor whether a question may be in several assessments: payload has all of it.';
COMMENT ON COLUMN alfaone.question.source IS 'The configured name of the account.';
COMMENT ON COLUMN alfaone.question.assessment_id IS 'The assessment (alfaone.assessment) under which the vendor lists it.';
COMMENT ON COLUMN alfaone.question.question_id IS 'The vendor''s id.';
COMMENT ON COLUMN alfaone.question.time_limit_seconds IS 'As the vendor sends it: timeLimitSeconds, or timeLimit, whose unit is not documented.';
COMMENT ON COLUMN alfaone.question.options IS 'As sent.';
COMMENT ON COLUMN alfaone.question.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alfaone.question.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alfaone.question.payload_hash IS 'XXH3-128 of the vendor''s bytes after privacy.';
COMMENT ON COLUMN alfaone.question.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alfaone.question.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alfaone.question.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alfaone.question.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alfaone.question.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alfaone.invite (
    source                 text COLLATE "C" NOT NULL,
    invite_id              text COLLATE "C" NOT NULL,
    assessment_id          text COLLATE "C",
    assessment_name        text,
    recipient_email        text,
    recipient_name         text,
    status                 text,
    question_replay_limit  integer,
    answer_record_limit    integer,
    sent_at                timestamptz,
    expires_at             timestamptz,
    accepted_at            timestamptz,
    started_at             timestamptz,
    completed_at           timestamptz,
    revoked_at             timestamptz,
    payload                json NOT NULL,
    payload_raw            bytea,
    payload_hash           bytea NOT NULL,
    flags                  text[],
    first_seen_at          timestamptz NOT NULL,
    changed_at             timestamptz NOT NULL,
    deleted_at             timestamptz,
    run_id                 bigint NOT NULL,
    PRIMARY KEY (source, invite_id)
);
COMMENT ON TABLE alfaone.invite IS 'One row for each invitation to an assessment.';
COMMENT ON COLUMN alfaone.invite.source IS 'The configured name of the account.';
COMMENT ON COLUMN alfaone.invite.invite_id IS 'The vendor''s id.';
COMMENT ON COLUMN alfaone.invite.assessment_id IS 'The assessment (alfaone.assessment).';
COMMENT ON COLUMN alfaone.invite.recipient_email IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.invite.recipient_name IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.invite.status IS 'pending, accepted, started, completed, expired or revoked.';
COMMENT ON COLUMN alfaone.invite.revoked_at IS 'Only the invite alone shows it: revoked invites are asked for alone.';
COMMENT ON COLUMN alfaone.invite.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alfaone.invite.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alfaone.invite.payload_hash IS 'XXH3-128 of the vendor''s bytes after privacy.';
COMMENT ON COLUMN alfaone.invite.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alfaone.invite.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alfaone.invite.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alfaone.invite.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alfaone.invite.run_id IS 'The run that wrote the row last (surveysync.run).';
CREATE INDEX invite_by_assessment ON alfaone.invite (source, assessment_id);

CREATE TABLE alfaone.member (
    source         text COLLATE "C" NOT NULL,
    member_id      text COLLATE "C" NOT NULL,
    email          text,
    first_name     text,
    last_name      text,
    name           text,
    role           text,
    status         text,
    created_at     timestamptz,
    updated_at     timestamptz,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, member_id)
);
COMMENT ON TABLE alfaone.member IS 'Members of the organisation.';
COMMENT ON COLUMN alfaone.member.source IS 'The configured name of the account.';
COMMENT ON COLUMN alfaone.member.member_id IS 'The vendor''s id.';
COMMENT ON COLUMN alfaone.member.email IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.member.first_name IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.member.last_name IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.member.name IS 'Follows the privacy rule contacts.';
COMMENT ON COLUMN alfaone.member.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alfaone.member.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alfaone.member.payload_hash IS 'XXH3-128 of the vendor''s bytes after privacy.';
COMMENT ON COLUMN alfaone.member.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alfaone.member.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alfaone.member.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alfaone.member.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alfaone.member.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alfaone.tag (
    source         text COLLATE "C" NOT NULL,
    tag_id         text COLLATE "C" NOT NULL,
    name           text,
    color          text,
    description    text,
    created_at     timestamptz,
    updated_at     timestamptz,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, tag_id)
);
COMMENT ON TABLE alfaone.tag IS 'Tags of the organisation.';
COMMENT ON COLUMN alfaone.tag.source IS 'The configured name of the account.';
COMMENT ON COLUMN alfaone.tag.tag_id IS 'The vendor''s id.';
COMMENT ON COLUMN alfaone.tag.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alfaone.tag.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alfaone.tag.payload_hash IS 'XXH3-128 of the vendor''s bytes after privacy.';
COMMENT ON COLUMN alfaone.tag.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alfaone.tag.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alfaone.tag.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alfaone.tag.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alfaone.tag.run_id IS 'The run that wrote the row last (surveysync.run).';
