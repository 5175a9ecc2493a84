"""A wide table of 100,000 responses x 60 columns: how long it takes to make, and what an analyst's questions take. The answers are
written by SQL; no vendor is asked."""
import os
import signal
import statistics
import subprocess
import sys
import time

REPO = sys.argv[1]
sys.path.insert(0, os.path.join(REPO, 'tests', 'system'))
from harness import Cluster, Database, Scratch, binary, toml  # noqa: E402

RESPONSES, QUESTIONS, ROUNDS, MOST_SECONDS = 100_000, 60, 5, 2.0
# Every fourth question is a choice of five, a number, a text; the others short texts.
FILL = f"""
INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, holder, epoch)
VALUES ('us', 'incremental', 'succeeded', now(), now(), '', 1);
INSERT INTO alchemer.survey (source, survey_id, title, payload, payload_hash, first_seen_at, changed_at, run_id)
VALUES ('us', 1, 'Bench', '{{}}', '\\x00', now(), now(), 1);
INSERT INTO alchemer.question (source, survey_id, question_id, position, base_type, type, title, shortname, properties, payload,
                               payload_hash, first_seen_at, changed_at, run_id)
SELECT 'us', 1, q, q, 'Question', CASE q % 4 WHEN 0 THEN 'RADIO' ELSE 'TEXTBOX' END, 'Question ' || q, 'q' || q,
       CASE q % 4 WHEN 1 THEN '{{"subtype":"NUMBER"}}' ELSE '{{}}' END::jsonb, '{{}}', '\\x00', now(), now(), 1
FROM generate_series(1, {QUESTIONS}) AS q;
INSERT INTO alchemer.option (source, survey_id, question_id, option_id, position, title, value, payload, payload_hash, first_seen_at,
                             changed_at, run_id)
SELECT 'us', 1, q, 10000 + q * 5 + o, o, 'Option ' || o, o::text, '{{}}', '\\x00', now(), now(), 1
FROM generate_series(4, {QUESTIONS}, 4) AS q, generate_series(1, 5) AS o;
INSERT INTO alchemer.response (source, survey_id, response_id, status, is_test_data, date_submitted, payload, payload_hash,
                               first_seen_at, changed_at, run_id)
SELECT 'us', 1, r, CASE WHEN r % 9 = 0 THEN 'Partial' ELSE 'Complete' END, false, now() - r * interval '1 minute', '{{}}', '\\x00', now(),
       now(), 1 FROM generate_series(1, {RESPONSES}) AS r;
INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, answer, is_other, run_id)
SELECT 'us', 1, r, q, '', CASE q % 4 WHEN 0 THEN (r * q % 5 + 1)::text WHEN 1 THEN (r * q % 1000)::text
       ELSE left(md5(r::text || q::text), 8 + q % 20) END, false, 1
FROM generate_series(1, {RESPONSES}) AS r, generate_series(1, {QUESTIONS}) AS q;
ANALYZE;
"""
QUERIES = {
    'select q4, count(*) … group by q4': 'SELECT q4, count(*) FROM alchemer_wide.us_1 GROUP BY q4 ORDER BY 1',
    'select q4, status, count(*), avg(q5), max(q9) … group by q4, status':
        'SELECT q4, status, count(*), avg(q5), max(q9) FROM alchemer_wide.us_1 GROUP BY q4, status ORDER BY 1, 2',
    'the same of texts that people read':
        'SELECT q4, q8, count(*), avg(q5) FROM alchemer_wide.us_1_labels GROUP BY q4, q8 ORDER BY 1, 2',
}


def timed(act):
    start = time.monotonic()
    act()
    return time.monotonic() - start


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = Scratch(os.environ.get('TMPDIR') or '/var/tmp')
    cluster = Cluster(scratch, settings=())
    database = Database(cluster, 'wide')
    secret = scratch.write('key', 'bench-token-0123456789\nbench-secret-0123456789\n', 0o600)
    config = scratch.write('surveysync.toml', toml({
        'database': {'uri': database.uri}, 'state': {'dir': scratch.join('state')},
        'source.us': {'type': 'alchemer', 'region': 'us', 'auth': {'type': 'key', 'secret': f'file:{secret}'}}}))
    os.makedirs(scratch.join('state'), exist_ok=True)

    def surveysync(*verb):
        subprocess.run([binary(), '--config', config, *verb], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=900)

    surveysync('migrate')
    print(f'writing {RESPONSES * QUESTIONS:,} answers ...', flush=True)
    database.execute(FILL)
    made = timed(lambda: surveysync('views', 'rebuild'))
    database.execute('ANALYZE alchemer_wide.us_1')
    if database.value('SELECT count(*) AS n FROM alchemer_wide.us_1 WHERE q60 IS NOT NULL') != RESPONSES:
        sys.exit('the wide table does not hold what was answered')
    size = database.value("SELECT pg_total_relation_size('alchemer_wide.us_1') AS bytes") / 1e6
    print(f'\n{RESPONSES:,} responses x {QUESTIONS} columns: made by `views rebuild` in {made:.1f} s, {size:.0f} MB\n')
    print('| query | s |\n|---|---|')
    slow = False
    for name, sql in QUERIES.items():
        seconds = statistics.median(timed(lambda sql=sql: database.execute(sql)) for _ in range(ROUNDS))
        slow = slow or seconds > MOST_SECONDS
        print(f'| {name} | {seconds:.2f} |')
    scratch.close()
    if slow:
        sys.exit(f'a query took longer than {MOST_SECONDS} s')


if __name__ == '__main__':
    main()
