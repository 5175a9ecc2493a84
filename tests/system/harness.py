"""What a system test needs: a private PostgreSQL cluster, the sandbox vendor, a configuration, and the real binary.

Everything lives in one scratch folder (with a space in its name) and ends with the test, whatever happens; every wait is bounded.
The binary is named by SURVEYSYNC_BINARY. Standard library only. Also used by scripts/bench.
"""
import glob
import atexit
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from postgres import Cluster, Database

LONG = bool(os.environ.get('LONG'))
TOKEN_MARK = 'source'  # the configured name of the source in all tests


def binary():
    path = os.environ.get('SURVEYSYNC_BINARY')
    if not path or not os.access(path, os.X_OK):
        raise unittest.SkipTest('SURVEYSYNC_BINARY does not name the program')
    return path


def wait_until(condition, seconds, what):
    """Polls `condition` until it gives something true; that value. `what`: a text, or what makes it in the end."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'waited {seconds} s in vain for {what() if callable(what) else what}')
        time.sleep(0.02)


class Scratch:
    """A folder that goes when the process ends, after everything that was started in it."""

    def __init__(self, parent=None):
        self.path = tempfile.mkdtemp(prefix='surveysync test ', dir=parent)
        os.chmod(self.path, 0o711)
        self._closers = []
        atexit.register(self.close)

    def on_close(self, closer):
        self._closers.append(closer)

    def join(self, *parts):
        return os.path.join(self.path, *parts)

    def write(self, name, text, mode=0o644):
        path = self.join(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write(text)
        os.chmod(path, mode)
        return path

    def close(self):
        while self._closers:
            closer = self._closers.pop()
            try:
                closer()
            except (OSError, subprocess.SubprocessError) as error:
                print(f'while cleaning up: {error}', file=sys.stderr)
        shutil.rmtree(self.path, ignore_errors=True)


def stop_process(process, seconds=5):
    """Ends a process group that we started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


