"""The crash oracle: whatever is cut or killed in the middle of a run, after a restart the tables are those of an undisturbed run.

The vendor stands still while an oracle works, so that every run of one kind has the same truth before it. Each try starts from a copy
of a prepared database (CREATE DATABASE ... TEMPLATE), is disturbed at one point, is started again, and is compared with the copy in
which nothing was disturbed. One worker, small pages, a fixed seed: the k-th message is the same one each time, as far as it can be.
"""
import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time

import gate
import harness
import postgres
from gate import TO_CLIENT, TO_SERVER

SEED = int(os.environ.get('CRASH_SEED', '20260101'))
SHARE = max(1, int(os.environ.get('CRASH_SHARE', '17')))  # 1: every message of every pipeline
COMMITS = ('Q COMMIT', 'C COMMIT')
INSIDE = {TO_SERVER: 'PBDEd', TO_CLIENT: '12DTnCtSKG'}
TABLES = ('survey', 'page', 'question', 'option', 'response', 'answer')

# What must be equal, as one row of jsonb for each thing. Times that are ours are left out; the vendor's are in.
_DATA = " UNION ALL ".join(
    f"SELECT 'alchemer.{table}' AS part, to_jsonb(t) - ARRAY['run_id','first_seen_at','changed_at','deleted_at'] || "
    f"jsonb_build_object('deleted', to_jsonb(t) ->> 'deleted_at' IS NOT NULL) AS row FROM alchemer.{table} t" for table in TABLES)
_LEDGER = """
SELECT 'certificate', to_jsonb(c) FROM (
    SELECT DISTINCT ON (source, survey_id) source, survey_id, total_before, total_after, stored_live, quarantined, excluded, balanced
    FROM surveysync.certificate ORDER BY source, survey_id, certified_at DESC, run_id DESC) c
UNION ALL SELECT 'definition_history', to_jsonb(h) FROM (
    SELECT source, survey_id, object, object_id, context, payload_hash, payload_raw, flags, md5(payload::text) AS payload,
           row_number() OVER (PARTITION BY source, survey_id, object, object_id ORDER BY valid_from, recorded_at) AS version,
           CASE WHEN valid_from = '-infinity' THEN 'ever' ELSE 'later' END AS valid
    FROM surveysync.definition_history) h
UNION ALL SELECT 'quarantine', to_jsonb(q) FROM (
    SELECT source, stream, partition, record_key, reason, raw FROM surveysync.quarantine) q
UNION ALL SELECT 'contract_change', to_jsonb(n) FROM (SELECT source, stream, what, sample FROM surveysync.contract_change) n
UNION ALL SELECT 'standing', to_jsonb(s) FROM (
    SELECT source, stream, partition, position, total, newest, newest_at, hint, balanced FROM surveysync.checkpoint
    WHERE stream = 'response') s
UNION ALL SELECT 'standing of definitions', to_jsonb(s) FROM (
    SELECT source, stream, partition, position, hint, balanced FROM surveysync.checkpoint WHERE stream <> 'response') s
UNION ALL SELECT 'sightings', jsonb_build_object('left', count(*)) FROM surveysync.sighting
UNION ALL SELECT 'left over', jsonb_build_object('plan', count(*)) FROM surveysync.plan
UNION ALL SELECT 'left over', jsonb_build_object('open runs', count(*)) FROM surveysync.run WHERE outcome IS NULL OR finished_at IS NULL
UNION ALL SELECT 'left over', jsonb_build_object('held leases', count(*)) FROM surveysync.lease WHERE holder <> ''
UNION ALL SELECT 'left over', jsonb_build_object('answers without response', count(*)) FROM alchemer.answer a WHERE NOT EXISTS (
    SELECT FROM alchemer.response r WHERE (r.source, r.survey_id, r.response_id) = (a.source, a.survey_id, a.response_id))
"""
SNAPSHOT = f'WITH everything (part, row) AS ({_DATA} UNION ALL {_LEDGER}) '
HASHES = SNAPSHOT + ("SELECT part, count(*), md5(string_agg(md5(row::text), '' ORDER BY row::text COLLATE \"C\")) FROM everything "
                     "GROUP BY part ORDER BY part;\n")
