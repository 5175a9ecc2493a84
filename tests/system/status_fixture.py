"""What tests of the status page share: its address, raw connections, a real Prometheus, a real browser."""
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

from daemon_fixture import DaemonTest
from harness import stop_process, wait_until

ANSWERS_WITHIN = 1.0  # seconds, whatever is wrong with others
SHOTS = os.environ.get('SURVEYSYNC_SCREENSHOTS')  # a folder: keep the pictures there


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


class Answer:
    def __init__(self, response, took):
        self.status, self.headers, self.took = response.status, response.headers, took
        self.body = response.read()
        self.text = self.body.decode('utf-8', 'replace')

    def words(self):
        """What people read."""
        text = re.sub(r'<style>.*?</style>|<svg.*?</svg>|<[^>]*>', ' ', self.text, flags=re.DOTALL)
        return re.sub(r'\s+', ' ', text)


class Page:
    """The page of one daemon."""

    def __init__(self, address):
        self.address = address
        self.host, port = address.rsplit(':', 1)
        self.port = int(port)

    def ask(self, path='/', method='GET', timeout=10, **headers):
        began = time.monotonic()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            connection.request(method, path, headers={'Host': f'localhost:{self.port}', **headers})
            return Answer(connection.getresponse(), time.monotonic() - began)
        finally:
            connection.close()

    def json(self):
        return json.loads(self.ask('/api/status').body)

    def metrics(self, **headers):
        """Values by series, as written."""
        lines = self.ask('/metrics', **headers).text.splitlines()
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1]) for line in lines if line and not line.startswith('#')}

    def open(self):
        """A connection that says nothing yet."""
        return socket.create_connection(('127.0.0.1', self.port), timeout=10)


class StatusTest(DaemonTest):
    def sections(self, listen='127.0.0.1:0', schedule=True, **limits):
        sections = super().sections(**limits)
        sections['status'] = {'listen': listen}
        if not schedule:
            del sections['source.us']['schedule']
        return sections

    def configure(self, **options):
        self.bench.configure(self.sections(**options))

    def page_of(self, daemon, least=1):
        """Once it is offered and has looked into the database."""
        event = daemon.wait_for('status_page_offered', least=least)
        self.assertNotIn('error', event, event)
        page = Page(event['address'])
        wait_until(lambda: page.json()['database']['taken_at'], 20, 'the first look into the database')
        return page


class Prometheus:
    """A real one that scrapes the page every second and knows our rules."""

    def __init__(self, scratch, page, rules):
        self.port = free_port()
        folder = scratch.join('prometheus')
        os.makedirs(folder)
        config = scratch.write('prometheus/prometheus.yml', json.dumps({
            'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'}, 'rule_files': [rules],
            'scrape_configs': [{'job_name': 'surveysync', 'static_configs': [{'targets': [page.address]}]}]}))
        self.log = scratch.join('prometheus', 'log')
        with open(self.log, 'wb') as out:
            self.process = subprocess.Popen(['prometheus', f'--config.file={config}', f'--storage.tsdb.path={folder}/data',
                                             f'--web.listen-address=127.0.0.1:{self.port}'], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True)
        scratch.on_close(lambda: stop_process(self.process))
        wait_until(self._ready, 30, 'Prometheus to be ready')

    def _ready(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/-/ready', timeout=2) as answer:
                return answer.status == 200
        return False

    def api(self, path, **query):
        url = f'http://127.0.0.1:{self.port}/api/v1/{path}?' + urllib.parse.urlencode(query)
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)['data']

    def query(self, expression):
        return self.api('query', query=expression)['result']

    def value(self, expression):
        result = self.query(expression)
        return float(result[0]['value'][1]) if result else None


class Browser:
    """Headless Chromium by its driver; every console message is kept."""

    def __init__(self, scratch):
        port = free_port()
        self._driver = subprocess.Popen(['chromedriver', f'--port={port}', '--log-level=SEVERE'], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        scratch.on_close(self.close)
        self._base = f'http://127.0.0.1:{port}'
        wait_until(self._ready, 20, 'chromedriver')
        options = {'args': ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
                            f'--user-data-dir={scratch.join("chromium")}']}
        made = self._call('POST', '/session', {'capabilities': {'alwaysMatch': {
            'browserName': 'chrome', 'goog:chromeOptions': options, 'goog:loggingPrefs': {'browser': 'ALL'}}}})
        self._base += f'/session/{made["sessionId"]}'

    def _ready(self):
        with contextlib.suppress(OSError):
            return self._call('GET', '/status')['ready']
        return False

    def _call(self, method, path, data=None):
        request = urllib.request.Request(self._base + path, data=None if data is None else json.dumps(data).encode(), method=method,
                                         headers={'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)['value']

    def devtools(self, command, **params):
        return self._call('POST', '/goog/cdp/execute', {'cmd': command, 'params': params})

    def show(self, url, width, scheme):
        self.devtools('Emulation.setDeviceMetricsOverride', width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        self.devtools('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self._call('POST', '/url', {'url': url})

    def run(self, script):
        return self._call('POST', '/execute/sync', {'script': script, 'args': []})

    def console(self):
        return self._call('POST', '/se/log', {'type': 'browser'})

    def picture(self, name, height=None):
        """Into the folder of the pictures, where one is named."""
        size = self.devtools('Page.getLayoutMetrics')['cssContentSize']
        clip = {'x': 0, 'y': 0, 'width': size['width'], 'height': min(height or size['height'], size['height']), 'scale': 1}
        data = self.devtools('Page.captureScreenshot', format='png', captureBeyondViewport=True, clip=clip)['data']
        if SHOTS:
            with open(os.path.join(SHOTS, name + '.png'), 'wb') as out:
                out.write(base64.b64decode(data))
        return len(data)

    def close(self):
        with contextlib.suppress(OSError):
            self._call('DELETE', '')
        stop_process(self._driver)


def need(*programs):
    """Fails, and does not skip: CI installs them (scripts/packages)."""
    for program in programs:
        if shutil.which(program) is None:
            raise AssertionError(f'{program} is not installed; scripts/setup test installs it')
