"""Nights after the first load, against the sandbox vendor: 1 % new of 100,000 responses, a night in which nothing changed in an
account of 1,000 surveys, and how near `plan` comes. Run by scripts/bench --nights; uses the fixtures of tests/system."""
import os
import statistics
import sys
import time

REPO = sys.argv[1]
sys.path.insert(0, os.path.join(REPO, 'tests', 'system'))
import harness  # noqa: E402
from harness import Workbench  # noqa: E402

ROUNDS = 3


def workbench(*arguments):
    bench = Workbench(*arguments, settings=())
    sections = bench.sections()
    sections['log'] = {'level': 'warning'}
    sections['source.us.limits']['page_size'] = {'start': 500}
    bench.configure(sections)
    return bench


def timed(bench, *verb):
    before = len(bench.sandbox.log())
    start = time.monotonic()
    done = bench.run(*verb, seconds=900)
    if done.code != 0:
        sys.exit(f'{verb}: {done}')
    return time.monotonic() - start, len(bench.sandbox.log()) - before, done


def one_percent():
    bench = workbench('--seed', 3, '--surveys', 10, '--responses', 10000)
    first, requests, _ = timed(bench, 'sync')
    yield f'first load of 100,000 responses: {first:.1f} s, {requests} requests'
    surveys = sorted({row['survey_id'] for row in bench.database.query('SELECT DISTINCT survey_id FROM alchemer.response')})
    spans = []
    for _ in range(ROUNDS):
        for survey in surveys:
            bench.sandbox.change(op='insert', survey=survey, count=100)
        for survey in surveys:
            bench.sandbox.prepare(survey, '2025-11-30T00:00:00Z')
        span, requests, _ = timed(bench, 'sync')
        spans.append(span)
        stored = bench.database.query('SELECT inserted FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]['inserted']
        if stored < 1000:
            sys.exit(f'only {stored} rows were stored')
        if bench.database.value('SELECT bool_and(balanced) AS ok FROM surveysync.certificate') is not True:
            sys.exit('a certificate does not balance')
    yield f'1 % new of 100,000, stored and certified: {statistics.median(spans):.2f} s (median of {ROUNDS}), {requests} requests'
    bench.close()


def thousand():
    bench = workbench('--seed', 5, '--surveys', 1000, '--active', 20, '--responses', 20, '--questions', 3)
    span, requests, _ = timed(bench, 'sync')
    yield f'first load of 1,000 surveys: {span:.1f} s, {requests} requests'
    span, requests, _ = timed(bench, 'sync')
    yield f'the next run, nothing changed, no dormant survey due: {span:.2f} s, {requests} requests'
    bench.database.execute("UPDATE surveysync.checkpoint SET probed_at = probed_at - interval '1 day'")
    span, requests, _ = timed(bench, 'sync')
    yield f'a day later, nothing changed, a seventh of 980 dormant surveys due: {span:.2f} s, {requests} requests'
    for survey in bench.database.query('SELECT DISTINCT survey_id FROM alchemer.response ORDER BY 1 LIMIT 12'):
        bench.sandbox.change(op='insert', survey=survey['survey_id'], count=30)
    _, asked, done = timed(bench, 'plan', '--json')
    promised = done.json()['sources'][0]['requests']
    _, requests, _ = timed(bench, 'sync')
    yield f'`plan` of a night with 12 changed surveys: promised {promised}, took {requests} (and asked {asked} itself)'
    bench.close()


def main():
    harness.binary()
    for part in (one_percent, thousand):
        for line in part():
            print(line, flush=True)


main()
