"""`check`: every named check made to fail, and what it says is enough to mend it."""
import os
import re
import shutil
import socket
import subprocess
import unittest

import harness
from certificates import Authority, Front, Proxy
from harness import Sandbox, SystemTest

MOST_REFUSED = 12  # requests with a dead key in its first hour, all processes together


class CheckTest(SystemTest):
    sandbox_arguments = ('--seed', 41, '--surveys', 1, '--responses', 10)

    def setUp(self):
        self.bench.sandbox.fault()
        self.bench.configure()

    def configure(self, section, **values):
        sections = self.bench.sections()
        sections.setdefault(section, {}).update(values)
        self.bench.configure(sections)

    def check(self, *arguments, code=0):
        """What it found, by name; of several results of one name the worst."""
        done = self.bench.run('check', '--json', *arguments)
        self.assertEqual(done.code, code, done)
        order = ('pass', 'warn', 'fail')
        found = {}
        for item in done.json()['checks']:
            known = found.get(item['name'])
            if known is None or order.index(item['verdict']) >= order.index(known['verdict']):
                found[item['name']] = item
        return found

    def expect(self, found, name, verdict, text='', hint=''):
        item = found.get(name)
        self.assertIsNotNone(item, f'{name} is not among {sorted(found)}')
        self.assertEqual(item['verdict'], verdict, item)
        self.assertIn(text, item['message'], item)
        self.assertIn(hint, item['hint'] or '', item)
        return item


class Sound(CheckTest):
    def test_names_are_stable(self):
        answer = self.bench.run('check', '--json').json()
        names = {item['name'] for item in answer['checks']}
        self.assertLessEqual({'configuration', 'permissions source us', 'state', 'time zones', 'status page', 'schedule us', 'database',
                              'database TLS', 'database schema', 'database privileges', 'database write', 'database size', 'source us secret',
                              'source us TLS', 'source us certificate', 'source us reach', 'source us clock', 'source us surveys',
                              'source us survey', 'source us response', 'alerts'}, names)
        self.assertEqual(set(answer), {'ok', 'passed', 'warnings', 'failed', 'checks'})
        self.assertTrue(answer['ok'])
        self.assertEqual(answer['passed'] + answer['warnings'] + answer['failed'], len(answer['checks']))
        for item in answer['checks']:
            self.assertEqual(set(item), {'name', 'verdict', 'message', 'hint'})

    def test_text_has_no_colours_off_a_terminal_and_ends_with_a_sum(self):
        done = self.succeed('check')
        self.assertNotIn('\033', done.out)
        self.assertRegex(done.out, r'\n\d+ checks: \d+ passed, \d+ warnings?, 0 failed\n$')

    def test_the_next_run_is_told(self):
        self.expect(self.check(), 'schedule us', 'warn', 'none')
        self.configure('source.us', schedule={'cron': '15 2 * * *', 'timezone': 'America/New_York', 'jitter': '10m'})
        item = self.expect(self.check(), 'schedule us', 'pass', 'up to 10m later')
        self.assertRegex(item['message'], r'next at \d{4}-\d\d-\d\d 0[67]:15:00 UTC, in ')


