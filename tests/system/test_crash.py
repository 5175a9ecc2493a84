"""The crash oracle over all kinds of runs; many kills in a row; a vanished host's leftovers; signals.

A bounded sample of the points, chosen by the printed seed (CRASH_SEED), in every run of the suite; all of them with CRASH_POINTS=all
(`scripts/test --long`). CRASH_KIND=night takes one kind only; CRASH_SHARE=1 every message inside pipelines too.
"""
import os
import random
import signal
import threading
import time
import unittest

import compare
import crash_oracle
import gate
import harness
from crash_oracle import SEED, Oracle, Rig
from harness import LONG, SystemTest, wait_until

EVERY_POINT = os.environ.get('CRASH_POINTS') == 'all'
ONLY = os.environ.get('CRASH_KIND')
SECONDS = 2  # of tries for each kind, unless every point is asked for
KILLS = 6    # in a row


class CrashOracle(unittest.TestCase):
    """Cut either wire at the k-th message, or kill the process at the k-th message or event; start again; compare."""

    @classmethod
    def setUpClass(cls):
        cls.world = crash_oracle.World()
        cls.addClassCleanup(cls.world.close)
        cls.rigs = [Rig(cls.world) for _ in range(2)]
        cls.oracles = {}

    def oracle(self, name):
        """The oracle of a kind; its undisturbed run is made once."""
        if name not in self.oracles:
            self.oracles[name] = Oracle(self.world, self.world.kinds[name], self.rigs)
        return self.oracles[name]

    def run_kind(self, name):
        if ONLY and ONLY != name:
            self.skipTest(f'CRASH_KIND={ONLY}')
        oracle = self.oracle(name)
        points = oracle.sample(10**9)
        failures, tried = oracle.try_all(points, None if EVERY_POINT else SECONDS)
        print(f'\n{tried} of {len(points)} points tried: {oracle.about()}', flush=True)
        self.assertEqual(failures, [], '\n\n'.join(failures))
        self.assertGreaterEqual(tried, len(points) if EVERY_POINT else 2)
        self.assertGreater(oracle.struck, 0, 'no wire was cut and nothing was killed')

    def test_first_load(self):
        self.run_kind('first load')

    def test_night(self):
        self.run_kind('night')

    def test_planned_night(self):
        self.run_kind('planned night')

    def test_plan(self):
        self.run_kind('plan')

    def test_resync(self):
        self.run_kind('resync')

    def test_resync_of_a_time(self):
        self.run_kind('resync of a time')

    def test_resync_of_responses(self):
        self.run_kind('resync of responses')

    def test_resync_of_a_time_in_an_unfinished_pass(self):
        self.run_kind('resync of a time in an unfinished pass')

    def test_replay(self):
        self.run_kind('replay')

    def test_backfill(self):
        self.run_kind('backfill')

    def test_rehearsal(self):
        self.run_kind('rehearsal')

    def test_hook(self):
        self.run_kind('hook')

    def test_migrate(self):
        self.run_kind('migrate')

    def test_killed_again_and_again(self):
        """Four workers; killed six times, each time a little later, and then left alone."""
        for name in ('first load', 'night', 'resync'):
            if ONLY and ONLY != name:
                continue
            oracle = self.oracle(name)
            rig, dice = self.rigs[0], random.Random(f'{SEED} {name}')
            for number in range(20 if EVERY_POINT else 1):
                moments = sorted(dice.randrange(1, oracle.events) for _ in range(KILLS))
                with self.subTest(kind=name, round=number, events=moments, seed=SEED):
                    rig.prepare(oracle.kind, workers=4)
                    for moment in moments:
                        oracle.kill_at_event(rig, moment)
                        orphans = self.world.cluster.psql(rig.name, crash_oracle.ORPHANS)
                        self.assertEqual(orphans.strip(), '0', 'answers without their response after a kill')
                    done = rig.run(oracle.kind.verb)
                    self.assertEqual(done.code, 0, done)
                    self.assertEqual(rig.snapshot(oracle.kind), oracle.expected, oracle.difference(rig))

    def test_the_machine_vanished(self):
        """Without a word, in the middle of a transaction: the server holds it open, and its locks, until it is idle for too long."""
        if not EVERY_POINT:
            self.skipTest('takes the minute after which the server ends the transaction')
        oracle, rig = self.oracle('night'), self.rigs[0]
        rig.prepare(oracle.kind)
        commits = oracle.tags['database'][gate.TO_SERVER].count('Q COMMIT')
        started, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def vanish(_wire):
            started.wait(10)
            process.kill()
            over.wait(200)  # the server hears nothing more
            raise gate.Cut

        rig.database.at(gate.TO_SERVER, random.Random(SEED).randrange(commits // 4, commits), call=vanish, like='Q COMMIT')
        process = rig.start(oracle.kind.verb)
        started.set()
        self.assertEqual(harness.Workbench.finish(process).code, -signal.SIGKILL)
        self.assertIsNotNone(rig.database.struck)
        done = rig.run(oracle.kind.verb, 150)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(rig.snapshot(oracle.kind), oracle.expected, oracle.difference(rig))

    def test_the_vendor_and_the_verdict(self):
        """The undisturbed run that all is compared with is right itself, by the vendor's truth and by a deep verify."""
        for name in ('first load', 'night', 'resync'):
            with self.subTest(kind=name):
                oracle, rig = self.oracle(name), self.rigs[0]
                rig.prepare(oracle.kind)
                done = rig.run(oracle.kind.verb)
                self.assertEqual(done.code, 0, done)
                verified = rig.run(('verify', 'us', '--deep'))
                self.assertEqual(verified.code, 0, verified)
                for table in compare.TABLES:
                    truth = [row for row in self.world.vendor.truth(table)
                             if (row['survey_id'], row.get('response_id')) != self.world.unreadable]
                    self.assertEqual(compare.differences(table, truth, compare.stored(rig, table)), [])

    def test_two_at_once(self):
        """Two processes started together: one works, the other one stands back or finds nothing left; nothing is doubled."""
        for name in ('first load', 'night', 'resync', 'replay'):
            with self.subTest(kind=name):
                oracle = self.oracle(name)
                rig = self.rigs[0]
                rig.prepare(oracle.kind)
                both = [rig.start(oracle.kind.verb) for _ in range(2)]
                done = [harness.Workbench.finish(process) for process in both]
                codes = sorted(run.code for run in done)
                self.assertEqual(codes[0], 0, done[0])
                self.assertIn(codes[1], (0, 7), done[1])
                self.assertEqual(rig.snapshot(oracle.kind), oracle.expected, oracle.difference(rig))


class Stop(SystemTest):
    """SIGTERM and SIGINT end a run in good order and in time."""

    sandbox_arguments = ('--seed', 4, '--surveys', 4, '--responses', 400, '--latency', '60ms')

    def test_signals(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 10, 'min': 5, 'max': 10}
        self.bench.configure(sections)
        for sign, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            for requests in (3, 12) if LONG else (6,):
                with self.subTest(signal=sign.name, requests=requests):
                    answered = self.bench.sandbox.stats()['requests']
                    process = self.bench.start('sync')
                    wait_until(lambda: self.bench.sandbox.stats()['requests'] >= answered + requests, 30, 'requests of the run')
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
    harness.main()
