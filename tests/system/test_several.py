"""Several processes of one database: daemons share sources and budgets, verbs leave requests to whoever works a source."""
import os
import signal
import time

import compare
import harness
from daemon_fixture import SLOW, DaemonTest, long_only
from harness import LONG, wait_until


class Two(DaemonTest):
    """Two daemons, one database."""

    def pair(self):
        """Both under way; the one that works the source first."""
        self.bench.sandbox.fault(SLOW)
        both = []
        for number in (1, 2):
            sections = self.sections()
            sections['state']['dir'] = self.bench.scratch.join(f'state{number}')
            os.makedirs(sections['state']['dir'], exist_ok=True)
            config = self.bench.scratch.write(f'daemon{number}/surveysync.toml', harness.toml(sections))
            both.append(self.serve(config=config))
        self.wait_for_rows()
        holder = self.bench.database.value("SELECT holder FROM surveysync.lease WHERE source = 'us'")
        first = next(daemon for daemon in both if f'/{daemon.pid}/' in holder)
        return first, both[1 - both.index(first)]

    def overlaps(self):
        return self.bench.database.query(
            "SELECT a.run_id, b.run_id AS other FROM surveysync.run a JOIN surveysync.run b ON b.run_id > a.run_id AND b.source = a.source "
            "WHERE a.finished_at IS NULL OR b.started_at < a.finished_at")

    def test_one_works_a_source_at_a_time(self):
        first, second = self.pair()
        self.bench.sandbox.fault()
        self.wait_for_runs(2 if LONG else 1, seconds=90)  # the first load, and that of the next minute
        self.assert_true_tables()
        for daemon in (first, second):
            self.assertTrue(daemon.alive(), daemon.tail())
        self.assert_stopped(first)
        self.assert_stopped(second)
        self.assertEqual(self.overlaps(), [])
        self.assertLessEqual(self.run_count(), 3)
        self.assert_runs_closed()

    def test_a_paused_holder_is_fenced_out(self):
        first, second = self.pair()
        first.send(signal.SIGSTOP)
        try:
            second.wait_for('run_started', seconds=60)
            self.bench.sandbox.fault()
            self.wait_for_runs()
            self.assert_true_tables(second)
            before = self.bench.database.query('SELECT run_id, outcome, error FROM surveysync.run ORDER BY 1')
        finally:
            first.send(signal.SIGCONT)
        wait_until(lambda: first.events('run_finished'), 30, 'the woken one to notice')
        self.assertTrue(first.alive(), first.tail())
        self.assert_true_tables(first)
        after = self.bench.database.query('SELECT run_id, outcome, error FROM surveysync.run ORDER BY 1')
        self.assertEqual(after[:len(before)], before, 'the woken one wrote over what was said of its run')
        # Both go on, and take turns.
        self.bench.sandbox.change(op='insert', count=3)
        self.succeed('sync')
        self.assert_true_tables()
        self.assert_stopped(first)
        self.assert_stopped(second)
        self.assert_runs_closed()

    def test_a_dead_holder_is_replaced(self):
        first, second = self.pair()
        first.kill()
        second.wait_for('run_started', seconds=60)
        self.bench.sandbox.fault()
        self.wait_for_runs()
        self.assert_true_tables(second)
        self.assert_stopped(second)
        self.assert_runs_closed()


