"""What the database can do to us: down, restarted, read-only, full, failed over, without schema, without grants, edited. Each ends
with recovery. What happens in the middle of a run happens at a message of the wire, chosen by the printed seed (CRASH_SEED).
"""
import json
import os
import random
import shutil
import subprocess
import threading
import time
import unittest

import compare
import harness
from crash_oracle import SEED
from gate import TO_SERVER, Gate, PostgresFrames
from harness import LONG, SystemTest


class DatabaseFaults(SystemTest):
    sandbox_arguments = ('--seed', 41, '--surveys', 2, '--responses', 60, '--latency', '5ms')

    def setUp(self):
        self.fresh_database()
        self.bench.configure()

    def heals(self):
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])

    def test_down(self):
        self.bench.cluster.stop()
        start = time.monotonic()
        done = self.bench.run('sync', seconds=60)
        self.bench.cluster.start()
        self.assertEqual(done.code, 3, done)
        self.assertLess(time.monotonic() - start, 40)
        self.heals()

    def test_our_backends_are_terminated(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 5, 'min': 5, 'max': 5}
        self.bench.configure(sections)
        process = self.bench.start('sync')
        for _ in range(4):
            time.sleep(0.15)
            self.bench.cluster.psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'warehouse'")
        done = self.bench.finish(process, 60)
        self.assertIn(done.code, (0, 3, 5), done)
        self.heals()

    def test_read_only(self):
        self.bench.cluster.psql('postgres', 'ALTER DATABASE warehouse SET default_transaction_read_only = on')
        try:
            done = self.bench.run('sync', seconds=60)
            self.assertIn(done.code, (2, 3), done)
            self.assertIn('read-only', done.err)
        finally:
            self.bench.cluster.psql('postgres', 'ALTER DATABASE warehouse RESET default_transaction_read_only')
        self.heals()

    def test_no_such_database(self):
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('nowhere')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 3), done)
        self.assertIn('nowhere', done.err)

    def test_without_schema(self):
        self.bench.cluster.psql('postgres', 'CREATE DATABASE bare')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('bare')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertEqual(done.code, 2, done)
        self.assertIn('surveysync migrate', done.err)
        listed = self.bench.run('migrate', '--dry-run')
        self.assertEqual(listed.code, 0, listed)
        self.assertEqual(self.bench.run('sync').code, 2, 'a dry run must change nothing')
        self.succeed('migrate')
        self.succeed('migrate')
        self.succeed('sync')

    def test_missing_privilege(self):
        """A role that may read everything but not write: the message says which grant is missing."""
        self.bench.database.execute('''
            DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN;
            GRANT USAGE ON SCHEMA alchemer, surveysync TO looker;
            GRANT SELECT ON ALL TABLES IN SCHEMA alchemer, surveysync TO looker;''')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('warehouse', 'looker')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 3), done)
        self.assertIn('permission denied', done.err.lower())
        checked = self.bench.run('check')
        self.assertEqual(checked.code, 5, checked)
        self.assertIn('GRANT', checked.out)

    def test_the_printed_roles_suffice(self):
        """What `migrate --print-roles` prints makes a writer that can sync and a reader that can only read."""
        grants = self.succeed('migrate', '--print-roles').out
        self.bench.database.execute(grants)
        roles = [row['rolname'] for row in self.bench.database.query(
            "SELECT rolname FROM pg_roles WHERE rolname ~ 'surveysync|writer|reader' AND NOT rolsuper AND rolname NOT LIKE 'pg\\_%'")]
        writers = [name for name in roles if 'writ' in name]
        self.assertEqual(len(writers), 1, roles)
        self.bench.database.execute(f'CREATE ROLE daemon LOGIN IN ROLE "{writers[0]}"')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('warehouse', 'daemon')
        self.bench.configure(sections)
        self.heals()

    def test_edited_migration(self):
        row = self.bench.database.query("SELECT a.attname AS name FROM pg_attribute a WHERE attrelid = 'surveysync.schema_migration'::regclass "
                                        "AND attnum > 0 AND attname ~ 'hash|sha|sum'")
        self.assertEqual(len(row), 1)
        column = row[0]['name']
        kind = self.bench.database.value(f'SELECT pg_typeof({column})::text AS t FROM surveysync.schema_migration LIMIT 1')
        before = self.bench.database.execute(f'SELECT {column} FROM surveysync.schema_migration ORDER BY 1').split()
        changed = "'\\x00'::bytea" if kind == 'bytea' else "'0'"
        self.bench.database.execute(f'CREATE TABLE saved AS TABLE surveysync.schema_migration; '
                                    f'UPDATE surveysync.schema_migration SET {column} = {changed}')
        try:
            for verb in ('sync', 'migrate'):
                done = self.bench.run(verb)
                self.assertEqual(done.code, 2, done)
        finally:
            self.bench.database.execute('TRUNCATE surveysync.schema_migration; '
                                        'INSERT INTO surveysync.schema_migration SELECT * FROM saved; DROP TABLE saved')
        self.assertEqual(self.bench.database.execute(f'SELECT {column} FROM surveysync.schema_migration ORDER BY 1').split(), before)
        self.heals()

    def test_a_row_the_database_refuses(self):
        """A constraint of the owner's own: the page is divided until the bad record is alone in quarantine."""
        self.bench.database.execute('ALTER TABLE alchemer.response ADD CONSTRAINT owner_rule CHECK (response_id <> 17)')
        try:
            self.succeed('sync')
            kept = self.bench.database.query('SELECT * FROM surveysync.quarantine')
            self.assertEqual(len(kept), 2, 'one in each survey')
            self.assertTrue(self.bench.database.value('SELECT bool_and(balanced) AS ok FROM surveysync.certificate'))
            missing = [line for line in compare.against_truth(self.bench, ('response',)) if 'missing' not in line]
            self.assertEqual(missing, [])
        finally:
            self.bench.database.execute('ALTER TABLE alchemer.response DROP CONSTRAINT owner_rule')
        # At the vendor nothing changed, so no run reads them again by itself.
        self.succeed('quarantine', 'retry')
        self.assertEqual(self.bench.database.query('SELECT record_key FROM surveysync.quarantine'), [])
        self.heals()

    def test_migrate_from_four_processes_at_once(self):
        self.bench.cluster.psql('postgres', 'CREATE DATABASE crowd')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('crowd')
        self.bench.configure(sections)
        processes = [self.bench.start('migrate') for _ in range(4)]
        for process in processes:
            self.assertEqual(self.bench.finish(process).code, 0)
        self.succeed('sync')