class Sandbox:
    """The simulated vendor, with its control port."""

    # A patient vendor unless a test asks otherwise: no cache, no limit worth speaking of.
    DEFAULTS = {'--cache': '0s', '--limit': '1000000', '--window': '1s'}

    def __init__(self, scratch, *arguments, folder='vendor'):
        for name, value in self.DEFAULTS.items():
            if name not in arguments:
                arguments += (name, value)
        self.dir = scratch.join(folder)
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self._log = open(os.path.join(self.dir, 'output'), 'wb')
        self.process = subprocess.Popen([binary(), 'sandbox', '--dir', self.dir, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)
        scratch.on_close(self.stop)
        about = wait_until(self._about, 30, 'the sandbox to write sandbox.json')
        self.base_url, self.control_url = about['base_url'], about['control_url']
        self.ca_file, self.secret_file = about['ca_file'], about['secret_file']

    def _about(self):
        if self.process.poll() is not None:
            raise AssertionError(f'the sandbox ended with {self.process.returncode}: {self.output()}')
        try:
            with open(os.path.join(self.dir, 'sandbox.json'), encoding='utf-8') as stream:
                return json.load(stream)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def output(self):
        with open(os.path.join(self.dir, 'output'), encoding='utf-8', errors='replace') as stream:
            return stream.read()

    def stop(self):
        stop_process(self.process)
        self._log.close()

    def _control(self, method, path, body=None):
        context = ssl.create_default_context(cafile=self.ca_file) if self.control_url.startswith('https') else None
        data = None if body is None else (body if isinstance(body, bytes) else body.encode())
        request = urllib.request.Request(self.control_url.rstrip('/') + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.read().decode('utf-8')
        except urllib.error.HTTPError as error:
            raise AssertionError(f'sandbox {method} {path}: {error.code} {error.read()[:500]!r}') from error

    def truth(self, table, **options):
        from decimal import Decimal
        query = '?' + urllib.parse.urlencode(options) if options else ''
        return [json.loads(line, parse_float=Decimal) for line in self._control('GET', f'/truth/{table}{query}').splitlines()]

    def fault(self, *rules):
        """Replaces all fault rules; none: a well-behaved vendor again."""
        self._control('DELETE', '/faults')
        for rule in rules:
            self._control('POST', '/fault', rule)

    def change(self, **change):
        answer = self._control('POST', '/change', json.dumps(change))
        return json.loads(answer) if answer.strip() else {}

    def between(self, **change):
        """Applies a change once `after` further requests are answered."""
        self._control('POST', '/between', json.dumps(change))

    def prepare(self, survey, since):
        """Renders the responses updated since then beforehand, so that a benchmark does not measure the sandbox."""
        self._control('POST', '/prepare', json.dumps({'survey': survey, 'since': since}))

    def advance(self, time_text):
        """Moves the vendor's clock ahead."""
        self._control('POST', '/clock', json.dumps({'advance': time_text}))

    def key(self, **change):
        answer = self._control('POST', '/key', json.dumps(change))
        return json.loads(answer) if answer.strip() else {}

    def log(self):
        return [json.loads(line) for line in self._control('GET', '/log').splitlines()]

    def stats(self):
        return json.loads(self._control('GET', '/stats'))

    def secrets(self):
        with open(self.secret_file, encoding='utf-8') as stream:
            return [line.strip() for line in stream if line.strip()]


class Finished:
    """How one run of the binary ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f'exit {self.code}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}'


LIMITS = {'vendor_limit': 1000000, 'requests_per_minute': 900000, 'window': '1s', 'duplicate_guard': '200ms',
          'timeout_cooldown': '300ms', 'connect_timeout': '2s', 'request_timeout': '3s',
          'page_size': {'start': 50, 'min': 5, 'max': 500}, 'workers': 4,
          'retry': {'attempts': 4, 'base': '20ms', 'cap': '200ms', 'budget': '20s'}}


def black_hole(scratch):
    """The port of a listener on loopback that takes connections and never says a word."""
    listener = socket.create_server(('127.0.0.1', 0), backlog=50)
    scratch.on_close(listener.close)
    return listener.getsockname()[1]


def toml_value(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return '{ ' + ', '.join(f'{k} = {toml_value(v)}' for k, v in value.items()) + ' }'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(map(toml_value, value)) + ']'
    return json.dumps(value)


def toml(sections):
    """Text of {"database": {...}, "source.us": {...}}."""
    return '\n'.join(f'[{name}]\n' + ''.join(f'{k} = {toml_value(v)}\n' for k, v in values.items())
                     for name, values in sections.items())


class Workbench:
    """One test's world: scratch folder, cluster, a database, a sandbox, a configuration."""

    def __init__(self, *sandbox_arguments, settings=('fsync=off',), migrate=True):
        binary()
        self.scratch = Scratch()
        self.cluster = Cluster.borrow(Scratch, settings)
        self.database = Database(self.cluster, 'warehouse')
        self.sandbox = Sandbox(self.scratch, *sandbox_arguments) if sandbox_arguments is not None else None
        self.configure()
        if migrate:
            done = self.run('migrate')
            assert done.code == 0, f'migrate: {done}'

    def close(self):
        self.scratch.close()
        self.cluster.give_back()

    def sections(self):
        """The configuration as written by default; change it and hand it to configure()."""
        return {
            'database': {'uri': self.database.uri},
            'state': {'dir': self.scratch.join('state')},
            'log': {'level': 'debug'},
            'status': {'listen': ''},
            # The lists that tell nothing of changes have tests of their own (test_objects).
            'source.us': {'type': 'alchemer', 'base_url': self.sandbox.base_url, 'streams': ['survey', 'response'],
                          'auth': {'type': 'key', 'secret': 'file:' + self.sandbox.secret_file},
                          'tls': {'ca_file': self.sandbox.ca_file}},
            'source.us.limits': dict(LIMITS),
        }

    def forget_keys(self):
        """What the state directory knows of refused keys."""
        for notes in glob.glob(self.scratch.join('state', 'refused-keys*')):
            os.remove(notes)

    def configure(self, sections=None):
        os.makedirs(self.scratch.join('state'), exist_ok=True)
        self.config = self.scratch.write('surveysync.toml', toml(sections or self.sections()))
        return self.config

    def command(self, *arguments):
        return [binary(), '--config', self.config, *map(str, arguments)]

    def environment(self, extra=None):
        return {**os.environ, 'NO_COLOR': '1', **(extra or {})}

    def start(self, *arguments, env=None):
        """Starts a verb; the process, its output collected by finish()."""
        process = subprocess.Popen(self.command(*arguments), env=self.environment(env), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.scratch.on_close(lambda: stop_process(process))
        return process

    @staticmethod
    def finish(process, seconds=120):
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f'still running after {seconds} s: {process.args}\n{err.decode(errors="replace")[-3000:]}') from None
        return Finished(process.returncode, out.decode('utf-8', 'replace'), err.decode('utf-8', 'replace'))

    def run(self, *arguments, env=None, seconds=120):
        return self.finish(self.start(*arguments, env=env), seconds)


class Daemon:
    """A running `serve` of a workbench, its log as JSON in a file (so its end of the pipe is always drained)."""

    def __init__(self, bench, config=None, env=None, verb=('serve',)):
        Daemon.number = getattr(Daemon, 'number', 0) + 1
        self.bench = bench
        self.path = bench.scratch.join(f'daemon{Daemon.number}.log')
        log = {'SURVEYSYNC__LOG__FORMAT': 'json', **(env or {})}
        with open(self.path, 'wb') as out:
            self.process = subprocess.Popen([binary(), '--config', config or bench.config, *verb], env=bench.environment(log),
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        bench.scratch.on_close(self.kill)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.path, encoding='utf-8', errors='replace') as stream:
            return stream.read()

    def events(self, name=None, **fields):
        """What its log says so far, the last line only when it is whole."""
        out = []
        for line in self.output().split('\n')[:-1]:
            if not line.startswith('{'):
                continue
            event = json.loads(line)
            if (name is None or event['event'] == name) and all(event.get(key) == value for key, value in fields.items()):
                out.append(event)
        return out

    def tail(self):
        return f'pid {self.pid}, exit {self.process.poll()}:\n' + self.output()[-4000:]

    def wait_for(self, name, seconds=30, least=1, **fields):
        """Waits until so many of these events are in the log; the last of them."""
        def seen():
            found = self.events(name, **fields)
            if len(found) >= least:
                return found[-1]
            if self.process.poll() is not None:
                raise AssertionError(f'the daemon ended before {name} {fields}: {self.tail()}')
            return None
        try:
            return wait_until(seen, seconds, f'{name} {fields}')
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.tail()}') from None

    def send(self, number):
        os.kill(self.pid, number)

    def armed(self):
        """Waits until SIGTERM is blocked: from there on the program answers signals itself."""
        def blocked():
            with open(f'/proc/{self.pid}/status', encoding='ascii') as stream:
                mask = next(line for line in stream if line.startswith('SigBlk')).split()[1]
            return int(mask, 16) >> (signal.SIGTERM - 1) & 1
        wait_until(blocked, 10, 'the daemon to block its signals')

    def stop(self, number=signal.SIGTERM, bound=7):
        """Asks it to end: (exit code, seconds it took)."""
        begin = time.monotonic()
        self.send(number)
        return self.ended(begin, bound)

    def ended(self, begin, bound=7):
        try:
            return self.process.wait(bound + 10), time.monotonic() - begin
        except subprocess.TimeoutExpired:
            raise AssertionError(f'still running after {time.monotonic() - begin:.1f} s\n{self.tail()}') from None

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9, also of one that is stopped."""
        if self.alive():
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait(10)


class SystemTest(unittest.TestCase):
    """A test class with one workbench for all its tests. `sandbox_arguments` and `settings` may be overridden."""

    sandbox_arguments = ('--seed', 7, '--surveys', 3, '--responses', 120)
    schema = 'alchemer'
    settings = ('fsync=off',)
    migrate = True
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.bench = Workbench(*cls.sandbox_arguments, settings=cls.settings, migrate=cls.migrate)
        cls.addClassCleanup(cls.bench.close)

    def succeed(self, *arguments, **options):
        """Runs a verb that must exit with 0."""
        done = self.bench.run(*arguments, **options)
        self.assertEqual(done.code, 0, f'{arguments}: {done}')
        return done

    def fresh_database(self):
        """Drops everything that was loaded, keeps the schema."""
        tables = self.bench.database.query("SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
                                           f"WHERE schemaname IN ('{self.schema}', 'surveysync') AND tablename <> 'schema_migration'")
        self.bench.database.execute('TRUNCATE ' + ', '.join(row['name'] for row in tables) + ' CASCADE')
        self.bench.forget_keys()


def main():
    """Runs the tests of the calling file."""
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
