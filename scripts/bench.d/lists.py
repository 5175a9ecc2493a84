"""What lists cost that tell nothing of changes: an organisation of the second vendor, and an account of the first with all that it has,
loaded, then again with nothing changed. Run by scripts/bench --lists; uses the fixtures of tests/system."""
import os
import sys

REPO = sys.argv[1]
sys.path.insert(0, os.path.join(REPO, 'tests', 'system'))
from harness import Workbench  # noqa: E402


def last(bench):
    run = bench.database.query('SELECT requests, inserted, extract(epoch FROM finished_at - started_at) AS seconds '
                               'FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]
    return f'{run["requests"]:,} requests, {run["inserted"]:,} new, {float(run["seconds"]):.1f} s'


def nights(label, kind, page, *arguments):
    bench = Workbench(*arguments, settings=())
    sections = bench.sections()
    sections['log'] = {'level': 'warning'}
    sections['source.us'].pop('streams')
    sections['source.us']['type'] = kind
    sections['source.us.limits']['page_size'] = {'start': page}
    bench.configure(sections)
    for night in ('first load', 'at once again', 'a day later, nothing changed'):
        if night.startswith('a day'):
            bench.database.execute("UPDATE surveysync.checkpoint SET probed_at = probed_at - interval '21 hours'")
        done = bench.run('sync', seconds=900)
        if done.code != 0:
            sys.exit(f'{label}, {night}: {done}')
        print(f'{label}, {night}: {last(bench)}', flush=True)
    bench.close()


for generation in (1, 2):
    nights(f'AlfaOne generation {generation}, 20 assessments, 2,000 invites', 'alfaone', 100, '--provider', 'alfaone', '--seed', 5,
           '--surveys', 20, '--responses', 100, '--generation', generation)
nights('Alchemer, all streams, 6 surveys of 500 responses', 'alchemer', 500, '--seed', 7, '--surveys', 6, '--responses', 500)
