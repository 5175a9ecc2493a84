"""A vendor that speaks OAuth 1.0a, built on python3-oauthlib, which shares no code with the product: it hands out tokens, verifies
every signature, nonce and time stamp, and passes good calls on to the sandbox with the sandbox's own key."""
import http.server
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from email.utils import formatdate

from oauthlib.oauth1 import (AccessTokenEndpoint, AuthorizationEndpoint, OAuth1Error, RequestTokenEndpoint, RequestValidator,
                             ResourceEndpoint)

WINDOW = 300  # seconds that a time stamp may be off
CONSUMER = ('consumer-key-1a2b3c', 'consumer secret/with+odd&chars%=~')


class Validator(RequestValidator):
    """What oauthlib asks of a provider: who is known. `self.refused` is why the last question was answered with no."""
    enforce_ssl = True
    client_key_length = verifier_length = request_token_length = access_token_length = (1, 200)
    safe_characters = RequestValidator.safe_characters.fget(None) | set('-_')
    timestamp_lifetime = 10**9  # judged below, by the provider's own clock
    dummy_client = dummy_request_token = dummy_access_token = 'dummy'

    def __init__(self, provider):
        super().__init__()
        self.provider = provider
        self.local = threading.local()

    def no(self, why):
        if not getattr(self.local, 'refused', ''):
            self.local.refused = why
        return False

    def validate_client_key(self, client_key, request):
        return client_key in self.provider.consumers or self.no('consumer_key_unknown')

    def get_client_secret(self, client_key, request):
        return self.provider.consumers.get(client_key, 'dummy')

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        if abs(int(timestamp) - self.provider.now()) > WINDOW:
            return self.no('timestamp_refused')
        with self.provider.lock:
            known = (client_key, timestamp, nonce) in self.provider.nonces
            self.provider.nonces.add((client_key, timestamp, nonce))
        if known:
            self.provider.replayed += 1
            return self.no('nonce_used')
        return True

    # --- the steps ---

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        self.provider.callbacks.append(redirect_uri)
        return redirect_uri.startswith('http://127.0.0.1:')

    def get_default_realms(self, client_key, request):
        return []

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def get_realms(self, token, request):
        return []

    def verify_realms(self, token, realms, request):
        return True

    def save_request_token(self, token, request):
        self.provider.temporary[token['oauth_token']] = {'secret': token['oauth_token_secret'], 'callback': request.redirect_uri}

    def get_request_token_secret(self, client_key, token, request):
        return self.provider.temporary.get(token, {}).get('secret', 'dummy')

    def validate_request_token(self, client_key, token, request):
        return token in self.provider.temporary or self.no('token_rejected')

    def verify_request_token(self, token, request):
        return token in self.provider.temporary

    def get_redirect_uri(self, token, request):
        return self.provider.temporary[token]['callback']

    def save_verifier(self, token, verifier, request):
        self.provider.temporary[token]['verifier'] = verifier['oauth_verifier']

    def validate_verifier(self, client_key, token, verifier, request):
        return self.provider.temporary.get(token, {}).get('verifier') == verifier or self.no('verifier_invalid')

    def invalidate_request_token(self, client_key, request_token, request):
        self.provider.temporary.pop(request_token, None)

    def save_access_token(self, token, request):
        self.provider.tokens[token['oauth_token']] = token['oauth_token_secret']

    def validate_access_token(self, client_key, token, request):
        if token in self.provider.revoked:
            return self.no('token_revoked')
        return token in self.provider.tokens or self.no('token_rejected')

    def get_access_token_secret(self, client_key, token, request):
        return self.provider.tokens.get(token, 'dummy')


class TwoLegged(ResourceEndpoint):
    """oauthlib wants a token with every call; consumers that sign alone come through here, with its own check of the signature."""

    def validate_consumer_only(self, uri, method, headers):
        request = self._create_request(uri, method, '', headers)
        self._check_transport_security(request)
        self._check_mandatory_parameters(request)
        known = self.request_validator.validate_client_key(request.client_key, request)
        fresh = self.request_validator.validate_timestamp_and_nonce(request.client_key, request.timestamp, request.nonce, request)
        signed = self._check_signature(request)
        return known and fresh and signed


