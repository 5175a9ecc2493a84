"""OAuth 1.0a against a provider that is built on oauthlib: signatures, the three-legged dance, wrong clocks, revoked tokens."""
import os
import random
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import compare
import harness
from harness import Daemon, SystemTest, wait_until

try:
    import oauth_provider
except ImportError as error:
    raise SystemExit(f'python3-oauthlib is needed (scripts/setup test): {error}') from error

CONSUMER_SECRET = oauth_provider.CONSUMER[1]
ODD = ' ~*%&=+/?#[]<>"\'\\!@:;,.-_|{}^`$()äß€漢🙂'


class OAuthTest(SystemTest):
    sandbox_arguments = ('--seed', 31, '--surveys', 2, '--responses', 60)

    def setUp(self):
        self.provider = oauth_provider.Provider(self.bench.scratch, self.bench.sandbox)
        self.texts = []
        self.fresh_database()
        self.consumer = self.bench.scratch.write('secrets/us.consumer', '\n'.join(oauth_provider.CONSUMER) + '\n', 0o600)
        self.token = self.bench.scratch.join('secrets/us.token')
        if os.path.exists(self.token):
            os.unlink(self.token)
        self.configure()

    def tearDown(self):
        self.provider.close()
        self.texts.append(self.bench.cluster.dump('warehouse').decode(errors='replace'))
        self.texts += [path + headers for path, headers in self.provider.seen]
        secrets = [CONSUMER_SECRET, *self.provider.tokens.values()]
        for secret in secrets:
            for form in (secret, urllib.parse.quote(secret, safe='~')):
                for text in self.texts:
                    self.assertNotIn(form, text)

    def configure(self, token=False, **limits):
        sections = self.bench.sections()
        auth = {'type': 'oauth1', 'consumer': 'file:' + self.consumer}
        if token:
            auth['token'] = 'file:' + self.token
        sections['source.us'].update({'base_url': self.provider.base_url, 'auth': auth, 'tls': {'ca_file': self.provider.ca_file}})
        sections['source.us.limits'].update({'request_timeout': '20s', **limits})
        sections['source.us']['schedule'] = {'cron': '* * * * *', 'timezone': 'UTC'}
        sections['daemon'] = {'lease_ttl': '2s'}
        self.bench.configure(sections)

    def verb(self, *arguments, code=0):
        done = self.bench.run(*arguments)
        self.texts += [done.out, done.err]
        self.assertEqual(done.code, code, f'{arguments}: {done}')
        return done

    def authorize(self, browse, *arguments, code=0):
        """The verb, with a person who does `browse(url)` once it is printed; what it printed."""
        process = self.bench.start('authorize', 'us', *arguments)
        printed = []

        def read():
            for line in iter(process.stdout.readline, b''):
                printed.append(line.decode())
        reader = threading.Thread(target=read)
        reader.start()
        try:
            url = wait_until(lambda: re.search(r'https://\S+authenticate\?oauth_token=\S+', ''.join(printed)) or process.poll() is not None,
                             20, 'the address')
            if hasattr(url, 'group'):
                with open(f'/proc/{process.pid}/cmdline', 'rb') as stream:
                    self.texts.append(stream.read().decode())
                browse(url.group(), process)
            self.assertEqual(process.wait(30), code, ''.join(printed))
        finally:
            harness.stop_process(process)
            reader.join()
        errors = process.stderr.read().decode()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()
        self.texts += [''.join(printed), errors]
        return ''.join(printed) + errors

    def allow(self, url, _process=None):
        """A browser: it follows the provider's redirect to the callback, and shows what it gets there."""
        context = ssl.create_default_context(cafile=self.provider.ca_file)

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None
        opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
        try:
            opener.open(url, timeout=20)
        except urllib.error.HTTPError as redirect:
            self.callback = redirect.headers['Location']
            redirect.close()
        with urllib.request.urlopen(self.callback, timeout=20) as answer:
            self.assertIn('You can close this window', answer.read().decode())


