"""kill -9 at random moments, start again: the tables are those of an undisturbed run, stamps aside."""
import os
import random
import signal
import time
import unittest

import compare
import harness
from harness import LONG, SystemTest

SEED = int(os.environ.get('CRASH_SEED', '20260101'))
ROUNDS = 40 if LONG else 4
KILLS = 5  # in a round


class Crash(SystemTest):
    sandbox_arguments = ('--seed', 3, '--surveys', 3, '--responses', 260, '--latency', '4ms')

    def setUp(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 20, 'min': 5, 'max': 20}
        self.bench.configure(sections)

    def undisturbed(self):
        self.fresh_database()
        start = time.monotonic()
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        return compare.fingerprint(self.bench.database), time.monotonic() - start

    def test_kill_and_restart(self):
        expected, span = self.undisturbed()
        dice = random.Random(SEED)
        for number in range(ROUNDS):
            moments = [round(dice.uniform(0.01, span), 3) for _ in range(KILLS)]
            with self.subTest(round=number, moments=moments, seed=SEED):
                self.fresh_database()
                for moment in moments:
                    process = self.bench.start('sync')
                    time.sleep(moment)  # the moment is the test
                    process.send_signal(signal.SIGKILL)
                    self.bench.finish(process, 20)
                    self.assert_nothing_half_stored()
                self.succeed('sync')
                self.assertEqual(compare.fingerprint(self.bench.database), expected)
                open_runs = self.bench.database.query("SELECT * FROM surveysync.run WHERE outcome IS NULL OR finished_at IS NULL")
                self.assertEqual(open_runs, [], 'a run of a dead process was left open')

    def assert_nothing_half_stored(self):
        """Between the crash and the restart too, no answer stands without its response."""
        orphans = self.bench.database.value('SELECT count(*) AS n FROM alchemer.answer a WHERE NOT EXISTS (SELECT FROM alchemer.response r '
                                            'WHERE (r.source, r.survey_id, r.response_id) = (a.source, a.survey_id, a.response_id))')
        self.assertEqual(orphans, 0)

    def test_the_server_is_killed_too(self):
        """The database dies in mid-run (as in a crash of its machine) and comes back."""
        expected, span = self.undisturbed()
        dice = random.Random(SEED + 1)
        for number in range(10 if LONG else 2):
            moment = round(dice.uniform(0.05, span), 3)
            with self.subTest(round=number, moment=moment):
                self.fresh_database()
                process = self.bench.start('sync')
                time.sleep(moment)
                self.bench.cluster.stop('immediate')
                done = self.bench.finish(process, 60)
                self.bench.cluster.start()
                self.assertIn(done.code, (0, 3, 5), done)
                self.succeed('sync')
                self.assertEqual(compare.fingerprint(self.bench.database), expected)


class Stop(SystemTest):
    """SIGTERM and SIGINT end a run in good order and in time."""

    sandbox_arguments = ('--seed', 4, '--surveys', 4, '--responses', 400, '--latency', '60ms')

    def test_signals(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 10, 'min': 5, 'max': 10}
        self.bench.configure(sections)
        for sign, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            for moment in (0.3, 0.8):
                with self.subTest(signal=sign.name, moment=moment):
                    process = self.bench.start('sync')
                    time.sleep(moment)
                    process.send_signal(sign)
                    start = time.monotonic()
                    done = self.bench.finish(process, 20)
                    self.assertEqual(done.code, code, done)
                    self.assertLess(time.monotonic() - start, 5)
                    last = self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]
                    self.assertEqual(last['outcome'], 'cancelled')
                    held = self.bench.database.value('SELECT count(*) AS n FROM surveysync.lease WHERE expires_at > now() '
                                                     'AND holder IS NOT NULL')
                    self.assertEqual(held, 0, 'the lease was not given up')

    def test_signal_at_the_very_start(self):
        for delay in (0.0, 0.005, 0.02, 0.05):
            with self.subTest(delay=delay):
                process = self.bench.start('sync')
                time.sleep(delay)
                process.send_signal(signal.SIGTERM)
                done = self.bench.finish(process, 20)
                self.assertIn(done.code, (143, -signal.SIGTERM), done)


if __name__ == '__main__':
    unittest.main(verbosity=2)
