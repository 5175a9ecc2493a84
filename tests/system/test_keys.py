"""What a rotated key does to the daemon: one incident with its cause, no hammering, the other sources undisturbed, and seconds
after the new key is in place everything that was missed is there. The vendor counts the requests."""
import http.server
import json
import os
import select
import shutil
import socket
import threading
import time
import unittest

import compare
import harness
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
    """A proxy that tunnels, or says `answer` to everything."""

    def __init__(self, scratch):
        self.answer = None
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
            if self.answer:
                client.sendall(f'HTTP/1.1 {self.answer}\r\nContent-Type: text/html\r\nContent-Length: 18\r\nConnection: close\r\n\r\n'
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
        return self.bench.sandbox.stats()['statuses'].get('401', 0)

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
        self.assertLess(took, 7, daemon.tail())

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


class Rotation(KeysTest):
    def in_mid_run(self, verdict='rotated', **limits):
        self.configure(**limits)
        self.bench.sandbox.fault(SLOW)
        daemon = self.serve()
        wait_until(lambda: self.bench.database.value("SELECT count(*) AS n FROM alchemer.response WHERE source = 'us'") > 0, 30, 'rows')
        self.rotate()
        self.held(daemon, verdict)
        self.bench.sandbox.fault()
        self.bench.sandbox.change(op='insert', count=3)
        return daemon

    def test_the_new_key_comes_seconds_later(self):
        daemon = self.in_mid_run()
        self.assert_undisturbed(daemon)
        self.assertEqual(self.credential()['verdict'], 'rotated')
        time_of_hold = time.monotonic() + 5
        wait_until(lambda: time.monotonic() > time_of_hold, 10, 'five seconds to pass')
        self.assertTrue(daemon.alive())
        self.healed(daemon, self.replace)
        self.assertLessEqual(self.asked_with_dead_key(), 6)
        self.assert_told_once()
        self.assertEqual(compare.against_truth(self.bench), [])
        self.stop(daemon)
        self.assertEqual(len(daemon.events('incident_opened')), 1, daemon.tail())

    @long_only
    def test_the_new_key_comes_after_a_long_hold(self):
        daemon = self.in_mid_run(hold_probe=['1s', '2s', '3s', '1h'])
        daemon.wait_for('key_tried', seconds=30, source='us', verdict='rotated', least=3)
        self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
        self.healed(daemon, self.replace)
        self.assert_told_once()
        self.stop(daemon)

    @long_only
    def test_the_new_key_never_comes(self):
        """Short waits: however often it may ask, a dozen are the most."""
        daemon = self.in_mid_run(hold_probe=['300ms'])
        end = time.monotonic() + (60 if LONG else 12)
        while time.monotonic() < end:
            self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
            self.assertTrue(daemon.alive(), daemon.tail())
            time.sleep(0.5)
        self.assertGreaterEqual(self.asked_with_dead_key(), MOST_REFUSED // 2, 'the waits were not used')
        self.assert_undisturbed(daemon)
        self.assertEqual(len(self.incidents(open_only=True)), 1)
        self.assertEqual(len(self.hook.of('credentials_refused/us')), 1)
        self.stop(daemon)

    def test_told_inside_a_good_answer(self):
        forms = ('401:inside=200,wording=rotated', '401:inside=200,code=string,wording=rotated', '401:wording=rotated,code=string')
        for form in forms if LONG else forms[1:2]:
            with self.subTest(fault=form):
                self.setUp()
                daemon = self.serve(runs=1)
                asked = self.bench.sandbox.stats()['requests']
                self.bench.sandbox.fault(form)
                request = self.ask()
                self.held(daemon)
                self.assertEqual(self.answered(request)['exit_code'], 4)
                self.assertLessEqual(self.bench.sandbox.stats()['requests'] - asked, 6)
                self.rotate()
                self.bench.sandbox.fault()
                self.bench.sandbox.change(op='insert', count=2)
                self.healed(daemon, self.replace)
                self.assert_told_once()
                self.stop(daemon)


class Writing(KeysTest):
    """However the new key is written: ten seconds at most."""

    def test_ways_to_write_a_key(self):
        daemon = self.serve(runs=1)
        for number, way in enumerate((self.rename, self.in_place, self.half_a_line, self.half_a_pair, self.permissions, self.removed,
                                      self.folded), 1):
            with self.subTest(way=way.__name__):
                self.rotate()
                self.ask()
                self.held(daemon, least=number)
                self.bench.sandbox.change(op='insert', count=2)
                self.healed(daemon, way(daemon))
                self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
                self.assertEqual(len(self.incidents()), number)
        self.assert_undisturbed(daemon)
        self.assertEqual(compare.against_truth(self.bench), [])
        self.stop(daemon)

    def rename(self, _daemon):
        return self.replace

    def in_place(self, _daemon):
        text = '\n'.join(self.pair()) + '\n'
        return lambda: self.write(text)

    def half_a_pair(self, daemon):
        """The token is there; the secret comes after a pause."""
        token, secret = self.pair()
        warned = len(daemon.events('secret_warned')) + 1
        self.write(token + '\n')
        daemon.wait_for('secret_warned', least=warned, seconds=HEALED_WITHIN)

        def rest():
            with open(self.file, 'a', encoding='utf-8') as stream:
                stream.write(secret + '\n')
        return rest

    def half_a_line(self, daemon):
        """It looks like a key, and is refused: the rest of it makes another one."""
        token, secret = self.pair()
        self.values.discard(secret)
        half = secret[:len(secret) // 2]
        tried = len(daemon.events('key_tried', source='us')) + 1
        self.write(f'{token}\n{half}')
        event = daemon.wait_for('key_tried', least=tried, seconds=HEALED_WITHIN, source='us')
        self.assertNotEqual(event['verdict'], 'accepted')
        self.values.add(secret)

        def rest():
            with open(self.file, 'a', encoding='utf-8') as stream:
                stream.write(secret[len(half):] + '\n')
        return rest

    def permissions(self, daemon):
        warned = len(daemon.events('secret_warned')) + 1
        os.chmod(self.next, 0o644)
        self.replace()
        daemon.wait_for('secret_warned', least=warned, seconds=HEALED_WITHIN)
        return lambda: os.chmod(self.file, 0o600)

    def removed(self, daemon):
        warned = len(daemon.events('secret_warned')) + 1
        os.unlink(self.file)
        daemon.wait_for('secret_warned', least=warned, seconds=HEALED_WITHIN)
        return self.replace

    def folded(self, daemon):
        """The whole folder is another one, as when a vault's agent turns a link."""
        folder = os.path.dirname(self.file)
        name = os.path.basename(self.file)
        shadow = self.bench.scratch.join('turned')
        shutil.rmtree(shadow, ignore_errors=True)
        os.mkdir(shadow, 0o700)
        shutil.copy2(self.next, os.path.join(shadow, name))
        os.unlink(self.next)

        def turn():
            link = os.path.join(folder, '.turn')
            os.symlink(os.path.join(shadow, name), link)
            os.rename(link, self.file)
        self.addCleanup(lambda: os.path.islink(self.file) and self.write_real())
        return turn

    def write_real(self):
        with open(self.file, encoding='utf-8') as stream:
            text = stream.read()
        os.unlink(self.file)
        self.write(text)

    @long_only
    def test_a_good_key_whose_file_goes_away_is_used_on(self):
        daemon = self.serve(runs=1)
        with open(self.file, encoding='utf-8') as stream:
            text = stream.read()
        os.unlink(self.file)
        daemon.wait_for('secret_warned', seconds=HEALED_WITHIN)
        self.bench.sandbox.change(op='insert', count=2)
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.write(text)
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.assertEqual(daemon.events('source_held'), [])
        self.assertEqual(self.incidents(), [])
        self.assertEqual(compare.against_truth(self.bench), [])
        self.stop(daemon)

    def test_a_new_key_in_time_bothers_nobody(self):
        """The file was changed with the vendor's key: the call is made once more, no incident."""
        daemon = self.serve(runs=1)
        self.rotate()
        self.replace()
        self.bench.sandbox.change(op='insert', count=2)
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.assertEqual(daemon.events('source_held'), [])
        self.assertEqual(self.incidents(), [])
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertLessEqual(self.asked_with_dead_key(), 4)
        self.stop(daemon)

    def test_no_key_at_the_start(self):
        with open(self.file, encoding='utf-8') as stream:
            text = stream.read()
        os.unlink(self.file)
        daemon = self.serve()
        self.held(daemon, 'missing')
        self.healed(daemon, lambda: self.write(text))
        self.assert_told_once('missing')
        self.stop(daemon)


class Loops(KeysTest):
    def test_restarts_and_verbs_do_not_hammer(self):
        """kill -9 and restart again and again, and people who try and try: the vendor hears a dozen at most."""
        self.configure(retry={'attempts': 2, 'base': '10ms', 'cap': '20ms', 'budget': '1s'})
        daemon = self.serve(runs=1)
        self.rotate()
        self.ask()
        self.held(daemon)
        for number in range(15):
            daemon.kill()
            daemon = self.serve()
            self.held(daemon)
            if number % 3 == 0:
                self.verb('sync', 'us', code=4)
                self.verb('keys', 'test', 'us', code=4)
                self.verb('check', 'us', code=5)
            self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED, f'after {number + 1} restarts')
        self.assertEqual(len(self.incidents()), 1)
        self.assertEqual(len(self.hook.of('credentials_refused/us')), 1)
        self.assert_undisturbed(daemon)
        daemon.kill()
        self.bench.sandbox.change(op='insert', count=2)
        self.replace()  # while nobody looks
        good = self.good()
        begin = time.monotonic()
        daemon = self.serve()
        wait_until(lambda: self.good() > good, HEALED_WITHIN, lambda: f'a good request\n{daemon.tail()}')
        self.assertLess(time.monotonic() - begin, HEALED_WITHIN)
        wait_until(lambda: compare.against_truth(self.bench) == [], 50, lambda: f'what was missed\n{daemon.tail()}')
        wait_until(lambda: not self.incidents(open_only=True), 20, 'the incident to be over')
        self.assert_told_once()
        self.stop(daemon)

    def test_the_key_is_replaced_and_the_daemon_restarted(self):
        """What people do first: no schedule and no back-off stands between the start and the new key."""
        sections = self.sections()
        sections['source.us']['schedule'] = {'cron': '0 0 29 2 *', 'timezone': 'UTC'}
        self.bench.configure(sections)
        daemon = self.serve(runs=1)
        self.rotate()
        self.ask()
        self.held(daemon)
        self.stop(daemon)
        self.bench.sandbox.change(op='insert', count=2)
        self.replace()
        good = self.good()
        daemon = self.serve()
        wait_until(lambda: self.good() > good, HEALED_WITHIN, lambda: f'a good request: {daemon.tail()}')
        wait_until(lambda: compare.against_truth(self.bench) == [], 30, lambda: f'what was missed: {daemon.tail()}')
        wait_until(lambda: not self.incidents(open_only=True), 20, 'the incident to be over')
        self.assert_told_once()
        self.stop(daemon)

    @long_only
    def test_a_restart_loop_before_any_answer(self):
        """Killed each time before the vendor answered at all: after a few times the key is left alone for a while."""
        mute = Mute(self.bench.scratch)
        sections = self.sections(hold_probe=['5s'], connect_timeout='60s', request_timeout='90s')
        sections['source.us']['base_url'] = mute.url
        self.bench.configure(sections)
        self.ask()  # it stays asked for until somebody has done it
        for _ in range(8):
            daemon = self.serve()
            before = mute.asked
            wait_until(lambda daemon=daemon, before=before: daemon.events('source_held') or mute.asked > before, 30,
                       lambda daemon=daemon: f'a request, or none for now: {daemon.tail()}')
            rests = daemon.events('source_held')
            daemon.kill()
            if rests:
                break
        self.assertTrue(rests, 'the key is never left alone')
        self.assertLessEqual(mute.asked, MOST_REFUSED)
        self.configure(hold_probe=['5s'])
        self.ask()
        daemon = self.serve()
        wait_until(lambda: compare.against_truth(self.bench) == [], 60, lambda: f'the load to go on: {daemon.tail()}')
        self.stop(daemon)


class Verdicts(KeysTest):
    def test_second_slot(self):
        sections = self.sections()
        sections['source.us']['auth']['next'] = 'file:' + self.next
        self.bench.configure(sections)
        daemon = self.serve(runs=1)
        self.rotate()
        self.bench.sandbox.change(op='insert', count=2)
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.assertEqual(daemon.wait_for('key_rotated', source='us')['slot'], 'next')
        incident, = wait_until(lambda: self.incidents('second_key_in_use'), 20, 'the warning')
        self.assertEqual((incident['severity'], incident['resolved_at']), ('warning', None))
        self.assertEqual(self.incidents(), [])
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertEqual(daemon.events('source_held'), [])
        # The first place holds it too: all is well again.
        shutil.copy2(self.next, self.file + '.new')
        os.replace(self.file + '.new', self.file)
        wait_until(lambda: not self.incidents('second_key_in_use', open_only=True), 20, lambda: f'the warning to be over\n{daemon.tail()}')
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.stop(daemon)

    @long_only
    def test_second_slot_that_is_dead_is_told_beforehand(self):
        sections = self.sections()
        sections['source.us']['auth']['next'] = 'file:' + self.next
        self.bench.configure(sections)
        with open(os.open(self.next, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as stream:
            stream.write('0123456789abcdef0123456789abcdef\nA9fakeSecretForTests.\n')
        daemon = self.serve(runs=1)
        wait_until(lambda: self.incidents('second_key_refused'), 30, lambda: f'the warning\n{daemon.tail()}')
        self.assertEqual(daemon.events('source_held'), [])
        self.assertEqual(self.incidents(), [])
        self.assertEqual(self.answered(self.ask())['outcome'], 'succeeded')
        self.stop(daemon)

    def test_half_rotated(self):
        daemon = self.serve(runs=1)
        old = self.bench.sandbox.secrets()
        self.rotate()
        token, secret = self.pair()
        self.write(f'{token}\n{old[1]}\n')
        self.ask()
        self.held(daemon, 'half_rotated')
        self.bench.sandbox.change(op='insert', count=2)
        self.healed(daemon, lambda: self.write(f'{token}\n{secret}\n'))
        self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
        self.stop(daemon)

    def test_mistyped(self):
        with open(self.file, encoding='utf-8') as stream:
            right = stream.read()
        self.write('0123456789abcdef0123456789abcdef\nA9fakeSecretForTests.\n')
        self.asked_before = self.refused()
        daemon = self.serve()
        self.held(daemon, 'mistyped')
        self.assert_undisturbed(daemon)
        self.healed(daemon, lambda: self.write(right))
        self.assert_told_once('mistyped')
        self.assertLessEqual(self.asked_with_dead_key(), 6)
        self.stop(daemon)

    def refused_access(self, rule, verdict):
        self.configure(hold_probe=['1s', '2s'])
        daemon = self.serve(runs=1)
        self.bench.sandbox.fault(rule)
        self.ask()
        self.held(daemon, verdict)
        self.assert_undisturbed(daemon)
        self.bench.sandbox.change(op='insert', count=2)
        self.healed(daemon, self.bench.sandbox.fault, seconds=20)  # nothing changes here: the next probe finds it
        self.assert_told_once(verdict)
        self.assertEqual(self.bench.database.value("SELECT count(*) AS n FROM alchemer.response WHERE deleted_at IS NOT NULL"), 0)
        self.stop(daemon)

    def test_permission_denied(self):
        self.refused_access('status:path=/survey,code=403,body=json,message=Permission denied', 'permission_denied')

    @long_only
    def test_access_disabled(self):
        self.refused_access('status:code=403,body=json,message=API access is disabled', 'access_disabled')


class Network(KeysTest):
    """Never the key."""

    def assert_not_held(self):
        self.assertIsNone(self.credential()['verdict'])
        self.assertEqual(self.incidents(), [])

    def test_what_the_vendor_s_edge_says(self):
        self.configure(retry={'attempts': 2, 'base': '10ms', 'cap': '20ms', 'budget': '1s'}, request_timeout='2s')
        self.verb('sync', 'us')
        for rule in NETWORK:
            with self.subTest(fault=rule):
                self.bench.sandbox.fault(rule)
                done = self.bench.run('sync', 'us')
                self.assertIn(done.code, (1, 3, 5), done)
                self.assert_not_held()
        self.bench.sandbox.fault()
        self.verb('sync', 'us')
        self.assertEqual(compare.against_truth(self.bench), [])

    def test_a_proxy_that_refuses(self):
        proxy = Proxy(self.bench.scratch)
        sections = self.sections(retry={'attempts': 2, 'base': '10ms', 'cap': '20ms', 'budget': '1s'})
        sections['source.us']['proxy'] = proxy.url
        self.bench.configure(sections)
        self.verb('sync', 'us')
        self.assertGreater(proxy.asked, 0, 'the proxy was not used')
        for answer in ('401 Unauthorized', '403 Forbidden', '407 Proxy Authentication Required', '502 Bad Gateway', '200 OK'):
            with self.subTest(answer=answer):
                proxy.answer = answer
                done = self.bench.run('sync', 'us')
                self.assertIn(done.code, (1, 3, 5), done)
                self.assert_not_held()
        daemon = self.serve()
        self.assertEqual(self.answered(self.ask())['exit_code'], 3)
        self.assertEqual(daemon.events('source_held'), [])
        self.assert_undisturbed(daemon)
        proxy.answer = None
        self.bench.sandbox.change(op='insert', count=2)
        self.ask()
        wait_until(lambda: compare.against_truth(self.bench) == [], 90, lambda: f'the load\n{daemon.tail()}')
        self.assert_not_held()
        self.stop(daemon)


class Verbs(KeysTest):
    def keys(self, *arguments, code=0):
        return {(key['source'], key['slot']): key for key in self.verb('keys', *arguments, '--json', code=code).json()['keys']}

    def test_status_and_test(self):
        self.assertEqual(self.keys('status')['us', 'secret']['verdict'], 'not used yet')
        self.assertTrue(self.keys('test')['us', 'secret']['usable'])
        self.verb('sync')
        good = self.keys('status')['us', 'secret']
        self.assertEqual(good['verdict'], 'good')
        self.assertEqual(len(good['fingerprint']), 8)
        self.assertTrue(good['first_used_at'] and good['last_good_at'])
        self.rotate()
        tested = self.keys('test', code=5)
        self.assertEqual(tested['us', 'secret']['verdict'], 'rotated')
        self.assertTrue(tested['eu', 'secret']['usable'])
        self.verb('keys', 'test', 'us', code=4)
        self.verb('keys', 'test', 'eu')
        asked = self.bench.sandbox.stats()['requests']
        refused = self.keys('status')['us', 'secret']
        self.assertEqual((refused['verdict'], refused['usable'], refused['fingerprint']), ('rotated', False, good['fingerprint']))
        self.assertTrue(refused['refused_at'] and refused['next_probe_at'] and refused['evidence'] and refused['next_step'])
        self.assertEqual(self.bench.sandbox.stats()['requests'], asked, 'keys status asks the vendor nothing')
        self.assertIn('rotated', self.verb('keys', 'status').out)
        for _ in range(20):
            self.verb('keys', 'test', 'us', code=4)
        self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
        self.replace()
        self.verb('keys', 'test')
        self.assertEqual(self.keys('status')['us', 'secret']['verdict'], 'good')
        self.verb('sync')
        self.assertEqual(compare.against_truth(self.bench), [])


if __name__ == '__main__':
    harness.main()