class ConsumerOnly(OAuthTest):
    def test_a_small_account_is_loaded(self):
        self.verb('sync', 'us')
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertEqual((self.provider.problems, self.provider.replayed), ([], 0))
        self.assertGreater(self.provider.verified, 10)
        for path, headers in self.provider.seen:
            self.assertNotIn('api_token', path)
            self.assertNotIn('oauth', path)
            self.assertIn('Authorization: OAuth ', headers)
        self.assertIn('good', self.verb('keys', 'status').out)
        self.verb('check', 'us')

    def test_a_wrong_host_clock(self):
        for how, skew in (('body', 1200), ('header', -1200), ('json', 7200)):
            with self.subTest(how=how, skew=skew):
                self.fresh_database()
                self.provider.how, self.provider.skew = how, skew
                self.provider.problems.clear()
                done = self.verb('sync', 'us')
                self.assertEqual(compare.against_truth(self.bench, tables=('response',)), [])
                self.assertRegex(done.err + done.out, 'host clock is wrong by')
                self.assertLessEqual(len(self.provider.problems), 4, 'one for each worker at most')

    def test_verdicts(self):
        for problem, verdict in (('signature_invalid', 'signature_refused'), ('timestamp_refused', 'clock_skew'),
                                 ('consumer_key_unknown', 'mistyped'), ('nonce_used', 'signature_refused'),
                                 ('token_revoked', 'revoked'), ('token_expired', 'expired')):
            with self.subTest(problem=problem):
                self.fresh_database()
                self.provider.refuse_with = problem
                self.provider.seen.clear()
                done = self.verb('sync', 'us', code=4)
                self.assertIn(verdict, done.err + done.out)
                self.assertLessEqual(len(self.provider.seen), 6)
                self.assertEqual(self.bench.database.value('SELECT verdict FROM surveysync.credential'), verdict)

    def test_a_wrong_secret(self):
        self.bench.scratch.write('secrets/us.consumer', f'{oauth_provider.CONSUMER[0]}\nsome other secret\n', 0o600)
        self.assertIn('signature_refused', self.verb('sync', 'us', code=4).err)

    def test_authorize_needs_a_place_for_the_token(self):
        self.assertIn('auth.token', self.verb('authorize', 'us', code=2).err)


class Signatures(OAuthTest):
    def test_odd_questions_verify(self):
        """Names and values of every kind, signed by the product's signer, judged by oauthlib."""
        draw = random.Random(7)
        signer = os.path.join(os.path.dirname(harness.binary()), 'tests', 'system', 'oauth_sign')
        if not os.access(signer, os.X_OK):
            self.fail(f'{signer} was not built')
        cases = []
        for _ in range(300):
            query = []
            for i in range(draw.randrange(1, 6)):
                name = draw.choice((f'filter[field][{i}]', f'filter[operator][{i}]', f'filter[value][{i}]', 'page', 'a', 'a',
                                    ''.join(draw.choices(ODD, k=3))))
                query.append((name, ''.join(draw.choices(ODD + 'abc019', k=draw.randrange(0, 12)))))
            cases.append(query)
        lines = '\n'.join('\t'.join(text.encode().hex() for pair in query for text in pair) for query in cases)
        done = subprocess.run([signer, self.provider.base_url, '/v5/survey', self.consumer, str(int(time.time()))], input=lines + '\n',
                              capture_output=True, text=True, timeout=60, check=True)
        signed = [line.split('\t') for line in done.stdout.splitlines()]
        self.assertEqual(len(signed), len(cases))
        for query, (target, header) in zip(cases, signed):
            self.assertEqual(urllib.parse.parse_qsl(target.split('?')[1], keep_blank_values=True, strict_parsing=False), query)
            self.assertEqual(self.provider.verify(self.provider.base_url + target, {'Authorization': header}), '', f'{query}\n{header}')
        self.assertEqual(self.provider.replayed, 0)


