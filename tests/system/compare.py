"""Compares what is stored with what the sandbox says must be stored, row by row and column by column."""
import functools
import hashlib
import json
import os
import re
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

KEYS = {
    'survey': ('survey_id',),
    'page': ('survey_id', 'page_id'),
    'question': ('survey_id', 'question_id'),
    'option': ('survey_id', 'question_id', 'option_id'),
    'response': ('survey_id', 'response_id'),
    'answer': ('survey_id', 'response_id', 'question_id', 'item'),
}
TABLES = tuple(KEYS)

# Every column that the contract names (product.md section 3), without `source` and what a loader stamps itself.
COLUMNS = {
    'survey': 'survey_id title internal_title type status created_at modified_at team_ids languages statistics',
    'page': 'survey_id page_id title titles position',
    'question': 'survey_id question_id parent_question_id page_id position base_type type title titles shortname varname properties',
    'option': 'survey_id question_id option_id position title titles value',
    'response': 'survey_id response_id status is_test_data date_submitted date_started date_updated session_id language link_id '
                'contact_id response_time_seconds url_variables data_quality comments ip_address user_agent referer country region '
                'city postal latitude longitude',
    'answer': 'survey_id response_id question_id item parent_question_id row_id option_id answer original_answer option_title rank '
              'shown is_other comment type page_id',
}
TIMES = {'created_at', 'modified_at', 'date_submitted', 'date_started', 'date_updated'}
# The statistics move while people answer; a survey's row is read once, at the beginning of the run.
LIVE = {'statistics'}


def columns(table):
    return COLUMNS[table].split()


def stored(database, table, source='us'):
    names = ', '.join(f't."{name}"' for name in columns(table))
    if table == 'answer':
        return database.query(f"SELECT {names} FROM alchemer.answer t JOIN alchemer.response r USING (source, survey_id, response_id) "
                              f"WHERE t.source = '{source}' AND r.deleted_at IS NULL")
    return database.query(f"SELECT {names} FROM alchemer.{table} t WHERE t.source = '{source}' AND t.deleted_at IS NULL")


