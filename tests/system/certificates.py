"""A private certificate authority, and a TLS server in front of a plain one, for tests of what `check` says of certificates."""
import datetime
import os
import socket
import ssl
import subprocess
import threading

CONFIG = """
[ca]
default_ca = d
[d]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
unique_subject = no
policy = p
[p]
commonName = supplied
"""


class Authority:
    """Signs certificates with any dates."""

    def __init__(self, scratch, folder='authority'):
        self.folder = scratch.join(folder)
        os.makedirs(self.folder)
        self.ca_file, self._key = self._path('ca.pem'), self._path('ca.key')
        self._openssl('req', '-x509', *self._new_key(self._key), '-out', self.ca_file, '-subj', '/CN=private authority', '-days', '30')
        for name, text in (('index.txt', ''), ('serial', '01\n'), ('ca.cnf', CONFIG.format(folder=self.folder))):
            with open(self._path(name), 'w', encoding='ascii') as stream:
                stream.write(text)
        os.chmod(self.ca_file, 0o644)

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _new_key(path):
        return '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path

    def _openssl(self, *arguments):
        done = subprocess.run(['openssl', *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f'openssl {arguments[0]}: {done.stderr}')

    def issue(self, name, days, hosts=('localhost',)):
        """(certificate, key) of a server, good for so many days from now; negative: it has ended."""
        key, request, certificate, extensions = (self._path(f'{name}.{end}') for end in ('key', 'csr', 'pem', 'ext'))
        self._openssl('req', *self._new_key(key), '-out', request, '-subj', f'/CN={hosts[0]}')
        with open(extensions, 'w', encoding='ascii') as stream:
            stream.write('subjectAltName=' + ','.join(('IP:' if host[0].isdigit() else 'DNS:') + host for host in hosts))
        now = datetime.datetime.now(datetime.timezone.utc)
        dates = [moment.strftime('%Y%m%d%H%M%SZ') for moment in
                 (now - datetime.timedelta(days=40), now + datetime.timedelta(days=days, minutes=5))]
        self._openssl('ca', '-batch', '-notext', '-config', self._path('ca.cnf'), '-in', request, '-cert', self.ca_file, '-keyfile',
                      self._key, '-startdate', dates[0], '-enddate', dates[1], '-extfile', extensions, '-out', certificate)
        return certificate, key


def pump(one, other):
    """Everything that comes from `one` goes to `other`."""
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for end in (one, other):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Listener:
    """On loopback; each connection is served by a thread of its own, which calls _serve(client)."""

    def _listen(self, scratch):
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=50)
        scratch.on_close(self._listener.close)
        threading.Thread(target=self._accept, daemon=True).start()
        return self._listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()


class Front(Listener):
    """Ends TLS with its own certificate and hands everything on to a plain server; without one it says `answer` to everything."""

    def __init__(self, scratch, certificate, backend=None, answer=b''):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._backend, self._answer = backend, answer
        self.port = self._listen(scratch)

    def _serve(self, client):
        try:
            client.settimeout(30)
            client = self._context.wrap_socket(client, server_side=True)
            if self._backend is None:
                client.recv(65536)
                client.sendall(self._answer)
                client.close()
                return
            backend = socket.create_connection(self._backend, timeout=30)
        except OSError:
            return
        threading.Thread(target=pump, args=(backend, client), daemon=True).start()
        pump(client, backend)


class Proxy(Listener):
    """A proxy whose CONNECT leads to servers on this host, by the name that is asked for."""

    def __init__(self, scratch, ports):
        self._ports, self.asked = ports, []
        self.url = f'http://127.0.0.1:{self._listen(scratch)}'

    def _serve(self, client):
        try:
            client.settimeout(30)
            head = b''
            while b'\r\n\r\n' not in head:
                head += client.recv(4096)
            host = head.split()[1].split(b':')[0].decode()
            self.asked.append(host)
            if host not in self._ports:
                client.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
                client.close()
                return
            backend = socket.create_connection(('127.0.0.1', self._ports[host]), timeout=30)
            client.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
        except OSError:
            return
        threading.Thread(target=pump, args=(backend, client), daemon=True).start()
        pump(client, backend)
