"""Compares what is stored with what the sandbox says must be stored, row by row and column by column."""
import json
from datetime import datetime, timezone
from decimal import Decimal

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


def normal(name, value):
    if value is None:
        return None
    if name in TIMES:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
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
    for key in left.keys() & right.keys():
        for name in columns(table):
            if name in without:
                continue
            if name not in left[key]:
                out.append(f'{table}.{name}: the truth does not tell')
                continue
            want, have = normal(name, left[key][name]), normal(name, right[key][name])
            if want != have:
                out.append(f'{table} {key} {name}: must be {show(left[key][name])}, is {show(right[key][name])}')
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
