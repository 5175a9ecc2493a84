"""What is secret must be in no log, error, output, table, process list, state file or core dump, in no encoding.

Secrets are planted (PLANTED: one line for each kind that comes), then every output there is is searched for them."""
import base64
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import unittest
import urllib.parse

import harness
from harness import SystemTest

# Beside the vendor's pair, which the sandbox makes: name -> value. setUp() puts each where the program reads it.
PLANTED = {
    'database password': 'db-Pa55 w%rd/+"quoted"&more',
    'webhook URL': 'https://127.0.0.1:9/hooks/T0k3n+in/the=path?key=wEbh00k-sEcret',
}
# Parts of planted values that are secret alone.
PARTS = {'webhook URL': ('T0k3n+in/the=path', 'wEbh00k-sEcret')}

# What every verb is tried with; a verb that --help names and this does not is a failure.
VERBS = {
    'check': (('check',), ('check', '--json')),
    'config': (('config', 'show'), ('config', 'check')),
    'sync': (('sync',), ('sync', 'nonsense')),
    'plan': (('plan',), ('plan', '--json')),
    'verify': (('verify',), ('verify', '--deep'), ('verify', '--json')),
    'resync': (('resync', 'us', '--yes'),),
    'backfill': (('backfill', 'us', '--from', '2020-01-01'),),
    'replay': (('replay', 'us'),),
    'erase': (('erase', 'us', '--response', '1/1'), ('erase', 'us', '--verify'), ('erase', 'us', '--verify', '--json')),
    'status': (('status',), ('status', '--json')),
    'runs': (('runs',), ('runs', '--json')),
    'run': (('run', 'show', '1'), ('run', 'show', '1', '--json')),
    'quarantine': (('quarantine', 'list'), ('quarantine', 'list', '--json')),
    'migrate': (('migrate',), ('migrate', '--dry-run'), ('migrate', '--print-roles')),
    'keys': (('keys', 'status'), ('keys', 'status', '--json'), ('keys', 'test'), ('keys', 'test', '--json')),
    'discover': (('discover',),),
    'alerts': (('alerts', 'test'),),
    'authorize': (('authorize', 'us'),),
    'views': (('views', 'rebuild'),),
    'dictionary': (('dictionary', 'export', '--output', '/dev/null/x'), ('dictionary', 'export')),
    'completions': (('completions', 'bash'),),
    'version': (('version',),),
}
# The daemon has its own test below; the sandbox is the vendor, whose key is its own, and a rehearsal reads no configuration.
ELSEWHERE = {'serve', 'sandbox', 'rehearse'}


