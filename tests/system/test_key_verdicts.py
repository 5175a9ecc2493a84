"""What a refused key is told to be, what is the network and never the key, and the verbs that show it."""
import base64
import os
import shutil

import compare
import harness
from harness import wait_until
from keys_fixture import MOST_REFUSED, NETWORK, KeysTest, Proxy, long_only


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

    def marked(self):
        return self.bench.database.value("SELECT count(*) AS n FROM alchemer.response WHERE source = 'us' AND deleted_at IS NOT NULL")

    def refused_access(self, rule, verdict):
        self.configure(hold_probe=['3s'])
        daemon = self.serve(runs=1)
        self.asked_before = self.refused()
        self.bench.sandbox.change(op='delete', count=2)
        self.bench.sandbox.fault(rule)
        self.ask()
        self.held(daemon, verdict)
        self.assert_undisturbed(daemon)
        self.assertEqual(self.marked(), 0, 'who may not look does not know what is gone')
        self.bench.sandbox.change(op='insert', count=2)
        self.healed(daemon, self.bench.sandbox.fault, seconds=20)  # nothing changes here: the next probe finds it
        self.assert_told_once(verdict)
        self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
        self.assertGreaterEqual(self.asked_with_dead_key(), 2, 'the call and the probe')
        wait_until(lambda: self.marked() == 2, 50, lambda: f'what was deleted to be marked\n{daemon.tail()}')
        self.stop(daemon)

    @long_only
    def test_access_that_stays_disabled(self):
        """Short waits, restarts, people who try: a dozen are the most, whatever the vendor's words are."""
        self.configure(hold_probe=['300ms'])
        daemon = self.serve(runs=1)
        self.asked_before = self.refused()
        self.bench.sandbox.fault('status:code=403,body=json,message=API access is disabled')
        self.ask()
        self.held(daemon, 'access_disabled')
        for _ in range(6):
            daemon.kill()
            daemon = self.serve()
            self.held(daemon, 'access_disabled')
            self.verb('keys', 'test', 'us', code=4)
            self.assertLessEqual(self.asked_with_dead_key(), MOST_REFUSED)
        self.assertGreaterEqual(self.asked_with_dead_key(), MOST_REFUSED - 1, 'the waits were not used')
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


class ProxyWithALogin(KeysTest):
    def test_who_has_the_login_is_let_through(self):
        proxy = Proxy(self.bench.scratch)
        password = 'open-sesame: twice/over'
        proxy.login = f'jane:{password}'
        self.values |= {password, base64.b64encode(proxy.login.encode()).decode()}
        sections = self.sections(retry={'attempts': 2, 'base': '10ms', 'cap': '20ms', 'budget': '1s'})
        sections['source.us']['proxy'] = proxy.url
        self.bench.configure(sections)
        done = self.verb('sync', 'us', code=3)
        self.assertIn('407', done.err)
        self.assertIn('proxy_auth', done.err)
        login = self.bench.scratch.write('proxy.login', 'jane:mistaken-sesame\n', mode=0o600)
        self.values.add('mistaken-sesame')
        sections['source.us']['proxy_auth'] = 'file:' + login
        self.bench.configure(sections)
        asked = proxy.asked
        done = self.verb('sync', 'us', code=3)
        self.assertIn(login, done.err)
        self.assertEqual(proxy.asked, asked + 1, 'a login that is refused is shown once')
        self.bench.scratch.write('proxy.login', f'jane\n{password}\n', mode=0o600)
        self.verb('sync', 'us')
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertNotIn(password, self.verb('config', 'show').out)
        self.assertEqual(self.incidents(), [])


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