ROWS = SNAPSHOT + 'SELECT part || \' \' || row::text FROM everything ORDER BY 1;\n'


ORPHANS = ('SELECT count(*) FROM alchemer.answer a WHERE NOT EXISTS (SELECT FROM alchemer.response r '
           'WHERE (r.source, r.survey_id, r.response_id) = (a.source, a.survey_id, a.response_id))')


class Found(AssertionError):
    """A point at which the promise is broken."""


class Kind:
    """A kind of run: from which database, by which verb, with which settings.

    then       verbs that follow, undisturbed
    again      whether the run is repeated before them when it failed
    sync       keys of [source.us.sync]
    prepare    SQL for the copy of the database
    unchanged  a rehearsal: the database afterwards is the one before, every byte
    hook       every certified run must have been told to the hook
    schema     it is the schema that must be equal
    sightings  how many keys are left behind counts too
    """

    def __init__(self, name, template, *verb, then=(), sync=None, prepare='', unchanged=False, hook=False, schema=False,
                 sightings=True, again=True):
        self.name, self.template, self.verb, self.then, self.sync, self.prepare = name, template, verb, then, sync or {}, prepare
        self.again, self.unchanged, self.hook, self.schema, self.sightings = again, unchanged, hook, schema, sightings


class Point:
    """Where and how one try is disturbed."""

    def __init__(self, wire, direction, k, mode, like=''):
        self.wire, self.direction, self.k, self.mode, self.like = wire, direction, k, mode, like

    def __str__(self):
        return f'{self.wire}, {self.like or "message"} {self.k} {self.direction}, {self.mode}' if self.direction else f'event {self.k}, kill'


