"""What a rotated key does to the daemon: one incident with its cause, no hammering, the other sources undisturbed, and seconds
after the new key is in place everything that was missed is there. The vendor counts the requests."""
import os
import shutil
import time

import compare
import harness
from harness import LONG, wait_until
from keys_fixture import HEALED_WITHIN, MOST_REFUSED, SLOW, KeysTest, Mute, long_only


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

    def test_another_process_met_the_dead_key(self):
        """The daemon had no reason to ask: whether it used the key before or not, it takes up the new one and what was missed."""
        sections = self.sections()
        sections['source.us']['schedule'] = {'cron': '0 0 29 2 *', 'timezone': 'UTC'}
        sections['source.us.limits']['hold_probe'] = ['1h']
        self.bench.configure(sections)
        self.verb('sync', 'us')
        daemon = self.serve()
        daemon.wait_for('run_finished', source='eu', outcome='succeeded')
        for used_before in (False, True):
            with self.subTest(used_before=used_before):
                self.rotate()
                self.bench.sandbox.change(op='insert', count=2)
                self.verb('sync', 'us', code=4)
                self.assertEqual(len(self.incidents(open_only=True)), 1)
                self.healed(daemon, self.replace)
                self.assertLessEqual(self.asked_with_dead_key(), 6)
                self.verb('keys', 'test', 'us')
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


if __name__ == '__main__':
    harness.main()
