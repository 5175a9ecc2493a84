"""`rehearse`: every scenario is played, keeps its promises, and leaves nothing behind. No configuration is needed, and none is read."""
import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

import harness
from harness import LONG, SystemTest, binary, stop_process, wait_until


def left_behind():
    return glob.glob(os.path.join(tempfile.gettempdir(), 'surveysync-rehearsal-*'))


class RehearseTest(unittest.TestCase):
    def environment(self, **more):
        # A configuration that would be found is one that must not be used.
        return {**os.environ, 'SURVEYSYNC__DATABASE__URI': 'postgresql://nobody@127.0.0.1:1/production', **more}

    def start(self, *arguments, **options):
        process = subprocess.Popen([binary(), 'rehearse', *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True, env=self.environment(), **options)
        self.addCleanup(stop_process, process)
        return process

    def play(self, *arguments, seconds=200, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=seconds)
        return process.returncode, out, err

    def assert_kept(self, *arguments, **options):
        code, out, err = self.play(*arguments, '--json', **options)
        self.assertEqual(code, 0, out + err)
        answer = json.loads(out)
        self.assertTrue(answer['held'])
        self.assertGreaterEqual(len(answer['promises']), 4)
        for promise in answer['promises']:
            self.assertTrue(promise['held'] and promise['promise'] and promise['measured'], promise)
        self.assertLess(answer['seconds'], 120)
        self.assertEqual(left_behind(), [])
        return answer


class Everyday(RehearseTest):
    def test_drift(self):
        code, out, err = self.play('drift')
        self.assertEqual(code, 0, out + err)
        self.assertNotIn('\033', out)
        self.assertRegex(out, r'\nAll \d+ promises of drift held')
        self.assertEqual(len(re.findall(r'^  held ', out, re.MULTILINE)), int(re.search(r'All (\d+) promises', out).group(1)))
        self.assertEqual(left_behind(), [])

    def test_ctrl_c_cleans_up(self):
        process = self.start('outage')
        wait_until(lambda: glob.glob(os.path.join(tempfile.gettempdir(), f'surveysync-rehearsal-{process.pid}-*', 'log-2')), 60, 'the daemon')
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(left_behind(), [])
        self.assert_no_children(process.pid)

    def test_a_kill_takes_the_children_along(self):
        process = self.start('outage')
        folder = wait_until(lambda: glob.glob(os.path.join(tempfile.gettempdir(), f'surveysync-rehearsal-{process.pid}-*')), 30, 'the folder')[0]
        wait_until(lambda: os.path.exists(os.path.join(folder, 'log-2')), 60, 'the daemon')
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
        self.assert_no_children(process.pid)
        self.assertEqual(self.play('nonsense')[0], 2)

    def assert_no_children(self, pid):
        """Nobody is left whose command line names the rehearsal's folder."""
        mark = f'surveysync-rehearsal-{pid}-'

        def seen():
            for path in glob.glob('/proc/[0-9]*/cmdline'):
                try:
                    with open(path, 'rb') as stream:
                        if mark.encode() in stream.read():
                            return path
                except OSError:
                    continue
            return None
        end = time.monotonic() + 15
        while seen() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertIsNone(seen())

    def test_no_password_on_the_command_line(self):
        code, _, err = self.play('drift', '--database', 'postgresql://me:hunter2secret@127.0.0.1/postgres')
        self.assertEqual(code, 2)
        self.assertNotIn('hunter2secret', err)


@unittest.skipUnless(LONG, 'LONG')
class All(RehearseTest):
    def test_rotation(self):
        self.assert_kept('rotation')

    def test_ratelimit(self):
        self.assert_kept('ratelimit')

    def test_outage(self):
        self.assert_kept('outage')

    @unittest.skipUnless(os.geteuid() == 0, 'another user needs root')
    def test_as_an_ordinary_user(self):
        self.assert_kept('drift', user='nobody', group='nogroup', extra_groups=[])


class SomebodysServer(SystemTest):
    """With --database: only databases of its own, and they are gone afterwards."""

    migrate = False

    @unittest.skipUnless(LONG, 'LONG')
    def test_scratch_databases(self):
        for scenario in ('drift', 'outage'):
            with self.subTest(scenario=scenario):
                done = subprocess.run([binary(), 'rehearse', scenario, '--database', self.bench.cluster.uri('postgres')], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=200, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                names = self.bench.database.query('SELECT datname FROM pg_database WHERE NOT datistemplate')
                self.assertEqual({row['datname'] for row in names}, {'postgres', 'warehouse'})


if __name__ == '__main__':
    harness.main()