class World:
    """The vendor, the cluster, and the databases that tries start from."""

    # Small enough that one run is some hundred messages, rich enough that all kinds of pages and shapes occur.
    VENDOR = ('--seed', 17, '--surveys', 3, '--responses', '8-9', '--statistics', 'no-deleted')
    PAGE = {'start': 5, 'min': 5, 'max': 5}

    def __init__(self):
        self.bench = harness.Workbench(*self.VENDOR, settings=('fsync=off', 'full_page_writes=off', 'autovacuum=off',
                                                               'max_connections=60', 'shared_buffers=64MB'))
        self.cluster, self.vendor, self.scratch = self.bench.cluster, self.bench.sandbox, self.bench.scratch
        self.surveys = sorted(row['survey_id'] for row in self.vendor.truth('survey'))
        self.bench.configure(self.sections(self.bench.database.uri))
        self.template('empty')
        self.load()
        self.template('loaded')
        self.a_night_passes()
        self.template('damaged', from_name='loaded', sql=DAMAGE)
        self.succeed('plan')
        self.template('planned')
        self.kinds = kinds(self)
        self.leave_a_pass_unfinished()

    def close(self):
        self.bench.close()

    def sections(self, database, base_url=None, sync=None, workers=1, hook=''):
        sections = self.bench.sections()
        sections['database']['uri'] = database
        sections['log']['format'] = 'json'
        if base_url:
            sections['source.us']['base_url'] = base_url
        sections['source.us.limits'].update({'workers': workers, 'page_size': self.PAGE})
        sections['source.us']['hook'] = hook
        if sync:
            sections['source.us.sync'] = sync
        return sections

    def template(self, name, from_name='warehouse', sql=None):
        self.bench.database.hang_up()
        self.cluster.psql('postgres', f'CREATE DATABASE "{name}" TEMPLATE "{from_name}";')
        if sql:
            self.cluster.psql(name, sql)

    def succeed(self, *verb):
        done = self.bench.run(*verb)
        assert done.code == 0, f'{verb}: {done}'

    def first_ids(self, survey):
        return sorted(row['response_id'] for row in self.vendor.truth('response', survey=survey))

    def load(self):
        """Two runs, so that some rows are marked deleted when the night begins."""
        self.succeed('sync')
        self.gone = [(survey, self.first_ids(survey)[2]) for survey in self.surveys[:2]]
        for survey, response in self.gone:
            self.vendor.change(op='delete', survey=survey, response=response)
        self.vendor.advance('3h')
        self.succeed('sync')
        marked = self.bench.database.value('SELECT count(*) AS n FROM alchemer.response WHERE deleted_at IS NOT NULL')
        assert marked == len(self.gone), f'{marked} rows are marked deleted'

    def a_night_passes(self):
        """Everything that an incremental run has to find: of some of it the dates tell, of some only counts or ids."""
        one, two, three = self.surveys
        change = self.vendor.change
        self.vendor.advance('20h')
        # The dates of the first survey tell everything; one of its records cannot be stored.
        change(op='insert', survey=one, count=6)
        change(op='tie', survey=one, of='edit', count=4)
        bad = change(op='insert', survey=one, count=1)['responses'][0]
        self.vendor.fault(f'bad-record:form=badid,survey={one},response={bad}')
        self.unreadable = (one, bad)
        change(op='edit-definition', survey=one)
        # The second one needs its ids compared.
        change(op='restore', survey=two, response=self.gone[1][1])
        self.some_of_two = change(op='delete', survey=two, count=2)['responses']
        self.some_of_two += change(op='insert', survey=two, count=2)['responses']  # one added for each one deleted: the counts are equal
        change(op='late', survey=two)
        change(op='edit-definition', survey=two)
        change(op='delete-survey', survey=three, **{'as': 'vanished'})
        change(op='add-survey', count=6)
        self.vendor.advance('2h')
        change(op='disqualify', survey=two)
        change(op='insert', survey=one, count=1)  # younger than the settle lag


    def leave_a_pass_unfinished(self):
        """A resync that was killed when it had stored some pages of the second survey."""
        rig, kind = Rig(self), self.kinds['resync']
        rig.prepare(kind)
        process = rig.start((*kind.verb, '--survey', str(self.surveys[1])))
        stored = 0
        for line in process.stderr:
            stored += b'"page_stored"' in line and b'"stream":"response"' in line
            if stored == 3:
                process.kill()
                break
        harness.Workbench.finish(process)
        position = rig.query(f"SELECT position FROM surveysync.checkpoint WHERE stream = 'response' AND partition = '{self.surveys[1]}'")
        assert position[0]['position'], 'the resync was not killed in the middle of its pass'
        rig.close()
        self.cluster.psql('postgres', f'CREATE DATABASE unfinished TEMPLATE "{rig.name}";')


# Rows that somebody changed by hand; the payloads are as they were.
DAMAGE = """
UPDATE alchemer.question SET title = 'changed by hand', position = 99 WHERE question_id % 3 = 0;
UPDATE alchemer.option SET value = NULL WHERE option_id % 2 = 0;
DELETE FROM alchemer.answer WHERE response_id % 3 = 0;
UPDATE alchemer.answer SET answer = 'changed by hand' WHERE response_id % 3 = 1 AND question_id % 2 = 0;
UPDATE alchemer.response SET status = 'Changed', date_updated = NULL WHERE response_id % 4 = 0;
"""

# A brake that two deletions pull, and one that more than three do.
TIGHT, CLOSE = ({'brake': {'percent': percent, 'rows': rows, 'least': 0}} for percent, rows in ((1, 1), (100, 3)))


