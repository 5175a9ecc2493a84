"""The Debian package on a bare system: installed, started, upgraded, removed, purged. Takes minutes and a mirror: label long."""
import os
import re
import shutil
import subprocess
import unittest

import container
import harness

TOML = '''[database]
uri = "postgresql:///nowhere?host=/run/postgresql"
[source.us]
type     = "alchemer"
base_url = "https://vendor.invalid"
auth     = { type = "key", secret = "file:/etc/surveysync/secrets/us.key" }
schedule = { cron = "@daily", timezone = "UTC" }
'''


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        container.needed()
        cls.scratch = container.Folder()
        cls.addClassCleanup(cls.scratch.close)
        cls.first = container.package(harness.binary(), cls.scratch.join('first'), '0.0.9')
        cls.second = container.package(harness.binary(), cls.scratch.join('second'), '0.1.0')

    def test_lintian(self):
        done = subprocess.run(['lintian', '--allow-root', '--fail-on', 'error,warning', self.second], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_from_installation_to_purge(self):
        system = container.Container(self.scratch)
        system.copy(self.first, '/root/first.deb')
        system.copy(self.second, '/root/second.deb')
        system.chroot('apt-get -q update; apt-get -qy install --no-install-recommends /root/first.deb')
        self.installed(system)
        system.boot()
        self.assertEqual(system.run('systemctl is-enabled surveysync.service surveysync-sync.timer', check=False).split(), ['disabled'] * 2)
        self.assertEqual(system.run('systemctl is-active surveysync', check=False).strip(), 'inactive')
        self.assertIn('is sound: 0 sources', system.run('surveysync config check'))
        self.started(system)
        self.upgraded(system)
        self.removed_and_purged(system)

    def installed(self, system):
        """What a bare system has afterwards."""
        listing = system.chroot('stat -c "%a %U:%G %n" /etc/surveysync /etc/surveysync/* /usr/bin/surveysync; getent passwd surveysync; '
                                'dpkg -V surveysync || true')
        for line in ('750 root:surveysync /etc/surveysync', '640 root:surveysync /etc/surveysync/surveysync.toml',
                     '700 surveysync:surveysync /etc/surveysync/secrets', '750 root:surveysync /etc/surveysync/conf.d',
                     '755 root:root /usr/bin/surveysync', 'surveysync:x:'):
            self.assertIn(line, listing)
        self.assertRegex(listing, r'surveysync:x:\d+:\d+:surveysync:/var/lib/surveysync:/usr/sbin/nologin')
        self.assertNotIn('??', listing, 'dpkg --verify finds the files as they were packed')
        self.assertIn('0.1.0', system.chroot('surveysync version'))
        for path in ('/usr/share/man/man8/surveysync.8.gz', '/usr/share/bash-completion/completions/surveysync',
                     '/usr/share/zsh/vendor-completions/_surveysync', '/usr/share/fish/vendor_completions.d/surveysync.fish',
                     '/usr/lib/systemd/system/surveysync-alert@.service'):
            self.assertGreater(os.path.getsize(system.path(path)), 100, path)

    def started(self, system):
        system.write('/etc/surveysync/surveysync.toml', TOML, 0o640)
        system.run('chgrp surveysync /etc/surveysync/surveysync.toml; '
                   'install -m 600 -o surveysync -g surveysync /dev/stdin /etc/surveysync/secrets/us.key', text=f"{'1a' * 16}\n{'A1' * 16}\n")
        self.assertIn('vendor.invalid', system.run('surveysync config show'))
        # Without database and vendor it waits; it does not end.
        system.run('systemctl enable --now surveysync')
        self.assertEqual(system.run('systemctl is-active surveysync').strip(), 'active')
        self.assertEqual(system.run('stat -c %U:%a /var/lib/surveysync').strip(), 'surveysync:700')
        system.write('/var/lib/surveysync/mark', 'kept')

    def upgraded(self, system):
        before = system.run('systemctl show -p MainPID --value surveysync')
        out = system.run('DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold /root/second.deb')
        self.assertNotIn('warning', out.lower())
        self.assertIn('0.1.0', system.run("dpkg-query -W -f '${Version} ${Status}' surveysync"))
        after = system.run('systemctl show -p MainPID --value surveysync')
        self.assertNotEqual(before, after, 'the new program runs')
        self.assertEqual(system.run('systemctl is-active surveysync; systemctl is-enabled surveysync').split(), ['active', 'enabled'])
        self.assertEqual(system.read('/etc/surveysync/surveysync.toml'), TOML, 'the configuration is the administrator\'s')
        self.assertIn('640 root:surveysync', system.run('stat -c "%a %U:%G" /etc/surveysync/surveysync.toml'))

    def removed_and_purged(self, system):
        system.run('dpkg -r surveysync')
        self.assertEqual(system.run('systemctl is-active surveysync', check=False).strip(), 'inactive')
        for path in ('/etc/surveysync/surveysync.toml', '/etc/surveysync/secrets/us.key', '/var/lib/surveysync/mark'):
            self.assertTrue(os.path.exists(system.path(path)), f'{path}: a removal keeps it')
        system.run('dpkg -P surveysync')
        for path in ('/etc/surveysync', '/var/lib/surveysync', '/usr/bin/surveysync', '/usr/share/doc/surveysync',
                     '/etc/systemd/system/multi-user.target.wants/surveysync.service'):
            self.assertFalse(os.path.lexists(system.path(path)), f'{path}: a purge leaves nothing')
        self.assertEqual(system.run('systemctl --failed --no-legend').strip(), '')
        self.assertNotIn('surveysync', system.run("dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | grep -v '^.*ii' || true"))


class Documents(unittest.TestCase):
    """The man page and the completions know what the program knows."""

    def test_man_page(self):
        page = os.path.join(container.REPO, 'packaging', 'surveysync.8')
        with open(page, encoding='utf-8') as stream:
            text = stream.read().replace('\\-', '-')
        out = subprocess.run([harness.binary(), '--help'], text=True, capture_output=True, check=True, timeout=20).stdout
        verbs = re.findall(r'^  ([a-z]+)  ', out.split('Subcommands:')[1], re.M)
        self.assertGreater(len(verbs), 15)
        for verb in verbs:
            self.assertRegex(text, rf'(?m)^\.BR? .*\b{verb}\b', f'{verb} is not in the man page')
        if shutil.which('man') and shutil.which('lexgrog'):
            done = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page], capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            subprocess.run(['lexgrog', page], check=True, stdout=subprocess.DEVNULL, timeout=60)


if __name__ == '__main__':
    harness.main()
