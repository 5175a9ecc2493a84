"""Who may include whom (docs/ARCHITECTURE.md), and which outside technology lives in which room."""
import re

from source import sources

# room -> what it may include beside itself: a room, or one file of a room without its ending.
FLOORS = {
    'base': (),
    'model': ('base',),
    'http': ('base',),
    'pg': ('base',),
    'sources': ('http', 'model', 'base'),
    'store': ('pg', 'model', 'base'),
    'report': ('base', 'http/transport', 'http/tls', 'http/resolver'),  # one way of trusting and of looking up, for mail too
    'sandbox': ('base',),
    'sync': ('sources/source', 'sources/numbered_pages', 'store', 'model', 'base'),
    'app': ('base', 'model', 'http', 'pg', 'sources', 'sources/*', 'store', 'report', 'sandbox', 'sync'),
    'main': ('app',),
}

# Inside base only these are shared: `error`, and `descriptor`, which is no more than a handle. An exception needs its reason.
BASE_SHARED = {'error', 'descriptor'}
BASE_EXCEPTIONS = {
    ('event', 'time'): 'an event carries durations',
    ('budget', 'time'): 'a slot of the budget is a wait',
    ('child', 'time'): 'a child process has a deadline',
    ('secret', 'child'): 'a command may yield a secret (exec:)',
    ('secret', 'time'): 'a command that yields a secret (exec:) has a deadline, and waiting belongs to time',
}
# Files whose name does not begin with the room they belong to.
BASE_ROOM_OF = {'masker': 'secret', 'keyed_digest': 'secret'}

# What is included -> the files (regular expressions over paths below src/) that may.
TECHNOLOGY = (
    (r'Poco/Net/', r'(http|sandbox)/|report/(web|alerts)', 'Poco::Net'),
    (r'Poco/Util/', r'app/', 'Poco::Util'),
    (r'Poco/Data/', r'report/outbox', 'Poco::Data'),
    (r'Poco/JSON/|Poco/DOM/', r'sandbox/', 'Poco::JSON'),
    (r'CLI/', r'app/', 'CLI11'),
    (r'toml\+\+/|toml\.hpp|toml\.h', r'app/', 'toml++'),
    (r'libpq-fe\.h|libpq/|libpq-events\.h|pg_config', r'pg/', 'libpq'),
    (r'simdjson', r'base/json', 'simdjson'),
    (r'spdlog/', r'report/', 'spdlog'),
    (r'prometheus/', r'report/', 'prometheus-cpp'),
    (r'systemd/sd-journal', r'report/journal', 'libsystemd'),
    (r'systemd/(?!sd-journal)', r'app/systemd', 'libsystemd'),
    (r'sqlite3\.h', r'report/outbox', 'SQLite'),
)

SQL = re.compile(r'\s*(SELECT\s+[\w"(*{%\']|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|COPY\s+[\w".{}]+\s*(\(|FROM|TO)'
                 r'|(CREATE|ALTER|DROP|TRUNCATE)\s+[A-Z]{4,}|MERGE\s+INTO\s)')
SQL_ROOMS = re.compile(r'store/|report/outbox')


def check(root):
    findings = []
    for source in sources(root):
        findings += _floors(source)
        findings += _technology(source)
        findings += _sql(source)
    return findings


def _floors(source):
    room = source.room
    top = room.split('/')[0]
    if top not in FLOORS:
        return [f'src/{source.path}:1: {top} is no room of the house (docs/ARCHITECTURE.md)']
    findings = []
    for line, include in source.ours:
        problem = _breach(source, room, top, include)
        if problem:
            findings.append(f'src/{source.path}:{line}: {problem}')
    return findings


def _breach(source, room, top, include):
    if '/' not in include:
        return f'includes "{include}": write the room too ("{top}/{include}")'
    target_room, target_file = include.rsplit('/', 1)
    target_stem = include.rsplit('.', 1)[0]
    if top == 'base' and target_room == 'base':
        return _inside_base(source, target_file.rsplit('.', 1)[0])
    if target_room == room:
        return None
    if target_room == 'sources' and top == 'sources':  # a provider may see the contract above it
        return None
    for allowed in FLOORS[top]:
        if allowed in (target_room, target_stem):
            return None
        if allowed.endswith('/*') and target_room.startswith(allowed[:-1]):
            return None
    return f'{room} must not include {include}'


def _inside_base(source, target):
    own = _base_room(source.path.rsplit('/', 1)[1].rsplit('.', 1)[0])
    target = _base_room(target)
    if own == target or target in BASE_SHARED or (own, target) in BASE_EXCEPTIONS:
        return None
    return f'base/{own} must not include base/{target}: inside base only error and descriptor are shared'


def _base_room(stem):
    # time_zone.cpp, json_envelope.cpp: further files of the room their name begins with.
    return BASE_ROOM_OF.get(stem, stem.split('_')[0])


def _technology(source):
    findings = []
    for line, include in source.outside + source.ours:
        for pattern, rooms, name in TECHNOLOGY:
            if re.match(pattern, include) and not re.match(rooms, source.path):
                findings.append(f'src/{source.path}:{line}: {name} ({include}) belongs to {rooms} only')
    return findings


def _sql(source):
    if SQL_ROOMS.match(source.path):
        return []
    return [f'src/{source.path}:{line}: SQL text belongs to store/ only: "{text.strip()[:40]}"'
            for line, text in source.strings if SQL.match(text)]
