"""A bare Debian in a folder, and the same one booted with systemd: for tests of the package and of the units. Needs root, mmdebstrap and
systemd-nspawn, and a Debian mirror: the one that this machine uses. Files outlive the test in one place only, the base that is
fetched once a week: $SURVEYSYNC_BASE, by default below /var/cache."""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import time
import unittest
import uuid

from harness import Scratch, wait_until

BASE = os.environ.get('SURVEYSYNC_BASE', '/var/cache/surveysync-tests/bookworm.tar')
WEEK = 7 * 86400
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def needed():
    """Skips where it cannot work at all; in scripts/test --long everything is there."""
    if os.geteuid() != 0:
        raise unittest.SkipTest('needs root')
    for program in ('mmdebstrap', 'systemd-nspawn', 'nsenter'):
        if not shutil.which(program):
            raise unittest.SkipTest(f'{program} is not installed: scripts/setup test long')


def apt_sources():
    """The entries for Debian itself among this machine's sources."""
    found = []
    for path in ['/etc/apt/sources.list', *sorted(glob.glob('/etc/apt/sources.list.d/*'))]:
        if os.path.isfile(path):
            with open(path, encoding='utf-8') as stream:
                text = stream.read()
            if 'debian' in text and 'bookworm' in text and 'cloud' not in text and 'nodesource' not in text and 'pgdg' not in text:
                found.append(path)
    return found or ['deb http://deb.debian.org/debian bookworm main']


def base():
    """The tar of a minimal system with systemd."""
    if not os.path.exists(BASE) or time.time() - os.path.getmtime(BASE) > WEEK:
        os.makedirs(os.path.dirname(BASE), exist_ok=True)
        acquire = subprocess.run(['apt-config', 'dump'], capture_output=True, text=True, check=True).stdout
        options = [f'--aptopt={line.rstrip(";")}' for line in acquire.splitlines() if line.startswith('Acquire::') and '"' in line
                   and any(word in line.lower() for word in ('proxy', 'verify', 'cainfo'))]
        done = subprocess.run(['mmdebstrap', '--variant=minbase', '--include=systemd-sysv,dbus,ca-certificates', *options, 'bookworm',
                               BASE + '.new', *apt_sources()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=1200, check=False)
        if done.returncode != 0:
            raise AssertionError(f'mmdebstrap: {done.stdout[-3000:]}')
        os.replace(BASE + '.new', BASE)
    return BASE


def package(program, folder, version=None):
    """Packs a program; the path of the .deb."""
    environment = {**os.environ, 'SURVEYSYNC_BINARY': program, 'SURVEYSYNC_PACKAGE_DIR': folder}
    done = subprocess.run([os.path.join(REPO, 'scripts', 'package'), *([version] if version else [])], env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    if done.returncode != 0:
        raise AssertionError(f'scripts/package: {done.stdout}{done.stderr}')
    return done.stdout.split()[-1]


class Folder(Scratch):
    """A scratch folder on a real disk without a blank in its name, which nspawn and systemd do not like."""

    def __init__(self):
        super().__init__('/var/tmp')
        name = self.path.replace(' ', '-')
        os.rename(self.path, name)
        self.path = name


class Container:
    """One root, first as it is (`chroot`, with the machine's network), then booted (`run`, with a loopback of its own)."""

    def __init__(self, scratch, root=None):
        self.scratch, self.root = scratch, root or scratch.join('root')
        self._process = self._leader = None
        scratch.on_close(self.close)
        if root is None:
            os.makedirs(self.root)
            subprocess.run(['tar', '-C', self.root, '-xf', base()], check=True, timeout=300)

    def path(self, *parts):
        return os.path.join(self.root, *(part.lstrip('/') for part in parts))

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), 'w', encoding='utf-8') as stream:
            stream.write(text)
        os.chmod(self.path(path), mode)

    def read(self, path):
        with open(self.path(path), encoding='utf-8', errors='replace') as stream:
            return stream.read()

    def copy(self, source, path):
        shutil.copy(source, self.path(path))

    @staticmethod
    def _done(command, seconds, check, text=None):
        done = subprocess.run(command, text=True, input=text, stdin=subprocess.DEVNULL if text is None else None, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, errors='replace', check=False)
        if check and done.returncode != 0:
            raise AssertionError(f'{command[-1][:400]} (exit {done.returncode}): {done.stdout[-4000:]}')
        return done

    def chroot(self, script, seconds=900, check=True):
        """Runs a shell script in the root, not booted."""
        assert self._process is None, 'it is booted'
        return self._done(['systemd-nspawn', '-q', '--register=no', '--keep-unit', '--resolv-conf=copy-host', '--pipe', '-D', self.root,
                           '/bin/bash', '-ec', 'export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; ' + script], seconds, check).stdout

    def boot(self):
        # Not a first boot, at which systemd enables every unit that it finds.
        self.write('/etc/machine-id', uuid.uuid4().hex + '\n', 0o444)
        for name in ('console-getty.service', 'systemd-resolved.service'):
            link = self.path('/etc/systemd/system', name)
            if not os.path.lexists(link):
                os.symlink('/dev/null', link)
        with open(self.scratch.join('console'), 'wb') as console:
            self._process = subprocess.Popen(['systemd-nspawn', '-q', '--register=no', '--keep-unit', '--private-network',
                                              '--resolv-conf=off', '--console=pipe', '--boot', '-D', self.root], stdin=subprocess.DEVNULL,
                                             stdout=console, stderr=console, start_new_session=True)

        # nspawn's child forks the first process of the container and ends.
        wait_until(self._is_up, 90, lambda: 'the container to boot: ' + self.read_console())

    def _is_up(self):
        with open(f'/proc/{self._process.pid}/task/{self._process.pid}/children', encoding='ascii') as stream:
            children = stream.read().split()
        if not children:
            return False
        self._leader = children[-1]
        return self.run('systemctl is-system-running', check=False).strip() in ('running', 'degraded')

    def read_console(self):
        with open(self.scratch.join('console'), encoding='utf-8', errors='replace') as stream:
            return stream.read()[-3000:]

    def run(self, script, seconds=120, check=True, text=None):
        """Runs a shell script in the booted system, as root; its output."""
        return self._done(['nsenter', '-t', self._leader, '-a', '/usr/bin/env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8',
                           'HOME=/root', '/bin/bash', '-c', ('set -e; ' if check else '') + script], seconds, check, text).stdout

    def shut_down(self):
        """Powers it off; the root stays."""
        if self._process is None:
            return
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._leader), signal.SIGRTMIN + 4)
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the container ends with it
                self._process.wait(20)
        self._process = None

    def close(self):
        self.shut_down()
