"""The vendor's credentials ride in every URL. They must be in no log, error, table, process list or core dump, in no encoding."""
import base64
import os
import threading
import unittest
import urllib.parse

import harness
from harness import SystemTest


def disguises(secret):
    """The forms a secret could be written in."""
    plain = secret.encode()
    forms = {plain, urllib.parse.quote(secret, safe='').encode(), ''.join(f'%{b:02X}' for b in plain).encode(),
             ''.join(f'%{b:02x}' for b in plain).encode(), plain.hex().encode(), json_escaped(secret)}
    for shift in range(3):  # base64 of any longer text that holds it, at each alignment
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b'x' * shift + plain)
            forms.add(encoded[(shift * 8 + 5) // 6 + 1:len(plain) * 8 // 6 - 2])
    return {form for form in forms if len(form) >= 8}


def json_escaped(secret):
    return ''.join(f'\\u{ord(c):04x}' for c in secret).encode()


class Secrets(SystemTest):
    sandbox_arguments = ('--seed', 9, '--surveys', 2, '--responses', 80)

    def assert_clean(self, where, blob):
        for secret in self.secrets:
            for form in disguises(secret):
                self.assertNotIn(form, blob, f'a secret is in {where}')

    def setUp(self):
        self.secrets = self.bench.sandbox.secrets()
        self.assertEqual(len(self.secrets), 2)
        self.bench.sandbox.fault()
        self.bench.configure()

    def run_verbs(self, level, form):
        sections = self.bench.sections()
        sections['log'] = {'level': level, 'format': form}
        self.bench.configure(sections)
        verbs = (('config', 'show'), ('config', 'check'), ('check',), ('check', '--json'), ('sync',), ('status',), ('status', '--json'),
                 ('runs', '--json'), ('quarantine', 'list', '--json'), ('sync', 'nonsense'))
        for verb in verbs:
            done = self.bench.run(*verb)
            self.assert_clean(f'the output of {verb} ({level}, {form})', (done.out + done.err).encode())

    def test_logs_and_outputs_of_healthy_runs(self):
        for form in ('text', 'json'):
            self.run_verbs('debug', form)

    def test_errors(self):
        for fault in ('401', 'status:code=500', 'status:code=404', 'html200', 'cut:bytes=100', 'reset', '429', 'redirect:location=/v5/elsewhere',
                      'error200', 'bad-utf8', 'deep-nesting'):
            with self.subTest(fault=fault):
                self.bench.sandbox.fault(fault)
                done = self.bench.run('sync')
                self.assert_clean(f'the output under {fault}', (done.out + done.err).encode())

    def test_a_server_that_echoes_the_url(self):
        """An error page that repeats the request, credentials and all."""
        token, secret = self.secrets
        echo = urllib.parse.quote(f'<h1>bad gateway for api_token={token}&api_token_secret={secret}</h1>'.replace(',', ' '), safe='')
        for body in (f'<h1>api_token={token}</h1>', echo):
            self.bench.sandbox.fault(f'status:code=502,body={body}')
            done = self.bench.run('sync')
            self.assert_clean('the output when the server echoes', (done.out + done.err).encode())

    def test_tables(self):
        self.bench.run('sync')
        self.assert_clean('the database', self.bench.cluster.dump('warehouse'))

    def test_process_list_and_open_files(self):
        """While a run works: command line and environment as the kernel shows them."""
        self.fresh_database()
        self.bench.sandbox.fault('slow:ms=50')
        process = self.bench.start('sync')
        seen = []
        stop = threading.Event()

        def look():
            while not stop.is_set():
                for name in ('cmdline', 'environ', 'comm', 'status'):
                    try:
                        with open(f'/proc/{process.pid}/{name}', 'rb') as stream:
                            seen.append(stream.read())
                    except OSError:
                        return
                stop.wait(0.05)

        thread = threading.Thread(target=look)
        thread.start()
        self.bench.finish(process)
        stop.set()
        thread.join(5)
        self.assertTrue(seen)
        self.assert_clean('the process list', b'\n'.join(seen))

    def test_no_core_dump_and_no_debugger_for_others(self):
        self.bench.sandbox.fault('slow:ms=100')
        process = self.bench.start('sync')
        harness.wait_until(lambda: 'surveysync' in open(f'/proc/{process.pid}/comm', encoding='utf-8').read(), 5, 'the program')
        with open(f'/proc/{process.pid}/limits', encoding='utf-8') as stream:
            core = next(line for line in stream if line.startswith('Max core file size'))
        process.terminate()
        self.bench.finish(process, 20)
        self.assertEqual(core.split()[4], '0', 'a core dump would hold the secrets')

    def test_group_readable_secret_is_refused(self):
        path = self.bench.scratch.write('loose.key', 'token-0123456789\nsecret-0123456789\n', 0o640)
        sections = self.bench.sections()
        sections['source.us']['auth'] = {'type': 'key', 'secret': 'file:' + path}
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertEqual(done.code, 2, done)
        self.assertIn('loose.key', done.err + done.out)
        os.remove(path)


if __name__ == '__main__':
    unittest.main(verbosity=2)
