"""Who alerts are told to in the tests: a web server that misbehaves on request, real mail servers, a real Alertmanager."""
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from harness import stop_process, wait_until


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


class Heard:
    """One request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.body)


class Receiver:
    """A web server. Each entry of `script` is for one request: a status, ('429', seconds), 'hang' or a Location; then 200."""

    def __init__(self, scratch, port=0):
        self.heard, self.script = [], []
        self.over = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
                receiver.heard.append(Heard(self.command, self.path, self.headers, body))
                what = receiver.script.pop(0) if receiver.script else 200
                if what == 'hang':
                    receiver.over.wait(60)
                    return
                status, header = (what, None) if isinstance(what, int) else what
                self.send_response(status)
                if header is not None:
                    self.send_header('Location' if 300 <= status < 400 else 'Retry-After', str(header))
                self.send_header('Content-Length', '0')
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}/in/S3cretPath'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        scratch.on_close(self.close)

    def told(self, key=None, event=None, status=None, rule=None):
        """The bodies of webhooks that were accepted or not, in their order."""
        found = [request.json() for request in list(self.heard) if request.body]
        return [one for one in found if (key is None or one.get('key') == key) and (event is None or one.get('event') == event)
                and (status is None or one.get('status') == status) and (rule is None or one.get('rule') == rule)]

    def wait_for(self, what='a message', seconds=20, least=1, **which):
        return wait_until(lambda: self.told(**which)[least - 1:], seconds, lambda: f'{what} {which}, heard {self.told()[-5:]}')[0]

    def close(self):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def signature_holds(heard, secret):
    """As a receiver would check it."""
    parts = dict(part.split('=', 1) for part in heard.headers['Surveysync-Signature'].split(','))
    digest = hmac.new(secret.encode(), parts['t'].encode() + b'.' + heard.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, parts['v1']) and abs(int(parts['t']) - time.time()) < 300


class Certificate:
    """A self-signed certificate of 127.0.0.1 and localhost, which is its own authority."""

    def __init__(self, scratch, name='mail'):
        self.key, self.file = scratch.join(name + '.key'), scratch.join(name + '.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', self.key,
                        '-out', self.file, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
                       check=True, capture_output=True)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


class MailServer:
    """A real SMTP server (aiosmtpd): with STARTTLS and a login where there is a certificate, plain without; `gone`:
    recipients that it refuses."""

    def __init__(self, scratch, certificate=None, login=None, gone=()):
        self.messages, self.logins = [], []
        server = self

        class Handler:
            async def handle_RCPT(self, _server, _session, envelope, address, _options):
                if address in gone:
                    return '550 no such mailbox'
                envelope.rcpt_tos.append(address)
                return '250 OK'

            async def handle_DATA(self, _server, session, envelope):
                server.messages.append((envelope, session.ssl is not None))
                return '250 OK'

        def authenticate(_server, _session, _envelope, _mechanism, data):
            server.logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=login == server.logins[-1])

        options = {}
        if certificate:
            options = {'tls_context': certificate.context(), 'require_starttls': True}
        if login:
            options |= {'authenticator': authenticate, 'auth_required': True}
        self._controller = Controller(Handler(), hostname='127.0.0.1', port=free_port(), **options)
        self._controller.start()
        self.port = self._controller.port
        scratch.on_close(self._controller.stop)

    def parsed(self, number=-1):
        return email.message_from_bytes(self.messages[number][0].original_content, policy=email.policy.default)


class Alertmanager:
    """The real one, in memory of its own; tells `receiver`."""

    def __init__(self, scratch, receiver, port=None):
        self.port = port or free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self._scratch = scratch
        self._config = scratch.write('alertmanager.yml', json.dumps({
            'route': {'receiver': 'ops', 'group_wait': '100ms', 'group_interval': '200ms', 'repeat_interval': '1h', 'group_by': ['...']},
            'receivers': [{'name': 'ops', 'webhook_configs': [{'url': receiver.url, 'send_resolved': True}]}]}))
        self._starts = 0
        self.start()

    def start(self):
        self._starts += 1
        data = self._scratch.join(f'alertmanager{self._starts}')
        self.process = subprocess.Popen(['prometheus-alertmanager', '--config.file', self._config, '--storage.path', data, '--web.listen-address',
                                         f'127.0.0.1:{self.port}', '--cluster.listen-address='], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        process = self.process
        self._scratch.on_close(lambda: stop_process(process))
        wait_until(self._ready, 20, 'Alertmanager')

    def _ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def stop(self):
        stop_process(self.process)

    def active(self):
        done = subprocess.run(['amtool', '--alertmanager.url', self.url, 'alert', 'query', '-o', 'json'], capture_output=True, text=True, check=False)
        return json.loads(done.stdout or '[]') or []


def dead_port():
    """Where nobody listens."""
    return free_port()


def path_of(name, scratch, text):
    """A secret as a file."""
    path = scratch.write(name, text + '\n', mode=0o600)
    assert os.stat(path).st_mode & 0o077 == 0
    return 'file:' + path
