"""What goes wrong during a soak: one fault at a time, drawn from a seed. Each is a function of the soak that does it and leaves
nothing behind but what the daemon must mend by itself."""
import contextlib
import os
import signal
import socket
import time

# Rules of the sandbox (src/sandbox/README.md) that heal after a few requests. None alters what a record says: what was stored from a
# vendor that lies about contents is mended only when the record is read again.
VENDOR = (
    'status:code=503,times=3', 'status:code=502,body=html,times=2', 'status:code=500,body=empty,times=2', '429:retry-after=1,times=3',
    '429:text=wait,times=2', '429:as=200,times=2', '429:as=400,times=2', 'timeout500:rest={rest}ms,n=1', 'html200:times=2', 'empty200:times=3',
    'error200:times=2', 'redirect:n=1', 'cut:bytes=700,times=3', 'cut:bytes=20000,mode=rst,times=2', 'cut:bytes=90,mode=noclosenotify,times=2',
    'cut-chunk:bytes=3000,times=2', 'no-answer:times=3', 'reset:times=3', 'close-idle:times=20', 'bad-length:form=negative,n=1',
    'bad-length:form=twice,n=1', 'bad-length:form=long,times=2', 'bad-chunk:times=2', 'gzip-cut:times=3', 'gzip-crc:times=3',
    'gzip-members:times=3', 'drip:ms=20,n=1', 'stall:at=headers,n=1', 'stall:at=body,n=1', 'slow:ms=900,times=4', 'huge:n=1', 'bom:times=5',
    'wrong-content-type:type=text/plain,times=5', 'deep-nesting:depth=5000,n=1', 'null-data:n=1', 'same-page:n=1', 'lie-total:by=1,n=1',
    'lie-page-size:rows=7,n=1', 'cap-page:rows=20,times=4', 'shuffle-ties:times=30', '401:wording=rotated,n=1', '401:wording=pair,inside=200,n=1',
    'forbidden:times=2',
)


def vendor(soak):
    rule = soak.dice.choice(VENDOR).format(rest=int(60_000 / soak.options.speed))
    soak.bench.sandbox.fault(rule)
    return 'vendor ' + rule.split(':')[0]


def sessions_ended(soak):
    soak.bench.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'warehouse' "
                                'AND pid <> pg_backend_pid()')
    return 'database sessions ended'


def statements_cancelled(soak):
    soak.bench.database.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = 'warehouse' "
                                'AND pid <> pg_backend_pid()')
    return 'statements cancelled'


def database_crashed(soak):
    soak.bench.cluster.stop('immediate')
    time.sleep(soak.dice.uniform(0, 4))
    soak.bench.cluster.start()
    return 'database crashed'


def database_frozen(soak):
    pids = [row['pid'] for row in soak.bench.database.query("SELECT pid FROM pg_stat_activity WHERE datname = 'warehouse' "
                                                            'AND pid <> pg_backend_pid()')]
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(3)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    return 'database frozen'


def key_rotated(soak):
    soak.bench.sandbox.key(action='rotate', write=True)
    return 'key rotated'


def key_rotated_late(soak):
    soak.bench.sandbox.key(action='rotate')
    time.sleep(soak.dice.uniform(1, 5))
    os.replace(soak.bench.sandbox.secret_file + '.next', soak.bench.sandbox.secret_file)
    return 'key rotated, written later'


def reloaded(soak):
    soak.configure(workers=soak.dice.choice((2, 3, 4, 6)))
    soak.daemon.send(signal.SIGHUP)
    return 'reloaded'


def reloaded_with_a_mistake(soak):
    soak.bench.scratch.write('surveysync.toml', '[databse]\n')
    soak.daemon.send(signal.SIGHUP)
    time.sleep(1)
    soak.configure(workers=4)
    soak.daemon.send(signal.SIGHUP)
    return 'reloaded with a mistake'


def page_besieged(soak):
    """Connections to the status page that say nothing, say half, or go away."""
    half = []
    for number in range(12):
        with contextlib.suppress(OSError):
            one = socket.create_connection(('127.0.0.1', soak.port), timeout=1)
            if number % 3 == 1:
                one.sendall(b'GET /metrics HTTP/1.1\r\nHost: ')
            elif number % 3 == 2:
                one.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
            half.append(one)
    time.sleep(2)
    for one in half:
        one.close()
    return 'status page besieged'


# How often each comes, as a share.
FAULTS = ((vendor, 70), (sessions_ended, 6), (statements_cancelled, 5), (database_crashed, 2), (database_frozen, 2), (key_rotated, 4),
          (key_rotated_late, 3), (reloaded, 4), (reloaded_with_a_mistake, 2), (page_besieged, 2))


def draw(dice):
    return dice.choices([fault for fault, _ in FAULTS], [share for _, share in FAULTS])[0]
