"""Runs the rounds of scripts/bench and prints the medians. Uses the fixtures of tests/system."""
import argparse
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time

REPO = sys.argv[1]
sys.path.insert(0, os.path.join(REPO, 'tests', 'system'))
from harness import Cluster, Database, Scratch, binary, stop_process, toml, wait_until  # noqa: E402

TICKS = os.sysconf('SC_CLK_TCK')
ANSWERS = 52


def arguments():
    parser = argparse.ArgumentParser(prog='scripts/bench')
    parser.add_argument('--limit', action='store_true')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--profile', action='store_true')
    parser.add_argument('--workers', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=0)
    options = parser.parse_args(sys.argv[2:])
    options.surveys, options.responses = (3, 1000) if options.quick else (10, 10000)
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def run(*command, **more):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=600, **more)


class Vendor:
    """nginx over the generated files, with a certificate authority of its own."""

    def __init__(self, scratch, options):
        self.files = scratch.join('www')
        run(os.path.join(REPO, 'build', 'bench', 'generate'), self.files, str(options.surveys), str(options.responses))
        self.ca = self._certificates(scratch)
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        config = scratch.write('nginx/nginx.conf', self._config(scratch))
        self.process = subprocess.Popen(['/usr/sbin/nginx', '-p', scratch.join('nginx'), '-c', config, '-e', 'stderr'],
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        scratch.on_close(lambda: stop_process(self.process))
        wait_until(self._answers, 10, 'nginx')

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    @staticmethod
    def _certificates(scratch):
        folder = scratch.join('tls')
        os.makedirs(folder)
        quiet = {'cwd': folder, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        scratch.write('tls/names', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
        run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj',
            '/CN=bench authority', **quiet)
        run('openssl', 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost',
            **quiet)
        run('openssl', 'x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
            '-out', 'server.pem', '-extfile', 'names', **quiet)
        return os.path.join(folder, 'ca.pem')

    def _config(self, scratch):
        return f'''daemon off;
{'user root;' if os.geteuid() == 0 else ''}
worker_processes 2;
pid "{scratch.join('nginx', 'pid')}";
events {{ worker_connections 256; }}
http {{
  access_log off;
  error_log stderr error;
  sendfile on;
  types {{ }}
  default_type application/json;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $arg_page $page {{ "" 1; default $arg_page; }}
  map $arg_resultsperpage $size {{ "" 50; default $arg_resultsperpage; }}
  map $page $list {{ 1 /surveys.json; default /none.json; }}
  server {{
    listen 127.0.0.1:{self.port} ssl;
    server_name localhost;
    ssl_certificate "{scratch.join('tls', 'server.pem')}";
    ssl_certificate_key "{scratch.join('tls', 'server.key')}";
    ssl_session_cache shared:tls:1m;
    keepalive_requests 1000000;
    root "{self.files}";
    location = /v5/survey {{ try_files $list =404; }}
    location ~ "^/v5/survey/([0-9]+)$" {{ try_files /$1/detail.json =404; }}
    location ~ "^/v5/survey/([0-9]+)/surveyquestion$" {{ try_files /$1/questions.json =404; }}
    location ~ "^/v5/survey/([0-9]+)/surveyresponse$" {{ try_files /$1/s$size-p$page.json =404; }}
    location / {{ return 404; }}
  }}
}}
'''


def cpu_of_tree(pid):
    """CPU seconds of a process, its reaped children and its living children."""
    def times(number, reaped):
        with open(f'/proc/{number}/stat', encoding='utf-8', errors='replace') as stream:
            fields = stream.read().rsplit(')', 1)[1].split()
        return sum(map(int, fields[11:15] if reaped else fields[11:13])), int(fields[1])

    total = times(pid, True)[0]
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                spent, parent = times(int(entry), False)
            except OSError:
                continue
            if parent == pid:
                total += spent
    return total / TICKS


class Round:
    """Measures commands against one fresh database."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.database = Database(cluster, name)

    def measure(self, command):
        self.database.execute('CHECKPOINT')
        log_position = self.database.value('SELECT pg_current_wal_lsn()::text AS lsn')
        rows = self._rows_written()
        server = cpu_of_tree(self.cluster.pid())
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, 'NO_COLOR': '1'})
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - start
        if process.returncode != 0:
            sys.exit(f'{command[0]} ended with {process.returncode}:\n{output.decode(errors="replace")[-3000:]}')
        self.database.execute('SELECT 1')
        return {
            'wall': elapsed,
            'cpu': usage.ru_utime + usage.ru_stime,
            'server_cpu': cpu_of_tree(self.cluster.pid()) - server,
            'memory': usage.ru_maxrss / 1024,
            'wal': float(self.database.value(f"SELECT pg_current_wal_lsn() - '{log_position}'::pg_lsn AS bytes")) / 1e6,
            'rows': self._rows_written() - rows,
        }

    def _rows_written(self):
        time.sleep(0.5)  # the server's statistics arrive with a delay
        return int(self.database.value("SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) AS rows FROM pg_stat_user_tables "
                                       "WHERE schemaname = 'alchemer'"))

    def check(self, options, certified):
        responses = options.surveys * options.responses
        found = self.database.query('SELECT (SELECT count(*) FROM alchemer.response) AS responses, '
                                    '(SELECT count(*) FROM alchemer.answer) AS answers')[0]
        if (found['responses'], found['answers']) != (responses, responses * ANSWERS):
            sys.exit(f'the tables do not hold what was served: {found}')
        if certified and self.database.value('SELECT bool_and(balanced) AS ok FROM surveysync.certificate') is not True:
            sys.exit('a certificate does not balance')

    def drop(self):
        self.database.hang_up()
        self.cluster.psql('postgres', f'DROP DATABASE "{self.database.name}"')


def configuration(scratch, vendor, database, options):
    secret = scratch.write('key', 'bench-token-0123456789\nbench-secret-0123456789\n', 0o600)
    os.makedirs(scratch.join('state'), exist_ok=True)
    return scratch.write('surveysync.toml', toml({
        'database': {'uri': database.uri},
        'state': {'dir': scratch.join('state')},
        'source.us': {'type': 'alchemer', 'base_url': f'https://localhost:{vendor.port}',
                      'auth': {'type': 'key', 'secret': f'file:{secret}'}, 'tls': {'ca_file': vendor.ca}},
        'source.us.limits': {'vendor_limit': 1000000, 'requests_per_minute': 900000, 'page_size': {'start': 500},
                             'workers': options.workers},
    }))


def median_of(measures):
    return {key: statistics.median(m[key] for m in measures) for key in measures[0]}


def start_time():
    spans = []
    for _ in range(20):
        start = time.monotonic()
        run(binary(), 'version', stdout=subprocess.DEVNULL)
        spans.append(time.monotonic() - start)
    return statistics.median(spans) * 1000


def profile(scratch, command, title):
    """The functions where most of the daemon's CPU time goes."""
    data = scratch.join('perf.data')
    try:
        run('perf', 'record', '-q', '-F', '499', '-o', data, '--', *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        report = subprocess.run(['perf', 'report', '-i', data, '--stdio', '--no-children', '-s', 'dso,symbol', '--percent-limit', '1.5'],
                                capture_output=True, text=True, timeout=300, check=True, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.SubprocessError):
        return f'### {title}\n\nperf is not allowed on this machine.\n'
    lines = [line.rstrip() for line in report.splitlines() if line.strip() and not line.startswith('#')]
    return f'### {title}\n\n```\n' + '\n'.join(line[:110] for line in lines[:24]) + '\n```\n'


def table(options, results):
    responses = options.surveys * options.responses
    out = ['| | wall, s | responses/s | own CPU, s | PostgreSQL CPU, s | peak memory, MiB | WAL, MB | rows written |',
           '|---|---|---|---|---|---|---|---|']
    for name, measures in results.items():
        if measures:
            m = median_of(measures)
            out.append(f'| {name} | {m["wall"]:.1f} | {responses / m["wall"]:,.0f} | {m["cpu"]:.1f} | {m["server_cpu"]:.1f} | '
                       f'{m["memory"]:.0f} | {m["wal"]:,.1f} | {m["rows"]:,.0f} |')
    return '\n'.join(out)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = Scratch(os.environ.get('TMPDIR') or '/var/tmp')
    print('generating the account ...', flush=True)
    vendor = Vendor(scratch, options)
    cluster = Cluster(scratch, settings=())
    first, again, limit, profiles = [], [], [], []
    for number in range(options.rounds):
        print(f'round {number + 1} of {options.rounds} ...', flush=True)
        bench = Round(cluster, f'bench_{number}')
        config = configuration(scratch, vendor, bench.database, options)
        command = [binary(), '--config', config]
        run(*command, 'migrate', stdout=subprocess.DEVNULL)
        first.append(bench.measure([*command, 'sync']))
        bench.check(options, certified=True)
        again.append(bench.measure([*command, 'sync']))
        if options.profile and number == options.rounds - 1:
            profiles.append(profile(scratch, [*command, 'sync'], 'Where the daemon\'s time goes: nothing changed'))
        if options.limit:
            bench.database.execute('TRUNCATE alchemer.response, alchemer.answer')
            limit.append(bench.measure([os.path.join(REPO, 'build', 'bench', 'limit'), 'localhost', str(vendor.port), vendor.ca,
                                        bench.database.uri, '4', str(options.surveys), str(options.responses)]))
            bench.check(options, certified=False)
        bench.drop()
    if options.profile:
        bench = Round(cluster, 'profile')
        command = [binary(), '--config', configuration(scratch, vendor, bench.database, options)]
        run(*command, 'migrate', stdout=subprocess.DEVNULL)
        profiles.insert(0, profile(scratch, [*command, 'sync'], 'Where the daemon\'s time goes: first load'))

    results = {'first load': first, 'again, nothing changed': again, 'bare download-parse-COPY': limit}
    print(f'\n{options.surveys} surveys x {options.responses:,} responses of {ANSWERS} answers, {options.workers} workers, median of '
          f'{options.rounds}; {os.cpu_count()} cores, {platform.release()}, nginx and PostgreSQL on the same machine.\n')
    print(table(options, results))
    if limit:
        ratio = median_of(first)['wall'] / median_of(limit)['wall']
        print(f'\nFirst load against the bare program: {ratio:.2f} times its wall time.')
    print(f'\n`surveysync version` takes {start_time():.0f} ms.\n')
    print('\n'.join(profiles))
    scratch.close()


if __name__ == '__main__':
    main()
