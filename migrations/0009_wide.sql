-- Wide tables: one table a survey, one row a live response, one typed column a question. They are made and dropped by the
-- program as definitions change; here is what they have in common.

CREATE SCHEMA alchemer_wide;
COMMENT ON SCHEMA alchemer_wide IS 'One table a survey: a row for each live response, a typed column for each question. …_labels has the text that people read. dictionary says what each column means.';

CREATE TABLE alchemer_wide.dictionary (
    source         text COLLATE "C" NOT NULL,
    survey_id      bigint NOT NULL,
    table_name     text COLLATE "C" NOT NULL,
    variable       text COLLATE "C" NOT NULL,
    position       int NOT NULL,
    type           text NOT NULL,
    question_id    bigint,
    row_id         bigint,
    option_id      bigint,
    question_type  text,
    title          text,
    labels         jsonb,
    PRIMARY KEY (source, survey_id, table_name, variable)
);
COMMENT ON TABLE alchemer_wide.dictionary IS 'Every column of every wide table: its question, type, full title and the meaning of its values.';
COMMENT ON COLUMN alchemer_wide.dictionary.table_name IS 'The table in this schema; the same columns are in …_labels.';
COMMENT ON COLUMN alchemer_wide.dictionary.variable IS 'The column''s name.';
COMMENT ON COLUMN alchemer_wide.dictionary.position IS 'Its place in the table, from 1.';
COMMENT ON COLUMN alchemer_wide.dictionary.type IS 'Its type in SQL, from the question''s definition.';
COMMENT ON COLUMN alchemer_wide.dictionary.question_id IS 'alchemer.question; null for columns of the response itself.';
COMMENT ON COLUMN alchemer_wide.dictionary.row_id IS 'The row of a grid, which is a question too.';
COMMENT ON COLUMN alchemer_wide.dictionary.option_id IS 'The option that a boolean, a rank, a cell or a text beside it stands for.';
COMMENT ON COLUMN alchemer_wide.dictionary.question_type IS 'As the vendor calls it.';
COMMENT ON COLUMN alchemer_wide.dictionary.labels IS '[{"value": …, "label": …}] in the order of the options; of a boolean: what true stands for.';

CREATE TABLE surveysync.wide (
    source        text COLLATE "C" NOT NULL,
    partition     text COLLATE "C" NOT NULL,
    run_id        bigint NOT NULL,
    version       int NOT NULL,
    columns_hash  bytea,
    words_hash    bytea,
    table_names   text[] NOT NULL,
    most_columns  int NOT NULL,
    swept         boolean NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (source, partition)
);
COMMENT ON TABLE surveysync.wide IS 'Which run and which definition each wide table stands at.';
COMMENT ON COLUMN surveysync.wide.run_id IS 'All responses that were written by this run or an earlier one are in it.';
COMMENT ON COLUMN surveysync.wide.version IS 'Of the rules by which definitions become columns; 0: they are looked at again by the next run.';
COMMENT ON COLUMN surveysync.wide.columns_hash IS 'XXH3-128 of names, types and origins of its columns; null: to be made anew.';
COMMENT ON COLUMN surveysync.wide.words_hash IS 'XXH3-128 of titles and labels.';
COMMENT ON COLUMN surveysync.wide.most_columns IS 'How many columns one table may have before the next one continues it.';
COMMENT ON COLUMN surveysync.wide.swept IS 'False: responses were marked deleted outside of a run; the next one takes their rows out.';

-- What a run has changed in a survey is found without reading the survey.
CREATE INDEX response_by_run ON alchemer.response (source, survey_id, run_id);
