"""The units that we ship: sound to systemd, as strict as promised, and installed with the path of the binary. Needs systemd's
tools, not a running systemd."""
import configparser
import glob
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

import harness

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(ROOT, 'systemd')
SERVICES = ('surveysync.service', 'surveysync-sync.service', 'surveysync-alert@.service')
UNITS = SERVICES + ('surveysync-sync.timer',)
BINARY = '/usr/bin/surveysync'

# What keeps the score: reliability.md 1.3. Both services have every line.
SANDBOX = {
    'UMask': '0077', 'NoNewPrivileges': 'yes', 'CapabilityBoundingSet': '', 'AmbientCapabilities': '', 'RestrictSUIDSGID': 'yes',
    'LockPersonality': 'yes', 'RestrictRealtime': 'yes', 'RestrictNamespaces': 'yes', 'MemoryDenyWriteExecute': 'yes',
    'PrivateUsers': 'yes', 'KeyringMode': 'private', 'ProtectSystem': 'strict', 'ProtectHome': 'yes', 'PrivateTmp': 'yes',
    'PrivateDevices': 'yes', 'DevicePolicy': 'closed', 'ProtectKernelTunables': 'yes', 'ProtectKernelModules': 'yes',
    'ProtectKernelLogs': 'yes', 'ProtectControlGroups': 'yes', 'ProtectClock': 'yes', 'ProtectHostname': 'yes',
    'ProtectProc': 'invisible', 'ProcSubset': 'pid', 'PrivateMounts': 'yes', 'RemoveIPC': 'yes', 'NoExecPaths': '/',
    'ExecPaths': f'{BINARY} /usr/lib -/usr/lib64', 'RestrictAddressFamilies': 'AF_INET AF_INET6 AF_UNIX',
    'SystemCallArchitectures': 'native', 'SystemCallFilter': ['@system-service', '~@privileged @resources'],
    'SystemCallErrorNumber': 'EPERM', 'LimitCORE': '0', 'User': 'surveysync', 'Group': 'surveysync', 'StateDirectory': 'surveysync',
    'StateDirectoryMode': '0700', 'ConfigurationDirectory': 'surveysync', 'ConfigurationDirectoryMode': '0750', 'TimeoutStopSec': '15',
}
DAEMON = {
    'Type': 'notify', 'NotifyAccess': 'main', 'ExecStart': f'{BINARY} serve', 'ExecReload': '+/bin/kill -HUP $MAINPID',
    'WatchdogSec': '60', 'Restart': 'on-failure', 'RestartSec': '10', 'RestartPreventExitStatus': '2',
}
ONE_LOAD = {'Type': 'oneshot', 'ExecStart': f'{BINARY} sync'}
ALERT = {'Type': 'oneshot', 'ExecStart': f'{BINARY} alerts crash %i'}
TIMER = {'OnCalendar': '*-*-* 02:15:00 America/New_York', 'RandomizedDelaySec': '10min', 'FixedRandomDelay': 'yes',
         'Persistent': 'yes'}


