"""What tests of the daemon share: the daemon and its vendor, what systemd hears, locks on tables."""
import contextlib
import os
import signal
import socket
import subprocess
import threading
import unittest

import compare
from harness import LONG, Daemon, SystemTest, wait_until

SLOW = 'slow:path=/surveyresponse,ms=250ms'
STOP_BOUND = 6  # five are promised; a process of the test may be a little late to look


long_only = unittest.skipUnless(LONG, 'LONG')


class Notify:
    """What systemd would hear."""

    def __init__(self, scratch):
        self.path = scratch.join('notify')
        self.heard = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        scratch.on_close(self.close)

    def _listen(self):
        while not self._over.is_set():
            try:
                self.heard.append(self._socket.recv(65536).decode())
            except socket.timeout:
                continue

    def count(self, text):
        return sum(message.startswith(text) for message in list(self.heard))

    def wait_for(self, text, seconds=20, least=1):
        wait_until(lambda: self.count(text) >= least, seconds, lambda: f'{least} x {text}, heard {self.heard[-20:]}')

    def close(self):
        self._over.set()
        self._thread.join()
        self._socket.close()


class Locker:
    """Another session that holds what it was told to take, until close()."""

    def __init__(self, database, sql):
        self._process = subprocess.Popen([os.path.join(database.cluster.bin, 'psql'), '-X', '-q', '-A', '-t', '-h', database.cluster.socket,
                                          '-U', 'surveysync', '-d', database.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        self._process.stdin.write(f'BEGIN;\n{sql};\nSELECT 4711;\n')
        self._process.stdin.flush()
        while '4711' not in (line := self._process.stdout.readline()):
            assert line, 'the locking session ended'

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class DaemonTest(SystemTest):
    sandbox_arguments = ('--seed', 11, '--surveys', 3, '--responses', 150)

    def setUp(self):
        self.daemons = []
        self.bench.sandbox.fault()
        self.fresh_database()
        self.configure()

    def tearDown(self):
        for daemon in self.daemons:
            daemon.kill()

    def sections(self, **limits):
        sections = self.bench.sections()
        sections['log'] = {'level': 'info'}
        sections['daemon'] = {'lease_ttl': '3s', 'secret_poll': '500ms'}
        sections['source.us']['schedule'] = {'cron': '* * * * *', 'timezone': 'UTC'}
        sections['source.us.limits'].update({'page_size': {'start': 10, 'min': 5, 'max': 10}, 'request_timeout': '20s',
                                             'hold_probe': ['2s', '4s', '8s'], **limits})
        return sections

    def configure(self, **limits):
        self.bench.configure(self.sections(**limits))

    def serve(self, **options):
        daemon = Daemon(self.bench, **options)
        self.daemons.append(daemon)
        return daemon

    def run_count(self, outcome='succeeded', source='us'):
        return self.bench.database.value(f"SELECT count(*) AS n FROM surveysync.run WHERE outcome = '{outcome}' AND source = '{source}'")

    def wait_for_runs(self, count=1, seconds=60, source='us'):
        wait_until(lambda: self.run_count(source=source) >= count, seconds, f'{count} good runs of {source}')

    def wait_for_rows(self, least=1):
        """The load is under way and far from its end."""
        wait_until(lambda: self.bench.database.value('SELECT count(*) AS n FROM alchemer.response') >= least, 30, 'the first rows')

    def assert_stopped(self, daemon, begin=None, number=signal.SIGTERM, code=0, bound=STOP_BOUND):
        result, took = daemon.stop(number) if begin is None else daemon.ended(begin)
        self.assertEqual(result, code, daemon.tail())
        self.assertLess(took, bound, daemon.tail())

    def assert_true_tables(self, daemon=None):
        self.assertEqual(compare.against_truth(self.bench), [], daemon.tail() if daemon else None)

    def assert_runs_closed(self):
        self.assertEqual(self.bench.database.query('SELECT run_id, source FROM surveysync.run WHERE finished_at IS NULL'), [])

    def recover(self):
        """Without the fault the next run brings everything."""
        self.bench.sandbox.fault()
        self.succeed('sync')
        self.assert_true_tables()
        self.assert_runs_closed()

    @contextlib.contextmanager
    def frozen_database(self):
        """The server and its backends stand still: whatever is asked of them is not even refused."""
        own = "SELECT pid FROM pg_stat_activity WHERE datname = 'warehouse' AND pid <> pg_backend_pid()"
        pids = [row['pid'] for row in self.bench.database.query(own)] + [self.bench.cluster.pid()]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