class Provider:
    """The server. `skew`: seconds by which its clock runs ahead of the host's."""

    def __init__(self, scratch, sandbox, token_needed=False, how='body'):
        self.sandbox, self.token_needed, self.how = sandbox, token_needed, how
        self.consumers = dict([CONSUMER])
        self.temporary, self.tokens, self.revoked = {}, {}, set()
        self.nonces, self.lock = set(), threading.Lock()
        self.callbacks, self.seen, self.problems = [], [], []
        self.skew = self.replayed = self.verified = 0
        self.refuse_with = None
        self.validator = Validator(self)
        self.key, self.ca_file = scratch.join('provider.key'), scratch.join('provider.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.key, '-out', self.ca_file, '-days', '2',
                        '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.base_url = f'https://127.0.0.1:{self.server.server_address[1]}'
        self.vendor_tls = ssl.create_default_context(cafile=sandbox.ca_file)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        scratch.on_close(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def now(self):
        return time.time() + self.skew

    # --- what it decides ---

    def verify(self, url, headers):
        """Why the call is refused; empty when it is not. `url` as it came."""
        self.validator.local.refused = ''
        endpoint = TwoLegged(self.validator)
        try:
            if 'oauth_token=' in headers.get('Authorization', '') or self.token_needed:
                good, _ = endpoint.validate_protected_resource_request(url, 'GET', '', headers)
            else:
                good = endpoint.validate_consumer_only(url, 'GET', headers)
        except OAuth1Error as error:
            return f'parameter_absent&oauth_problem_advice={urllib.parse.quote(str(error))}'
        if good:
            self.verified += 1
            return ''
        return self.validator.local.refused or 'signature_invalid'

    def answer(self, method, path, headers):
        """(status, headers, body)."""
        url = self.base_url + path
        self.validator.local.refused = ''
        route = path.split('?')[0]
        if route == '/head/oauth/request_token':
            if method != 'POST':
                return 405, {}, b''
            return self.step(RequestTokenEndpoint(self.validator).create_request_token_response, url, headers,
                             {'oauth_callback_confirmed': 'true', 'xoauth_token_ttl': '3600'})
        if route == '/head/oauth/access_token':
            return self.step(AccessTokenEndpoint(self.validator).create_access_token_response, url, headers, {})
        if route == '/head/oauth/authenticate':
            return self.authenticate(url)
        problem = self.refuse_with or self.verify(url, headers)
        return self.refusal(problem) if problem else self.pass_on(path)

    def step(self, endpoint, url, headers, credentials):
        answer_headers, body, status = endpoint(url, 'POST', '', headers, credentials)
        if status == 200:
            return status, answer_headers, body.encode()
        return self.refusal(self.validator.local.refused or 'signature_invalid')

    def authenticate(self, url):
        """What a person who says yes would get: a redirect to the callback."""
        headers, _, status = AuthorizationEndpoint(self.validator).create_authorization_response(url, 'GET', '', {}, [])
        return status, headers, b''

    def refusal(self, problem):
        self.problems.append(problem)
        status = 400 if problem.split('&')[0] in ('timestamp_refused', 'parameter_absent', 'version_rejected') else 401
        if self.how == 'header':
            return status, {'WWW-Authenticate': f'OAuth realm="{self.base_url}", oauth_problem="{problem}"'}, b''
        if self.how == 'json':
            return 200, {}, f'{{"result_ok":false,"code":"{status}","message":"oauth_problem={problem}"}}'.encode()
        return status, {'Content-Type': 'application/x-www-form-urlencoded'}, f'oauth_problem={problem}'.encode()

    def pass_on(self, path):
        token, secret = self.sandbox.secrets()
        url = f'{self.sandbox.base_url.rstrip("/")}{path}{"&" if "?" in path else "?"}api_token={token}&api_token_secret={secret}'
        try:
            with urllib.request.urlopen(url, timeout=30, context=self.vendor_tls) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def _handler(provider):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            timeout = 60

            def reply(self):
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                provider.seen.append((self.path, str(self.headers)))
                status, headers, body = provider.answer(self.command, self.path, dict(self.headers))
                self.send_response_only(status)
                self.send_header('Date', formatdate(provider.now(), usegmt=True))
                for name, value in headers.items():
                    if name.lower() not in ('date', 'content-length', 'connection', 'transfer-encoding', 'keep-alive', 'server'):
                        self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = reply

            def log_message(self, *_):
                pass

        return Handler
