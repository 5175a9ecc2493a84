"""Alerts on every kind of channel, with real receivers; what survives kill -9 and a database that is away; what is told by the clock."""
import json
import os
import unittest

from alert_receivers import Alertmanager, Certificate, MailServer, Receiver, dead_port, free_port, path_of, signature_holds
from harness import Daemon, SystemTest, main, wait_until

SECRETS = {'webhook.secret': 'whsec-4711-very-secret', 'routing.key': 'R0ut1ngK3y-of-pagerduty', 'mail.password': 'pa55w0rd of mail'}
QUICK = {'retry': '20ms', 'look': '200ms', 'database_away': '300ms', 'disk_free': '1B'}


class AlertTest(SystemTest):
    sandbox_arguments = ('--seed', 5, '--surveys', 1, '--responses', 10)

    def setUp(self):
        self.scratch = self.bench.scratch
        self.daemons = []
        self.texts = []
        self.bench.sandbox.fault()
        self.fresh_database()
        for name in os.listdir(self.scratch.join('state')):
            os.remove(os.path.join(self.scratch.join('state'), name))
        self.secrets = {name: path_of(name, self.scratch, value) for name, value in SECRETS.items()}

    def tearDown(self):
        for daemon in self.daemons:
            daemon.kill()
            self.texts.append(daemon.output())
        for text in self.texts:
            for name, value in {**SECRETS, 'path': 'S3cretPath'}.items():
                self.assertNotIn(value, text, name)

    def receiver(self, *script):
        made = Receiver(self.scratch)
        made.script = list(script)
        return made

    def address(self, receiver, name='hook.url'):
        return path_of(name, self.scratch, receiver.url)

    def configure(self, channels, database=True, source=None, **incidents):
        sections = self.bench.sections()
        sections['log'] = {'level': 'debug'}
        sections['incidents'] = {**QUICK, **incidents}
        sections['source.us.sync'] = source or {}
        if not database:
            sections['database']['uri'] = f'postgresql://nobody@127.0.0.1:{dead_port()}/none'
        for name, settings in channels.items():
            sections['alerts.' + name] = settings
        self.bench.configure(sections)

    def verb(self, *arguments, code=0, **options):
        done = self.bench.run(*arguments, **options)
        self.texts += [done.out, done.err]
        self.assertEqual(done.code, code, f'{arguments}: {done}')
        return done

    def serve(self):
        daemon = Daemon(self.bench)
        self.daemons.append(daemon)
        return daemon

    def webhook(self, receiver, **settings):
        return {'type': 'webhook', 'url': self.address(receiver, f'url{receiver.port}'), **settings}