class Watched:
    """A run whose log is read while it is at work."""

    def __init__(self, test, *verb):
        self.process = test.bench.start(*verb)
        self.lines, self._seen = [], {}
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._swallow)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode('utf-8', 'replace'))

    def _swallow(self):
        self.process.stdout.read()

    def events(self, name):
        return [event for event in map(json.loads, (line for line in list(self.lines) if line.startswith('{')))
                if event['event'] == name]

    def wait_for(self, name, seconds=30):
        """Until an event of that name is in the log."""
        return harness.wait_until(lambda: self.events(name) or (self.process.poll() is not None and ['ended']), seconds, name)

    def finish(self, seconds=100):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError('still running: ' + ''.join(self.lines[-20:])) from None
        for thread in self._threads:
            thread.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return harness.Finished(self.process.returncode, '', ''.join(self.lines))


class InTheMiddle(SystemTest):
    """The database goes away, or refuses to write, while a run is at work: the run waits and goes on."""

    sandbox_arguments = ('--seed', 42, '--surveys', 3, '--responses', 40)
    PAGE = {'start': 5, 'min': 5, 'max': 5}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gate = Gate(os.path.join(cls.bench.cluster.socket, '.s.PGSQL.5432'), PostgresFrames)
        cls.bench.scratch.on_close(cls.gate.close)
        cls.dice = random.Random(f'{SEED} database')
        cls.database = cls.bench.database.name
        cls.through(f'127.0.0.1:{cls.gate.port}')
        cls.gate.reset()
        done = cls.bench.run('sync')
        assert done.code == 0, done
        cls.messages = cls.gate.counts[TO_SERVER]
        print(f'seed {SEED}: {cls.messages} messages in a first load', flush=True)

    @classmethod
    def through(cls, hosts, options='', database=None):
        """The configuration whose way to the database leads through gates."""
        sections = cls.bench.sections()
        name = database or cls.database
        sections['database']['uri'] = f'postgresql://surveysync@{hosts}/{name}?sslmode=disable&gssencmode=disable{options}'
        sections['log']['format'] = 'json'
        sections['source.us.limits'].update({'workers': 1, 'page_size': cls.PAGE})
        cls.bench.configure(sections)

    def setUp(self):
        self.fresh_database()
        self.through(f'127.0.0.1:{self.gate.port}')
        self.gate.reset()

    def middle(self):
        """A message in the middle half of a run, when its workers are at work."""
        return self.dice.randrange(self.messages // 4, self.messages * 3 // 4)

    def disturbed(self, act):
        """A run in which `act` happens at a message in the middle."""
        k = self.middle()
        happened = []

        def call(_wire):
            act()
            happened.append(k)

        self.gate.at(TO_SERVER, k, call=call)
        done = self.bench.run('sync')
        self.assertEqual(happened, [k], 'nothing happened')
        return done

    def survives(self, done, codes=(0,)):
        """The run itself, and then the recovery: nothing is missing, nothing is left open."""
        self.gate.reset()
        self.assertIn(done.code, codes, done)
        if done.code == 0:
            self.assertEqual(compare.against_truth(self.bench), [])
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        left = self.bench.database.query("SELECT run_id, outcome FROM surveysync.run WHERE outcome IS NULL OR finished_at IS NULL")
        self.assertEqual(left, [], 'a run was left open')
        last = self.bench.database.query('SELECT DISTINCT ON (survey_id) survey_id, balanced FROM surveysync.certificate '
                                         'ORDER BY survey_id, certified_at DESC')
        self.assertEqual([row['balanced'] for row in last], [True] * 3)

    def test_restarted(self):
        for mode in ('fast', 'immediate'):
            for number in range(8 if LONG else 1):
                with self.subTest(mode=mode, number=number, seed=SEED):
                    self.setUp()

                    def restart(mode=mode):
                        self.bench.cluster.stop(mode)
                        self.bench.cluster.start()

                    self.survives(self.disturbed(restart))

    def test_away_for_a_while(self):
        cluster = self.bench.cluster
        back = threading.Timer(1.5, cluster.start)

        def go():
            cluster.stop('immediate')
            back.start()

        try:
            done = self.disturbed(go)
        finally:
            back.join()
        self.survives(done)

    def test_all_connections_are_lost_again_and_again(self):
        k = self.middle() // 4
        lost = []

        def drop(_wire):
            lost.append(k)
            if len(lost) < 6:
                self.gate.at(TO_SERVER, k, call=drop)
            self.gate.drop_all()

        self.gate.at(TO_SERVER, k, call=drop)
        done = self.bench.run('sync')
        self.assertGreater(len(lost), 2)
        self.survives(done, (0, 3))

    def read_only(self, on):
        self.bench.cluster.psql('postgres', f'ALTER SYSTEM SET default_transaction_read_only = {"on" if on else "off"};')
        self.bench.cluster.psql('postgres', 'SELECT pg_reload_conf();')

    def test_read_only(self):
        """Nobody can write for a while: the run says so, waits, and goes on when it may."""
        self.addCleanup(self.read_only, False)
        k = self.middle()
        self.gate.at(TO_SERVER, k, call=lambda _wire: self.read_only(True))
        run = Watched(self, 'sync')
        run.wait_for('store_unavailable')
        self.read_only(False)
        done = run.finish()
        self.assertIn('read-only', done.err)
        self.survives(done)

    def test_read_only_and_stopped(self):
        """While it waits for a database that refuses to write, it can be stopped."""
        self.addCleanup(self.read_only, False)
        self.gate.at(TO_SERVER, self.middle(), call=lambda _wire: self.read_only(True))
        run = Watched(self, 'sync')
        run.wait_for('store_unavailable')
        start = time.monotonic()
        run.process.terminate()
        done = run.finish(30)
        self.assertLess(time.monotonic() - start, 8)
        self.read_only(False)
        self.survives(done, (143,))

    def test_stays_read_only(self):
        if not LONG:
            self.skipTest('takes the minute for which a database is waited for')
        self.addCleanup(self.read_only, False)
        done = self.disturbed(lambda: self.read_only(True))
        self.assertIn('read-only', done.err)
        self.read_only(False)
        self.survives(done, (3,))

    def full_disk(self, size):
        """A small file system of its own; only root can make one."""
        place = self.bench.scratch.join('small disk')
        os.makedirs(place, exist_ok=True)
        mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', place], capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest('file systems cannot be mounted here')

        self.addCleanup(subprocess.run, ['umount', '-l', place], check=False)
        return place

    @staticmethod
    def fill(place, leave):
        """A file that takes all but `leave` bytes."""
        ballast = os.path.join(place, 'ballast')
        with open(ballast, 'wb') as stream:
            stream.write(bytes(max(0, shutil.disk_usage(place).free - leave)))
        return ballast

    def test_full(self):
        """The disk of the tables is full for a while."""
        place = self.full_disk('40m')
        tables = os.path.join(place, 'tables')
        os.makedirs(tables)
        shutil.chown(tables, 'postgres')
        cluster = self.bench.cluster
        cluster.psql('postgres', f"CREATE TABLESPACE small LOCATION '{tables}';")
        self.bench.database.hang_up()
        cluster.psql('postgres', 'CREATE DATABASE tight TEMPLATE warehouse TABLESPACE small;')
        self.addCleanup(cluster.psql, 'postgres', 'DROP DATABASE tight WITH (FORCE);\nDROP TABLESPACE small;')
        usual = self.bench.database
        self.bench.database = harness.Database.__new__(harness.Database)
        self.bench.database.cluster, self.bench.database.name = cluster, 'tight'
        self.addCleanup(setattr, self.bench, 'database', usual)
        self.through(f'127.0.0.1:{self.gate.port}', database='tight')
        ballast = self.fill(place, 400_000)
        run = Watched(self, 'sync')
        run.wait_for('store_unavailable', 60)
        self.assertIsNone(run.process.poll(), ''.join(run.lines[-8:]))
        os.remove(ballast)
        done = run.finish()
        self.assertIn('SQLSTATE 53100', str(run.events('store_unavailable')))
        self.survives(done)


class Standby(harness.Cluster):
    """A streaming replica of another cluster, on another port."""

    PORT = 5433

    def __init__(self, primary):
        self.scratch, self.bin, self._owner = primary.scratch, primary.bin, primary._owner
        self.folder = self.scratch.join('standby')
        self.data, self.socket = os.path.join(self.folder, 'data'), os.path.join(self.folder, 'socket')
        os.makedirs(self.socket)
        for path in (self.folder, self.socket):
            if self._owner:
                shutil.chown(path, 'postgres')
            os.chmod(path, 0o700)
        self._settings = ('fsync=off', f'port={self.PORT}')
        self._control('pg_basebackup', '-h', primary.socket, '-U', 'surveysync', '-D', self.data, '-R', '-X', 'stream', '-c', 'fast')
        self.start()
        self.scratch.on_close(lambda: self.stop('immediate'))

    def psql(self, database, sql):
        return subprocess.run([os.path.join(self.bin, 'psql'), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', self.socket, '-p',
                               str(self.PORT), '-U', 'surveysync', '-d', database, '-f', '-'], input=sql, capture_output=True,
                              env={**os.environ, 'PGOPTIONS': '-c client_min_messages=warning -c TimeZone=UTC', 'PSQLRC': '/dev/null'},
                              text=True, encoding='utf-8', timeout=300, check=True).stdout

    def promote(self):
        self._control('pg_ctl', '-D', self.data, '-w', 'promote')


class Failover(SystemTest):
    """The primary dies in the middle of a run; its replica is promoted, on another port."""

    sandbox_arguments = ('--seed', 43, '--surveys', 3, '--responses', 40)
    settings = ('fsync=off', 'wal_level=replica', 'max_wal_senders=4')

    def test_failover(self):
        old = self.bench.cluster
        new = Standby(old)
        old.psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '*';")
        old.psql('postgres', 'SELECT pg_reload_conf();')
        harness.wait_until(lambda: 'sync' in old.psql('postgres', 'SELECT sync_state FROM pg_stat_replication;'), 20, 'replication')
        gates = [Gate(os.path.join(cluster.socket, f'.s.PGSQL.{port}'), PostgresFrames) for cluster, port in ((old, 5432), (new, 5433))]
        for gate in gates:
            self.bench.scratch.on_close(gate.close)
        sections = self.bench.sections()
        hosts = ','.join(f'127.0.0.1:{gate.port}' for gate in gates)
        sections['database']['uri'] = (f'postgresql://surveysync@{hosts}/warehouse?sslmode=disable&gssencmode=disable'
                                       '&target_session_attrs=read-write')
        sections['source.us.limits'].update({'workers': 1, 'page_size': {'start': 5, 'min': 5, 'max': 5}})
        self.bench.configure(sections)
        k = random.Random(f'{SEED} failover').randrange(300, 900)

        def fail_over(_wire):
            old.stop('immediate')
            gates[0].refuse()
            threading.Timer(0.7, new.promote).start()

        gates[0].at(TO_SERVER, k, call=fail_over)
        done = self.bench.run('sync')
        self.assertIsNotNone(gates[0].struck, f'the run ended before message {k}')
        self.bench.cluster = self.bench.database.cluster = new
        self.assertEqual(done.code, 0, f'seed {SEED}, message {k}: {done}')
        self.assertEqual(compare.against_truth(self.bench), [])
        self.bench.sandbox.change(op='insert', count=3)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])


if __name__ == '__main__':
    unittest.main(verbosity=2)