class Repeated(dict):
    """Keys of a unit may be repeated: their values become a list."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list) and isinstance(self[key], list):
            value = self[key] + value
        super().__setitem__(key, value)


def read_unit(path):
    """{section: {key: value or list of values}}."""
    parser = configparser.RawConfigParser(dict_type=Repeated, strict=False, delimiters=('=',), comment_prefixes=('#', ';'),
                                          empty_lines_in_values=False)
    parser.optionxform = str
    parser.read(path, encoding='utf-8')
    sections = {}
    for name in parser.sections():
        values = {key: value.split('\n') for key, value in parser.items(name)}
        sections[name] = {key: value[0] if len(value) == 1 else value for key, value in values.items()}
    return sections


def tool(name):
    path = shutil.which(name)
    if not path:
        raise unittest.SkipTest(f'{name} is not installed')
    return path


def run(*command):
    return subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False)


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='units-')  # systemd takes no path with blanks in ExecPaths=
        self.addCleanup(shutil.rmtree, self.folder)

    def copies(self):
        """As installed: the path of a binary that is there."""
        program = os.path.join(self.folder, 'surveysync')
        os.symlink(harness.binary(), program)
        page = os.path.join(SOURCE, '..', 'docs', 'OPERATIONS.md')
        self.assertTrue(os.path.exists(page), 'the units name it')
        paths = []
        for source in [os.path.join(SOURCE, unit) for unit in UNITS] + glob.glob(os.path.join(SOURCE, 'examples', '*-*')):
            with open(source, encoding='utf-8') as stream:
                text = stream.read().replace(BINARY, program)
            paths.append(os.path.join(self.folder, os.path.basename(source)))
            with open(paths[-1], 'w', encoding='utf-8') as stream:
                stream.write(text)
        return paths

    def test_verify(self):
        """systemd finds nothing to say about them."""
        for path in self.copies():
            with self.subTest(unit=os.path.basename(path)):
                done = run(tool('systemd-analyze'), 'verify', '--man=no', path)
                self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_verify_can_fail(self):
        path = next(path for path in self.copies() if path.endswith('surveysync.service'))
        with open(path, 'a', encoding='utf-8') as stream:
            stream.write('[Service]\nPrivateTemp=yes\n')
        done = run(tool('systemd-analyze'), 'verify', '--man=no', path)
        self.assertIn('PrivateTemp', done.stdout)

    def test_security(self):
        """The exposure is at most 1.1."""
        for unit in SERVICES:
            with self.subTest(unit=unit):
                done = run(tool('systemd-analyze'), 'security', '--offline=true', '--threshold=11', os.path.join(SOURCE, unit))
                self.assertEqual(done.returncode, 0, done.stdout[-500:])
                self.assertIn('1.1 OK', done.stdout.splitlines()[-1])

    def test_every_line_of_the_profile(self):
        for unit, more in (('surveysync.service', DAEMON), ('surveysync-sync.service', ONE_LOAD), ('surveysync-alert@.service', ALERT)):
            service = read_unit(os.path.join(SOURCE, unit))['Service']
            for key, value in {**SANDBOX, **more}.items():
                with self.subTest(unit=unit, key=key):
                    self.assertEqual(service.get(key), value)
        unit = read_unit(os.path.join(SOURCE, 'surveysync.service'))['Unit']
        self.assertEqual((unit['StartLimitIntervalSec'], unit['StartLimitBurst']), ('10min', '10'))
        for name in SERVICES[:2]:
            self.assertEqual(read_unit(os.path.join(SOURCE, name))['Unit']['OnFailure'], 'surveysync-alert@%n.service')

    def test_a_part_that_failed_is_a_failure(self):
        service = read_unit(os.path.join(SOURCE, 'surveysync-sync.service'))['Service']
        self.assertEqual(service['SuccessExitStatus'], '143', 'only that somebody stopped it is none')
        self.assertNotIn('RemainAfterExit', service)

    def test_timer(self):
        timer = read_unit(os.path.join(SOURCE, 'surveysync-sync.timer'))['Timer']
        self.assertEqual(timer, TIMER)
        done = run(tool('systemd-analyze'), 'calendar', TIMER['OnCalendar'])
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_system_user(self):
        root = os.path.join(self.folder, 'root')
        os.makedirs(os.path.join(root, 'etc'))
        # Twice: what is there already stays.
        for _ in range(2):
            done = run(tool('systemd-sysusers'), '--root=' + root, os.path.join(SOURCE, 'sysusers.d', 'surveysync.conf'))
            self.assertEqual(done.returncode, 0, done.stdout)
        with open(os.path.join(root, 'etc', 'passwd'), encoding='utf-8') as stream:
            name, _, uid, _, _, home, shell = stream.readline().strip().split(':')
        self.assertEqual((name, home), ('surveysync', '/var/lib/surveysync'))
        self.assertTrue(shell.endswith('nologin'))
        self.assertLess(int(uid), 1000)
        with open(os.path.join(root, 'etc', 'group'), encoding='utf-8') as stream:
            self.assertTrue(stream.readline().startswith('surveysync:'))

    @unittest.skipUnless(os.geteuid() == 0, 'gives files to other users')
    def test_directories(self):
        root = os.path.join(self.folder, 'root')
        os.makedirs(os.path.join(root, 'etc'))
        run(tool('systemd-sysusers'), '--root=' + root, os.path.join(SOURCE, 'sysusers.d', 'surveysync.conf'))
        with open(os.path.join(root, 'etc', 'passwd'), 'a', encoding='utf-8') as stream:
            stream.write('root:x:0:0:root:/root:/bin/sh\n')
        with open(os.path.join(root, 'etc', 'group'), 'a', encoding='utf-8') as stream:
            stream.write('root:x:0:\n')
        done = run(tool('systemd-tmpfiles'), '--create', '--root=' + root, os.path.join(SOURCE, 'tmpfiles.d', 'surveysync.conf'))
        self.assertEqual(done.returncode, 0, done.stdout)
        found = {}
        for name in ('', 'conf.d', 'secrets'):
            about = os.stat(os.path.join(root, 'etc', 'surveysync', name))
            found[name] = (about.st_mode & 0o7777, about.st_uid == 0, about.st_gid == 0)
        self.assertEqual(found, {'': (0o750, True, False), 'conf.d': (0o750, True, False), 'secrets': (0o700, False, False)})

    def test_installed_with_its_own_path(self):
        """CMake's install step, without the binary: every unit names the prefix."""
        cmake = tool('cmake')
        project = os.path.join(self.folder, 'project')
        os.makedirs(project)
        with open(os.path.join(project, 'CMakeLists.txt'), 'w', encoding='utf-8') as stream:
            stream.write('cmake_minimum_required(VERSION 3.25)\nproject(surveysync LANGUAGES C)\ninclude(GNUInstallDirs)\n'
                         f'add_subdirectory("{SOURCE}" systemd)\n')
        build, prefix = os.path.join(self.folder, 'build'), os.path.join(self.folder, 'opt')
        for command in ((cmake, '-S', project, '-B', build, f'-DCMAKE_INSTALL_PREFIX={prefix}'), (cmake, '--install', build)):
            done = run(*command)
            self.assertEqual(done.returncode, 0, done.stdout)
        units = os.path.join(prefix, 'lib', 'systemd', 'system')
        self.assertEqual(sorted(os.listdir(units)), sorted(UNITS))
        for unit in UNITS:
            with open(os.path.join(units, unit), encoding='utf-8') as stream:
                text = stream.read()
            self.assertNotIn(BINARY + ' ', text)
            if unit in SERVICES:
                self.assertIn(f'ExecStart={prefix}/bin/surveysync ', text)
                self.assertIn(f'ExecPaths={prefix}/bin/surveysync ', text)
                self.assertIn('$MAINPID' if unit == SERVICES[0] else 'Type=oneshot', text)
        for path in ('lib/sysusers.d/surveysync.conf', 'lib/tmpfiles.d/surveysync.conf', 'share/doc/surveysync/OPERATIONS.md',
                     'share/doc/surveysync/examples/exec.conf'):
            self.assertTrue(os.path.exists(os.path.join(prefix, path)), path)

    def test_the_operators_page_names_what_there_is(self):
        with open(os.path.join(ROOT, 'docs', 'OPERATIONS.md'), encoding='utf-8') as stream:
            page = stream.read()
        for unit in UNITS:
            self.assertIn(unit, page)
        for path in re.findall(r'systemd/[\w./-]+', page):
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)) or path.startswith('systemd/system'), path)


