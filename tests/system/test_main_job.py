"""The main job: what the vendor has is in the tables, row by row and column by column; what did not change is not touched."""
import contextlib
import threading
import time
import unittest

import compare
import harness
from harness import LONG, SystemTest, Workbench


def row_versions(database):
    """Which transaction wrote each row: unchanged means not rewritten."""
    out = {}
    for table in compare.TABLES:
        key = ', '.join(f'"{name}"' for name in ('source', *compare.KEYS[table]))
        out[table] = database.value(f"SELECT md5(coalesce(string_agg(xmin::text || ctid::text, ' ' ORDER BY {key}), '')) AS hash "
                                    f'FROM alchemer.{table}')
    return out


class MainJob(SystemTest):
    sandbox_arguments = ('--seed', 7, '--surveys', 4, '--responses', '60-240')

    def test_everything_arrives_and_nothing_is_touched_twice(self):
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        certificates = self.bench.database.query('SELECT * FROM surveysync.certificate')
        self.assertEqual(len(certificates), 4)
        live = {row['survey_id']: row['n'] for row in self.bench.database.query(
            'SELECT survey_id, count(*) AS n FROM alchemer.response GROUP BY survey_id')}
        for row in certificates:
            with self.subTest(survey=row['survey_id']):
                self.assertTrue(row['balanced'])
                self.assertEqual(row['total_before'], live[row['survey_id']])
                self.assertEqual(row['total_after'], row['stored_live'])

        before = row_versions(self.bench.database)
        self.succeed('sync')
        self.assertEqual(row_versions(self.bench.database), before, 'the second sync rewrote rows')
        last = self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]
        self.assertEqual((last['outcome'], last['inserted'], last['updated']), ('succeeded', 0, 0))
        self.assertLess(last['requests'], 12, 'a night in which nothing changed')

        # What people do next is taken over: an edit, a completion, new responses, a changed definition, a new survey.
        surveys = sorted(live)
        self.bench.sandbox.change(op='edit', survey=surveys[0])
        self.bench.sandbox.change(op='complete', survey=surveys[1])
        self.bench.sandbox.change(op='insert', survey=surveys[2], count=7)
        self.bench.sandbox.change(op='edit-definition', survey=surveys[3])
        self.bench.sandbox.change(op='add-survey', count=30)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        last = self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]
        self.assertEqual(last['outcome'], 'succeeded')
        self.assertGreater(last['inserted'], 36)


class Privacy(SystemTest):
    sandbox_arguments = ('--seed', 11, '--surveys', 2, '--responses', 60)

    def test_personal_fields_are_dropped_on_request(self):
        sections = self.bench.sections()
        sections['source.us']['privacy'] = {'ip_address': 'drop', 'user_agent': 'drop', 'geo': 'drop'}
        self.bench.configure(sections)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench, ('response',), privacy='drop'), [])
        addresses = [row['ip_address'] for row in self.bench.sandbox.truth('response', privacy='keep') if row['ip_address']]
        self.assertTrue(addresses)
        dump = self.bench.cluster.dump('warehouse').decode('utf-8', 'replace')
        self.assertFalse([address for address in addresses if f'"{address}"' in dump], 'dropped, yet in the database')

        self.bench.configure()  # kept again: the next run brings them back
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench, ('response',)), [])


class WhileItIsRead(SystemTest):
    """People answer, edit and complete while the run reads; a run at rest afterwards finds everything."""

    sandbox_arguments = ('--seed', 5, '--surveys', 3, '--responses', 300, '--latency', '5ms')

    def test_changes_during_the_run(self):
        stop = threading.Event()

        def people():
            turn = 0
            while not stop.is_set():
                self.bench.sandbox.change(op=('edit', 'insert', 'complete')[turn % 3], count=1)
                turn += 1
                stop.wait(0.03)

        thread = threading.Thread(target=people)
        thread.start()
        try:
            done = self.bench.run('sync')
        finally:
            stop.set()
            thread.join(10)
        self.assertIn(done.code, (0, 6), done)  # the totals may never have stood still
        time.sleep(1.1)  # "newest wins" compares whole seconds: let the last change age
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])


class Accounts(unittest.TestCase):
    """Other seeds, other clocks, small pages, a vendor that caps its pages."""

    def check(self, *arguments, source=None, limits=None):
        with contextlib.closing(Workbench(*arguments)) as bench:
            sections = bench.sections()
            sections['source.us'].update(source or {})
            sections['source.us.limits'].update(limits or {})
            bench.configure(sections)
            done = bench.run('sync')
            self.assertEqual(done.code, 0, done)
            self.assertEqual(compare.against_truth(bench), [])

    def test_other_seeds(self):
        for seed in range(100, 120 if LONG else 103):
            with self.subTest(seed=seed):
                self.check('--seed', seed, '--surveys', 3, '--responses', '0-90')

    def test_date_updated_on_the_region_clock(self):
        self.check('--seed', 21, '--surveys', 2, '--responses', 80, '--updated-zone', 'region')

    def test_europe(self):
        self.check('--seed', 22, '--surveys', 2, '--responses', 80, '--region-zone', 'Europe/London')

    def test_vendor_with_a_small_page_cap(self):
        self.check('--seed', 23, '--surveys', 2, '--responses', 130, '--page-cap', 20)

    def test_wide_survey(self):
        self.check('--seed', 24, '--surveys', 1, '--responses', 60, '--questions', 400)

    def test_empty_account(self):
        self.check('--seed', 25, '--surveys', 0)

    def test_one_worker_and_many(self):
        for workers in (1, 16):
            with self.subTest(workers=workers):
                self.check('--seed', 26, '--surveys', 5, '--responses', 40, limits={'workers': workers})


if __name__ == '__main__':
    harness.main()