class Channels(AlertTest):
    def test_each_kind_takes_a_test_alert(self):
        hook, slack, pager, ping = self.receiver(), self.receiver(), self.receiver(), self.receiver()
        manager = Alertmanager(self.scratch, self.receiver())
        certificate = Certificate(self.scratch)
        mail = MailServer(self.scratch, certificate, login=('surveysync', SECRETS['mail.password']))
        script = self.scratch.write('tell', f'#!/bin/sh\ncat > "{self.scratch.join("told.json")}"\n'
                                            f'echo "$SURVEYSYNC_ALERT_KEY|$SURVEYSYNC_ALERT_STATUS" > "{self.scratch.join("told.env")}"\n', mode=0o755)
        self.configure({
            'hook': {'type': 'webhook', 'url': self.address(hook), 'secret': self.secrets['webhook.secret']},
            'chat': {'type': 'slack', 'url': self.address(slack, 'slack.url')},
            'pager': {'type': 'pagerduty', 'routing_key': self.secrets['routing.key'], 'url': pager.url},
            'manager': {'type': 'alertmanager', 'url': manager.url},
            'mail': {'type': 'email', 'host': '127.0.0.1', 'port': mail.port, 'ca_file': certificate.file, 'user': 'surveysync',
                     'password': self.secrets['mail.password'], 'from': 'surveysync@example.org', 'to': ['ops@example.org', 'night@example.org']},
            'script': {'type': 'exec', 'command': [script]},
            'log': {'type': 'journal'},
            'dead_man': {'type': 'ping', 'url': self.address(ping, 'ping.url')},
        }, database=False)
        journal = os.path.exists('/run/systemd/journal/socket')
        tests = json.loads(self.verb('alerts', 'test', '--json', code=0 if journal else 5).out)
        self.assertEqual({test['channel'] for test in tests if test['sent']},
                         {'hook', 'chat', 'pager', 'manager', 'mail', 'script'} | ({'log'} if journal else set()), tests)
        self.assertEqual([test['channel'] for test in tests if test['ok'] and not test['sent']], ['dead_man'])
        heard, = hook.heard
        self.assertEqual(heard.json()['status'], 'test')
        self.assertTrue(signature_holds(heard, SECRETS['webhook.secret']))
        self.assertFalse(signature_holds(heard, 'another secret'))
        self.assertIn('TEST', slack.heard[0].json()['text'])
        self.assertEqual([request.json()['event_action'] for request in pager.heard], ['trigger', 'resolve'])
        self.assertEqual({request.json()['routing_key'] for request in pager.heard}, {SECRETS['routing.key']})
        self.assertEqual([alert['labels']['alertname'] for alert in manager.active()], ['surveysync_test_alert'])
        envelope, encrypted = mail.messages[0]
        self.assertTrue(encrypted)
        self.assertEqual(mail.logins, [('surveysync', SECRETS['mail.password'])])
        self.assertEqual(envelope.rcpt_tos, ['ops@example.org', 'night@example.org'])
        self.assertIn('TEST', mail.parsed()['Subject'])
        self.assertIn('the channel works', mail.parsed().get_content())
        with open(self.scratch.join('told.json'), encoding='utf-8') as told:
            self.assertEqual(json.load(told)['rule'], 'test_alert')
        with open(self.scratch.join('told.env'), encoding='utf-8') as told:
            self.assertRegex(told.read(), r'^test/.+\|test$')
        self.assertEqual(ping.heard, [], 'a test is no sign of life')
        self.verb('alerts', 'test', 'dead_man')
        self.assertEqual([request.method for request in ping.heard], ['GET'])

    def test_receivers_that_misbehave_are_told_of_and_hold_up_nobody(self):
        good, hanging, moved, busy = self.receiver(), self.receiver('hang'), self.receiver(), self.receiver((429, 7))
        elsewhere = self.receiver()
        moved.script = [(302, elsewhere.url)]
        plain = MailServer(self.scratch)
        tls = MailServer(self.scratch, Certificate(self.scratch, 'own'))
        other = Certificate(self.scratch, 'other')
        envelope = {'type': 'email', 'host': '127.0.0.1', 'from': 'a@example.org', 'to': ['b@example.org']}
        slow = self.scratch.write('slow', '#!/bin/sh\nsleep 60\n', mode=0o755)
        loud = self.scratch.write('loud', '#!/bin/sh\nyes wrong | head -c 3000000\nexit 3\n', mode=0o755)
        self.configure({'good': self.webhook(good), 'hanging': self.webhook(hanging), 'moved': self.webhook(moved), 'busy': self.webhook(busy),
                        'gone': {'type': 'webhook', 'url': f'http://127.0.0.1:{dead_port()}/'},
                        'clear': {**envelope, 'port': plain.port}, 'untrusted': {**envelope, 'port': tls.port, 'ca_file': other.file},
                        'slow': {'type': 'exec', 'command': [slow], 'timeout': '500ms'}, 'loud': {'type': 'exec', 'command': [loud]}}, database=False)
        done = self.verb('alerts', 'test', '--json', code=5)
        tests = {test['channel']: test for test in json.loads(done.out)}
        self.assertEqual([name for name, test in tests.items() if test['ok']], ['good'])
        self.assertLess(len(done.out), 8000, 'bounded, whatever a command says')
        for channel, words in {'moved': 'answered 302', 'busy': 'answered 429', 'clear': 'does not offer STARTTLS', 'untrusted': 'certificate',
                               'slow': 'did not end within 500ms', 'loud': 'status 3'}.items():
            self.assertIn(words, tests[channel]['detail'])
        self.assertEqual(elsewhere.heard, [], 'redirects are not followed')
        self.assertEqual((plain.messages, tls.messages), ([], []))
        self.verb('alerts', 'test', 'god', code=2)

    def test_mail_in_clear_text_needs_to_be_asked_for_and_stays_on_the_host(self):
        plain = MailServer(self.scratch)
        mail = {'type': 'email', 'host': '127.0.0.1', 'port': plain.port, 'tls': 'none', 'from': 'a@example.org', 'to': ['b@example.org']}
        self.configure({'local': mail}, database=False)
        self.verb('alerts', 'test')
        self.assertEqual([encrypted for _, encrypted in plain.messages], [False])
        self.configure({'local': {**mail, 'host': 'mail.example.org'}}, database=False)
        self.assertIn('on this host only', self.verb('config', 'check', code=2).err)


    def test_one_dead_mailbox_silences_no_other(self):
        mail = MailServer(self.scratch, gone=('gone@example.org',))
        envelope = {'type': 'email', 'host': '127.0.0.1', 'port': mail.port, 'tls': 'none', 'from': 'a@example.org'}
        self.configure({'ops': {**envelope, 'to': ['ops@example.org', 'gone@example.org', 'night@example.org']}}, database=False)
        self.assertRegex(self.verb('alerts', 'test', code=5).out, r'FAIL +ops \(email\): sent, but not to everybody: .*gone@example.org: 550')
        self.verb('alerts', 'crash', 'surveysync.service')
        self.assertEqual([envelope.rcpt_tos for envelope, _ in mail.messages], [['ops@example.org', 'night@example.org']] * 2)
        self.assertIn('CRITICAL: unit failed: surveysync.service on', mail.parsed()['Subject'])
        self.configure({'ops': {**envelope, 'to': ['gone@example.org']}}, database=False)
        self.assertIn('answered RCPT TO gone@example.org: 550', self.verb('alerts', 'test', code=5).out)


