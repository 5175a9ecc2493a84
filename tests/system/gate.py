"""A wire that can be cut: a TCP gate between the program and PostgreSQL (protocol version 3) or the vendor (TLS records).

It passes whole messages, counts them in each direction, and at the k-th of one direction does what a test asked for: cut the
connection before or behind that message or within it, hand it over only after the program has come back on another connection, or
call the test (which kills the program, restarts the server, ...). After that it passes everything, unless told otherwise. One pair
of threads for each connection; nothing here waits without end.
"""
import contextlib
import socket
import struct
import threading

CONNECT = 10  # seconds until the server is held to be away
TO_SERVER, TO_CLIENT = 'to server', 'to client'
MODES = {TO_SERVER: ('before', 'behind', 'within', 'late'), TO_CLIENT: ('before', 'behind', 'within')}


class PostgresFrames:
    """Cuts a stream of the PostgreSQL protocol into messages; the first ones of a client have no type byte."""

    def __init__(self, direction):
        self._buffer = bytearray()
        self._typed = direction == TO_CLIENT

    def feed(self, data):
        self._buffer += data
        while True:
            head = 1 if self._typed else 0
            if len(self._buffer) < head + 4:
                return
            size = head + struct.unpack_from('!I', self._buffer, head)[0]
            if len(self._buffer) < size:
                return
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            tag = chr(message[0]) if self._typed else 'startup'
            if not self._typed and struct.unpack_from('!I', message, 4)[0] == 196608:
                self._typed = True
            if tag in 'QP':
                tag += ' ' + message[5:].replace(b'\0', b' ').decode('utf-8', 'replace').strip()[:160]
            elif tag in 'CE':
                tag += ' ' + message[5:45].replace(b'\0', b' ').decode('utf-8', 'replace').strip()
            yield tag, message


class TlsFrames:
    """Cuts a stream into TLS records."""

    def __init__(self, _direction):
        self._buffer = bytearray()

    def feed(self, data):
        self._buffer += data
        while len(self._buffer) >= 5:
            size = 5 + struct.unpack_from('!H', self._buffer, 3)[0]
            if len(self._buffer) < size:
                return
            record = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield f'record {record[0]} of {size}', record


class Cut(Exception):
    """Ends a connection's thread after its wire was cut."""


class _Wire:
    """One connection through the gate."""

    def __init__(self, gate, client, server):
        self.gate, self.client, self.server = gate, client, server
        self.sent = threading.Event()  # the client sent something on it
        self.threads = [threading.Thread(target=self._pump, args=arguments, daemon=True)
                        for arguments in ((TO_SERVER, client, server), (TO_CLIENT, server, client))]

    def start(self):
        for thread in self.threads:
            thread.start()

    def _pump(self, direction, source, target):
        frames = self.gate.framing(direction)
        try:
            while data := source.recv(65536):
                for tag, message in frames.feed(data):
                    if direction == TO_SERVER:
                        self.sent.set()
                    self.gate.pass_on(self, direction, tag, message, target)
        except (Cut, OSError):
            pass
        finally:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            self.gate.forget(self)

    def cut(self, reset):
        """The client sees a reset or the end; the server sees the end, and keeps what it was sent."""
        if reset:
            with contextlib.suppress(OSError):
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
        self.client.close()
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_WR)

    def close(self):
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Gate:
    """Listens on a loopback port and passes what comes to `upstream`: a path (unix socket) or (host, port)."""

    def __init__(self, upstream, framing):
        self.upstream, self.framing = upstream, framing
        self._lock = threading.RLock()
        self._wires, self._ends = set(), {}
        self.reset()
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def reset(self):
        """Forgets counts and plans; open connections stay."""
        with self._lock:
            self.counts = {TO_SERVER: 0, TO_CLIENT: 0}
            self.tags = {TO_SERVER: [], TO_CLIENT: []}
            self._plan = None
            self.struck = None  # the message at which the plan was carried out

    def at(self, direction, k, mode=None, call=None, reset=True, like=''):
        """At the k-th message of `direction` from now on (of those that begin with `like`): cuts as `mode` says, or calls
        `call(wire)` before passing it on. `call` may raise Cut, after which the message is lost."""
        with self._lock:
            self.reset()
            self._plan = (direction, like, mode, call, reset)
            self._left = k

    def pass_on(self, wire, direction, tag, message, target):
        with self._lock:
            self.counts[direction] += 1
            if len(self.tags[direction]) < 20000:
                self.tags[direction].append(tag)
            due = False
            if self._plan and self._plan[0] == direction and tag.startswith(self._plan[1]):
                self._left -= 1
                due = self._left == 0
            if due:
                _, _, mode, call, reset = self._plan
                self._plan, self.struck = None, tag
        if not due:
            target.sendall(message)
        elif call:
            call(wire)
            target.sendall(message)
        else:
            self._strike(wire, direction, message, target, mode, reset)

    def _strike(self, wire, direction, message, target, mode, reset):
        if mode == 'behind':
            target.sendall(message)
        elif mode == 'within':
            target.sendall(message[:max(1, len(message) // 2)])
        late = threading.Event()
        if mode == 'late' and direction == TO_SERVER:
            # The program loses the wire, comes back and works on; only then the server gets the message.
            with self._lock:
                self._came_back = late
        if direction == TO_CLIENT and mode != 'before':
            reset = False  # a reset would take back what was just delivered
        if mode != 'late':
            wire.cut(reset)
            raise Cut
        with contextlib.suppress(OSError):
            if reset:
                wire.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            wire.client.shutdown(socket.SHUT_RD)
        wire.client.close()
        late.wait(1)
        with contextlib.suppress(OSError):
            target.sendall(message)
            target.shutdown(socket.SHUT_WR)
        raise Cut

    _came_back = None

    def _listen(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            for end in (client, server):
                if end.family != socket.AF_UNIX:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = _Wire(self, client, server)
            with self._lock:
                self._wires.add(wire)
                self._ends[wire] = 2
                back, self._came_back = self._came_back, None
            wire.start()
            if back:
                threading.Thread(target=self._let_through, args=(wire, back), daemon=True).start()

    @staticmethod
    def _let_through(wire, back):
        """Lets the held message go when the new connection has been at work for a moment."""
        wire.sent.wait(1)
        threading.Event().wait(0.03)
        back.set()

    def _connect(self):
        if isinstance(self.upstream, str):
            end = socket.socket(socket.AF_UNIX)
            end.settimeout(CONNECT)
            try:
                end.connect(self.upstream)
            except OSError:
                end.close()
                raise
        else:
            end = socket.create_connection(self.upstream, CONNECT)
        end.settimeout(None)
        return end

    def forget(self, wire):
        with self._lock:
            self._ends[wire] = self._ends.get(wire, 1) - 1
            if self._ends[wire] > 0:
                return
            del self._ends[wire]
            self._wires.discard(wire)
        wire.close()

    def drop_all(self):
        """Ends every connection now."""
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.close()

    def refuse(self):
        """From now on nobody listens here, as after the death of a host; what is open ends."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    close = refuse