def kinds(world):
    """All kinds by name; some name what the world holds."""
    two = str(world.surveys[1])
    named = [option for response in [*world.some_of_two, world.gone[1][1]] for option in ('--response', f'{two}/{response}')]
    out = (
        Kind('first load', 'empty', 'sync'),
        Kind('night', 'loaded', 'sync'),
        Kind('planned night', 'planned', 'sync', prepare='UPDATE surveysync.plan SET planned_at = now();'),
        Kind('plan', 'loaded', 'plan', 'us', then=(('sync',),), again=False),
        Kind('resync', 'loaded', 'resync', 'us', '--yes', sync=TIGHT),
        Kind('resync of a time', 'loaded', 'resync', 'us', '--survey', two, '--from', '2001-01-01', '--until', '2031-01-01',
             sightings=False),
        Kind('resync of responses', 'loaded', 'resync', 'us', *named, sightings=False),
        Kind('resync of a time in an unfinished pass', 'unfinished', 'resync', 'us', '--survey', two, '--from', '2001-01-01', then=(('resync', 'us'),),
             sync=CLOSE, again=False),
        Kind('replay', 'damaged', 'replay', 'us'),
        Kind('backfill', 'empty', 'backfill', 'us', '--from', '2001-01-01', then=(('sync',),)),
        Kind('rehearsal', 'loaded', 'sync', '--dry-run', unchanged=True),
        Kind('hook', 'loaded', 'sync', 'us', '--survey', two, then=(('sync', 'us', '--survey', two),), hook=True),
        Kind('migrate', 'template0', 'migrate', schema=True),
    )
    return {kind.name: kind for kind in out}


class Rig:
    """One place where tries are made: a gate on each wire, a configuration, a database of its own."""

    numbers = itertools.count(1)

    def __init__(self, world):
        self.world = world
        self.number = next(self.numbers)
        self.name = f'try{self.number}'
        vendor_port = int(world.vendor.base_url.rstrip('/').rsplit(':', 1)[1])
        self.database = gate.Gate(os.path.join(world.cluster.socket, '.s.PGSQL.5432'), gate.PostgresFrames)
        self.vendor = gate.Gate(('127.0.0.1', vendor_port), gate.TlsFrames)
        self.wires = {'database': self.database, 'vendor': self.vendor}
        world.scratch.on_close(self.close)

    def close(self):
        for wire in self.wires.values():
            wire.close()

    def prepare(self, kind, workers=1):
        """A fresh copy of the kind's database, gates that pass everything."""
        for wire in self.wires.values():
            wire.reset()
        self.database.drop_all()
        self.world.cluster.psql('postgres', f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE);\n'
                                            f'CREATE DATABASE "{self.name}" TEMPLATE "{kind.template}";')
        if kind.prepare:
            self.execute(kind.prepare)
        told = self.world.scratch.write(f'told {self.number}', '')
        uri = f'postgresql://surveysync@127.0.0.1:{self.database.port}/{self.name}?sslmode=disable&gssencmode=disable'
        sections = self.world.sections(uri, f'https://localhost:{self.vendor.port}', kind.sync, workers,
                                       f"echo $SURVEYSYNC_RUN_ID >> '{told}'" if kind.hook else '')
        self.config = self.world.scratch.write(f'rig {self.number}.toml', harness.toml(sections))

    def untold(self):
        """Certified runs that the hook was never told of."""
        with open(self.world.scratch.join(f'told {self.number}'), encoding='ascii') as stream:
            told = {int(line) for line in stream}
        return sorted({row['run_id'] for row in self.query('SELECT run_id FROM surveysync.run WHERE certified')} - told)

    def start(self, verb):
        return subprocess.Popen([harness.binary(), '--config', self.config, *verb], env=self.world.bench.environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, verb, seconds=100):
        return harness.Workbench.finish(self.start(verb), seconds)

    def query(self, sql):
        return postgres.rows(self.execute(postgres.as_json(sql)))

    def execute(self, sql):
        return self.world.cluster.psql(self.name, sql)

    def snapshot(self, kind):
        """Equal for loads that are equal."""
        if not kind.schema:
            lines = self.world.cluster.psql(self.name, HASHES).splitlines()
            return '\n'.join(line for line in lines if kind.sightings or not line.startswith('sightings'))
        dump = subprocess.run([os.path.join(self.world.cluster.bin, 'pg_dump'), '-h', self.world.cluster.socket, '-U', 'surveysync',
                               '--schema-only', self.name], capture_output=True, text=True, timeout=60, check=True).stdout
        applied = self.execute('SELECT name, sha256 FROM surveysync.schema_migration ORDER BY 1')
        # Newer clients write a random word into their dumps.
        return ''.join(line + '\n' for line in dump.splitlines() if not line.startswith('\\')) + applied

    def all_bytes(self):
        """Every row of every table of ours, as the server has it, but what is true whatever becomes of the rows: lease, budget, keys."""
        return self.world.cluster.psql(self.name, """
            SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(md5(t::text), '''' ORDER BY t::text), '''')) FROM %I.%I t;',
                          schemaname || '.' || tablename, schemaname, tablename)
            FROM pg_tables WHERE schemaname IN ('alchemer', 'surveysync') AND tablename NOT IN ('lease', 'rate_budget', 'credential')
            ORDER BY 1 \\gexec
            """)

    def rows(self):
        """What `snapshot` hashes."""
        return self.world.cluster.psql(self.name, ROWS).splitlines()


