"""What tests of AlfaOne share: an organisation of either generation, its comparison with the vendor's truth, its keys."""
import os
from datetime import datetime, timezone

import compare
from lists_fixture import ListsTest

KEYS = {'assessment': ('assessment_id',), 'question': ('assessment_id', 'question_id'), 'invite': ('invite_id',),
        'member': ('member_id',), 'tag': ('tag_id',)}
CERTIFIED = ('assessment', 'invite', 'member', 'tag')


def sent(table, row):
    """The bytes that must be stored: of assessments, and of invites that were revoked, the record alone shows more than its list."""
    alone = table == 'assessment' or (table == 'invite' and row['status'] == 'revoked')
    return row['payload_single' if alone else 'payload']


def moment(value):
    at = datetime.fromisoformat(value.replace('Z', '+00:00'))
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


class AlfaOneTest(ListsTest):
    schema = 'alfaone'
    source = {'type': 'alfaone'}
    # `min` stays below what one page of the smallest test holds, so that lists are read in pages.
    limits = {'page_size': {'start': 12, 'min': 5, 'max': 12}}
    sandbox_arguments = ('--provider', 'alfaone', '--seed', 31, '--surveys', 4, '--responses', 40, '--generation', 2)

    def setUp(self):
        self.bench.sandbox.fault()
        self.configured()

    def generation(self, number):
        self.bench.sandbox._control('POST', '/generation', f'{{"generation": {number}}}')

    def truth(self, table, assessments=None):
        rows = self.bench.sandbox.truth(table)
        own = table in ('question', 'invite') and assessments is not None
        return [row for row in rows if not own or row['assessment_id'] in assessments]

    def differences(self, tables=tuple(KEYS), assessments=None):
        """Rows, payloads byte for byte, and every column that the truth knows."""
        out, database = [], self.bench.database
        for table in tables:
            keys, truth = KEYS[table], self.truth(table, assessments)
            expected = {tuple(row[key] for key in keys): row for row in truth}
            out += compare.payload_differences(table, {key: sent(table, row) for key, row in expected.items()},
                                               compare.payloads(database, table, keys, 'alfaone'))
            for row in database.query(f'SELECT * FROM alfaone.{table} WHERE deleted_at IS NULL'):
                want = expected.get(tuple(row[key] for key in keys), {})
                for name in want.keys() & row.keys() - {'payload'}:
                    value, have = want[name], row[name]
                    if value is not None and have is not None and name.endswith('_at'):
                        value, have = moment(value), moment(have)
                    elif name in ('points', 'total_points') and value is not None:
                        value = compare.Decimal(value)
                    if compare.normal('', value) != compare.normal('', have):
                        out.append(f'{table} {row[keys[-1]]} {name}: must be {value!r}, is {have!r}')
        return out[:12]

    def equal(self, **which):
        self.assertEqual(self.differences(**which), [])

    def certificates(self):
        """The last ones, by stream."""
        rows = self.bench.database.query('SELECT DISTINCT ON (stream, partition) stream, balanced, stored_live, total_after FROM '
                                         'surveysync.certificate ORDER BY stream, partition, run_id DESC, certified_at DESC')
        return {row['stream']: row for row in rows}

    def assert_certified(self):
        found = self.certificates()
        self.assertEqual(set(found), set(CERTIFIED))
        for table, row in found.items():
            self.assertTrue(row['balanced'], row)
            self.assertEqual((row['stored_live'], row['total_after']), (self.live(table),) * 2, row)

    def rows(self):
        """One hash of each data table, stamps included."""
        return {table: self.bench.database.value(
            f"SELECT count(*) || ' ' || md5(coalesce(string_agg(h, '' ORDER BY h), '')) AS hash FROM "
            f'(SELECT md5(to_jsonb(t)::text) AS h FROM alfaone.{table} t) q') for table in KEYS}

    def assert_quiet(self):
        """A sync that finds nothing to do."""
        before = self.rows()
        self.succeed('sync')
        run = self.last_run()
        self.assertEqual((run['inserted'], run['updated'], run['tombstoned'], run['quarantined']), (0, 0, 0, 0))
        self.assertEqual(self.rows(), before)
        return run

    def asked(self):
        return self.bench.sandbox.stats()['requests']

    def write_key(self, text):
        path = self.bench.scratch.join('other.key')
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as stream:
            stream.write(text)
        return {'type': 'key', 'secret': 'file:' + path}