class Survival(AlertTest):
    def test_told_while_the_database_is_away_and_closed_after_kill_9(self):
        hook = self.receiver()
        self.configure({'ops': self.webhook(hook)}, database=False)
        daemon = self.serve()
        opened = hook.wait_for('the outage', event='opened')
        self.assertEqual((opened['rule'], opened['severity']), ('database_unreachable', 'critical'))
        self.assertIn('surveysync check', opened['next_step'])
        daemon.wait_for('alert_sent', key=opened['key'], error=None)
        daemon.kill()
        hook.script = [500, 500, 500]
        self.configure({'ops': self.webhook(hook)})
        daemon = self.serve()
        hook.wait_for('its end, which the first answers lost', key=opened['key'], status='resolved')
        daemon.wait_for('alert_sent', key=opened['key'], error=None)
        self.assertEqual(len(hook.told(key=opened['key'], event='opened')), 1, 'told once')
        wait_until(lambda: not self.bench.database.query('SELECT 1 FROM surveysync.incident WHERE resolved_at IS NULL AND '
                                                         "rule = 'database_unreachable'"), 10, 'the table')
        daemon.kill()

    def test_what_was_not_delivered_survives_kill_9(self):
        port = free_port()
        self.configure({'ops': {'type': 'webhook', 'url': f'http://127.0.0.1:{port}/'}}, database=False, retry='2s')
        self.verb('alerts', 'crash', 'surveysync.service', env={'MONITOR_SERVICE_RESULT': 'start-limit-hit', 'MONITOR_EXIT_CODE': 'exited',
                                                                 'MONITOR_EXIT_STATUS': '1'})
        self.assertEqual(os.stat(os.path.join(self.scratch.join('state'), 'outbox.db')).st_mode & 0o777, 0o600)
        hook = Receiver(self.scratch, port)
        daemon = self.serve()
        told = hook.wait_for('what the dead process left', event='opened', rule='unit_failed')
        self.assertIn('start-limit-hit', told['evidence'])
        self.assertIn('systemctl start surveysync.service', told['next_step'])
        hook.wait_for('its end, since the daemon runs', rule='unit_failed', status='resolved')
        daemon.kill()

    def test_a_broken_configuration_is_told_by_what_can_be_read_of_it(self):
        hook = self.receiver()
        self.configure({'ops': self.webhook(hook)})
        daemon = self.serve()
        daemon.wait_for('daemon_started')
        daemon.kill()
        with open(self.bench.config, encoding='utf-8') as file:
            good = file.read()
        for number, broken in enumerate((good + '\n[nonsense]\n', '[alerts.ops\n'), 1):
            with open(self.bench.config, 'w', encoding='utf-8') as file:
                file.write(broken)
            self.verb('alerts', 'crash', f'surveysync{number}.service', env={'STATE_DIRECTORY': self.scratch.join('state')})
            told = hook.wait_for('the crash', rule='unit_failed', event='opened', least=number)
            self.assertIn(f'surveysync{number}.service', told['title'])
            self.assertIn('the configuration has a mistake', told['evidence'])
            self.assertIn(f'\nsystemctl start surveysync{number}.service', told['next_step'])

    def test_a_state_directory_that_cannot_be_written_is_no_reason_to_be_silent(self):
        hook = self.receiver()
        self.configure({'ops': self.webhook(hook)})
        with open(self.bench.config, encoding='utf-8') as stream:
            text = stream.read().replace(self.scratch.join('state'), '/proc/nowhere')
        self.bench.config = self.scratch.write('surveysync.toml', text)
        self.bench.sandbox.fault('status:path=/survey,code=404,times=1000')
        done = self.bench.run('sync')
        self.texts += [done.out, done.err]
        self.assertNotEqual(done.code, 0)
        self.assertEqual(hook.wait_for('the failure')['rule'], 'run_failed')