@functools.lru_cache(maxsize=100000)
def instant(value):
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def normal(name, value):
    if value is None:
        return None
    if name in TIMES:
        return instant(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, dict):
        return {key: normal('', item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal('', item) for item in value]
    return value


def by_key(table, rows):
    return {tuple(row[name] for name in KEYS[table]): row for row in rows}


def show(value):
    return json.dumps(value, default=str, ensure_ascii=False)[:160]


def differences(table, expected, actual, without=(), limit=10):
    """What differs, as lines for a person; empty when equal."""
    out = []
    left, right = by_key(table, expected), by_key(table, actual)
    if len(left) != len(expected) or len(right) != len(actual):
        out.append(f'{table}: a key occurs twice')
    out += [f'{table} {key}: missing' for key in left if key not in right]
    out += [f'{table} {key}: should not be there' for key in right if key not in left]
    names = [name for name in columns(table) if name not in without]
    for key in left.keys() & right.keys():
        expects, has = left[key], right[key]
        for name in names:
            if name not in expects:
                out.append(f'{table}.{name}: the truth does not tell')
                continue
            want, have = expects[name], has[name]
            if want == have:  # nearly always: spares the rest
                continue
            if normal(name, want) != normal(name, have):
                out.append(f'{table} {key} {name}: must be {show(want)}, is {show(have)}')
    return out if len(out) <= limit else out[:limit] + [f'... and {len(out) - limit} more']


def against_truth(bench, tables=TABLES, without=(), privacy='keep'):
    """Differences over several tables."""
    out = []
    for table in tables:
        options = {'privacy': privacy} if table == 'response' else {}
        out += differences(table, bench.sandbox.truth(table, **options), stored(bench.database, table), without)
    return out


# What may differ between a disturbed and an undisturbed load (product.md: the promise "exact").
STAMPS = ('run_id', 'first_seen_at', 'changed_at')


def fingerprint(database):
    """One hash of each data table without the stamps: equal loads have equal hashes."""
    out = {}
    for table in TABLES:
        drop = ''.join(f" - '{name}'" for name in STAMPS)
        key = ', '.join(f'"{name}"' for name in ('source', *KEYS[table]))
        out[table] = database.value(f"SELECT count(*) || ' ' || md5(coalesce(string_agg(md5((to_jsonb(t){drop})::text), '' "
                                    f'ORDER BY {key}), \'\')) AS hash FROM alchemer.{table} t')
    return out


# What is said to the vendor and heard from it is true whatever becomes of the rows: budget, keys, lease.
OF_THE_PROCESSES = ('surveysync.lease', 'surveysync.rate_budget', 'surveysync.credential')


def everything(database, without=(*OF_THE_PROCESSES, 'surveysync.schema_migration')):
    """One hash of each of our tables, stamps and ledger included: nothing at all was changed where they are equal."""
    names = database.query("SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
                           "WHERE schemaname IN ('alchemer', 'surveysync') ORDER BY 1")
    return {row['name']: database.value(f"SELECT count(*) || ' ' || md5(coalesce(string_agg(h, '' ORDER BY h), '')) AS hash "
                                        f"FROM (SELECT md5(to_jsonb(t)::text) AS h FROM {row['name']} t) q")
            for row in names if row['name'] not in without}


# --- lists: every object of the vendor beside surveys and responses ---

OBJECTS = {
    'account': ('account_id',), 'team': ('team_id',), 'account_user': ('account_user_id',),
    'contact_custom_field': ('contact_custom_field_id',), 'contact_list': ('contact_list_id',),
    'contact': ('contact_list_id', 'contact_id'), 'domain': ('domain_id',), 'theme': ('theme_id',), 'sso': ('sso_id',),
    'campaign': ('survey_id', 'campaign_id'), 'campaign_contact': ('survey_id', 'campaign_id', 'campaign_contact_id'),
    'email_message': ('survey_id', 'campaign_id', 'email_message_id'), 'quota': ('survey_id', 'quota_id'),
    'report': ('survey_id', 'report_id'), 'statistic': ('survey_id', 'statistic_id'),
}
FILE_KEY = ('survey_id', 'response_id', 'response_file_id')
PEOPLE = ('contact', 'campaign_contact')


def payloads(database, table, keys, schema='alchemer', source='us'):
    """What is live in a table: {key: the payload's bytes}."""
    names = ', '.join(f'"{key}"' for key in keys)
    rows = database.query(f"SELECT {names}, payload::text AS payload FROM {schema}.{table} WHERE source = '{source}' AND deleted_at IS NULL")
    return {tuple(row[key] for key in keys): row['payload'] for row in rows}


def payload_differences(table, expected, actual, limit=4):
    """What differs between two such dictionaries, as lines for a person."""
    out = [f'{table} {key}: missing' for key in expected if key not in actual]
    out += [f'{table} {key}: should not be there' for key in actual if key not in expected]
    out += [f'{table} {key}: must be {show(expected[key])}, is {show(actual[key])}'
            for key in expected.keys() & actual.keys() if expected[key] != actual[key]]
    return out if len(out) <= limit else out[:limit] + [f'{table}: ... and {len(out) - limit} more']


def objects_against_truth(bench, tables=OBJECTS, without=()):
    """Differences of all lists: no row too few or too many, and each payload byte for byte."""
    out = []
    for table in tables:
        if table not in without:
            keys = OBJECTS[table]
            truth = {tuple(row[key] for key in keys): row['payload'] for row in bench.sandbox.truth(table)}
            out += payload_differences(table, truth, payloads(bench.database, table, keys))
    return out


def files_against_truth(bench, directory=None, source='us'):
    """Differences of uploaded files; with `directory` their bytes too, and nothing but them may be in it."""
    out, expected = [], set()
    truth = {tuple(row[key] for key in FILE_KEY): row for row in bench.sandbox.truth('response_file')}
    rows = bench.database.query(f"SELECT * FROM alchemer.response_file WHERE source = '{source}' AND deleted_at IS NULL")
    have = {tuple(row[key] for key in FILE_KEY): row for row in rows}
    out += [f'response_file {key}: missing' for key in truth.keys() - have.keys()]
    out += [f'response_file {key}: should not be there' for key in have.keys() - truth.keys()]
    for key in truth.keys() & have.keys():
        want, row = truth[key], have[key]
        if row['original_name'] != want['name']:
            out.append(f"response_file {key}: named {row['original_name']}, must be {want['name']}")
        if 'signature' in json.dumps(row, default=str).lower():
            out.append(f'response_file {key}: its address is stored with the signature')
        if directory is None:
            continue
        if (row['size'], row['sha256']) != (want['bytes'], want['sha256']):
            out.append(f"response_file {key}: {row['size']} bytes, must be {want['bytes']}")
        path = row['stored_path'] or ''
        inside = os.path.realpath(path).startswith(os.path.realpath(directory) + os.sep)
        if not inside or not os.path.isfile(path) or os.path.islink(path) or os.stat(path).st_mode & 0o777 != 0o600:
            out.append(f'response_file {key}: no private file of the directory: {path!r}')
            continue
        expected.add(os.path.realpath(path))
        with open(path, 'rb') as stream:
            if hashlib.sha256(stream.read()).hexdigest() != want['sha256']:
                out.append(f'response_file {key}: other bytes in {path}')
    return out[:10]


# What the vendor says where it has nothing to say.
_NOTHING = (None, '', False, 'N/A', 'false', [])
_ACCOUNT_ZONE = ZoneInfo('America/New_York')


def _squeezed(name):
    return re.sub(r'[^a-z0-9]', '', name.lower())


def _as_column(column, kind, value):
    """A payload's value as its column must show it; raises ValueError where no column could."""
    if value is None:
        return None
    if kind == 'jsonb':
        return normal('', value)
    if kind == 'bigint':
        return int(str(value).replace(',', ''))
    if kind in ('numeric', 'double precision'):
        return Decimal(str(value).replace(',', ''))
    if kind == 'boolean':
        return {'true': True, 'false': False, '1': True, '0': False}[str(value).lower()]
    if kind.startswith('timestamp'):
        moment = datetime.fromisoformat(value.replace('Z', '+00:00'))
        return moment if moment.tzinfo else moment.replace(tzinfo=_ACCOUNT_ZONE).astimezone(timezone.utc)
    return value if isinstance(value, str) else json.dumps(value)


def typed_differences(database, tables=OBJECTS, schema='alchemer', keys=OBJECTS, limit=12):
    """Columns that are not what the payload beside them says. Read here by other rules than the program's: the same name but for
    signs and case, the type of the catalogue. Also the columns, by table, that were filled at least once."""
    out, filled = [], {}
    for table in tables:
        kinds = {row['column_name']: row['data_type'] for row in database.query(
            f"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name = '{table}'")}
        own = [name for name in kinds if name not in keys[table] and name not in STAMPS and name not in (
            'source', 'payload', 'payload_raw', 'payload_hash', 'flags', 'deleted_at', 'custom_fields')]
        for row in database.query(f'SELECT * FROM {schema}.{table}'):
            said = {_squeezed(name): value for name, value in row['payload'].items()}
            where = f'{table} {tuple(row[key] for key in keys[table])}'
            for column in own:
                value, have = said.get(_squeezed(column)), row[column]
                if have is None:
                    # A text, an empty one too, is a text; nothing else may be lost.
                    if not (value in _NOTHING if kinds[column] not in ('text', 'ARRAY') else value is None):
                        out.append(f'{where} {column}: NULL, the payload says {show(value)}')
                    continue
                filled.setdefault(table, set()).add(column)
                try:
                    want = _as_column(column, kinds[column], value)
                except (ValueError, KeyError, ArithmeticError):
                    out.append(f'{where} {column}: is {show(have)}, the payload says {show(value)}')
                    continue
                if kinds[column].startswith('timestamp'):
                    have = datetime.fromisoformat(have)
                if normal('', want) != normal('', have):
                    out.append(f'{where} {column}: is {show(row[column])}, the payload says {show(value)}')
    return (out if len(out) <= limit else out[:limit] + [f'... and {len(out) - limit} more']), filled
