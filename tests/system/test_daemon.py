"""`serve` as a service: it starts with a load, talks to systemd, stops at once wherever it is, reloads, outlives its database and
its own death, and shares sources and budgets with other processes. Every test of a fault ends with tables that equal the truth."""
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

import compare
import harness
from harness import LONG, Daemon, SystemTest, wait_until

SLOW = 'slow:path=/surveyresponse,ms=250ms'
STOP_BOUND = 7  # five are promised


long_only = unittest.skipUnless(LONG, 'LONG')


class Notify:
    """What systemd would hear."""

    def __init__(self, scratch):
        self.path = scratch.join('notify')
        self.heard = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        scratch.on_close(self.close)

    def _listen(self):
        while not self._over.is_set():
            try:
                self.heard.append(self._socket.recv(65536).decode())
            except socket.timeout:
                continue

    def count(self, text):
        return sum(message.startswith(text) for message in list(self.heard))

    def wait_for(self, text, seconds=20, least=1):
        wait_until(lambda: self.count(text) >= least, seconds, lambda: f'{least} x {text}, heard {self.heard[-20:]}')

    def close(self):
        self._over.set()
        self._thread.join()
        self._socket.close()


class Locker:
    """Another session that holds what it was told to take, until close()."""

    def __init__(self, database, sql):
        self._process = subprocess.Popen([os.path.join(database.cluster.bin, 'psql'), '-X', '-q', '-A', '-t', '-h', database.cluster.socket,
                                          '-U', 'surveysync', '-d', database.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        self._process.stdin.write(f'BEGIN;\n{sql};\nSELECT 4711;\n')
        self._process.stdin.flush()
        while '4711' not in (line := self._process.stdout.readline()):
            assert line, 'the locking session ended'

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class DaemonTest(SystemTest):
    sandbox_arguments = ('--seed', 11, '--surveys', 3, '--responses', 150)

    def setUp(self):
        self.daemons = []
        self.bench.sandbox.fault()
        self.fresh_database()
        self.configure()

    def tearDown(self):
        for daemon in self.daemons:
            daemon.kill()

    def sections(self, **limits):
        sections = self.bench.sections()
        sections['log'] = {'level': 'info'}
        sections['daemon'] = {'lease_ttl': '3s', 'secret_poll': '500ms'}
        sections['source.us']['schedule'] = {'cron': '* * * * *', 'timezone': 'UTC'}
        sections['source.us.limits'].update({'page_size': {'start': 10, 'min': 5, 'max': 10}, 'request_timeout': '20s',
                                             'hold_probe': ['2s', '4s', '8s'], **limits})
        return sections

    def configure(self, **limits):
        self.bench.configure(self.sections(**limits))

    def serve(self, **options):
        daemon = Daemon(self.bench, **options)
        self.daemons.append(daemon)
        return daemon

    def run_count(self, outcome='succeeded', source='us'):
        return self.bench.database.value(f"SELECT count(*) AS n FROM surveysync.run WHERE outcome = '{outcome}' AND source = '{source}'")

    def wait_for_runs(self, count=1, seconds=60, source='us'):
        wait_until(lambda: self.run_count(source=source) >= count, seconds, f'{count} good runs of {source}')

    def wait_for_rows(self, least=1):
        """The load is under way and far from its end."""
        wait_until(lambda: self.bench.database.value('SELECT count(*) AS n FROM alchemer.response') >= least, 30, 'the first rows')

    def assert_stopped(self, daemon, begin=None, number=signal.SIGTERM, code=0, bound=STOP_BOUND):
        result, took = daemon.stop(number) if begin is None else daemon.ended(begin)
        self.assertEqual(result, code, daemon.tail())
        self.assertLess(took, bound, daemon.tail())

    def assert_true_tables(self, daemon=None):
        self.assertEqual(compare.against_truth(self.bench), [], daemon.tail() if daemon else None)

    def assert_runs_closed(self):
        self.assertEqual(self.bench.database.query('SELECT run_id, source FROM surveysync.run WHERE finished_at IS NULL'), [])

    def recover(self):
        """Without the fault the next run brings everything."""
        self.bench.sandbox.fault()
        self.succeed('sync')
        self.assert_true_tables()
        self.assert_runs_closed()


class Life(DaemonTest):
    def test_first_load_on_start_and_systemd_hears_of_it(self):
        notify = Notify(self.bench.scratch)
        daemon = self.serve(env={'NOTIFY_SOCKET': notify.path, 'WATCHDOG_USEC': '60000000'})
        notify.wait_for('READY=1')
        self.wait_for_runs()
        self.assert_true_tables(daemon)
        notify.wait_for('WATCHDOG=1', least=2)
        wait_until(lambda: any(m.startswith('STATUS=') and 'us: next run' in m for m in list(notify.heard)), 20,
                   lambda: f'the plan in the status, heard {notify.heard}')
        self.assertEqual(notify.count('RELOADING=1'), 0)
        daemon.send(signal.SIGHUP)
        notify.wait_for('RELOADING=1\nMONOTONIC_USEC=')
        notify.wait_for('READY=1', least=2)
        self.assert_stopped(daemon)
        notify.wait_for('STOPPING=1')
        self.assertLess(notify.heard.index('READY=1'), notify.heard.index('STOPPING=1'))
        self.assertEqual(daemon.events('daemon_stopped')[-1]['abandoned'], 0)
        self.assert_runs_closed()

    @long_only
    def test_the_schedule_runs_it_again_and_a_new_response_arrives(self):
        daemon = self.serve()
        self.wait_for_runs()
        self.bench.sandbox.change(op='insert', count=5)
        self.wait_for_runs(2, seconds=90)
        self.assert_true_tables(daemon)
        self.assert_stopped(daemon)

    def test_mistakes_end_it_before_anything_starts(self):
        self.bench.configure({**self.sections(), 'daemon': {'lease_tt': '3s'}})
        daemon = self.serve()
        self.assertEqual(daemon.process.wait(20), 2, daemon.tail())
        self.assertIn('lease_ttl', daemon.output())

    def test_an_older_schema_ends_it(self):
        self.bench.cluster.psql('postgres', 'DROP DATABASE IF EXISTS empty')
        empty = harness.Database(self.bench.cluster, 'empty')
        sections = self.sections()
        sections['database']['uri'] = empty.uri
        self.bench.configure(sections)
        daemon = self.serve()
        self.assertNotEqual(daemon.process.wait(20), 0, daemon.tail())
        self.assertIn('migrate', daemon.output())


class Stop(DaemonTest):
    """SIGTERM at any moment: 0 within five seconds; then a load that lacks nothing."""

    def stopped_when(self, condition, **options):
        daemon = self.serve(**options)
        condition(daemon)
        self.assert_stopped(daemon)
        return daemon

    def test_at_start_up(self):
        for _ in range(4):
            daemon = self.serve()
            daemon.armed()
            self.assert_stopped(daemon)
        self.recover()

    @long_only
    def test_interrupt(self):
        daemon = self.serve()
        self.wait_for_runs()
        self.assert_stopped(daemon, number=signal.SIGINT, code=130)
        self.assert_true_tables()

    @long_only
    def test_while_it_waits_for_the_schedule(self):
        daemon = self.stopped_when(lambda daemon: self.wait_for_runs())
        self.assertEqual(daemon.events('daemon_stopped')[-1]['abandoned'], 0)

    def test_in_back_off(self):
        sections = self.sections(retry={'attempts': 5, 'base': '30s', 'cap': '60s', 'budget': '10m'})
        sections['log']['level'] = 'debug'
        self.bench.configure(sections)
        self.bench.sandbox.fault('status:path=/surveyresponse,code=503')
        self.stopped_when(lambda daemon: daemon.wait_for('retry_scheduled'))
        self.configure()
        self.recover()

    def test_in_a_body(self):
        rules = ('stall:path=/surveyresponse,at=body,ms=60s', 'stall:path=/surveyresponse,at=headers,ms=60s',
                 'drip:path=/surveyresponse,bytes=100,ms=1s')
        for rule in rules if LONG else rules[:1]:
            with self.subTest(fault=rule):
                self.fresh_database()
                self.bench.sandbox.fault(rule)
                seen = self.requests_of_responses()
                self.stopped_when(lambda daemon, seen=seen: wait_until(lambda: self.requests_of_responses() > seen, 30, 'a request'))
                self.recover()

    def requests_of_responses(self):
        return sum('surveyresponse' in entry['path'] for entry in self.bench.sandbox.log())

    def waiting_for_locks(self):
        return self.bench.database.value("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                         "AND datname = 'warehouse'")

    def test_in_a_copy(self):
        locker = Locker(self.bench.database, 'LOCK TABLE alchemer.response IN EXCLUSIVE MODE')
        self.addCleanup(locker.close)
        self.stopped_when(lambda daemon: wait_until(lambda: self.waiting_for_locks() > 0, 30, 'a statement that waits'))
        wait_until(lambda: self.waiting_for_locks() == 0, 10, 'the backends to be told')
        locker.close()
        self.recover()

    @long_only
    def test_with_a_database_that_answers_nothing_any_more(self):
        """Even the request to cancel is not heard: the deadline ends it."""
        daemon = self.serve()
        self.bench.sandbox.fault(SLOW)
        self.wait_for_rows()
        own = 'SELECT pid FROM pg_stat_activity WHERE datname = \'warehouse\' AND pid <> pg_backend_pid()'
        pids = [row['pid'] for row in self.bench.database.query(own)] + [self.bench.cluster.pid()]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            daemon.send(signal.SIGTERM)
            self.assert_stopped(daemon, begin=begin)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.recover()

    @long_only
    def test_second_signal(self):
        daemon = self.serve()
        self.bench.sandbox.fault(SLOW)
        self.wait_for_rows()
        own = 'SELECT pid FROM pg_stat_activity WHERE datname = \'warehouse\' AND pid <> pg_backend_pid()'
        pids = [row['pid'] for row in self.bench.database.query(own)] + [self.bench.cluster.pid()]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            daemon.send(signal.SIGTERM)
            daemon.wait_for('note', seconds=5, message='stopping; a second signal ends at once')
            self.assert_stopped(daemon, number=signal.SIGINT, code=130, bound=3)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.recover()

    def test_while_held(self):
        self.bench.sandbox.fault('401')
        self.stopped_when(lambda daemon: daemon.wait_for('source_held'))
        self.recover()

    def test_while_the_database_is_away(self):
        self.bench.cluster.stop('immediate')
        try:
            self.stopped_when(lambda daemon: daemon.wait_for('store_unavailable'))
        finally:
            self.bench.cluster.start()
        self.recover()

    @long_only
    def test_with_a_black_holed_database(self):
        sections = self.sections()
        sections['database']['uri'] = f'postgresql://surveysync@127.0.0.1:{harness.black_hole(self.bench.scratch)}/warehouse'
        self.bench.configure(sections)
        self.stopped_when(lambda daemon: daemon.armed())

    @long_only
    def test_what_was_stopped_goes_on_at_the_next_start(self):
        """After a minute or two, no matter when the schedule comes round again."""
        sections = self.sections()
        sections['source.us']['schedule']['cron'] = '0 0 29 2 *'
        self.bench.configure(sections)
        self.bench.sandbox.fault(SLOW)
        self.stopped_when(lambda daemon: self.wait_for_rows())
        self.bench.sandbox.fault()
        daemon = self.serve()
        wait_until(lambda: self.run_count() > 0, 120, lambda: f'the load to go on: {daemon.tail()}')
        self.assert_stopped(daemon)
        self.assert_true_tables()

    def test_with_a_black_holed_vendor(self):
        sections = self.sections(connect_timeout='60s', request_timeout='90s')
        sections['source.us']['base_url'] = f'https://127.0.0.1:{harness.black_hole(self.bench.scratch)}'
        self.bench.configure(sections)
        self.stopped_when(lambda daemon: daemon.wait_for('run_started'))
        self.configure()
        self.recover()

    def test_one_shot_verbs(self):
        for verb in (('sync',), ('resync', 'us')):
            for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
                with self.subTest(verb=verb[0], signal=number):
                    self.bench.sandbox.fault('stall:path=/surveyresponse,at=body,ms=60s')
                    seen = self.requests_of_responses()
                    process = self.bench.start(*verb)
                    wait_until(lambda: self.requests_of_responses() > seen, 30, 'a request')
                    begin = time.monotonic()
                    process.send_signal(number)
                    done = self.bench.finish(process, 20)
                    self.assertLess(time.monotonic() - begin, STOP_BOUND)
                    self.assertEqual(done.code, code, done)
                    self.assert_runs_closed()
        self.recover()

    def test_migration(self):
        self.bench.cluster.psql('postgres', 'DROP DATABASE IF EXISTS fresh')
        fresh = harness.Database(self.bench.cluster, 'fresh')
        sections = self.sections()
        sections['database']['uri'] = fresh.uri
        config = self.bench.configure(sections)
        locker = Locker(fresh, 'CREATE SCHEMA surveysync')
        self.addCleanup(locker.close)
        process = self.bench.start('migrate')
        waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'fresh'"
        wait_until(lambda: fresh.value(waiting) > 0, 20, 'a migration that waits')
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        done = self.bench.finish(process, 20)
        self.assertLess(time.monotonic() - begin, STOP_BOUND)
        self.assertEqual(done.code, 143, done)
        locker.close()
        self.assertEqual(fresh.value("SELECT count(*) AS n FROM pg_namespace WHERE nspname IN ('surveysync', 'alchemer')"), 0)
        self.assertEqual(self.bench.config, config)
        self.succeed('migrate')


class Reload(DaemonTest):
    def reload(self, daemon, sections, name='config_reloaded'):
        least = len(daemon.events(name)) + 1
        self.bench.configure(sections)
        daemon.send(signal.SIGHUP)
        return daemon.wait_for(name, least=least)

    def test_changed_new_and_removed_sources(self):
        daemon = self.serve()
        self.wait_for_runs()
        sections = self.sections(page_size={'start': 20, 'min': 5, 'max': 20})
        self.assertIn('us begins anew', self.reload(daemon, sections)['changes'])
        sections['source.twin'] = {**sections['source.us'], 'account': 'us'}
        sections['source.twin.limits'] = sections['source.us.limits']
        self.assertEqual(self.reload(daemon, sections)['changes'], 'twin begins')
        self.wait_for_runs(source='twin')
        for table in compare.TABLES:
            self.assertEqual(compare.differences(table, self.bench.sandbox.truth(table), self.twin(table)), [])
        del sections['source.twin'], sections['source.twin.limits']
        self.assertEqual(self.reload(daemon, sections)['changes'], 'twin ended')
        done = self.bench.run('sync', 'twin')
        self.assertEqual(done.code, 2, done)
        self.assertEqual(self.reload(daemon, sections)['changes'], 'nothing changed')
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)

    def twin(self, table):
        return compare.stored(self.bench.database, table, 'twin')

    def incidents(self, rule='configuration_refused'):
        return self.bench.database.query(f"SELECT key, resolved_at FROM surveysync.incident WHERE rule = '{rule}'")

    def test_a_bad_file_is_refused(self):
        daemon = self.serve()
        self.wait_for_runs()
        bad = self.sections()
        bad['source.us']['regio'] = 'us'
        self.assertIn('regio', self.reload(daemon, bad, 'config_refused')['message'])
        wait_until(lambda: self.incidents(), 20, 'the incident')
        self.reload(daemon, bad, 'config_refused')
        self.bench.scratch.write('surveysync.toml', '[source.us\n')
        daemon.send(signal.SIGHUP)
        daemon.wait_for('config_refused', least=3)
        self.assertEqual(len(daemon.events('incident_opened', rule='configuration_refused')), 1)
        # The old one is in force: what is asked for is done.
        runs = self.run_count()
        self.bench.database.execute("INSERT INTO surveysync.request (source, kind) VALUES ('us', 'incremental')")
        self.wait_for_runs(runs + 1)
        self.reload(daemon, self.sections())
        wait_until(lambda: self.incidents()[0]['resolved_at'], 20, 'the incident to be over')
        self.assertEqual(len(self.incidents()), 1)
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)

    @long_only
    def test_a_changed_source_in_mid_load_goes_on(self):
        """After a minute or two, no matter when the schedule comes round again."""
        sections = self.sections(page_size={'start': 20, 'min': 5, 'max': 20})
        sections['source.us']['schedule']['cron'] = '0 0 29 2 *'
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        self.reload(daemon, sections)
        self.bench.sandbox.fault()
        wait_until(lambda: self.run_count() > 0, 120, lambda: f'the load to go on: {daemon.tail()}')
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)
        self.assert_runs_closed()

    def test_a_thousand_hangups_in_a_load(self):
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        for number in range(1000):
            daemon.send(signal.SIGHUP)
            if number % 20 == 0:
                self.assertTrue(daemon.alive(), daemon.tail())
                wait_until(lambda least=number // 20: len(daemon.events('config_reloaded')) > least, 20, 'a reload')
        self.bench.sandbox.fault()
        self.wait_for_runs()
        self.assertTrue(daemon.alive(), daemon.tail())
        self.assertEqual(len(daemon.events('run_started')), 1, 'the load was not begun anew')
        with open(f'/proc/{daemon.pid}/status', encoding='ascii') as stream:
            threads = int(next(line for line in stream if line.startswith('Threads')).split()[1])
        self.assertLess(threads, 30, 'threads are left over')
        self.assertLess(len(os.listdir(f'/proc/{daemon.pid}/fd')), 60, 'descriptors are left over')
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)


