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
COMMENT ON COLUMN surveysync.sighting.record_keys IS 'The last part of each key as text: the one behind the partition''s.';

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
-- What is stored was so from the beginning, as far as we know; the next complete pass adds the contexts.
INSERT INTO surveysync.definition_history (source, survey_id, object, object_id, recorded_at, payload, run_id, payload_hash)
SELECT source, survey_id, 'survey', '', changed_at, payload, run_id, payload_hash FROM alchemer.survey
UNION ALL
SELECT source, survey_id, 'page', page_id::text, changed_at, payload, run_id, payload_hash FROM alchemer.page
UNION ALL
SELECT source, survey_id, 'question', question_id::text, changed_at, payload, run_id, payload_hash FROM alchemer.question
UNION ALL
SELECT source, survey_id, 'option', question_id::text || '/' || option_id::text, changed_at, payload, run_id, payload_hash
FROM alchemer.option;
COMMENT ON TABLE surveysync.definition_history IS 'Every version of survey, page, question and option definitions, the present one included. payload is null where the vendor deleted it.';
COMMENT ON COLUMN surveysync.definition_history.payload_raw IS 'As in the row: the original bytes, only where payload had to be altered.';
COMMENT ON COLUMN surveysync.definition_history.object IS 'survey, page, question or option.';
COMMENT ON COLUMN surveysync.definition_history.object_id IS 'The vendor''s ids within the survey, joined by /: 12, for an option 12/10034; empty for the survey.';
COMMENT ON COLUMN surveysync.definition_history.recorded_at IS 'When this version was met first.';
COMMENT ON COLUMN surveysync.definition_history.context IS 'What the row depends on beyond the payload (its place); that of the newest version is kept up to date.';
COMMENT ON COLUMN surveysync.definition_history.payload_hash IS 'XXH3-128 of the vendor''s bytes; null where payload is.';
COMMENT ON COLUMN surveysync.definition_history.valid_from IS 'From when on respondents saw this version, as far as the vendor tells; -infinity for the first one known.';

ALTER TABLE surveysync.run
    ADD COLUMN certified  boolean NOT NULL DEFAULT false,
    ADD COLUMN hook_at    timestamptz;
COMMENT ON COLUMN surveysync.run.kind IS 'incremental, resync, backfill, replay or retry.';
COMMENT ON COLUMN surveysync.run.certified IS 'Every survey that was looked at balanced.';
COMMENT ON COLUMN surveysync.run.hook_at IS 'When the configured hook had run for it.';

-- Versions become ranges of time, so that answers can be joined to them by equality of ids; titles are taken out once a
-- version and not once an answer.
CREATE VIEW alchemer.definition_version AS
SELECT source, survey_id, object, object_id, valid_from,
       lead(valid_from, 1, 'infinity') OVER (PARTITION BY source, survey_id, object, object_id
                                             ORDER BY valid_from, recorded_at) AS valid_until,
       CASE WHEN json_typeof(payload -> 'title') = 'object'
            THEN (SELECT t.value FROM json_each_text(payload -> 'title') AS t LIMIT 1)
            ELSE payload ->> 'title' END AS title,
       payload -> 'title' AS titles,
       payload
FROM surveysync.definition_history
WHERE payload IS NOT NULL;
COMMENT ON VIEW alchemer.definition_version IS 'Each wording of surveys, pages, questions and options with the time in which respondents saw it: valid_from inclusive, valid_until exclusive. A wording lasts until the next one, also if the vendor deleted it meanwhile.';
COMMENT ON COLUMN alchemer.definition_version.object_id IS 'The vendor''s ids within the survey, joined by /: 12, for an option 12/10034; empty for the survey.';
COMMENT ON COLUMN alchemer.definition_version.title IS 'In the first language; markup as the vendor sent it.';
COMMENT ON COLUMN alchemer.definition_version.titles IS 'All languages, as sent.';

CREATE VIEW alchemer.answer_wording AS
SELECT a.source, a.survey_id, a.response_id, a.question_id, a.item, a.row_id, a.option_id, a.answer, r.language, r.seen_at,
       coalesce(q.titles ->> r.language, q.title) AS question_title,
       coalesce(w.titles ->> r.language, w.title) AS row_title,
       coalesce(o.titles ->> r.language, o.title, p.titles ->> r.language, p.title) AS option_title,
       q.payload AS question, w.payload AS row_question, coalesce(o.payload, p.payload) AS option,
       q.valid_from AS question_valid_from, coalesce(o.valid_from, p.valid_from) AS option_valid_from
FROM alchemer.answer AS a
JOIN (SELECT source, survey_id, response_id, language,
             coalesce(date_started, date_submitted, date_updated, first_seen_at) AS seen_at
      FROM alchemer.response WHERE deleted_at IS NULL) AS r
  ON r.source = a.source AND r.survey_id = a.survey_id AND r.response_id = a.response_id
LEFT JOIN alchemer.definition_version AS q
  ON q.source = a.source AND q.survey_id = a.survey_id AND q.object = 'question' AND q.object_id = a.question_id::text
 AND q.valid_from <= r.seen_at AND r.seen_at < q.valid_until
LEFT JOIN alchemer.definition_version AS w
  ON w.source = a.source AND w.survey_id = a.survey_id AND w.object = 'question' AND w.object_id = a.row_id::text
 AND w.valid_from <= r.seen_at AND r.seen_at < w.valid_until
LEFT JOIN alchemer.definition_version AS o
  ON o.source = a.source AND o.survey_id = a.survey_id AND o.object = 'option'
 AND o.object_id = a.question_id::text || '/' || a.option_id::text
 AND o.valid_from <= r.seen_at AND r.seen_at < o.valid_until
LEFT JOIN alchemer.definition_version AS p
  ON p.source = a.source AND p.survey_id = a.survey_id AND p.object = 'option'
 AND p.object_id = coalesce(a.row_id, a.parent_question_id)::text || '/' || a.option_id::text
 AND p.valid_from <= r.seen_at AND r.seen_at < p.valid_until;
COMMENT ON VIEW alchemer.answer_wording IS 'Answers of live responses with the wording that the respondent saw. Join alchemer.answer by its key, or read it alone.';
COMMENT ON COLUMN alchemer.answer_wording.seen_at IS 'When the response was started, else submitted.';
COMMENT ON COLUMN alchemer.answer_wording.question_title IS 'In the respondent''s language, else in the first one; markup as the vendor sent it.';
COMMENT ON COLUMN alchemer.answer_wording.row_title IS 'The title of the row of a grid.';
COMMENT ON COLUMN alchemer.answer_wording.option_title IS 'The title of the option that was chosen.';
COMMENT ON COLUMN alchemer.answer_wording.question IS 'The whole question as the vendor sent it in that version.';
COMMENT ON COLUMN alchemer.answer_wording.row_question IS 'The row of the grid as the vendor sent it.';
COMMENT ON COLUMN alchemer.answer_wording.option IS 'The option as the vendor sent it.';
COMMENT ON COLUMN alchemer.answer_wording.question_valid_from IS '-infinity for the first wording that was met.';