class ByTheClock(AlertTest):
    def test_overdue_repeated_reminded_and_resolved(self):
        hook, told = self.receiver(), self.receiver()
        manager = Alertmanager(self.scratch, told)
        channels = {'ops': self.webhook(hook), 'manager': {'type': 'alertmanager', 'url': manager.url},
                    'other': self.webhook(hook, sources=['us'], severity='critical')}
        self.configure(channels, source={'stale_after': '1s'}, repeat_critical='1s')
        daemon = self.serve()
        opened = hook.wait_for('the overdue run', event='opened', key='not_certified_lately/us')
        self.assertIn('surveysync runs --source us', opened['next_step'])
        self.assertIn('older than promised', opened['affected'])
        hook.wait_for('a repetition', event='repeated', key='not_certified_lately/us', least=2)
        wait_until(lambda: len(manager.active()) == 1, 10, lambda: f'one alert: {manager.active()}')
        manager.stop()
        manager.start()
        wait_until(lambda: len(manager.active()) == 1, 10, 'Alertmanager is reminded after it forgot')
        self.configure(channels, source={'stale_after': '1d'})
        daemon.send(1)
        daemon.wait_for('config_reloaded')
        self.verb('sync')
        hook.wait_for('the end', key='not_certified_lately/us', status='resolved')
        wait_until(lambda: manager.active() == [], 10, lambda: f'no alert: {manager.active()}')
        wait_until(lambda: any(one.json()['status'] == 'resolved' for one in told.heard), 10, 'Alertmanager says that it is over')

    def test_a_channel_that_fails_is_told_on_the_others(self):
        port = free_port()
        chat = self.receiver()
        self.configure({'ops': {'type': 'webhook', 'url': f'http://127.0.0.1:{port}/'}, 'chat': self.webhook(chat)}, source={'stale_after': '1s'})
        daemon = self.serve()
        failing = chat.wait_for('what the other cannot say', event='opened', rule='alert_delivery_failing')
        self.assertIn('surveysync alerts test ops', failing['next_step'])
        hook = Receiver(self.scratch, port)
        chat.wait_for('its end', status='resolved', rule='alert_delivery_failing')
        hook.wait_for('nothing was lost', event='opened', key='not_certified_lately/us')
        self.assertEqual(hook.told(rule='alert_delivery_failing', event='opened'), [])
        self.assertGreaterEqual(len([event for event in daemon.events('alert_sent', channel='ops') if event.get('error')]), 5, 'each attempt is counted')

    def test_pings_follow_certified_runs_only(self):
        ping, busy = self.receiver(), self.receiver((429, 1))
        self.configure({'dead_man': {'type': 'ping', 'url': self.address(ping, 'ping.url')}, 'ops': self.webhook(busy)})
        self.verb('sync')
        self.assertEqual(len(ping.heard), 1)
        self.verb('replay', 'us')
        self.bench.sandbox.fault('status:path=/survey,code=404,times=1000')
        self.assertNotEqual(self.bench.run('sync').code, 0)
        self.assertEqual(len(ping.heard), 1, 'a failed run is no sign of life')
        self.assertEqual(len(busy.heard), 1, 'whoever asks for time gets it, and a verb does not wait for that')
        self.bench.sandbox.fault()
        daemon = self.serve()
        busy.wait_for('the message that was held back', event='opened', key='run_failed/us', least=2)
        self.assertGreaterEqual(busy.heard[1].at - busy.heard[0].at, 0.9)
        daemon.kill()


if __name__ == '__main__':
    main()