class Requests(DaemonTest):
    def requests(self):
        return self.bench.database.query('SELECT * FROM surveysync.request ORDER BY request_id')

    def test_followed_to_its_end(self):
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        process = self.bench.start('resync', 'us')
        wait_until(self.requests, 20, 'the request')
        self.bench.sandbox.fault()
        done = self.bench.finish(process, 60)
        self.assertEqual(done.code, 0, f'{done}\n{daemon.tail()}')
        request, = self.requests()
        self.assertEqual((request['kind'], request['outcome'], request['exit_code'], request['error']), ('resync', 'succeeded', 0, None))
        self.assertTrue(request['holder'])  # the daemon, or the one who followed, when the daemon was free first
        self.assertIn(f'request {request["request_id"]} waits', done.err)
        self.assert_true_tables()
        self.assert_stopped(daemon)

    @long_only
    def test_queued_behind_a_long_sync(self):
        self.bench.sandbox.fault(SLOW)
        sync = self.bench.start('sync')
        self.wait_for_rows()
        resync = self.bench.start('resync', 'us')
        wait_until(self.requests, 20, 'the request')
        self.bench.sandbox.fault()
        for process in (sync, resync):
            done = self.bench.finish(process, 60)
            self.assertEqual(done.code, 0, done)
        self.assertEqual([row['outcome'] for row in self.requests()], ['succeeded'])
        self.assert_true_tables()
        self.assert_runs_closed()

    def test_not_waited_for(self):
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        begin = time.monotonic()
        self.succeed('resync', 'us', '--no-wait')
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(self.run_count(), 0, 'the load that was in the way is not over yet')
        self.bench.sandbox.fault()
        wait_until(lambda: self.requests()[0]['finished_at'], 60, 'the request to be executed')
        self.assertEqual(self.requests()[0]['outcome'], 'succeeded')
        self.assert_stopped(daemon)
        self.assert_true_tables()

    def test_withdrawn(self):
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        process = self.bench.start('resync', 'us')
        wait_until(self.requests, 20, 'the request')
        process.send_signal(signal.SIGINT)
        done = self.bench.finish(process, 10)
        self.assertEqual(done.code, 130, done)
        self.assertIn('taken back', done.err)
        self.bench.sandbox.fault()
        self.wait_for_runs()
        request, = self.requests()
        self.assertTrue(request['finished_at'])
        self.assertIsNone(request['run_id'])
        self.assert_stopped(daemon)
        self.assertEqual(daemon.events('request_taken'), [])
        self.assert_true_tables()

    def test_the_outcome_of_a_refused_key(self):
        """The key dies under the load that is in the way: the request is not left hanging."""
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        process = self.bench.start('resync', 'us')
        wait_until(self.requests, 20, 'the request')
        self.bench.sandbox.fault('401')
        daemon.wait_for('source_held')
        done = self.bench.finish(process, 60)
        self.assertEqual(done.code, 4, f'{done}\n{self.requests()}\n{daemon.tail()}')
        self.bench.sandbox.fault()
        daemon.wait_for('source_released', seconds=60)
        self.wait_for_runs()
        self.assert_true_tables(daemon)
        self.assert_stopped(daemon)

    @long_only
    def test_the_outcome_of_the_brake(self):
        self.succeed('sync')
        survey = self.bench.sandbox.truth('survey')[0]['survey_id']
        self.bench.sandbox.change(op='mass-delete', survey=survey, percent=60)
        try:
            self.bench.sandbox.fault(SLOW)
            sync = self.bench.start('resync', 'us')
            self.lease_is_held()
            resync = self.bench.start('resync', 'us', '--survey', survey)
            wait_until(self.requests, 20, 'the request')
            self.bench.sandbox.fault()
            self.assertEqual(self.bench.finish(sync, 60).code, 8)
            done = self.bench.finish(resync, 60)
            self.assertEqual(done.code, 8, done)
            self.assertEqual([row['exit_code'] for row in self.requests()], [8])
        finally:
            self.succeed('resync', 'us', '--survey', survey, '--yes')
        self.recover()

    def lease_is_held(self):
        held = "SELECT count(*) AS n FROM surveysync.lease WHERE holder <> '' AND expires_at > now()"
        wait_until(lambda: self.bench.database.value(held), 20, 'the lease')

    def test_written_by_hand(self):
        daemon = self.serve()
        self.wait_for_runs()
        survey = self.bench.sandbox.truth('survey')[0]['survey_id']
        self.bench.database.execute(
            f"INSERT INTO surveysync.request (source, kind, arguments) VALUES ('us', 'resync', '{{\"survey\": [\"{survey}\"]}}'); "
            "INSERT INTO surveysync.request (source, kind) VALUES ('us', 'rezync'); "
            "INSERT INTO surveysync.request (source, kind, arguments) VALUES ('us', 'resync', '{\"surveys\": 3}'); "
            "INSERT INTO surveysync.request (source, kind, arguments) VALUES ('us', 'backfill', '{\"from\": \"2026-02-31\"}'); "
            "INSERT INTO surveysync.request (source, kind) VALUES ('us', 'incremental')")
        wait_until(lambda: all(row['finished_at'] for row in self.requests()), 60,
                   lambda: f'all to be finished: {self.requests()}')
        good, typo, argument, day, last = self.requests()
        self.assertEqual((good['outcome'], good['exit_code']), ('succeeded', 0))
        self.assertEqual((last['outcome'], last['exit_code']), ('succeeded', 0))
        for bad, word in ((typo, 'rezync'), (argument, 'surveys'), (day, '')):
            self.assertEqual((bad['outcome'], bad['exit_code']), ('failed', 2), bad)
            self.assertTrue(bad['error'])
            self.assertIn(word, bad['error'])
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)


class Budget(DaemonTest):
    """One account, three processes: the vendor counts them together."""

    sandbox_arguments = ('--seed', 12, '--surveys', 2, '--responses', 60, '--window', '2s', '--limit', 1000)
    SHARE = 20

    def test_all_together_keep_to_the_share(self):
        limits = {'vendor_limit': 30, 'requests_per_minute': self.SHARE, 'window': '2s'}
        sections = self.sections(**limits)
        base = dict(sections.pop('source.us'), account='together')
        own = sections.pop('source.us.limits')
        configs = {}
        for name in ('us', 'b', 'c'):
            part = {**sections, f'source.{name}': dict(base), f'source.{name}.limits': own}
            if name != 'us':
                del part[f'source.{name}']['schedule']
            configs[name] = self.bench.scratch.write(f'part {name}/surveysync.toml', harness.toml(part))
        daemon = self.serve(config=configs['us'])
        others = [self.serve(config=configs[name], verb=('sync',)) for name in ('b', 'c')]
        for other in others:
            self.assertEqual(other.process.wait(100), 0, other.tail())
        self.wait_for_runs(seconds=100)
        self.assert_stopped(daemon)
        stats = self.bench.sandbox.stats()
        self.assertGreater(stats['requests'], 2 * self.SHARE, 'too few for a test')
        self.assertNotIn('429', stats['statuses'])
        self.assertLessEqual(stats['max_in_window'], self.SHARE)
        for name in ('us', 'b', 'c'):
            rows = compare.stored(self.bench.database, 'response', name)
            self.assertEqual(compare.differences('response', self.bench.sandbox.truth('response'), rows), [])


if __name__ == '__main__':
    harness.main()