class Database(CheckTest):
    def test_a_missing_grant_is_printed_and_helps(self):
        database = self.bench.database
        database.execute("CREATE ROLE loader LOGIN; GRANT USAGE ON SCHEMA surveysync, alchemer, alfaone TO loader; "
                         'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA surveysync, alchemer, alfaone TO loader; '
                         'GRANT USAGE ON ALL SEQUENCES IN SCHEMA surveysync, alchemer, alfaone TO loader; '
                         'REVOKE INSERT ON alchemer.answer, surveysync.checkpoint FROM loader')
        self.configure('database', uri=self.bench.cluster.uri('warehouse', 'loader'))
        found = self.check(code=5)
        self.expect(found, 'database privileges', 'fail', 'INSERT on alchemer.answer')
        self.expect(found, 'database write', 'fail')
        text = self.bench.run('check').out
        grants = re.findall(r'^\s+(GRANT .*;)$', text, re.MULTILINE)
        self.assertIn('GRANT INSERT ON TABLE alchemer.answer TO loader;', grants)
        database.execute('\n'.join(grants))
        found = self.check()
        self.expect(found, 'database privileges', 'pass')
        self.expect(found, 'database write', 'pass')

    def test_the_privacy_key_that_is_needed(self):
        self.bench.database.execute("INSERT INTO surveysync.capability (source, name, value, evidence, learned_at) "
                                    "VALUES ('us', 'privacy_key', 'deadbeef', '', now())")
        done = self.bench.run('check')
        self.assertEqual(done.code, 5, done)
        self.assertRegex(done.out, r'fail +source us privacy key .*this host has none')
        self.bench.database.execute("DELETE FROM surveysync.capability")
        self.assertNotIn('privacy key', self.bench.run('check').out)

    def test_no_schema_and_no_database(self):
        self.bench.database.execute('CREATE DATABASE empty')
        self.configure('database', uri=self.bench.cluster.uri('empty'))
        self.expect(self.check(code=5), 'database schema', 'fail', hint='migrate')
        self.configure('database', uri=self.bench.cluster.uri('nowhere'))
        found = self.check(code=5)
        self.expect(found, 'database', 'fail', 'nowhere')
        self.expect(found, 'source us response', 'pass')


    def test_through_a_pooler(self):
        """PgBouncer in transaction mode is seen, and everything passes through it."""
        folder = self.bench.scratch.join('pooler')
        os.makedirs(folder)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        self.bench.scratch.write('pooler/users.txt', '"surveysync" ""\n')
        config = self.bench.scratch.write('pooler/pgbouncer.ini', f"""
[databases]
warehouse = host='{self.bench.cluster.socket}' dbname=warehouse user=surveysync
[pgbouncer]
pool_mode = transaction
auth_type = trust
auth_file = {folder}/users.txt
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
""")
        command = ['/usr/sbin/pgbouncer', config]
        if os.geteuid() == 0:
            shutil.chown(folder, 'postgres')
            command = ['runuser', '-u', 'postgres', '--', *command]
        pooler = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(harness.stop_process, pooler)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', port)) == 0
        harness.wait_until(listens, 20, 'the pooler')
        self.assertNotIn('database pooler', self.check())
        self.configure('database', uri=f'postgresql://surveysync@127.0.0.1:{port}/warehouse')
        found = self.check()
        self.expect(found, 'database pooler', 'pass', 'outlives a transaction')
        self.expect(found, 'database write', 'pass')