class ThreeLegged(OAuthTest):
    def setUp(self):
        super().setUp()
        self.provider.token_needed = True
        self.configure(token=True)

    def test_the_whole_dance(self):
        for verb in (('sync', 'us'), ('check', 'us'), ('keys', 'status')):
            missing = self.bench.run(*verb)
            self.assertIn('surveysync authorize us', missing.err + missing.out, verb)
        printed = self.authorize(self.allow)
        self.assertIn(self.token, printed)
        self.assertEqual(stat.S_IMODE(os.stat(self.token).st_mode), 0o600)
        with open(self.token, encoding='utf-8') as stream:
            key, secret = stream.read().splitlines()
        self.assertEqual(self.provider.tokens, {key: secret})
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.token))), ['us.consumer', 'us.token'])
        self.verb('sync', 'us')
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertEqual(self.provider.problems, [])
        for path, headers in self.provider.seen:
            self.assertNotIn(secret, path + headers)

    def test_the_address_is_pasted(self):
        """The browser is on another machine."""
        original = self.bench.start

        def start(*arguments, **options):
            process = subprocess.Popen(self.bench.command(*arguments), env=self.bench.environment(), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            self.bench.scratch.on_close(lambda: harness.stop_process(process))
            return process
        self.bench.start = start
        try:
            def paste(url, process):
                self.provider.authenticate(url)
                token = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)['oauth_token'][0]
                verifier = self.provider.temporary[token]['verifier']
                process.stdin.write(f'\nhttp://127.0.0.1:1/callback?oauth_token=another&oauth_verifier=x\n{verifier}\n'.encode())
                process.stdin.flush()
            self.authorize(paste)
        finally:
            self.bench.start = original
        self.assertTrue(os.path.exists(self.token))

    def test_the_person_refuses(self):
        def refuse(url, _process):
            token = urllib.parse.urlsplit(url).query
            with urllib.request.urlopen(f'{self.provider.callbacks[-1]}?{token}&oauth_problem=user_refused', timeout=20):
                pass
        self.assertIn('not allowed', self.authorize(refuse, code=4))
        self.assertFalse(os.path.exists(self.token))

    def test_other_callbacks_change_nothing(self):
        def meddle(url, process):
            callback = self.provider.callbacks[-1]
            good = urllib.parse.urlsplit(url).query
            with socket.create_connection(('127.0.0.1', urllib.parse.urlsplit(callback).port)):  # a browser's idle connection
                for bad, headers in ((f'{callback}?oauth_token=another&oauth_verifier=x', {}), (callback, {}),
                                     (callback.replace('/callback', '/') + '?' + good, {}),
                                     (f'{callback}?{good}&oauth_verifier=x', {'Host': 'evil.example'})):
                    with self.assertRaises(urllib.error.HTTPError) as refused:
                        urllib.request.urlopen(urllib.request.Request(bad, headers=headers), timeout=20)
                    refused.exception.close()
                self.assertIsNone(process.poll())
                self.allow(url)
        self.authorize(meddle)

    def test_it_ends_in_time_and_on_a_signal(self):
        self.assertIn('nobody allowed the access within 1s', self.authorize(lambda *_: None, '--timeout', '1s', code=3))
        self.authorize(lambda _url, process: process.send_signal(signal.SIGINT), code=130)
        self.assertFalse(os.path.exists(self.token))

    def test_a_wrong_clock_here_too(self):
        self.provider.skew = 1800
        self.authorize(self.allow)
        self.verb('sync', 'us')

    def test_a_revoked_token_heals_after_the_next_authorization(self):
        self.authorize(self.allow)
        daemon = Daemon(self.bench)
        try:
            daemon.wait_for('run_finished', seconds=60, source='us', outcome='succeeded')
            self.provider.revoked |= set(self.provider.tokens)
            self.bench.database.execute("INSERT INTO surveysync.request (source, kind) VALUES ('us', 'incremental')")
            daemon.wait_for('source_held', seconds=30, source='us', verdict='revoked')
            self.assertTrue(daemon.alive())
            incident = self.bench.database.query("SELECT * FROM surveysync.incident WHERE rule = 'credentials_refused'")[0]
            self.assertIn('surveysync authorize us', incident['next_step'])
            self.bench.sandbox.change(op='insert', count=3)
            self.authorize(self.allow)
            daemon.wait_for('source_released', seconds=15, source='us')
            wait_until(lambda: compare.against_truth(self.bench, tables=('response',)) == [], 60, lambda: f'what was missed {daemon.tail()}')
            wait_until(lambda: not self.bench.database.query('SELECT 1 FROM surveysync.incident WHERE resolved_at IS NULL'), 20,
                       'the incident to be over')
        finally:
            daemon.kill()
            self.texts.append(daemon.output())


if __name__ == '__main__':
    harness.main()
