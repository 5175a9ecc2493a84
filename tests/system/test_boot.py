"""The unit as it is shipped, really booted: full sandbox, TLS to PostgreSQL by a DNS name (verify-full), the vendor over https with a CA of
its own, credentials, journal, reload, watchdog, a crash, the alert unit. Takes minutes and a mirror: label long. docs/BOOTED.md has what was
found."""
import json
import os
import time
import unittest

import container
import harness
from harness import wait_until

DATABASE_HOST = 'db.surveysync.test'
CONFIG = f'''[database]
uri      = "postgresql://surveysync@{DATABASE_HOST}/warehouse?sslmode=verify-full&sslrootcert=/etc/surveysync/database-ca.pem"
password = "credential:database.password"
[alerts.ops]
type = "journal"
[source.us]
type     = "alchemer"
base_url = "BASE"
streams  = ["survey", "response"]
auth     = {{ type = "key", secret = "file:/etc/surveysync/secrets/us.key" }}
schedule = {{ cron = "* * * * *", timezone = "UTC" }}
tls      = {{ ca_file = "/etc/surveysync/vendor-ca.pem" }}
'''
DROP_IN = '''[Service]
LoadCredential=database.password:/etc/surveysync/secrets/database.password
WatchdogSec=8
RestartSec=1
'''
CERTIFICATE = f'''umask 077; mkdir -p /srv/pki; cd /srv/pki
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN={DATABASE_HOST} -keyout db.key -out db.csr 2>/dev/null
printf 'subjectAltName=DNS:{DATABASE_HOST}' > ext
openssl x509 -req -in db.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out db.pem 2>/dev/null
install -o postgres -g postgres -m 600 db.key db.pem /var/lib/postgresql/
install -m 644 ca.pem /etc/surveysync/database-ca.pem'''
SURVEYS, RESPONSES = 2, 60