def journal_fields(datagram):
    """One entry of journald's native protocol."""
    fields, at = {}, 0
    while at < len(datagram):
        end = datagram.index(b'\n', at)
        line = datagram[at:end]
        if b'=' in line:
            name, value = line.split(b'=', 1)
            at = end + 1
        else:
            name = line
            size, = struct.unpack('<Q', datagram[end + 1:end + 9])
            value = datagram[end + 9:end + 9 + size]
            at = end + 10 + size
        fields[name.decode()] = value.decode()
    return fields


@unittest.skipUnless(os.geteuid() == 0 and shutil.which('unshare'), 'needs a mount namespace of its own')
class Journal(harness.SystemTest):
    """A stand-in for journald at its address, seen by the program alone."""
    sandbox_arguments = ('--seed', 5, '--surveys', 1, '--responses', 20)

    def listen(self):
        folder = self.bench.scratch.join('journal')
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, 'socket')
        if os.path.exists(path):
            os.remove(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(path)
        server.settimeout(0.2)
        return folder, server

    def run_below_journald(self, journal_stream, *arguments):
        """What the journal got, and what standard error got."""
        folder, server = self.listen()
        if not os.path.isdir('/run/systemd'):
            self.skipTest('/run/systemd is not there')
        entries, over = [], threading.Event()

        def collect():
            while True:
                try:
                    entries.append(journal_fields(server.recv(1 << 20)))
                except socket.timeout:
                    if over.is_set():
                        return

        reader, writer = os.pipe()
        about = os.fstat(writer)
        stream = f'{about.st_dev}:{about.st_ino}' if journal_stream == 'ours' else journal_stream
        script = 'mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"'
        process = subprocess.Popen(['unshare', '-m', 'sh', '-c', script, folder, *self.bench.command(*arguments)],
                                   env=self.bench.environment({'JOURNAL_STREAM': stream}), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=writer, start_new_session=True)
        self.bench.scratch.on_close(lambda: harness.stop_process(process))
        os.close(writer)
        thread = threading.Thread(target=collect)
        thread.start()
        with os.fdopen(reader, 'rb') as pipe:
            err = pipe.read()
        code = process.wait(60)
        over.set()
        thread.join(10)
        if code != 0 and b'unshare' in err:
            self.skipTest('no mount namespaces here')
        self.assertEqual(code, 0, err)
        return entries, err.decode()

    def test_lines_come_with_their_fields(self):
        entries, err = self.run_below_journald('ours', 'sync')
        by_event = {entry['SURVEYSYNC_EVENT']: entry for entry in entries}
        self.assertNotIn('event=', err, 'each line comes once')
        finished = by_event['run_finished']
        self.assertEqual((finished['SYSLOG_IDENTIFIER'], finished['PRIORITY'], finished['SURVEYSYNC_SOURCE'],
                          finished['SURVEYSYNC_OUTCOME']), ('surveysync', '6', 'us', 'succeeded'))
        self.assertRegex(finished['SURVEYSYNC_RUN_ID'], r'^\d+$')
        self.assertTrue(finished['MESSAGE'].startswith('run of us succeeded'), finished['MESSAGE'])
        self.assertEqual(by_event['call_finished']['PRIORITY'], '7')
        secrets = self.bench.sandbox.secrets()
        for entry in entries:
            for value in entry.values():
                self.assertFalse(any(secret in value for secret in secrets))

    def test_another_stream_is_not_the_journal(self):
        entries, err = self.run_below_journald('1:1', 'sync')
        self.assertEqual(entries, [])
        self.assertIn('event=run_finished', err)


if __name__ == '__main__':
    harness.main()
