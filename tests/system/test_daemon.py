"""`serve` as a service: it starts with a load, talks to systemd, stops at once wherever it is, reloads, outlives its database and
its own death, and shares sources and budgets with other processes. Every test of a fault ends with tables that equal the truth."""
import os
import signal
import subprocess
import time

import compare
import harness
from alert_receivers import Receiver
from daemon_fixture import SLOW, STOP_BOUND, DaemonTest, Locker, Notify, long_only
from harness import LONG, wait_until
from status_fixture import Page


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
        self.bench.database.execute("UPDATE surveysync.run SET outcome = 'partial'; INSERT INTO surveysync.request "
                                    "(source, kind, arguments) VALUES ('us', 'resync', '{}')")
        daemon.send(signal.SIGHUP)
        notify.wait_for('RELOADING=1\nMONOTONIC_USEC=')
        notify.wait_for('READY=1', least=2)
        wait_until(lambda: any(m.startswith('STATUS=') and 'last run partial' in m for m in list(notify.heard)), 20,
                   lambda: f'the trouble in the status, heard {notify.heard}')
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
        with self.frozen_database():
            begin = time.monotonic()
            daemon.send(signal.SIGTERM)
            self.assert_stopped(daemon, begin=begin)
        self.recover()

    @long_only
    def test_second_signal(self):
        daemon = self.serve()
        self.bench.sandbox.fault(SLOW)
        self.wait_for_rows()
        with self.frozen_database():
            daemon.send(signal.SIGTERM)
            daemon.wait_for('note', seconds=5, message='stopping; a second signal ends at once')
            self.assert_stopped(daemon, number=signal.SIGINT, code=130, bound=3)
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

    def test_while_a_hook_runs(self):
        """Also one that does not want to end."""
        pid = self.bench.scratch.join('hook.pid')
        sections = self.sections()
        sections['source.us']['hook'] = f"trap '' TERM; echo $$ > '{pid}.new'; mv '{pid}.new' '{pid}'; while :; do sleep 1; done"
        self.bench.configure(sections)
        daemon = self.stopped_when(lambda daemon: wait_until(lambda: os.path.exists(pid), 60, 'the hook'))
        self.assertIn('asked to stop', daemon.events('hook_finished')[-1]['error'])
        with open(pid, encoding='ascii') as stream:
            self.assertRaises(ProcessLookupError, os.kill, int(stream.read()), 0)
        self.assert_runs_closed()

    def test_while_it_reloads(self):
        """The lane that is at work is being ended, or its new one begun."""
        self.bench.sandbox.fault('stall:path=/surveyresponse,at=body,ms=60s')
        for pause in (0, 0.1):
            seen = self.requests_of_responses()
            daemon = self.serve()
            wait_until(lambda seen=seen: self.requests_of_responses() > seen, 30, 'a request')
            self.configure(page_size={'start': 20, 'min': 5, 'max': 20})
            daemon.send(signal.SIGHUP)
            time.sleep(pause)
            self.assert_stopped(daemon)
            self.assertEqual(daemon.events('config_refused'), [])
            self.configure()
        self.recover()

    def test_with_a_log_that_nobody_reads_any_more(self):
        """Every thread that says something stands still for ever; the deadline ends it all the same."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        process = subprocess.Popen(self.bench.command('serve'), env=self.bench.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=writing, start_new_session=True)
        self.addCleanup(harness.stop_process, process)
        self.wait_for_runs()
        filling = os.open(f'/proc/self/fd/{writing}', os.O_WRONLY | os.O_NONBLOCK)  # the daemon's own end still blocks
        os.close(writing)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(filling, b'x')
        os.close(filling)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        self.assertLess(time.monotonic() - begin, STOP_BOUND)
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
        # What lanes share goes to all who have it: the pace of an account, how long history is kept.
        sections['source.twin.limits'] = {**sections['source.us.limits'], 'requests_per_minute': 5000}
        self.assertEqual(set(self.reload(daemon, sections)['changes'].split(', ')), {'us begins anew', 'twin begins anew'})
        sections['retention'] = {'runs': '300d'}
        self.assertEqual(set(self.reload(daemon, sections)['changes'].split(', ')), {'us begins anew', 'twin begins anew'})
        del sections['source.twin'], sections['source.twin.limits']
        self.assertEqual(self.reload(daemon, sections)['changes'], 'twin ended, us begins anew')
        done = self.bench.run('sync', 'twin')
        self.assertEqual(done.code, 2, done)
        self.assertEqual(self.reload(daemon, sections)['changes'], 'nothing changed')
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)

    def twin(self, table):
        return compare.stored(self.bench.database, table, 'twin')

    def secret(self, name, text):
        """As secrets are replaced: by rename."""
        self.bench.scratch.write(name + '.new', text + '\n', mode=0o600)
        path = self.bench.scratch.join(name)
        os.rename(path + '.new', path)
        return 'file:' + path

    def require_password(self, role):
        """The cluster's other users are trusted as before."""
        path = os.path.join(self.bench.cluster.data, 'pg_hba.conf')
        with open(path, encoding='utf-8') as stream:
            before = stream.read()

        def put(text):
            with open(path, 'w', encoding='utf-8') as stream:
                stream.write(text)
            self.bench.database.execute('SELECT pg_reload_conf()')
        put(f'local all {role} scram-sha-256\n{before}')
        self.addCleanup(put, before)

    def hang_up(self, role):
        self.bench.database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")

    def run_on_request(self):
        runs = self.run_count()
        self.bench.database.execute("INSERT INTO surveysync.request (source, kind) VALUES ('us', 'incremental')")
        self.wait_for_runs(runs + 1)

    def test_secrets_of_database_and_page_are_taken_without_a_signal(self):
        self.bench.database.execute("CREATE ROLE rotated SUPERUSER LOGIN PASSWORD 'first'")
        self.require_password('rotated')
        sections = self.sections()
        del sections['source.us']['schedule']
        sections['database'] = {'uri': self.bench.cluster.uri('warehouse', 'rotated'), 'password': self.secret('password', 'first')}
        sections['status'] = {'listen': '127.0.0.1:0', 'token': self.secret('token', 'the first of two tokens')}
        self.bench.configure(sections)
        daemon = self.serve()
        self.run_on_request()
        # What the operator has in the works is not touched by it.
        self.bench.scratch.write('surveysync.toml', '[source.us\n')
        self.bench.database.execute("ALTER ROLE rotated PASSWORD 'second'")
        self.secret('password', 'second')
        self.hang_up('rotated')
        self.run_on_request()
        # A file that is first: it is tried until the server knows it.
        self.secret('password', 'third')
        wait_until(lambda: 'cannot be used yet' in daemon.output(), 20, lambda: daemon.tail())
        self.run_on_request()
        self.bench.database.execute("ALTER ROLE rotated PASSWORD 'third'")
        self.hang_up('rotated')
        self.run_on_request()
        pages = len(daemon.events('status_page_offered'))
        self.secret('token', 'the second of two tokens')
        address = daemon.wait_for('status_page_offered', least=pages + 1)['address']
        answer = Page(address).ask('/api/status', Authorization='Bearer the second of two tokens')
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(daemon.events('config_refused'), [])
        self.assert_stopped(daemon)
        self.assert_true_tables(daemon)

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
        """Its lease has long to go, and whoever is told takes no message: neither is waited for."""
        receiver = Receiver(self.bench.scratch)
        receiver.script = ['hang'] * 100
        sections = self.sections()
        sections['daemon']['lease_ttl'] = '5m'
        sections['alerts.ops'] = {'type': 'webhook', 'url': receiver.url}
        self.bench.configure(sections)
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


if __name__ == '__main__':
    harness.main()