class Encrypted(CheckTest):
    """A server that offers TLS, over TCP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.bench.scratch)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            cls.port = listener.getsockname()[1]

    def test_days_left_and_mode(self):
        cluster = self.bench.cluster
        uri = f'postgresql://surveysync@127.0.0.1:{self.port}/warehouse?sslmode='
        for days, verdict, text in ((100, 'pass', 'good for 100 more days'), (10, 'warn', 'good for 10 more days'), (-2, 'warn', 'ended on')):
            with self.subTest(days=days):
                for source, name in zip(self.authority.issue(f'database{days}', days, ('localhost', '127.0.0.1')), ('server.crt', 'server.key')):
                    target = os.path.join(cluster.data, name)
                    shutil.copy(source, target)
                    os.chmod(target, 0o600)
                    if os.geteuid() == 0:
                        shutil.chown(target, 'postgres', 'postgres')
                cluster.stop()
                settings, cluster._settings = cluster._settings, (*cluster._settings, 'ssl=on', 'listen_addresses=127.0.0.1', f'port={self.port}')
                cluster.start()
                cluster._settings = settings
                self.configure('database', uri=uri + 'require')
                found = self.check()
                self.expect(found, 'database certificate', verdict, text)
                self.expect(found, 'database TLS', 'pass', 'TLSv1.3')
        self.configure('database', uri=f'{uri}verify-full&sslrootcert={self.authority.ca_file}')
        self.expect(self.check(code=5), 'database', 'fail', 'certificate')
        cluster.stop()
        cluster.start()


class Vendor(CheckTest):
    def test_certificates(self):
        authority = Authority(self.bench.scratch, 'vendor authority')
        plain = Sandbox(self.bench.scratch, '--seed', 41, '--surveys', 1, '--responses', 5, '--plain-http', folder='plain vendor')
        backend = ('127.0.0.1', int(plain.base_url.rsplit(':', 1)[1]))
        for days, verdict, code in ((10, 'warn', 0), (60, 'pass', 0), (-1, None, 5)):
            with self.subTest(days=days):
                front = Front(self.bench.scratch, authority.issue(f'vendor{days}', days), backend)
                self.configure('source.us', base_url=f'https://localhost:{front.port}', tls={'ca_file': authority.ca_file},
                               auth={'type': 'key', 'secret': 'file:' + plain.secret_file})
                found = self.check(code=code)
                if verdict:
                    self.expect(found, 'source us certificate', verdict, f'good for {days} more days')
                    self.expect(found, 'source us response', 'pass')
                else:
                    item = self.expect(found, 'source us TLS', 'fail', 'expired')
                    self.assertTrue(item['hint'])
        front = Front(self.bench.scratch, authority.issue('stranger', 60, ('example.org',)), backend)
        self.configure('source.us', base_url=f'https://localhost:{front.port}', tls={'ca_file': authority.ca_file})
        self.expect(self.check(code=5), 'source us TLS', 'fail', 'certificate')
        self.configure('source.us', tls={'ca_file': authority.ca_file})
        self.expect(self.check(code=5), 'source us TLS', 'fail', 'certificate')

    def test_name_and_port_that_lead_nowhere(self):
        self.configure('source.us', base_url='https://nowhere.invalid')
        self.assertTrue(self.expect(self.check(code=5), 'source us TLS', 'fail', 'nowhere.invalid')['hint'])
        with socket.create_server(('127.0.0.1', 0)) as listener:
            closed = listener.getsockname()[1]
        self.configure('source.us', base_url=f'https://127.0.0.1:{closed}')
        self.expect(self.check(code=5), 'source us TLS', 'fail', 'refused')

    def test_wrong_region(self):
        """The key is refused by the region that is configured, and accepted by another one's host."""
        self.fresh_database()  # no key ever worked here
        authority = Authority(self.bench.scratch, 'regions')
        plain = Sandbox(self.bench.scratch, '--seed', 45, '--surveys', 1, '--responses', 5, '--plain-http', folder='american vendor')
        body = b'{"result_ok":false,"code":401,"message":"Invalid api_token or api_token_secret supplied"}'
        refusal = b'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body)
        hosts = ('api.alchemer.com', 'api.alchemer.eu')
        american = Front(self.bench.scratch, authority.issue('american', 60, hosts), ('127.0.0.1', int(plain.base_url.rsplit(':', 1)[1])))
        european = Front(self.bench.scratch, authority.issue('european', 60, hosts), answer=refusal)
        proxy = Proxy(self.bench.scratch, {'api.alchemer.com': american.port, 'api.alchemer.eu': european.port})
        sections = self.bench.sections()
        del sections['source.us']['base_url']
        sections['source.us'].update({'region': 'eu', 'proxy': proxy.url, 'tls': {'ca_file': authority.ca_file},
                                      'auth': {'type': 'key', 'secret': 'file:' + plain.secret_file}})
        self.bench.configure(sections)
        found = self.check(code=5)
        self.assertIn('api.alchemer.com', proxy.asked)
        item = self.expect(found, 'source us reach', 'fail', 'wrong_region')
        self.assertIn('us', item['hint'])
        sections['source.us']['region'] = 'us'
        self.bench.configure(sections)
        self.expect(self.check(), 'source us reach', 'pass', 'api.alchemer.com')

    def test_clock(self):
        late = Sandbox(self.bench.scratch, '--seed', 41, '--surveys', 1, '--responses', 5, '--header-skew', '300s', folder='late vendor')
        self.configure('source.us', base_url=late.base_url, tls={'ca_file': late.ca_file}, auth={'type': 'key', 'secret': 'file:' + late.secret_file})
        self.expect(self.check(), 'source us clock', 'warn', 'ahead', 'set-ntp')

    def test_contacts_that_were_asked_for_and_are_denied(self):
        self.bench.sandbox.fault('denied:path=/v5/contactlist')
        sections = self.bench.sections()
        del sections['source.us']['streams']
        sections['source.us']['privacy'] = {'contacts': 'keep'}
        self.bench.configure(sections)
        found = self.check(code=5)
        self.expect(found, 'source us contact', 'fail', 'may not read', 'contacts = "off"')
        self.expect(found, 'source us contact_list', 'warn', 'may not read')
        self.bench.sandbox.fault('denied:path=/quota')
        sections['source.us']['privacy'] = {'contacts': 'off'}
        self.bench.configure(sections)
        found = self.check()
        self.assertNotIn('source us contact', found)
        self.expect(found, 'source us quota', 'warn', 'may not read')


