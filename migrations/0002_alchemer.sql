-- Alchemer: surveys, their definitions, responses and answers. Ids are the vendor's; every key starts with the configured
-- source, because ids are unique only within an account. Key texts compare by bytes (COLLATE "C"): faster, and alike everywhere.

CREATE SCHEMA alchemer;
COMMENT ON SCHEMA alchemer IS 'What Alchemer has, typed: surveys, definitions, responses, answers.';

CREATE TABLE alchemer.survey (
    source          text COLLATE "C" NOT NULL,
    survey_id       bigint NOT NULL,
    title           text,
    internal_title  text,
    type            text,
    status          text,
    created_at      timestamptz,
    modified_at     timestamptz,
    team_ids        bigint[],
    languages       text[],
    statistics      jsonb,
    payload         json NOT NULL,
    payload_raw     bytea,
    payload_hash    bytea NOT NULL,
    flags           text[],
    first_seen_at   timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    run_id          bigint NOT NULL,
    PRIMARY KEY (source, survey_id)
);
COMMENT ON TABLE alchemer.survey IS 'One row for each survey of the account.';
COMMENT ON COLUMN alchemer.survey.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.survey.survey_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.survey.modified_at IS 'Last change of the definition at the vendor.';
COMMENT ON COLUMN alchemer.survey.statistics IS 'Counts of responses by status as the vendor sends them, numbers made numbers.';
COMMENT ON COLUMN alchemer.survey.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.survey.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.survey.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.survey.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.survey.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.survey.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.survey.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.survey.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.page (
    source         text COLLATE "C" NOT NULL,
    survey_id      bigint NOT NULL,
    page_id        bigint NOT NULL,
    title          text,
    titles         jsonb,
    position       int,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, survey_id, page_id)
);
COMMENT ON TABLE alchemer.page IS 'Pages of a survey.';
COMMENT ON COLUMN alchemer.page.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.page.title IS 'Plain text: no markup, entities resolved.';
COMMENT ON COLUMN alchemer.page.titles IS 'All languages, as sent.';
COMMENT ON COLUMN alchemer.page.position IS 'The vendor''s order within the survey.';
COMMENT ON COLUMN alchemer.page.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.page.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.page.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.page.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.page.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.page.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.page.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.page.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.question (
    source              text COLLATE "C" NOT NULL,
    survey_id           bigint NOT NULL,
    question_id         bigint NOT NULL,
    parent_question_id  bigint,
    page_id             bigint,
    position            int,
    base_type           text,
    type                text,
    title               text,
    titles              jsonb,
    shortname           text,
    varname             jsonb,
    properties          jsonb,
    payload             json NOT NULL,
    payload_raw         bytea,
    payload_hash        bytea NOT NULL,
    flags               text[],
    first_seen_at       timestamptz NOT NULL,
    changed_at          timestamptz NOT NULL,
    deleted_at          timestamptz,
    run_id              bigint NOT NULL,
    PRIMARY KEY (source, survey_id, question_id)
);
COMMENT ON TABLE alchemer.question IS 'Questions of a survey, sub-questions of grids included.';
COMMENT ON COLUMN alchemer.question.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.question.parent_question_id IS 'The grid or group that this question is a row of.';
COMMENT ON COLUMN alchemer.question.position IS 'The vendor''s order within page and parent.';
COMMENT ON COLUMN alchemer.question.title IS 'Plain text: no markup, entities resolved.';
COMMENT ON COLUMN alchemer.question.titles IS 'All languages, as sent.';
COMMENT ON COLUMN alchemer.question.shortname IS 'The name that the survey''s author gave it.';
COMMENT ON COLUMN alchemer.question.properties IS 'The vendor''s settings of the question.';
COMMENT ON COLUMN alchemer.question.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.question.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.question.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.question.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.question.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.question.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.question.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.question.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.option (
    source         text COLLATE "C" NOT NULL,
    survey_id      bigint NOT NULL,
    question_id    bigint NOT NULL,
    option_id      bigint NOT NULL,
    position       int,
    title          text,
    titles         jsonb,
    value          text,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, survey_id, question_id, option_id)
);
COMMENT ON TABLE alchemer.option IS 'Answer options of a question.';
COMMENT ON COLUMN alchemer.option.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.option.option_id IS 'The vendor''s sku.';
COMMENT ON COLUMN alchemer.option.position IS 'The vendor''s order within the question.';
COMMENT ON COLUMN alchemer.option.title IS 'What the respondent sees: plain text.';
COMMENT ON COLUMN alchemer.option.titles IS 'All languages, as sent.';
COMMENT ON COLUMN alchemer.option.value IS 'The reporting value, as found in alchemer.answer.answer.';
COMMENT ON COLUMN alchemer.option.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.option.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.option.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.option.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.option.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.option.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.option.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.option.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.response (
    source                 text COLLATE "C" NOT NULL,
    survey_id              bigint NOT NULL,
    response_id            bigint NOT NULL,
    status                 text,
    is_test_data           boolean,
    date_submitted         timestamptz,
    date_started           timestamptz,
    date_updated           timestamptz,
    session_id             text,
    language               text,
    link_id                text,
    contact_id             text,
    response_time_seconds  int,
    url_variables          jsonb,
    data_quality           jsonb,
    comments               text,
    ip_address             text,
    user_agent             text,
    referer                text,
    country                text,
    region                 text,
    city                   text,
    postal                 text,
    latitude               numeric,
    longitude              numeric,
    payload                json NOT NULL,
    payload_raw            bytea,
    payload_hash           bytea NOT NULL,
    flags                  text[],
    first_seen_at          timestamptz NOT NULL,
    changed_at             timestamptz NOT NULL,
    deleted_at             timestamptz,
    run_id                 bigint NOT NULL,
    PRIMARY KEY (source, survey_id, response_id)
);
COMMENT ON TABLE alchemer.response IS 'One row for each response; its answers are in alchemer.answer. Add `deleted_at IS NULL` to see what the vendor still has.';
COMMENT ON COLUMN alchemer.response.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.response.response_id IS 'The vendor''s id, unique within the survey only.';
COMMENT ON COLUMN alchemer.response.status IS 'Complete, Partial, Disqualified, …';
COMMENT ON COLUMN alchemer.response.is_test_data IS 'Made by the survey''s author, not by a respondent.';
COMMENT ON COLUMN alchemer.response.date_updated IS 'Last change at the vendor.';
COMMENT ON COLUMN alchemer.response.response_time_seconds IS 'Time from start to submission.';
COMMENT ON COLUMN alchemer.response.url_variables IS '{name: value}.';
COMMENT ON COLUMN alchemer.response.data_quality IS 'As sent.';
COMMENT ON COLUMN alchemer.response.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.response.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.response.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.response.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.response.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.response.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.response.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.response.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.answer (
    source              text COLLATE "C" NOT NULL,
    survey_id           bigint NOT NULL,
    response_id         bigint NOT NULL,
    question_id         bigint NOT NULL,
    item                text COLLATE "C" NOT NULL,
    parent_question_id  bigint,
    row_id              bigint,
    option_id           bigint,
    answer              text,
    original_answer     text,
    option_title        text,
    rank                int,
    shown               boolean,
    is_other            boolean NOT NULL,
    comment             text,
    type                text,
    page_id             bigint,
    run_id              bigint NOT NULL,
    PRIMARY KEY (source, survey_id, response_id, question_id, item)
);
COMMENT ON TABLE alchemer.answer IS 'One row for each answered item of a response. It lives and dies with its response: join alchemer.response and add `deleted_at IS NULL`.';
COMMENT ON COLUMN alchemer.answer.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.answer.item IS 'Which part of the question: empty for a plain answer, the option''s sku for checkboxes and rankings, row/sku for cells of a grid.';
COMMENT ON COLUMN alchemer.answer.row_id IS 'The row of a grid (a sub-question).';
COMMENT ON COLUMN alchemer.answer.option_id IS 'The option chosen (alchemer.option).';
COMMENT ON COLUMN alchemer.answer.answer IS 'The reporting value.';
COMMENT ON COLUMN alchemer.answer.original_answer IS 'The reporting value at submission.';
COMMENT ON COLUMN alchemer.answer.option_title IS 'What the respondent saw.';
COMMENT ON COLUMN alchemer.answer.rank IS 'Place given in a ranking.';
COMMENT ON COLUMN alchemer.answer.shown IS 'Whether the respondent saw the question.';
COMMENT ON COLUMN alchemer.answer.is_other IS 'A text typed beside an other option.';
COMMENT ON COLUMN alchemer.answer.comment IS 'What was typed into the question''s comment field.';
COMMENT ON COLUMN alchemer.answer.run_id IS 'The run that wrote the row last (surveysync.run).';
