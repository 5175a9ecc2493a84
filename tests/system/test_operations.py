"""Every command of docs/OPERATIONS.md is executed as it stands there. What a fence says tells where: `sh` and `sql` here, against the
sandbox vendor and a private cluster; `sh container` by test_boot's neighbour below, in a booted system (LONG); `sh long` here with LONG; `sh person`
needs a person at a browser, and has a test of its own. Names of the page that belong to a real account are replaced by those of the
sandbox."""
import glob
import os
import re
import shutil
import subprocess
import unittest

import container
import harness
from harness import LONG, SystemTest

PAGE = os.path.join(container.REPO, 'docs', 'OPERATIONS.md')
KINDS = ('sh', 'sh container', 'sh long', 'sh person', 'sql', 'ini', 'toml')
PERSON = {'surveysync authorize': 'test_oauth.py'}


def blocks():
    """(line, kind, text) of each fenced block."""
    with open(PAGE, encoding='utf-8') as stream:
        text = stream.read()
    found = []
    for match in re.finditer(r'^```([^\n]*)\n(.*?)^```$', text, re.M | re.S):
        found.append((text.count('\n', 0, match.start()) + 1, match.group(1), match.group(2)))
    return found


class Page(unittest.TestCase):
    def test_every_block_says_where_it_runs(self):
        self.assertGreater(len(blocks()), 12)
        for line, kind, text in blocks():
            self.assertIn(kind, KINDS, f'OPERATIONS.md:{line}: {text[:60]}')

    def test_what_needs_a_person_has_a_test_of_its_own(self):
        for line, _, text in (block for block in blocks() if block[1] == 'sh person'):
            for command in filter(None, (part.split('#')[0].strip().removeprefix('sudo ') for part in text.splitlines())):
                test = next((name for prefix, name in PERSON.items() if command.startswith(prefix)), None)
                self.assertIsNotNone(test, f'OPERATIONS.md:{line}: {command}')
                with open(os.path.join(container.REPO, 'tests', 'system', test), encoding='utf-8') as stream:
                    self.assertIn("'" + command.split()[1] + "'", stream.read())


class Everyday(SystemTest):
    sandbox_arguments = ('--seed', 7, '--surveys', 2, '--responses', 40)

    def setUp(self):
        sections = self.bench.sections()
        sections['log'] = {'level': 'warning'}
        sections['alerts.ops'] = {'type': 'exec', 'command': ['/bin/true']}
        self.bench.configure(sections)
        self.succeed('sync')
        self.folder = self.bench.scratch.join('bin')
        os.makedirs(self.folder, exist_ok=True)
        self.program('surveysync', f'exec "{harness.binary()}" --config "{self.bench.config}" "$@"')
        self.program('sudo', 'exec "$@"')
        self.environment = self.bench.environment({
            'PATH': f'{self.folder}:{self.bench.cluster.bin}:{os.environ["PATH"]}', 'PGHOST': self.bench.cluster.socket, 'PGUSER': 'surveysync',
            'PGDATABASE': 'warehouse', 'PSQLRC': '/dev/null'})
        first = self.bench.database.query('SELECT survey_id, max(response_id) AS response_id FROM alchemer.response WHERE deleted_at IS NULL '
                                          'GROUP BY 1 ORDER BY 1')[0]
        self.names = {'8611799': str(first['survey_id']), '345': str(first['response_id'])}

    def program(self, name, line):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write(f'#!/bin/sh\n{line}\n')
        os.chmod(path, 0o755)

    def ours(self, text):
        for name, value in self.names.items():
            text = re.sub(rf'\b{name}\b', value, text)
        return text

    def execute(self, script, seconds=60):
        done = subprocess.run(['bash', '-eu', '-o', 'pipefail', '-c', script], env=self.environment, cwd=self.bench.scratch.path, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        self.assertEqual(done.returncode, 0, f'{script}\n{done.stdout[-3000:]}')

    def test_commands(self):
        for line, kind, text in blocks():
            if kind == 'sql':
                with self.subTest(line=line):
                    self.bench.database.execute(self.ours(text))
            elif kind == 'sh' or (LONG and kind == 'sh long'):
                for command in text.splitlines():
                    with self.subTest(line=line, command=command):
                        self.execute(self.ours(command), 300 if LONG else 60)


class OnAServer(unittest.TestCase):
    """The blocks that change a system, in their order, in a booted one."""

    @unittest.skipUnless(LONG, 'LONG')
    def test_commands(self):
        container.needed()
        scratch = container.Folder()
        self.addCleanup(scratch.close)
        system = container.Container(scratch)
        system.copy(container.package(harness.binary(), scratch.join('package')), '/root/')
        name = glob.glob(system.path('/root/surveysync_*.deb'))[0]
        depends = subprocess.run(['dpkg-deb', '-f', name, 'Depends'], capture_output=True, text=True, check=True).stdout
        wanted = [one.split('|')[0].split('(')[0].strip() for one in depends.split(',')]
        system.write('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755)
        # What the commands need of the network is fetched before: the booted system has none.
        system.chroot('apt-get -q update; apt-get -qy install --no-install-recommends postgresql ' + ' '.join(wanted) +
                      '; rm /usr/sbin/policy-rc.d')
        shutil.copy(harness.binary(), system.path('/root/vendor'))
        system.boot()
        system.run('systemd-run -q --unit=vendor -p Type=exec /root/vendor sandbox --dir /srv/vendor --seed 7 --surveys 2 --responses 30 --cache 0s')
        about = harness.wait_until(lambda: system.run('cat /srv/vendor/sandbox.json 2>/dev/null', check=False), 30, 'the vendor')
        base = re.search(r'"base_url": ?"([^"]+)"', about).group(1)
        system.run('cp /srv/vendor/us.key /root/us.key; cp /srv/vendor/us.key /root/new.key; cp /srv/vendor/ca.pem /etc/vendor.pem; '
                   'chmod 644 /etc/vendor.pem; systemctl start postgresql@15-main')
        for line, kind, text in blocks():
            if kind != 'sh container':
                continue
            if 'us.key /etc' in text:  # "then write the configuration"
                system.write('/etc/surveysync/surveysync.toml', f'''[database]
uri = "postgresql:///warehouse?host=/var/run/postgresql"
[source.us]
type = "alchemer"
base_url = "{base}"
streams = ["survey", "response"]
auth = {{ type = "key", secret = "file:/etc/surveysync/secrets/us.key" }}
schedule = {{ cron = "@daily", timezone = "UTC" }}
tls = {{ ca_file = "/etc/vendor.pem" }}
''', 0o640)
            if 'surveysync-host.tar.gz' in text and '-x' in text:  # "on the new one"
                system.run('rm -rf /etc/surveysync /var/lib/surveysync; systemd-tmpfiles --create surveysync.conf')
            with self.subTest(line=line):
                system.run('cd /root; set -eu -o pipefail; export DEBIAN_FRONTEND=noninteractive\n' + text, 300)
        self.assertIn('warehouse', system.run("cd /; runuser -u postgres -- psql -XAtc \"SELECT datname FROM pg_database\""))


if __name__ == '__main__':
    harness.main()