def disguises(secret):
    """The forms a secret could be written in."""
    plain = secret.encode()
    forms = {plain, urllib.parse.quote(secret, safe='').encode(), urllib.parse.quote(secret).encode(),
             urllib.parse.quote_plus(secret).encode(), ''.join(f'%{b:02X}' for b in plain).encode(),
             ''.join(f'%{b:02x}' for b in plain).encode(), plain.hex().encode(), json_escaped(secret),
             secret.replace('\\', '\\\\').replace('"', '\\"').encode()}
    for shift in range(3):  # base64 of any longer text that holds it, at each alignment
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b'x' * shift + plain)
            forms.add(encoded[(shift * 8 + 5) // 6:(shift + len(plain)) * 8 // 6])
    return {form for form in forms if len(form) >= 8}


def json_escaped(secret):
    return ''.join(f'\\u{ord(c):04x}' for c in secret).encode()


class Disguises(unittest.TestCase):
    """The search itself must find."""

    def test_found_in_every_form(self):
        draw = random.Random(4)
        for secret in ('a1b2c3d4e5', *PLANTED.values()):
            for before in range(7):
                for after in range(4):
                    blob = draw.randbytes(before) + secret.encode() + draw.randbytes(after)
                    for shown in (blob, base64.b64encode(blob), base64.urlsafe_b64encode(blob), blob.hex().encode(),
                                  urllib.parse.quote(blob, safe='').encode(), urllib.parse.quote_plus(blob).encode()):
                        self.assertTrue(any(form in shown for form in disguises(secret)), (secret, shown))


class Secrets(SystemTest):
    sandbox_arguments = ('--seed', 9, '--surveys', 2, '--responses', 80)

    def assert_clean(self, where, blob):
        for name, values in self.secrets.items():
            for value in values:
                for form in disguises(value):
                    self.assertNotIn(form, blob, f'the {name} is in {where}')

    def setUp(self):
        pair = self.bench.sandbox.secrets()
        self.assertEqual(len(pair), 2)
        self.secrets = {'vendor key': pair}
        self.secrets.update({name: (value, *PARTS.get(name, ())) for name, value in PLANTED.items()})
        self.files = {name: self.bench.scratch.write(f'secrets/{name.replace(" ", "-")}', value + '\n', 0o600)
                      for name, value in PLANTED.items()}
        self.bench.sandbox.fault()
        self.bench.configure(self.sections())

    def sections(self, level='debug', form='text'):
        sections = self.bench.sections()
        sections['log'] = {'level': level, 'format': form}
        sections['database']['password'] = 'file:' + self.files['database password']
        sections['alerts.ops'] = {'type': 'webhook', 'url': 'file:' + self.files['webhook URL']}
        return sections

    def run_clean(self, *verb, what='', env=None):
        done = self.bench.run(*verb, env=env)
        self.assert_clean(f'the output of {" ".join(verb)} {what}', (done.out + done.err).encode())
        return done

    def test_outputs_and_logs_of_every_verb(self):
        usage = self.bench.run('--help').out
        verbs = [line.split()[0] for line in usage[usage.index('Subcommands:'):].split('\n\n')[0].splitlines()[1:]]
        self.assertIn('sync', verbs)
        self.assertEqual([verb for verb in verbs if verb not in VERBS and verb not in ELSEWHERE], [], 'a verb that is not tried')
        for form in ('text', 'json'):
            self.bench.configure(self.sections(form=form))
            for verb in verbs:
                for arguments in VERBS.get(verb, ()):
                    done = self.run_clean(*arguments, what=f'({form})')
                    if form == 'json':
                        self.check_json_lines(done.err)
                    if arguments == ('sync',):
                        self.assertEqual(done.code, 0, done)
                        self.assertIn('partition_finished', done.err, 'the most detailed level')

    def check_json_lines(self, text):
        """Each line of the log says when, how grave and what, and in which run where it belongs to one."""
        for line in text.splitlines():
            if not line.startswith('{'):
                continue
            entry = json.loads(line)
            self.assertEqual(list(entry)[:4], ['time', 'level', 'event', 'message'], line)
            self.assertRegex(entry['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
            self.assertIn(entry['level'], ('debug', 'info', 'warning', 'error'))
            if entry['event'] in ('run_started', 'run_finished', 'partition_finished', 'certificate_issued'):
                self.assertIsInstance(entry.get('run_id'), int, line)

    def test_daemon(self):
        """`serve` with a key that the vendor refuses, and a webhook that nobody answers."""
        if '\n  serve ' not in self.bench.run('--help').out:
            self.skipTest('this binary has no daemon')
        for form in ('text', 'json'):
            sections = self.sections(form=form)
            sections['source.us']['schedule'] = {'cron': '@daily', 'timezone': 'UTC'}
            self.bench.configure(sections)
            self.fresh_database()
            self.bench.sandbox.fault('401')
            process = self.bench.start('serve')
            seen = []
            stop = threading.Event()
            thread = threading.Thread(target=self.look, args=(process, seen, stop))
            thread.start()
            try:
                harness.wait_until(lambda: self.bench.database.value('SELECT count(*) FROM surveysync.incident') or process.poll() is not None,
                                   60, 'the incident')
            finally:
                stop.set()
                thread.join(5)
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                done = self.bench.finish(process, 20)
            self.assertEqual(done.code, 0, done)
            self.assert_clean(f'the output of the daemon ({form})', (done.out + done.err).encode())
            self.assert_clean('the process list', b'\n'.join(seen))
            self.assert_clean('the database', self.bench.cluster.dump('warehouse'))
            self.assertIn('incident_opened', done.err)
            if form == 'json':
                self.check_json_lines(done.err)

    def test_errors(self):
        for fault in ('401', 'status:code=500', 'status:code=404', 'html200', 'cut:bytes=100', 'reset', '429', 'redirect:location=/v5/elsewhere',
                      'error200', 'bad-utf8', 'deep-nesting'):
            with self.subTest(fault=fault):
                self.bench.sandbox.fault(fault)
                self.run_clean('sync', what=f'under {fault}')

    def test_a_server_that_echoes_the_url(self):
        """An error page that repeats the request, credentials and all."""
        token, secret = self.secrets['vendor key']
        echo = urllib.parse.quote(f'<h1>bad gateway for api_token={token}&api_token_secret={secret}</h1>'.replace(',', ' '), safe='')
        for body in (f'<h1>api_token={token}</h1>', echo):
            self.bench.sandbox.fault(f'status:code=502,body={body}')
            self.run_clean('sync', what='when the server echoes')

    def test_mistakes_in_the_configuration(self):
        """A password where it does not belong, and secrets that are no secret files."""
        password = PLANTED['database password']
        sections = self.sections()
        del sections['database']['password']
        sections['database']['uri'] += '&password=' + urllib.parse.quote(password, safe='') + '&no_such_setting=1'
        self.bench.configure(sections)
        for verb in (('config', 'show'), ('config', 'check'), ('check',), ('sync',), ('migrate',)):
            self.run_clean(*verb, what='with a password in the URI')
        sections = self.sections()
        sections['alerts.ops']['url'] = PLANTED['webhook URL']
        self.bench.configure(sections)
        for verb in (('config', 'show'), ('config', 'check'), ('sync',)):
            self.run_clean(*verb, what='with the URL itself in the configuration')

    def test_tables(self):
        self.bench.run('sync')
        self.bench.sandbox.fault('401')
        self.bench.run('sync')
        self.assert_clean('the database', self.bench.cluster.dump('warehouse'))

    def test_state_directory(self):
        self.bench.run('sync')
        self.bench.sandbox.fault('401')
        self.bench.run('sync')
        for folder, _, names in os.walk(self.bench.scratch.join('state')):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, 'rb') as stream:
                    self.assert_clean(path, name.encode() + b'\n' + stream.read())

    def look(self, process, seen, stop):
        while not stop.is_set():
            for name in ('cmdline', 'environ', 'comm', 'status'):
                try:
                    with open(f'/proc/{process.pid}/{name}', 'rb') as stream:
                        seen.append(stream.read())
                except OSError:
                    return
            stop.wait(0.05)

    def test_process_list(self):
        """While a run works: command line and environment as the kernel shows them."""
        self.fresh_database()
        self.bench.sandbox.fault('slow:ms=50')
        process = self.bench.start('sync')
        seen, stop = [], threading.Event()
        thread = threading.Thread(target=self.look, args=(process, seen, stop))
        thread.start()
        self.bench.finish(process)
        stop.set()
        thread.join(5)
        self.assertTrue(seen)
        self.assert_clean('the process list', b'\n'.join(seen))

    def test_a_secret_from_the_environment_does_not_stay_there(self):
        """env: is read once and overwritten: not even root finds it in /proc afterwards."""
        sections = self.sections()
        sections['source.us']['auth'] = {'type': 'key', 'secret': 'env:VENDOR_PAIR'}
        self.bench.configure(sections)
        self.fresh_database()
        self.bench.sandbox.fault('slow:ms=300')
        before = self.bench.sandbox.stats()
        process = self.bench.start('sync', env={'VENDOR_PAIR': '\n'.join(self.secrets['vendor key'])})
        harness.wait_until(lambda: self.bench.sandbox.stats() != before, 10, 'the first request')
        with open(f'/proc/{process.pid}/environ', 'rb') as stream:
            environ = stream.read()
        self.assertIn(b'PATH=', environ)
        self.assert_clean('the environment', environ)
        self.bench.sandbox.fault()
        done = self.bench.finish(process)
        self.assertEqual(done.code, 0, done)
        self.assert_clean('the output with env:', (done.out + done.err).encode())

    def start_as(self, user):
        """A slow run of an ordinary user, with files of its own."""
        sections = self.sections()
        own = {}
        for name, path in {'key': self.bench.sandbox.secret_file, 'ca': self.bench.sandbox.ca_file, **self.files}.items():
            with open(path, encoding='utf-8') as stream:
                own[name] = self.bench.scratch.write(f'own/{os.path.basename(path)}', stream.read(), 0o600)
        sections['source.us']['auth']['secret'] = 'file:' + own['key']
        sections['source.us']['tls']['ca_file'] = own['ca']
        sections['database']['password'] = 'file:' + own['database password']
        sections['alerts.ops']['url'] = 'file:' + own['webhook URL']
        state = self.bench.scratch.join('own', 'state')
        os.makedirs(state, exist_ok=True)
        sections['state']['dir'] = state
        self.bench.configure(sections)
        for path, _, names in os.walk(self.bench.scratch.join('own')):
            for name in ('', *names):
                shutil.chown(os.path.join(path, name), user)
        for folder in (self.bench.cluster.folder, self.bench.cluster.socket):
            os.chmod(folder, 0o711)
        return subprocess.Popen(self.bench.command('sync'), env=self.bench.environment(), user=user, group='nogroup', extra_groups=(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

    @unittest.skipUnless(os.geteuid() == 0, 'becomes another user')
    def test_no_debugger_of_the_same_user(self):
        """The process belongs to root in /proc, and its own user can read neither its memory nor its environment."""
        self.fresh_database()
        self.bench.sandbox.fault('slow:ms=300')
        before = self.bench.sandbox.stats()['requests']
        process = self.start_as('nobody')
        self.bench.scratch.on_close(lambda: harness.stop_process(process))
        harness.wait_until(lambda: self.bench.sandbox.stats()['requests'] != before or process.poll() is not None, 10, 'the first request')
        self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else '')
        try:
            with open(f'/proc/{process.pid}/status', encoding='utf-8') as stream:
                uid = next(line for line in stream if line.startswith('Uid:'))
            self.assertNotEqual(uid.split()[1], '0', 'it runs as another user')
            for name in ('mem', 'environ', 'maps', 'auxv'):
                self.assertEqual(os.stat(f'/proc/{process.pid}/{name}').st_uid, 0, name)
                done = subprocess.run(['head', '-c', '1', f'/proc/{process.pid}/{name}'], user='nobody', group='nogroup', extra_groups=(),
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
                self.assertNotEqual(done.returncode, 0, name)
                self.assertIn(b'ermission denied', done.stderr, name)
        finally:
            harness.stop_process(process, 10)
            process.stderr.close()

    def test_no_core_dump(self):
        """Whatever limit it is started with."""
        self.bench.sandbox.fault('slow:ms=100')
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))
        self.bench.database.execute('TRUNCATE surveysync.credential')  # other tests had the key refused, hour after hour
        self.bench.forget_keys()
        before = self.bench.sandbox.stats()
        process = self.bench.start('sync')
        harness.wait_until(lambda: self.bench.sandbox.stats() != before, 10, 'the first request')
        with open(f'/proc/{process.pid}/limits', encoding='utf-8') as stream:
            core = next(line for line in stream if line.startswith('Max core file size'))
        process.terminate()
        self.bench.finish(process, 20)
        self.assertEqual(core.split()[4:6], ['0', '0'], 'a core dump would hold the secrets')

    def test_group_readable_secret_is_refused(self):
        path = self.bench.scratch.write('loose.key', 'token-0123456789\nsecret-0123456789\n', 0o640)
        sections = self.sections()
        sections['source.us']['auth'] = {'type': 'key', 'secret': 'file:' + path}
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertEqual(done.code, 2, done)
        self.assertIn('loose.key', done.err + done.out)
        os.remove(path)


if __name__ == '__main__':
    unittest.main(verbosity=2)
