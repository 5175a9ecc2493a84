"""What tests of keys share: two accounts, a daemon, a webhook that remembers, proxies that refuse."""
import base64
import http.server
import json
import os
import select
import socket
import threading
import time
import unittest

import compare
from daemon_fixture import STOP_BOUND
from harness import LONG, Daemon, Sandbox, SystemTest, wait_until

SLOW = 'slow:path=/surveyresponse,ms=250ms'
MOST_REFUSED = 12  # in a key's first hour, all processes together
HEALED_WITHIN = 10  # seconds from the write to the first good request
# The network, whatever it says: the key stays in use.
NETWORK = ('status:code=520,body=html', 'status:code=522,body=html', 'status:code=525,body=empty', 'status:code=526,body=html',
           'html200', 'status:code=401,body=html', 'status:code=403,body=html', 'status:code=407,body=html', 'reset', 'no-answer')


long_only = unittest.skipUnless(LONG, 'LONG')


class Hook:
    """A webhook's receiving end."""

    def __init__(self, scratch):
        self.heard = []
        heard = self.heard

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.path = '/hook/9f31c0ffee77'  # the secret part of such an address
        self.file = scratch.write('webhook.url', f'http://127.0.0.1:{self._server.server_address[1]}{self.path}\n', mode=0o600)
        scratch.on_close(self.close)

    def of(self, key):
        return [message for message in list(self.heard) if message['key'] == key]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Mute:
    """A vendor that takes connections, counts them, and never says a word."""

    def __init__(self, scratch):
        self.asked = 0
        self._taken = []
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'https://127.0.0.1:{self._listener.getsockname()[1]}'
        threading.Thread(target=self._serve, daemon=True).start()
        scratch.on_close(self._listener.close)

    def _serve(self):
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return
            self.asked += 1


class Proxy:
    """A proxy that tunnels, or says `answer` to everything; with `login` ("user:password") only for who has it."""

    def __init__(self, scratch):
        self.answer, self.login = None, None
        self.asked = 0
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self._listener.getsockname()[1]}'
        threading.Thread(target=self._serve, daemon=True).start()
        scratch.on_close(self._listener.close)

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client):
        with client:
            head = b''
            while b'\r\n\r\n' not in head:
                part = client.recv(4096)
                if not part:
                    return
                head += part
            self.asked += 1
            answer, shown = self.answer, f'\r\nProxy-Authorization: Basic {base64.b64encode((self.login or "").encode()).decode()}\r\n'
            if self.login and shown not in head.decode():
                answer = '407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="the house"'
            if answer:
                client.sendall(f'HTTP/1.1 {answer}\r\nContent-Type: text/html\r\nContent-Length: 18\r\nConnection: close\r\n\r\n'
                               '<h1>the proxy</h1>'.encode())
                return
            host, port = head.split()[1].decode().rsplit(':', 1)
            with socket.create_connection((host, int(port))) as vendor:
                client.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
                ends = {client: vendor, vendor: client}
                while True:
                    for end in select.select(list(ends), [], [], 30)[0] or [client]:
                        try:
                            data = end.recv(65536)
                            ends[end].sendall(data)
                        except OSError:
                            return
                        if not data:
                            return


