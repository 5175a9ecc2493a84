"""All SQL keeps to what engines share that speak PostgreSQL's protocol, and to what passes a pooler in transaction mode
(reliability.md 5.8): nothing that outlives its transaction, and none of the features that only PostgreSQL has."""
import re

from source import TOKEN, files_below, line_of, literal_content, read

# Where a statement begins: at the start of a text, or behind the one before.
BEGIN = r'(?:^|;)\s*'
# what -> pattern over a statement's text
FORBIDDEN = (
    ('temporary tables', r'\bcreate\s+(?:(?:local|global)\s+)?temp(?:orary)?\b|\binto\s+temp(?:orary)?\b|\bpg_temp\b'
                         r'|\btemp(?:orary)?\s+(?:table|view|sequence)\b'),
    ('MERGE', r'\bmerge\s+into\b'),
    ('LISTEN', BEGIN + r'(?:un)?listen\s+[\w"*]+\s*(?:;|$)'),
    ('session state (SET without LOCAL)', BEGIN + r'set\s+(?!local\b)(?:session\s+)?(?:[\w.]+\s*(?:=|\bto\b)|time\s+zone\b'
                                          r'|role\b|authorization\b|characteristics\b)'),
    ('session state', BEGIN + r'(?:reset\s+[\w"]|discard\s+\w)|\b(?:lastval|currval)\s*\(|\bwith\s+hold\b'),
    ('session state (set_config that is not local)', r'\bset_config\s*\((?!(?:[^()]|\([^()]*\))*,\s*true\s*\))'),
    ('advisory locks', r'\bpg_(?:try_)?advisory\w*'),
    ('triggers', r'\bcreate\s+(?:or\s+replace\s+)?(?:(?:constraint|event)\s+)?trigger\b'),
    # EXECUTE format(...) of a DO block runs a text; no statement stays.
    ('prepared statements with names', BEGIN + r'(?:prepare\s+\w+\s*(?:\([^)]*\)\s*)?as\b|execute\s+(?!format\s*\()\w+\s*(?:\(|;|$)'
                                       r'|deallocate\s+\w)'),
    ('LOCK TABLE', BEGIN + r'lock\s+(?:table\b|[\w."]+\s+in\s+\w)'),
)
# Where nothing breaks when it is lost: a hint to readers, who poll too.
NOTIFY = re.compile(BEGIN + r'notify\s+[\w"]|\bpg_notify\s*\(', re.IGNORECASE)
NOTIFY_FILES = {
    'src/store/ledger.cpp': 'a certified run is announced; whoever does not hear it looks into surveysync.run',
}
# libpq's calls for statements with names, over code without comments and literals.
PREPARE = re.compile(r'\bPQ(?:send)?(?:Prepare|QueryPrepared|DescribePrepared)\b|\bPQ(?:prepare|execPrepared|describePrepared)\b')
COMPILED = tuple((what, re.compile(pattern, re.IGNORECASE)) for what, pattern in FORBIDDEN)


def check(root):
    findings = []
    for folder in ('src/store', 'src/pg'):
        for path in files_below(root, folder, ('.h', '.cpp')):
            findings += _check_code(path, read(root, path))
    for path in files_below(root, 'migrations', ('.sql',)):
        findings += _judge(path, 1, _without_comments(read(root, path)))
    return findings


def _check_code(path, text):
    findings = []
    for line, literal in _literals(text):
        findings += _judge(path, line, literal)
    code = TOKEN.sub(lambda match: re.sub(r'[^\n]', ' ', match.group(0)), text)
    for match in PREPARE.finditer(code):
        findings.append(f'{path}:{line_of(code, match.start())}: prepared statements with names do not pass a pooler: '
                        f'{match.group(0)}')
    return findings


def _literals(text):
    """String literals with their lines; neighbours with only space between them are one, as the compiler has it."""
    joined = []
    end = None
    for match in TOKEN.finditer(text):
        token = match.group(0)
        if token.startswith(('//', '/*')):
            if end is not None and not text[end:match.start()].strip():
                end = match.end()
            continue
        if not token.endswith('"'):
            end = None
            continue
        content = literal_content(token).replace('\\n', ' ').replace('\\"', '"')
        if end is not None and not text[end:match.start()].strip():
            joined[-1][1] += content
        else:
            joined.append([line_of(text, match.start()), content])
        end = match.end()
    return joined


def _without_comments(sql):
    """Comments and the insides of literals blanked: a comment on a column may name anything."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", lambda match: re.sub(r"[^\n']", ' ', match.group(0)), sql,
                  flags=re.DOTALL)


def _judge(path, first_line, sql):
    findings = []
    for what, pattern in COMPILED:
        for match in pattern.finditer(sql):
            findings.append(f'{path}:{_line(first_line, sql, match)}: {what} are not portable: {_shown(match)}')
    if path not in NOTIFY_FILES:
        for match in NOTIFY.finditer(sql):
            findings.append(f'{path}:{_line(first_line, sql, match)}: NOTIFY only where it may be lost (reason in '
                            f'tests/lint/rules/portable_sql.py): {_shown(match)}')
    return findings


def _line(first_line, sql, match):
    text = match.group(0)
    return first_line + sql.count('\n', 0, match.start() + len(text) - len(text.lstrip(' \n;')))


def _shown(match):
    return '"' + ' '.join(match.group(0).strip(' \n;').split())[:60] + '"'