class Booted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        container.needed()
        cls.scratch = container.Folder()
        cls.addClassCleanup(cls.scratch.close)
        deb = container.package(harness.binary(), cls.scratch.join('package'))
        cls.system = container.Container(cls.scratch, os.environ.get('SURVEYSYNC_ROOT'))
        cls.system.copy(deb, '/root/surveysync.deb')
        cls.system.write('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755)
        cls.system.chroot('apt-get -q update; apt-get -qy install --no-install-recommends postgresql dnsmasq-base openssl '
                          '/root/surveysync.deb; rm /usr/sbin/policy-rc.d')
        cls.system.boot()
        cls.prepare()

    @classmethod
    def prepare(cls):
        run, write = cls.system.run, cls.system.write
        run('systemd-run -q --unit=names dnsmasq -k --no-resolv --no-hosts --conf-file=/dev/null --bind-interfaces '
            f'--listen-address=127.0.0.1 --address=/{DATABASE_HOST}/127.0.0.1; '
            'rm -f /etc/resolv.conf; echo nameserver 127.0.0.1 > /etc/resolv.conf')
        run(CERTIFICATE)
        run("""cd /etc/postgresql/*/main
            printf "listen_addresses = '127.0.0.1'\\nssl = on\\nssl_cert_file = '/var/lib/postgresql/db.pem'\\n" >> postgresql.conf
            printf "ssl_key_file = '/var/lib/postgresql/db.key'\\nfsync = off\\n" >> postgresql.conf
            printf 'local all postgres peer\\nhostssl warehouse all 127.0.0.1/32 scram-sha-256\\n' > pg_hba.conf
            systemctl restart postgresql@$(basename $(dirname $PWD))-main""")
        run('cd /; runuser -u postgres -- createdb warehouse; surveysync migrate --print-roles | runuser -u postgres -- psql -qX -d warehouse')
        run("cd /; runuser -u postgres -- psql -qX -d warehouse", text='''
            CREATE ROLE surveysync LOGIN PASSWORD 'of-the-writer' IN ROLE surveysync_writer;
            ALTER ROLE surveysync SET role = 'surveysync_writer';
            CREATE ROLE migrator LOGIN PASSWORD 'of-the-owner' IN ROLE surveysync_owner;
            ALTER ROLE migrator SET role = 'surveysync_owner';''')
        run('systemd-run -q --unit=vendor -p Type=exec surveysync sandbox --dir /srv/vendor '
            f'--seed 7 --surveys {SURVEYS} --responses {RESPONSES} --cache 0s')
        about = wait_until(lambda: run('cat /srv/vendor/sandbox.json 2>/dev/null', check=False), 30, 'the vendor')
        base = json.loads(about)['base_url'].replace('127.0.0.1', 'localhost')
        write('/etc/surveysync/surveysync.toml', CONFIG.replace('BASE', base), 0o640)
        run('chgrp surveysync /etc/surveysync/surveysync.toml; install -m 644 /srv/vendor/ca.pem /etc/surveysync/vendor-ca.pem; '
            'install -m 600 -o surveysync -g surveysync /srv/vendor/us.key /etc/surveysync/secrets/us.key')
        run('install -m 600 /dev/stdin /etc/surveysync/secrets/database.password', text='of-the-writer\n')
        write('/etc/systemd/system/surveysync.service.d/test.conf', DROP_IN)
        write('/etc/systemd/system/surveysync-sync.service.d/test.conf', DROP_IN.replace('WatchdogSec=8\nRestartSec=1\n', ''))
        write('/etc/systemd/system/surveysync-alert@.service.d/test.conf', DROP_IN.replace('WatchdogSec=8\nRestartSec=1\n', ''))
        run('systemctl daemon-reload')
        run('SURVEYSYNC__DATABASE__PASSWORD=env:OWNERS OWNERS=of-the-owner '
            f"SURVEYSYNC__DATABASE__URI='postgresql://migrator@{DATABASE_HOST}/warehouse?sslmode=verify-full&"
            "sslrootcert=/etc/surveysync/database-ca.pem' surveysync migrate")

    def events(self, name, unit='surveysync.service', **fields):
        match = ' '.join(f'{key}={value}' for key, value in fields.items())
        out = self.system.run(f'journalctl -q -o json _SYSTEMD_UNIT={unit} SURVEYSYNC_EVENT={name} {match}', check=False)
        return [json.loads(line) for line in out.splitlines() if line.startswith('{')]

    def wait_for(self, name, least=1, seconds=60, **fields):
        return wait_until(lambda: (lambda found: found if len(found) >= least else None)(self.events(name, **fields)), seconds,
                          lambda: f'{least} x {name}: ' + self.system.run('journalctl -q -n 40 -u surveysync --no-pager', check=False))

    def show(self, *properties, unit='surveysync.service'):
        out = self.system.run(f'systemctl show {unit} -p {",".join(properties)}')
        return dict(line.split('=', 1) for line in out.splitlines() if '=' in line)

    def pid(self):
        """Of the running daemon."""
        pid = self.show('MainPID')['MainPID']
        self.assertNotEqual(pid, '0', self.system.run('systemctl status -n 30 --no-pager surveysync', check=False))
        return pid

    def psql(self, sql):
        return self.system.run('cd /; runuser -u postgres -- psql -qXAt -d warehouse', text=sql).strip()

    def test_1_it_starts_and_loads(self):
        """`systemctl start` returns when the program says that it is ready."""
        begin = time.monotonic()
        self.system.run('systemctl start surveysync')
        self.assertLess(time.monotonic() - begin, 20)
        about = self.show('ActiveState', 'SubState', 'Type', 'WatchdogUSec', 'StatusText', 'User')
        self.assertEqual((about['ActiveState'], about['SubState'], about['Type']), ('active', 'running', 'notify'))
        self.wait_for('run_finished', SURVEYSYNC_OUTCOME='succeeded', seconds=120)
        self.assertEqual(self.psql('SELECT count(DISTINCT survey_id), bool_and(balanced) FROM surveysync.certificate'), f'{SURVEYS}|t')
        self.assertGreater(int(self.psql('SELECT count(*) FROM alchemer.response')), SURVEYS * RESPONSES * 0.8)
        self.assertEqual(self.psql("SELECT bool_and(ssl)::text || ' ' || bool_and(version LIKE 'TLS%')::text FROM pg_stat_ssl JOIN pg_stat_activity "
                                   "USING (pid) WHERE usename = 'surveysync'"), 'true true')
        self.assertIn('us:', self.show('StatusText')['StatusText'])

    def test_2_the_journal_has_fields(self):
        finished = self.events('run_finished')[0]
        self.assertEqual((finished['SURVEYSYNC_SOURCE'], finished['SYSLOG_IDENTIFIER'], finished['PRIORITY']), ('us', 'surveysync', '6'))
        self.assertRegex(finished['SURVEYSYNC_RUN_ID'], r'^\d+$')
        journal = self.system.run('journalctl -q -o cat --no-pager')
        for secret in ('of-the-writer', *self.system.read('/srv/vendor/us.key').split()):
            self.assertNotIn(secret, journal)

    def test_3_the_sandbox(self):
        """Scored by the running system, and looked at from inside the process."""
        out = self.system.run('systemd-analyze security --no-pager surveysync.service | tail -1')
        self.assertIn('OK', out)
        pid = self.pid()
        fields = dict(line.split(':', 1) for line in self.system.run(f'cat /proc/{pid}/status').splitlines())
        self.assertEqual((fields['CapEff'].strip(), fields['NoNewPrivs'].strip(), fields['Seccomp'].strip()), ('0' * 16, '1', '2'))
        self.assertIn('database.password', self.system.run(f'ls /proc/{pid}/root/run/credentials/surveysync.service'))
        refused = self.system.run(f'nsenter -t {pid} -m /bin/true 2>&1', check=False)
        self.assertIn('Permission denied', refused, 'no other program may be executed where it lives')

    def test_4_a_reload_keeps_the_process(self):
        before = self.show('MainPID')
        self.system.run('systemctl reload surveysync')
        self.wait_for('config_reloaded')
        self.assertEqual(self.show('MainPID'), before)
        good = self.system.read('/etc/surveysync/surveysync.toml')
        self.system.write('/etc/surveysync/surveysync.toml', good + '\n[sorce.eu]\n', 0o640)
        self.system.run('systemctl reload surveysync', check=False)
        self.wait_for('config_refused')
        self.system.write('/etc/surveysync/surveysync.toml', good, 0o640)
        self.system.run('systemctl reload surveysync')
        self.wait_for('config_reloaded', least=2)
        self.assertEqual((self.show('MainPID'), self.show('ActiveState')['ActiveState']), (before, 'active'))

    def test_5_a_new_key_is_taken_without_a_restart(self):
        before = self.show('MainPID')
        control = json.loads(self.system.read('/srv/vendor/sandbox.json'))['control_url'].rsplit(':', 1)[1].strip('/')
        body = '{"action":"rotate"}'
        self.assertIn('200', self.system.run(f"exec 3<>/dev/tcp/127.0.0.1/{control}; printf 'POST /key HTTP/1.1\\r\\nHost: x\\r\\n"
                                             f"Connection: close\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}' >&3; head -1 <&3"))
        self.wait_for('source_held', seconds=100)  # the next run begins within a minute
        self.system.run('install -m 600 -o surveysync -g surveysync /srv/vendor/us.key.next /etc/surveysync/secrets/us.key')
        self.wait_for('source_released', seconds=30)
        self.assertEqual(self.show('MainPID'), before)

    def test_6_a_hung_process_is_killed_and_noticed(self):
        before = self.show('MainPID', 'NRestarts')
        self.system.run(f'kill -STOP {self.pid()}')
        wait_until(lambda: self.show('NRestarts')['NRestarts'] != before['NRestarts'] and self.show('SubState')['SubState'] == 'running', 60,
                   'the watchdog to end it, and the next start')
        self.assertNotEqual(self.show('MainPID')['MainPID'], before['MainPID'])
        self.wait_for('unclean_exit_found')
        self.assertIn('watchdog', self.system.run('journalctl -q --no-pager _PID=1 -u surveysync', check=False).lower())

    def test_7_one_load_by_the_other_unit(self):
        self.system.run('systemctl stop surveysync; systemctl start surveysync-sync.service || '
                        '{ journalctl -q --no-pager -n 30 -u surveysync-sync; false; }', seconds=180)
        self.assertEqual(self.show('Result', unit='surveysync-sync.service')['Result'], 'success')
        self.system.run('systemctl start surveysync')

    def test_8_a_failed_unit_is_told(self):
        """When systemd gives up, the alert unit runs in the same sandbox and tells of it."""
        self.system.write('/etc/systemd/system/surveysync.service.d/zz.conf', '[Service]\nRestart=no\n')
        self.system.run('systemctl daemon-reload')
        self.system.run(f'kill -SEGV {self.pid()}')
        wait_until(lambda: self.show('ActiveState')['ActiveState'] == 'failed', 30, 'the unit to have failed')
        alert = 'surveysync-alert@surveysync.service.service'
        wait_until(lambda: self.show('ExecMainExitTimestamp', unit=alert).get('ExecMainExitTimestamp'), 60, 'the alert unit')
        journal = self.system.run(f'journalctl -q --no-pager -u {alert}')
        self.assertEqual(self.show('Result', unit=alert)['Result'], 'success', journal)
        self.assertIn('surveysync.service', journal)
        self.system.run('rm /etc/systemd/system/surveysync.service.d/zz.conf; systemctl daemon-reload; systemctl reset-failed surveysync; '
                        'systemctl start surveysync')
        self.wait_for('unclean_exit_found', least=2)

    def test_9_it_stops_at_once(self):
        begin = time.monotonic()
        self.system.run('systemctl stop surveysync')
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(self.show('Result')['Result'], 'success')


if __name__ == '__main__':
    harness.main()