class Oracle:
    """Tries of one kind against one undisturbed run."""

    def __init__(self, world, kind, rigs):
        self.world, self.kind, self.rigs = world, kind, rigs
        rig = rigs[0]
        rig.prepare(kind)
        self.before = rig.all_bytes() if kind.unchanged else None
        done = rig.run(kind.verb)
        assert done.code == 0, f'undisturbed {kind.name}: {done}'
        self.counts = {name: dict(wire.counts) for name, wire in rig.wires.items()}
        self.tags = {name: {side: list(tags) for side, tags in wire.tags.items()} for name, wire in rig.wires.items()}
        self.events = done.err.count('\n')
        self.finish(rig, f'undisturbed {kind.name}')
        self.expected = rig.snapshot(kind)
        self.expected_rows = self.expected.splitlines() if kind.schema else rig.rows()
        if kind.unchanged:
            assert rig.all_bytes() == self.before, f'an undisturbed {kind.name} changed something'
        self.codes, self.struck = {}, 0

    def finish(self, rig, where):
        """What follows the run."""
        for verb in self.kind.then:
            done = rig.run(verb)
            if done.code != 0:
                raise Found(f'{where}: then {" ".join(verb)} failed\n{done}')

    # --- the points ---

    def points(self):
        """Every k of every wire and direction, with one way of disturbing each; COMMIT and what answers it with all of them. Within
        a pipeline the server decides nothing before Sync: of the messages inside one, every SHARE-th is taken, by the seed."""
        out = []
        for wire, sides in self.counts.items():
            for side, count in sides.items():
                modes = gate.MODES[side] + ('kill', 'kill behind' if side == TO_SERVER else 'kill')
                if wire == 'vendor':
                    modes = tuple(mode for mode in modes if mode != 'late')
                tags = self.tags[wire][side]
                for k in range(1, count + 1):
                    inside = wire == 'database' and tags[k - 1][0] in INSIDE[side]
                    if tags[k - 1] in COMMITS or inside and (k + SEED) % SHARE != 0:
                        continue
                    out.append(Point(wire, side, k, modes[(k // (SHARE if inside else 1) + SEED) % len(modes)]))
                for like in COMMITS:
                    out += [Point(wire, side, k + 1, mode, like) for k in range(tags.count(like)) for mode in sorted(set(modes))]
        return out + [Point('events', None, k, 'kill') for k in range(1, self.events + 1)]

    def sample(self, count):
        """Some of them, by the seed: always some at COMMIT, some at each wire, some events."""
        dice = random.Random(f'{SEED} {self.kind.name}')
        groups = {}
        for point in self.points():
            groups.setdefault((point.wire, point.direction, point.like), []).append(point)
        for group in groups.values():
            dice.shuffle(group)
        lists = list(groups.values())
        dice.shuffle(lists)
        turns = itertools.chain.from_iterable(itertools.zip_longest(*lists))
        return list(itertools.islice((point for point in turns if point), count))

    # --- one try ---

    def check(self, rig, point):
        """Disturbs a run at the point, starts again, compares. Throws Found."""
        rig.prepare(self.kind)
        code = self.disturb(rig, point)
        self.codes[code] = self.codes.get(code, 0) + 1
        where = f'{self.kind.name}: {point} (exit {code}, seed {SEED})'
        # A wire that was cut once is no reason to fail but with "unavailable" or "some surveys failed".
        allowed = (-signal.SIGKILL, 0, 3, 5) if 'kill' in point.mode else (0, 3, 5)
        if code not in allowed:
            raise Found(f'{where}: a wire that was cut must not end so\n{self.last}')
        if self.kind.unchanged:
            if rig.all_bytes() != self.before:
                raise Found(f'{where}: a rehearsal left something behind')
            return
        if code != 0 and self.kind.again:
            done = rig.run(self.kind.verb)
            if done.code != 0:
                raise Found(f'{where}: the restart failed\n{done}')
        self.finish(rig, where)
        if rig.snapshot(self.kind) != self.expected:
            raise Found(f'{where}: differs from an undisturbed run\n{self.difference(rig)}\n{self.last}')
        if self.kind.hook and rig.untold():
            raise Found(f'{where}: the hook was not told of the certified runs {rig.untold()}')

    def disturb(self, rig, point):
        if point.direction is None:
            return self.kill_at_event(rig, point.k)
        wire = rig.wires[point.wire]
        started = threading.Event()
        process = None

        def kill(_wire):
            started.wait(10)
            process.kill()
            process.wait(10)
            if point.mode == 'kill':
                raise gate.Cut

        if 'kill' in point.mode:
            wire.at(point.direction, point.k, call=kill, like=point.like)
        else:
            wire.at(point.direction, point.k, mode=point.mode, reset=point.k % 2 == 0, like=point.like)
        process = rig.start(self.kind.verb)
        started.set()
        done = harness.Workbench.finish(process, 100)
        self.struck += wire.struck is not None
        self.last = f'at: {wire.struck}\n{done}'
        return done.code

    def kill_at_event(self, rig, k):
        """SIGKILL as soon as the k-th line of the log is read."""
        process = rig.start(self.kind.verb)
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        line = b''
        for number, line in enumerate(process.stderr, 1):
            if number == k:
                process.kill()
                self.struck += 1
                break
        process.stderr.read()
        code = process.wait(100)
        drain.join(10)
        process.stdout.close()
        process.stderr.close()
        self.last = f'at: {line.decode(errors="replace")}'
        return code

    def difference(self, rig):
        mine = set(self.expected_rows)
        theirs = set(rig.snapshot(self.kind).splitlines() if self.kind.schema else rig.rows())
        lines = [f'- {row[:600]}' for row in sorted(mine - theirs)[:6]] + [f'+ {row[:600]}' for row in sorted(theirs - mine)[:6]]
        return '\n'.join(lines) or 'the same rows, in another number'

    def try_all(self, points, seconds=None):
        """All points, shared among the rigs; the failures as texts, and how many were tried before the time was up."""
        todo, failures, done = iter(points), [], []
        lock, end = threading.Lock(), time.monotonic() + (seconds or 1e9)

        def work(rig):
            while True:
                with lock:
                    point = next(todo, None) if time.monotonic() < end and len(failures) < 10 else None
                if point is None:
                    return
                try:
                    self.check(rig, point)
                except AssertionError as error:
                    failures.append(str(error))
                done.append(point)

        threads = [threading.Thread(target=work, args=(rig,)) for rig in self.rigs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return failures, len(done)

    def about(self):
        return json.dumps({'kind': self.kind.name, 'seed': SEED, 'messages': self.counts, 'events': self.events,
                           'exits': {str(code): count for code, count in sorted(self.codes.items())}, 'struck': self.struck})