class Death(DaemonTest):
    def test_killed_in_mid_load(self):
        self.bench.sandbox.fault(SLOW)
        first = self.serve()
        self.wait_for_rows()
        first.kill()
        self.bench.sandbox.fault()
        daemon = self.serve()
        daemon.wait_for('unclean_exit_found')
        self.wait_for_runs()
        self.assert_true_tables(daemon)
        unclean = "SELECT resolved_at FROM surveysync.incident WHERE rule = 'unclean_exit'"
        self.assertEqual(len(wait_until(lambda: self.bench.database.query(unclean), 20, 'the incident')), 1)
        self.assert_stopped(daemon)
        self.assertTrue(self.bench.database.query(unclean)[0]['resolved_at'])
        self.assert_runs_closed()
        third = self.serve()
        third.wait_for('daemon_started')
        self.assertEqual(third.events('unclean_exit_found'), [])
        self.assert_stopped(third)

    def test_the_database_dies_in_mid_load(self):
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        self.wait_for_rows()
        self.bench.cluster.stop('immediate')
        try:
            daemon.wait_for('store_unavailable')
            self.assertTrue(daemon.alive())
        finally:
            self.bench.sandbox.fault()
            self.bench.cluster.start()
        wait_until(lambda: compare.against_truth(self.bench, tables=('response',)) == [], 100, 'the load to go on by itself')
        self.wait_for_runs()
        self.assertTrue(daemon.alive())
        self.assert_true_tables(daemon)
        self.assert_stopped(daemon)
        self.assert_runs_closed()

    @long_only
    def test_no_database_at_the_start(self):
        self.bench.cluster.stop('immediate')
        try:
            daemon = self.serve()
            daemon.wait_for('store_unavailable')
        finally:
            self.bench.cluster.start()
        self.wait_for_runs(seconds=60)
        self.assert_true_tables(daemon)
        self.assert_stopped(daemon)


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