class DeadKey(CheckTest):
    sandbox_arguments = ('--seed', 42, '--surveys', 1, '--responses', 10)

    def refused(self):
        return self.bench.sandbox.stats()['statuses'].get('401', 0)

    def test_check_in_a_loop_does_not_hammer(self):
        """Without the database, then with it: a dozen requests are the most, and the next key is tried at once."""
        self.bench.sandbox.key(action='rotate', write=False)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            closed = listener.getsockname()[1]
        self.configure('database', uri=f'postgresql://nobody@127.0.0.1:{closed}/none')
        for _ in range(9):
            found = self.check('us', code=5)
            self.assertEqual(found['source us reach']['verdict'], 'fail')
        without = self.refused()
        self.assertLessEqual(without, 7)
        self.bench.configure()
        for _ in range(4):
            self.check('us', code=5)
        self.assertLessEqual(self.refused(), MOST_REFUSED)
        os.replace(self.bench.sandbox.secret_file + '.next', self.bench.sandbox.secret_file)
        self.expect(self.check(), 'source us reach', 'pass')


class Machine(CheckTest):
    def test_secret_files(self):
        path = self.bench.scratch.join('secrets', 'us.key')
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        shutil.copy(self.bench.sandbox.secret_file, path)
        self.configure('source.us', auth={'type': 'key', 'secret': 'file:' + path})
        name = 'permissions source us'
        for file_mode, folder_mode, verdict, hint in ((0o600, 0o700, 'pass', ''), (0o644, 0o700, 'fail', 'chmod 0600'), (0o640, 0o700, 'fail', 'chmod 0600'),
                                                      (0o600, 0o777, 'fail', 'chmod 0750'), (0o600, 0o770, 'warn', 'chmod 0750')):
            with self.subTest(file=oct(file_mode), folder=oct(folder_mode)):
                os.chmod(path, file_mode)
                os.chmod(os.path.dirname(path), folder_mode)
                self.expect(self.check(code=5 if verdict == 'fail' else 0), name, verdict, hint=hint)
        os.chmod(os.path.dirname(path), 0o700)
        link = self.bench.scratch.join('a link')
        os.symlink(path, link)
        self.configure('source.us', auth={'type': 'key', 'secret': 'file:' + link})
        self.expect(self.check(), name, 'pass', 'a link to')
        os.unlink(path)
        self.expect(self.check(code=5), name, 'fail', 'is not there')

    @unittest.skipUnless(os.geteuid() == 0, 'another owner needs root')
    def test_secret_of_another_user(self):
        path = self.bench.scratch.write('foreign.key', '\n'.join(self.bench.sandbox.secrets()) + '\n', mode=0o600)
        shutil.chown(path, 'nobody')
        self.configure('source.us', auth={'type': 'key', 'secret': 'file:' + path})
        self.expect(self.check(code=5), 'permissions source us', 'fail', 'another user', 'chown')

    def test_port_of_the_status_page(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            self.configure('status', listen=f'127.0.0.1:{port}')
            self.expect(self.check(code=5), 'status page', 'fail', 'in use', 'status.listen')
        self.expect(self.check(), 'status page', 'pass', 'is free')

    def test_alert_channels(self):
        gone = self.bench.scratch.join('no such file')
        self.configure('alerts.ops', type='webhook', url='file:' + gone)
        self.expect(self.check(code=5), 'alert ops', 'fail', 'no such file')
        url = self.bench.scratch.write('webhook.url', 'http://127.0.0.1:9/hook\n', mode=0o600)
        self.configure('alerts.ops', type='webhook', url='file:' + url)
        self.expect(self.check(), 'alert ops', 'pass', '127.0.0.1')

    def test_commands_of_secrets(self):
        self.configure('source.us', auth={'type': 'key', 'secret': 'exec:/nowhere/vault read key'})
        self.expect(self.check(code=5), 'permissions source us', 'fail', '/nowhere/vault')
        self.configure('source.us', auth={'type': 'key', 'secret': f"exec:/usr/bin/cat '{self.bench.sandbox.secret_file}'"})
        self.expect(self.check(), 'permissions source us', 'pass', '/usr/bin/cat')

    def test_state_directory(self):
        self.configure('state', dir=self.bench.scratch.join('nowhere'))
        self.expect(self.check(), 'state', 'warn', 'is not there', 'install -d')

    @unittest.skipUnless(os.geteuid() == 0, 'a small disk needs root')
    def test_full_disk(self):
        small = self.bench.scratch.join('small')
        os.makedirs(small)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small], capture_output=True, check=False).returncode != 0:
            self.skipTest('this container may not mount')
        self.addCleanup(subprocess.run, ['umount', small], check=False)
        self.configure('state', dir=small)
        self.expect(self.check(code=5), 'state', 'fail', 'MB free', 'make room')


if __name__ == '__main__':
    harness.main()
