"""The status page of the real daemon: what it answers and to whom, that nobody can block it, its metrics in a real Prometheus, and
how it looks in a real browser. SURVEYSYNC_SCREENSHOTS=docs/images keeps the pictures."""
import json
import os
import re
import signal
import subprocess
import time

import harness
from daemon_fixture import long_only
from harness import LONG, wait_until
from status_fixture import ANSWERS_WITHIN, Browser, Page, Prometheus, StatusTest, free_port, need

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'config')
RULES = os.path.abspath(os.path.join(CONFIG, 'prometheus', 'alerts.yml'))
TOKEN = 'a-token-of-thirty-two-characters'


def promtool(*arguments, text=None):
    done = subprocess.run(['promtool', *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


class Answers(StatusTest):
    def test_what_it_says_and_to_whom(self):
        page = self.page_of(daemon := self.serve())
        self.wait_for_runs()
        wait_until(lambda: 'us is complete' in page.ask().text, 20, lambda: page.ask().words())
        with self.subTest('the document is what `status --json` says, and more'):
            document, status = page.json(), self.succeed('status', '--json').json()
            surveys = lambda of: [(survey['survey_id'], survey['balanced']) for survey in of['sources'][0]['surveys']]
            self.assertEqual(surveys(document), surveys(status))
            self.assertEqual(len(surveys(document)), 3)
            self.assertTrue(document['database']['reachable'] and document['healthy'])
        with self.subTest('health'):
            for path, said in (('/healthz', 'ok\n'), ('/livez', 'ok\n'), ('/readyz', 'ready\n')):
                self.assertEqual((page.ask(path).status, page.ask(path).text), (200, said))
        with self.subTest('strangers'):
            for host, status in (('evil.example', 421), ('localhost.evil.example', 421), (f'127.0.0.1:{page.port}', 200), ('[::1]', 200)):
                self.assertEqual(page.ask('/', Host=host).status, status, host)
            for method in ('POST', 'PUT', 'DELETE', 'OPTIONS'):
                self.assertEqual(page.ask('/', method).status, 405)
            self.assertEqual([page.ask(path).status for path in ('/nothing', '/..%2f', '/metrics/x')], [404] * 3)
            self.assertEqual(page.ask('/', 'HEAD').body, b'')
            self.assertEqual(page.ask('/', **{'X-Long': 'x' * 9000}).status, 431)
        with self.subTest('no secret'):
            everything = page.ask().text + page.ask('/metrics').text + page.ask('/api/status').text
            for secret in self.bench.sandbox.secrets():
                self.assertNotIn(secret, everything)
        with self.subTest('a reload moves it, switches it off, and on again'):
            for number, listen in enumerate((f'127.0.0.1:{free_port()}', '', '127.0.0.1:0'), 2):
                self.configure(listen=listen)
                daemon.send(signal.SIGHUP)
                event = daemon.wait_for('status_page_offered', least=number)
                self.assertTrue(event.get('address', '').startswith(listen.removesuffix('0')) if listen else 'address' not in event, event)
                if number == 2:
                    self.assertEqual(Page(listen).ask('/healthz').status, 200)
                    self.assertRaises(OSError, page.ask)
            self.assertEqual(self.page_of(daemon, least=4).ask('/readyz').status, 200)
        self.assert_stopped(daemon)

    def test_nobody_blocks_it(self):
        page = self.page_of(self.serve())
        half_open = [page.open() for _ in range(150)]
        for connection in half_open[::2]:
            connection.sendall(b'GET / HTTP/1.1\r\nHost: local')
        for _ in range(5):
            answer = page.ask('/')
            self.assertEqual(answer.status, 200)
            self.assertLess(answer.took, ANSWERS_WITHIN)
        slow = [page.open() for _ in range(80)]
        for connection in slow:  # asks and never reads
            connection.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.assertLess(page.ask('/metrics').took, ANSWERS_WITHIN)
        for connection in half_open + slow:
            connection.close()

    def test_without_its_database(self):
        """Refused, then silent: the page says so within a second, and shows what it knew."""
        self.succeed('sync')
        page = self.page_of(self.serve())
        wait_until(lambda: 'us is complete' in page.ask().text, 20, 'the page to show the load')
        self.bench.cluster.stop('immediate')
        try:
            wait_until(lambda: page.ask('/readyz').status == 503, 20, 'the page to notice')
            answer = page.ask()
            self.assertLess(answer.took, ANSWERS_WITHIN)
            self.assertIn('The database does not answer since', answer.text)
            self.assertIn('What is shown below is of', answer.text)
            self.assertRegex(answer.text, r'<th scope="row" role="rowheader">[^<]+<small>\d+</small>')  # the surveys are still there
            self.assertEqual(page.ask('/healthz').status, 200)
            self.assertEqual(page.metrics()['surveysync_database_up'], 0)
        finally:
            self.bench.cluster.start()
        wait_until(lambda: page.ask('/readyz').status == 200, 20, 'the page to be ready again')
        with self.frozen_database():  # takes connections and never says a word
            for _ in range(4):
                self.assertLess(page.ask().took, ANSWERS_WITHIN)
                time.sleep(0.3)
            if LONG:
                wait_until(lambda: page.ask('/readyz').status == 503, 60, 'the page to notice that nothing comes')
        wait_until(lambda: page.ask('/readyz').status == 200, 30, 'the page to be ready again')

    def test_off_loopback_only_with_a_token(self):
        def outcome(status):
            sections = self.sections()
            sections['status'] = status
            self.bench.configure(sections)
            return self.bench.run('serve', seconds=20)
        secret = lambda text: 'file:' + self.bench.scratch.write('page.token', text + '\n', mode=0o600)
        refused = outcome({'listen': '0.0.0.0:0'})
        self.assertEqual(refused.code, 2, refused)
        self.assertIn('only with a token', refused.err)
        guessable = outcome({'listen': '0.0.0.0:0', 'token': secret('secret')})
        self.assertEqual(guessable.code, 2, guessable)
        self.assertIn('too short', guessable.err)
        sections = self.sections()
        sections['status'] = {'listen': '0.0.0.0:0', 'token': secret(TOKEN)}
        self.bench.configure(sections)
        daemon = self.serve()
        page = Page(daemon.wait_for('status_page_offered')['address'])
        for path in ('/', '/metrics', '/api/status', '/readyz'):
            self.assertEqual(page.ask(path).status, 401)
            self.assertEqual(page.ask(path, Authorization='Bearer ' + TOKEN[:-1]).status, 401)
        wait_until(lambda: page.ask('/readyz', Authorization='Bearer ' + TOKEN).status == 200, 20, 'the page to be ready')
        self.assertEqual(page.ask('/healthz').status, 200)
        self.assertEqual(page.ask('/healthz', Host='192.0.2.1').status, 200)
        self.assertEqual(page.ask('/healthz', Host='evil.example').status, 421)
        self.assertNotIn(TOKEN, daemon.output())

    def test_watch_without_a_terminal(self):
        """A line when something became different, the document with --json; ends by a signal."""
        self.succeed('sync')
        for arguments, said in (((), rb'Z us: run \d+ succeeded, certified '), (('--json',), rb'{"sources":\[{"source":"us"')):
            process = self.bench.start('status', '--watch', *arguments)
            self.assertRegex(process.stdout.readline(), said)
            os.kill(process.pid, signal.SIGINT)
            self.assertEqual(self.bench.finish(process, 20).code, 130)

    def test_a_taken_port_stops_nothing(self):
        with harness.socket.create_server(('127.0.0.1', 0)) as taken:
            address = f'127.0.0.1:{taken.getsockname()[1]}'
            self.configure(listen=address)
            daemon = self.serve()
            event = daemon.wait_for('status_page_offered')
            self.assertIn('cannot be offered', event['message'])
            self.assertIn(address, event['error'])
            self.wait_for_runs()
        daemon.wait_for('status_page_offered', least=2)  # tried again
        self.assertEqual(Page(address).ask('/livez').status, 200)


class Watched(StatusTest):
    @classmethod
    def setUpClass(cls):
        need('promtool', 'prometheus')
        super().setUpClass()

    def test_prometheus_reads_it(self):
        page = self.page_of(self.serve())
        self.wait_for_runs()
        wait_until(lambda: 'surveysync_source_last_certified_timestamp_seconds{source="us"}' in page.metrics(), 20, 'the clocks')
        code, said = promtool('check', 'metrics', text=page.ask('/metrics').text)
        self.assertEqual((code, said), (0, ''))
        wait_until(lambda: page.metrics()['surveysync_runs_total{source="us",outcome="succeeded"}'] == self.run_count(), 20, 'the runs')
        metrics = page.metrics()
        stored = self.bench.database.value('SELECT count(*) AS n FROM alchemer.response')
        self.assertGreaterEqual(metrics['surveysync_rows_total{source="us",change="inserted"}'], stored)
        self.assertEqual(metrics['surveysync_source_balanced{source="us"}'], 1)
        requests = sum(value for name, value in metrics.items() if name.startswith('surveysync_requests_total'))
        self.assertGreater(requests, 10)
        self.assertLess(abs(metrics['process_start_time_seconds'] - time.time()), 120)
        surveys = self.bench.database.query('SELECT survey_id FROM alchemer.survey')
        for survey in surveys:
            self.assertIn(f'surveysync_survey_last_certified_timestamp_seconds{{source="us",survey="{survey["survey_id"]}"}}', metrics)

        prometheus = Prometheus(self.bench.scratch, page, RULES)
        wait_until(lambda: prometheus.value('up{job="surveysync"}') == 1, 30, 'a good scrape')
        self.assertEqual(prometheus.value('surveysync_source_balanced{source="us"}'), 1)
        self.assertEqual(prometheus.api('targets')['activeTargets'][0]['lastError'], '')
        wait_until(lambda: all(rule['health'] == 'ok' for rule in self.rules(prometheus)), 20, lambda: self.rules(prometheus))
        self.assertEqual([rule['name'] for rule in self.rules(prometheus) if rule['state'] == 'firing'], [])
        for title, expression in self.dashboard():
            with self.subTest(panel=title):
                prometheus.query(expression)  # answers 400 to what it does not understand
        self.assert_known_names(page, prometheus)

    @staticmethod
    def rules(prometheus):
        return [rule for group in prometheus.api('rules')['groups'] for rule in group['rules']]

    @staticmethod
    def dashboard():
        with open(os.path.join(CONFIG, 'grafana', 'surveysync.json'), encoding='utf-8') as stream:
            board = json.load(stream)
        for panel in board['panels']:
            for target in panel['targets']:
                yield panel['title'], (target['expr'].replace('$__rate_interval', '1m').replace('$job', '.*').replace('$source', '.*'))

    def assert_known_names(self, page, prometheus):
        """Rules and dashboard speak of metrics that there are, though some have no series yet."""
        with open(RULES, encoding='utf-8') as stream:
            spoken = set(re.findall(r'\b(?:surveysync|process)_[a-z_]+', ' '.join(re.findall(r'expr: [^\n]*(?:\n {10,}[^\n]*)*', stream.read()))))
        spoken |= {name for _, expression in self.dashboard() for name in re.findall(r'\b(?:surveysync|process)_[a-z_]+', expression)}
        there = set(prometheus.api('label/__name__/values'))
        # Nothing of the kind has happened to this daemon.
        self.assertLessEqual(spoken - there, {'surveysync_alerts_total', 'surveysync_retries_total'})

    def test_rules(self):
        folder = os.path.dirname(RULES)
        for arguments in (('check', 'rules', RULES), ('test', 'rules', os.path.join(folder, 'alerts_test.yml')),
                          ('check', 'config', os.path.join(folder, 'scrape.yml'))):
            code, said = promtool(*arguments)
            self.assertEqual(code, 0, said)


class Looks(StatusTest):
    """Each state in a browser, wide and narrow, light and dark."""

    @classmethod
    def setUpClass(cls):
        need('chromium', 'chromedriver')
        super().setUpClass()

    def look(self, page, state, headline):
        wait_until(lambda: headline in page.ask().text, 30, lambda: f'"{headline}" on the page: {page.ask().words()}')
        for width, scheme in ((1200, 'light'), (1200, 'dark'), (360, 'light'), (360, 'dark')):
            with self.subTest(state=state, width=width, scheme=scheme):
                self.browser.show(f'http://{page.address}/', width, scheme)
                self.assertGreater(self.browser.picture(f'status-{state}-{width}-{scheme}', height=1500), 10000)
                self.assertIn(headline.rstrip('<'), self.browser.run('return document.querySelector("h1").textContent'))
                self.assertLessEqual(self.browser.run('return document.documentElement.scrollWidth'), width)
                dark = self.browser.run('return getComputedStyle(document.body).backgroundColor')
                self.assertEqual(sum(map(int, re.findall(r'\d+', dark)[:3])) < 300, scheme == 'dark', dark)
                self.assertEqual(self.browser.run(CONTRAST), [])
        self.assertEqual(self.browser.run('return document.scripts.length'), 0)
        self.assertEqual(self.browser.console(), [])

    def test_every_state(self):
        self.browser = Browser(self.bench.scratch)
        # The limits of a real account, and pages that leave room for them.
        self.configure(schedule=False, vendor_limit=240, requests_per_minute=220, window='60s', page_size={'start': 50, 'min': 5, 'max': 50})
        page = self.page_of(daemon := self.serve())
        self.look(page, 'empty', 'Nothing was loaded yet')
        self.succeed('sync')
        self.look(page, 'healthy', 'us is complete<')
        self.bench.sandbox.fault('slow:path=/surveyresponse,ms=1500ms')
        self.bench.sandbox.change(op='insert', count=60)
        self.bench.database.execute("INSERT INTO surveysync.request (source, kind, requested_by) VALUES ('us', 'resync', 'somebody')")
        wait_until(lambda: any(run['records'] for run in page.json()['running']), 30, 'a run under way')
        self.look(page, 'running', 'us is loading')
        self.bench.sandbox.fault()
        self.wait_for_runs(2)
        self.bench.sandbox.key(action='rotate', write=False)
        self.bench.run('sync')
        self.look(page, 'held', 'us is held: key refused (rotated)')
        self.bench.sandbox.key(action='rotate', write=True)
        self.assert_stopped(daemon)

    @long_only
    def test_by_keyboard(self):
        """Tab reaches the skip link, then every link and fold, in the order of the page."""
        self.browser = Browser(self.bench.scratch)
        self.configure(schedule=False)
        page = self.page_of(self.serve())
        self.browser.show(f'http://{page.address}/', 1200, 'light')
        order = []
        for _ in range(6):
            self.browser.devtools('Input.dispatchKeyEvent', type='keyDown', key='Tab', code='Tab', windowsVirtualKeyCode=9)
            order.append(self.browser.run('return document.activeElement.textContent'))
        self.assertEqual(order[0], 'Skip to the content')
        self.assertIn('metrics', order)


# Every text against what is behind it, by WCAG's formula; texts that fail, with their ratio.
CONTRAST = '''
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                     return .2126 * r + .7152 * g + .0722 * b; };
const behind = node => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor);
                         if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
const poor = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.textContent.trim() || node.closest('svg, .hidden, .skip')) continue;
  const [a, b] = [light(rgb(getComputedStyle(node).color).slice(0, 3)), light(behind(node))].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) poor.push(walk.currentNode.textContent.trim() + ' ' + ratio.toFixed(2));
}
return poor;
'''

if __name__ == '__main__':
    harness.main()