class KeysTest(SystemTest):
    sandbox_arguments = ('--seed', 21, '--surveys', 2, '--responses', 120)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hook = Hook(cls.bench.scratch)
        cls.other = Sandbox(cls.bench.scratch, '--seed', 22, '--surveys', 1, '--responses', 20, folder='other vendor')

    def setUp(self):
        self.daemons, self.texts = [], []
        self.file = self.bench.sandbox.secret_file
        self.next = self.file + '.next'
        self.bench.sandbox.fault()
        self.other.fault()
        self.fresh_database()
        self.hook.heard.clear()
        if os.path.exists(self.next):
            os.unlink(self.next)
        self.bench.sandbox.key(action='rotate', write=True)
        self.values = set(self.bench.sandbox.secrets() + self.other.secrets()) | {self.hook.path}
        self.configure()

    def tearDown(self):
        for daemon in self.daemons:
            daemon.kill()
            self.texts.append(daemon.output())
        self.texts.append(self.bench.cluster.dump('warehouse').decode(errors='replace'))
        self.texts += [json.dumps(message) for message in self.hook.heard]
        for value in self.values:
            for text in self.texts:
                at = text.find(value)
                if at >= 0:
                    self.fail(f'a key is shown: ...{text[max(0, at - 300):at]}[HERE]')

    def sections(self, **limits):
        sections = self.bench.sections()
        sections['log'] = {'level': 'info'}
        sections['daemon'] = {'lease_ttl': '2s'}
        sections['source.us']['schedule'] = {'cron': '* * * * *', 'timezone': 'UTC'}
        # As they are by default: what heals in time does not rest on them.
        sections['source.us.limits'].update({'page_size': {'start': 10, 'min': 5, 'max': 10}, 'request_timeout': '20s', **limits})
        sections['source.eu'] = {**sections['source.us'], 'base_url': self.other.base_url, 'tls': {'ca_file': self.other.ca_file},
                                 'auth': {'type': 'key', 'secret': 'file:' + self.other.secret_file}}
        sections['source.eu.limits'] = sections['source.us.limits']
        sections['alerts.ops'] = {'type': 'webhook', 'url': 'file:' + self.hook.file}
        return sections

    def configure(self, **limits):
        self.bench.configure(self.sections(**limits))

    def serve(self, runs=None):
        """A daemon; with `runs`, once both sources have that many good runs."""
        daemon = Daemon(self.bench)
        self.daemons.append(daemon)
        if runs:
            for source in ('us', 'eu'):
                daemon.wait_for('run_finished', source=source, outcome='succeeded', least=runs, seconds=60)
        return daemon

    def verb(self, *arguments, code=0, **options):
        done = self.bench.run(*arguments, **options)
        self.texts += [done.out, done.err]
        self.assertEqual(done.code, code, f'{arguments}: {done}')
        return done

    def rotate(self, **options):
        """The vendor makes a new pair, which waits beside the key file; the old one is dead. Starts the count."""
        self.bench.sandbox.key(action='rotate', write=False, **options)
        with open(self.next, encoding='utf-8') as stream:
            self.values |= set(stream.read().split())
        self.asked_before = self.refused()

    def refused(self):
        """Whatever the vendor's words are."""
        statuses = self.bench.sandbox.stats()['statuses']
        return statuses.get('401', 0) + statuses.get('403', 0)

    def good(self):
        return self.bench.sandbox.stats()['statuses'].get('200', 0)

    def asked_with_dead_key(self):
        return self.refused() - self.asked_before

    def pair(self):
        with open(self.next, encoding='utf-8') as stream:
            return stream.read().split()

    def write(self, text, mode=0o600):
        """In place, as an editor without a plan would."""
        with open(self.file, 'w', encoding='utf-8') as stream:
            stream.write(text)
        os.chmod(self.file, mode)

    def replace(self):
        os.replace(self.next, self.file)

    def ask(self, source='us'):
        """Something to do for the daemon, now; the request's number."""
        self.bench.database.execute(f"INSERT INTO surveysync.request (source, kind) VALUES ('{source}', 'incremental')")
        return self.bench.database.value('SELECT max(request_id) AS n FROM surveysync.request')

    def answered(self, request, seconds=30):
        row = f'SELECT outcome, exit_code, error FROM surveysync.request WHERE request_id = {request} AND finished_at IS NOT NULL'
        return wait_until(lambda: self.bench.database.query(row), seconds, f'request {request} to end')[0]

    def held(self, daemon, verdict='rotated', seconds=30, least=None):
        """The source is held with this verdict."""
        daemon.wait_for('source_held', seconds, least=least or 1, source='us', verdict=verdict)

    def healed(self, daemon, act, seconds=HEALED_WITHIN):
        """From `act` to the first good request, then to equal tables and a closed incident."""
        good, released = self.good(), len(daemon.events('source_released', source='us'))
        begin = time.monotonic()
        act()
        wait_until(lambda: self.good() > good, seconds, lambda: f'a good request\n{daemon.tail()}')
        self.assertLess(time.monotonic() - begin, seconds)
        daemon.wait_for('source_released', source='us', least=released + 1)
        wait_until(lambda: compare.against_truth(self.bench, tables=('response',)) == [], 50, lambda: f'what was missed\n{daemon.tail()}')
        wait_until(lambda: not self.incidents(open_only=True), 20, lambda: f'the incident to be over: {self.incidents()}')

    def incidents(self, rule='credentials_refused', open_only=False):
        return self.bench.database.query(f"SELECT * FROM surveysync.incident WHERE rule = '{rule}' AND source = 'us'"
                                         + (' AND resolved_at IS NULL' if open_only else '') + ' ORDER BY incident_id')

    def credential(self, source='us', slot='secret'):
        return self.bench.database.query(f"SELECT * FROM surveysync.credential WHERE source = '{source}' AND slot = '{slot}'")[0]

    def stop(self, daemon):
        code, took = daemon.stop()
        self.assertEqual(code, 0, daemon.tail())
        self.assertLess(took, STOP_BOUND, daemon.tail())

    def assert_told_once(self, verdict='rotated'):
        """One incident, one message when it opened and one when it was over."""
        incident, = self.incidents()
        self.assertEqual((incident['verdict'], incident['severity']), (verdict, 'critical'))
        for name in ('evidence', 'next_step', 'opened_at', 'notified_at', 'resolved_at'):
            self.assertTrue(incident[name], f'{name}: {incident}')
        wait_until(lambda: len(self.hook.of('credentials_refused/us')) >= 2, 20, 'the messages')
        opened, resolved = self.hook.of('credentials_refused/us')
        self.assertEqual((opened['status'], opened['verdict'], resolved['status']), ('open', verdict, 'resolved'))
        self.assertTrue(opened['evidence'] and opened['next_step'] and opened['since'])

    def assert_undisturbed(self, daemon, source='eu'):
        self.assertEqual(self.answered(self.ask(source))['outcome'], 'succeeded')
        for name in ('key_refused', 'source_held', 'key_rotated'):
            self.assertEqual(daemon.events(name, source=source), [])
        self.assertIsNone(self.credential(source)['verdict'])
