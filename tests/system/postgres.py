"""A private PostgreSQL cluster for tests and benchmarks, its databases, and questions to them. Standard library only."""
import glob
import json
import os
import select
import shutil
import subprocess
import time
import unittest
import urllib.parse
from decimal import Decimal


def as_json(sql):
    """The question that answers with a line of JSON for each row."""
    return f'SELECT row_to_json(q) FROM ({sql}) q'


def rows(answer):
    """Dictionaries of those lines, numbers exact."""
    return [json.loads(line, parse_float=Decimal) for line in answer.splitlines()]


class Cluster:
    """A PostgreSQL cluster on a unix socket, owned by another user where we are root."""

    def __init__(self, scratch, settings=('fsync=off',)):
        bins = sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda p: int(p.split('/')[4]))
        if not bins:
            raise unittest.SkipTest('no PostgreSQL server below /usr/lib/postgresql')
        self.bin = bins[-1]
        self.scratch = scratch
        self.folder = scratch.join('cluster')
        self.data = os.path.join(self.folder, 'data')
        self.socket = os.path.join(self.folder, 'socket')
        os.makedirs(self.socket)
        self._owner = []
        if os.geteuid() == 0:
            self._owner = ['runuser', '-u', 'postgres', '--']
            for path in (self.folder, self.socket):
                shutil.chown(path, 'postgres')
        for path in (self.folder, self.socket):
            os.chmod(path, 0o700)
        self._settings = settings
        self._control('initdb', '-D', self.data, '-U', 'surveysync', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8')
        self.start()
        scratch.on_close(lambda: self.stop('immediate'))

    def _control(self, program, *arguments):
        done = subprocess.run([*self._owner, os.path.join(self.bin, program), *arguments], cwd='/', text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise AssertionError(f'{program} failed: {done.stdout[-2000:]}')

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.socket}'"
        options += ''.join(f' -c {setting}' for setting in self._settings)
        log = os.path.join(self.folder, 'log')
        done = subprocess.run([*self._owner, os.path.join(self.bin, 'pg_ctl'), '-D', self.data, '-w', '-s', '-l', log, '-o', options,
                               'start'], cwd='/', timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise AssertionError('the private cluster does not start')

    def stop(self, mode='fast'):
        if os.path.exists(os.path.join(self.data, 'postmaster.pid')):
            self._control('pg_ctl', '-D', self.data, '-w', '-s', '-m', mode, 'stop')

    def pid(self):
        with open(os.path.join(self.data, 'postmaster.pid'), encoding='ascii') as stream:
            return int(stream.readline())

    def uri(self, database, user='surveysync'):
        return f'postgresql:///{database}?host={urllib.parse.quote(self.socket)}&user={user}'

    _lent = {}  # settings -> the cluster that test classes of this process use in turn; None while one of them has it

    @classmethod
    def borrow(cls, make_scratch, settings):
        """One that is given back with give_back(): initdb takes longer than most tests. A second borrower has one of its own."""
        found = cls._lent.get(settings)
        cls._lent[settings] = None
        return found or cls(make_scratch(), settings)

    def give_back(self):
        """Makes it as it was when it was new."""
        try:
            self._wash()
        except (AssertionError, subprocess.SubprocessError):
            self.scratch.close()  # a test left it broken: the next has a new one
        else:
            if self._lent.get(self._settings):
                self.scratch.close()
            else:
                self._lent[self._settings] = self

    def _wash(self):
        self.psql('postgres', 'ALTER SYSTEM RESET ALL;\n'
                              "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database "
                              "WHERE NOT datistemplate AND datname <> 'postgres' \\gexec\n"
                              "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname <> 'surveysync' AND oid >= 16384 \\gexec\n"
                              "SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace WHERE oid >= 16384 \\gexec\n"
                              'SELECT pg_reload_conf();')

    def psql_command(self, database):
        return [os.path.join(self.bin, 'psql'), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', self.socket, '-U', 'surveysync',
                '-d', database, '-f', '-']

    @staticmethod
    def psql_environment():
        return {**os.environ, 'PGOPTIONS': '-c client_min_messages=warning -c TimeZone=UTC', 'PSQLRC': '/dev/null'}

    def psql(self, database, sql):
        """The output of psql, unaligned, without headings. Fails at the first error."""
        done = subprocess.run(self.psql_command(database), input=sql, env=self.psql_environment(), capture_output=True,
                              text=True, encoding='utf-8', timeout=300, check=False)
        if done.returncode != 0:
            raise AssertionError(f'{sql[:200]}: {done.stderr}')
        return done.stdout

    def dump(self, database):
        """Every byte of a database as pg_dump writes it."""
        done = subprocess.run([os.path.join(self.bin, 'pg_dump'), '-h', self.socket, '-U', 'surveysync', database],
                              capture_output=True, timeout=300, check=True)
        return done.stdout


class Session:
    """A psql that stays: a question costs a millisecond or two instead of a process, a connection and a cold catalogue."""

    END = '\x01end of the answer\x01'

    def __init__(self, cluster, database):
        self._process = subprocess.Popen(cluster.psql_command(database), env=cluster.psql_environment(), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        cluster.scratch.on_close(self.close)

    def ask(self, sql, seconds=300):
        """What it answers; None when there is no connection (any more)."""
        try:
            self._process.stdin.write(f'{sql}\n;\n\\echo {self.END}:ERROR\n'.encode())
        except (OSError, ValueError):  # it ended, or was closed
            return None
        good, bad = (f'{self.END}{error}\n'.encode() for error in ('false', 'true'))
        answer, end = bytearray(), time.monotonic() + seconds
        while not answer.endswith((good, bad)):
            if not select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.close()
                raise AssertionError(f'no answer within {seconds} s: {sql[:200]}')
            more = os.read(self._process.stdout.fileno(), 1 << 20)
            if not more:
                return None
            answer += more
        return answer[:-len(good)].decode() if answer.endswith(good) else None

    def close(self):
        self._process.kill()
        self._process.wait(10)
        self._process.stdin.close()
        self._process.stdout.close()


class Database:
    """One database of a cluster."""

    _session = None

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        cluster.psql('postgres', f'CREATE DATABASE "{name}"')

    @property
    def uri(self):
        return self.cluster.uri(self.name)

    def execute(self, sql):
        return self.cluster.psql(self.name, sql)

    def query(self, sql):
        """Rows as dictionaries, numbers exact."""
        sql = as_json(sql)
        out = self._session.ask(sql) if self._session else None
        if out is None:
            self.hang_up()
            self._session = Session(self.cluster, self.name)
            out = self._session.ask(sql)
        if out is None:
            self.hang_up()
            out = self.execute(sql)  # fails with the reason, or the mistake was of a moment
        return rows(out)

    def hang_up(self):
        """Ends the connection that questions use, for tests that count connections; the next question makes another."""
        if self._session:
            self._session.close()
            self._session = None

    def value(self, sql):
        rows = self.query(sql)
        return next(iter(rows[0].values())) if rows else None
