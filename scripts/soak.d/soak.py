"""The daemon at its full budget for hours with a fault every few seconds; run by scripts/soak. Its memory, descriptors and threads are
sampled from /proc, and the tables are compared with the vendor's truth at the end. Uses the fixtures of tests/system."""
import argparse
import collections
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

REPO = sys.argv[1]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(REPO, 'tests', 'system')]
import compare  # noqa: E402
import faults  # noqa: E402
from harness import Daemon, Workbench  # noqa: E402

SURVEYS, RESPONSES = 20, 1000
EVERY = 4.0          # seconds between faults
SAMPLE = 6.0         # seconds between samples: two of the vendor's windows at the usual speed
WARM = 0.2           # share of the time until caches, arenas and pools have their size
# What may be more in the last quarter than in the first one after warming up, medians compared.
MAY_GROW = {'rss_kib': 6 * 1024, 'anon_kib': 6 * 1024, 'fds': 3, 'threads': 2}


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def sample(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as stream:
        fields = dict(line.split(':', 1) for line in stream)
    with open(f'/proc/{pid}/stat', encoding='ascii') as stream:
        ticks = stream.read().rsplit(')', 1)[1].split()
    return {'rss_kib': int(fields['VmRSS'].split()[0]), 'anon_kib': int(fields['RssAnon'].split()[0]), 'peak_kib': int(fields['VmHWM'].split()[0]),
            'threads': int(fields['Threads']), 'fds': len(os.listdir(f'/proc/{pid}/fd')),
            'cpu_s': (int(ticks[11]) + int(ticks[12])) / os.sysconf('SC_CLK_TCK')}


class Soak:
    def __init__(self, options):
        self.options, self.dice = options, random.Random(options.seed)
        self.port = free_port()
        self.samples, self.counts, self.trouble, self.served = [], collections.Counter(), [], collections.Counter()
        self.over = threading.Event()
        shutil.rmtree(options.out, ignore_errors=True)
        os.makedirs(options.out)
        window = f'{60 / options.speed:g}s'
        self.bench = Workbench('--seed', options.seed, '--surveys', SURVEYS, '--responses', RESPONSES, '--limit', 240, '--window', window,
                               '--cache', window, '--live', 2, '--live-deletes', '--quotas', 2, '--campaigns', 2)
        self.configure(workers=4)
        self.daemon = None

    def configure(self, workers):
        def scaled(seconds):
            return f'{round(seconds * 1000 / self.options.speed)}ms'
        sections = self.bench.sections()
        sections['log'] = {'level': 'info'}
        sections['status'] = {'listen': f'127.0.0.1:{self.port}'}
        sections['daemon'] = {'lease_ttl': '6s'}
        sections['source.us'].update({'schedule': {'cron': '* * * * *', 'timezone': 'UTC'}, 'streams': ['survey', 'response', 'quota', 'campaign']})
        sections['source.us.limits'] = {
            'vendor_limit': 240, 'requests_per_minute': 228, 'window': scaled(60), 'duplicate_guard': scaled(65), 'timeout_cooldown': scaled(70),
            'connect_timeout': '4s', 'request_timeout': scaled(45), 'body': '16MiB', 'workers': workers,
            'page_size': {'start': 20, 'min': 5, 'max': 25}, 'hold_probe': ['2s', '4s', '8s'],
            'retry': {'attempts': 5, 'base': '100ms', 'cap': scaled(60), 'budget': '2m'}}
        sections['source.us.sync'] = {'settle_lag': '1m', 'lookback': '5m', 'probe_all': '10m', 'sweep_all': '20m', 'recheck': '10m'}
        self.bench.configure(sections)

    # ---- what goes on beside the daemon, each in a thread of its own ----

    def keep_going(self, pause, act):
        """Repeats something until the end; what fails because of a fault (the database is away) is tried again."""
        while not self.over.wait(pause):
            try:
                act()
            except (AssertionError, LookupError, OSError, subprocess.SubprocessError) as error:
                self.counts['beside: ' + type(error).__name__] += 1

    def disturb(self):
        self.counts[faults.draw(self.dice)(self)] += 1

    def ask_for_work(self):
        """There is always a resync to do, so that no request of the budget is left over."""
        if self.bench.database.value('SELECT count(*) AS n FROM surveysync.request WHERE finished_at IS NULL') == 0:
            self.bench.database.execute("INSERT INTO surveysync.request (source, kind, arguments) VALUES ('us', 'resync', '{}')")

    def look(self):
        """The status page is read all the time."""
        for path in ('/metrics', '/', '/healthz', '/readyz'):
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=5) as answer:
                    answer.read()
                    self.served[path] += 1
            except OSError:
                self.served['not answered'] += 1

    def measure(self):
        row = {'at': round(time.monotonic() - self.began, 1), **sample(self.daemon.pid), 'requests': self.bench.sandbox.stats()['requests']}
        self.samples.append(row)
        with open(os.path.join(self.options.out, 'samples.csv'), 'a', encoding='ascii') as stream:
            if len(self.samples) == 1:
                stream.write(','.join(row) + '\n')
            stream.write(','.join(map(str, row.values())) + '\n')
        if len(self.samples) % 60 == 0:
            print(f"{row['at'] / 60:6.1f} min  {row['rss_kib'] / 1024:.1f} MiB  {row['fds']} descriptors  {row['threads']} threads  "
                  f"{sum(self.counts.values())} faults", flush=True)

    # ---- the whole ----

    def run(self):
        self.daemon = Daemon(self.bench)
        self.began = time.monotonic()
        threads = [threading.Thread(target=self.keep_going, args=job) for job in (
            (EVERY, self.disturb), (1.0, self.ask_for_work), (2.0, self.look))]
        for thread in threads:
            thread.start()
        try:
            while time.monotonic() - self.began < self.options.hours * 3600 and self.daemon.alive():
                self.measure()
                time.sleep(SAMPLE)
        finally:
            self.over.set()
            for thread in threads:
                thread.join(120)
        if not self.daemon.alive():
            self.trouble.append(f'the daemon ended: {self.daemon.tail()}')
            return
        self.settle()
        code, took = self.daemon.stop()
        if code != 0 or took > 7:
            self.trouble.append(f'SIGTERM: exit {code} after {took:.1f} s')

    def settle(self):
        """Without faults a usual run must make the tables the vendor's: nothing is read again that it does not ask for itself."""
        self.bench.sandbox.fault()
        self.bench.sandbox._control('POST', '/pause-live')
        self.configure(workers=4)
        time.sleep(15)
        for _ in range(4):
            done = self.bench.run('sync', seconds=900)
            if done.code == 0:
                break
        else:
            self.trouble.append(f'no run succeeds after the faults: {done}')
        self.trouble += compare.against_truth(self.bench)
        self.trouble += compare.objects_against_truth(self.bench, ('quota', 'campaign'))
        open_runs = self.bench.database.value("SELECT count(*) AS n FROM surveysync.run WHERE finished_at IS NULL")
        if open_runs:
            self.trouble.append(f'{open_runs} runs were never closed')

    def judge(self):
        """Medians of the first and the last quarter after warming up."""
        rows = [row for row in self.samples if row['at'] >= WARM * self.options.hours * 3600]
        quarter = max(1, len(rows) // 4)
        out = []
        for name, allowed in MAY_GROW.items():
            first, last = (statistics.median(row[name] for row in part) for part in (rows[:quarter], rows[-quarter:]))
            out.append((name, min(row[name] for row in rows), first, last, max(row[name] for row in rows)))
            if last - first > allowed:
                self.trouble.append(f'{name} grew from {first} to {last}')
        return out

    def in_a_window(self):
        """Requests in a window, between one sample and the next: the middle of all, and of the busiest quarter."""
        window = 60 / self.options.speed
        rates = sorted((b['requests'] - a['requests']) / (b['at'] - a['at']) * window for a, b in zip(self.samples, self.samples[1:]))
        return statistics.median(rates), statistics.median(rates[-max(1, len(rates) // 4):])

    def report(self):
        growth = self.judge()
        stats = self.bench.sandbox.stats()
        runs = collections.Counter({row['outcome'] or 'open': row['n'] for row in self.bench.database.query(
            'SELECT outcome, count(*) AS n FROM surveysync.run GROUP BY 1')})
        hours = self.samples[-1]['at'] / 3600
        usual, busiest = self.in_a_window()
        if stats['max_in_window'] > 240:
            self.trouble.append(f"{stats['max_in_window']} requests in one window of 240")
        lines = [f"{hours:.2f} h, waits {self.options.speed:g} times shorter than real ones: {stats['requests']} requests "
                 f"({stats['requests'] / (hours * 3600) * 60 / self.options.speed:.0f} of 228 in a window on average, median {usual:.0f}, "
                 f"busiest quarter {busiest:.0f}, {stats['max_in_window']} at most), "
                 f"{stats['changes']} changes at the vendor, {sum(self.counts.values())} faults", '',
                 '| | least | median, first quarter | median, last quarter | most |', '|---|---|---|---|---|']
        for name, *values in growth:
            shown = [f'{value / 1024:.1f} MiB' if name.endswith('_kib') else f'{value:g}' for value in values]
            lines.append(f"| {name.removesuffix('_kib')} | " + ' | '.join(shown) + ' |')
        lines += ['', f"CPU {self.samples[-1]['cpu_s']:.0f} s; runs: " + ', '.join(f'{count} {name}' for name, count in runs.most_common()),
                  'answers of the vendor: ' + ', '.join(f'{count} x {code}' for code, count in stats['statuses'].items()),
                  'status page: ' + (', '.join(f'{count} x {path}' for path, count in self.served.most_common()) or 'none'),
                  'faults: ' + ', '.join(f'{count} {name}' for name, count in self.counts.most_common()), '',
                  'Tables equal to the vendor\'s, nothing grew.' if not self.trouble else 'FAILED:\n' + '\n'.join(self.trouble)]
        with open(os.path.join(self.options.out, 'report.md'), 'w', encoding='utf-8') as stream:
            stream.write('\n'.join(lines) + '\n')
        shutil.copy(self.daemon.path, os.path.join(self.options.out, 'daemon.log'))
        print('\n'.join(lines), flush=True)


def main():
    parser = argparse.ArgumentParser(prog='scripts/soak')
    parser.add_argument('repo')
    parser.add_argument('hours', type=float)
    parser.add_argument('--speed', type=float, default=20)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', default=os.path.join(REPO, 'build', 'soak'))
    soak = Soak(parser.parse_args())
    soak.run()
    soak.report()
    sys.exit(1 if soak.trouble else 0)


main()
