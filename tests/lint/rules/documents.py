"""What is declared is documented: every error kind in docs/ARCHITECTURE.md, every event in docs/EVENTS.md; migrations are
numbered without gaps; every link between our pages leads somewhere."""
import os
import re

from source import files_below, parse, read

MIGRATION = re.compile(r'(\d{4})_[a-z0-9_]+\.sql$')


def check(root):
    return (_error_kinds(root) + _events(root) + _migrations(root) + _links(root))


def _declared(root, path, pattern, section=None):
    full = os.path.join(root, path)
    if not os.path.exists(full):
        return []
    code = parse(path, read(root, path)).code
    if section:
        found = re.search(section, code, re.DOTALL)
        code = found.group(1) if found else ''
    return re.findall(pattern, code)


def _documented(root, page, names, what):
    text = read(root, page) if os.path.exists(os.path.join(root, page)) else ''
    return [f'{page}:1: {what} {name} is not described' for name in names if f'`{name}`' not in text]


def _error_kinds(root):
    kinds = _declared(root, 'src/base/error.h', r'\b([a-z_]+)\s*(?:,|$)', r'enum class ErrorKind[^{]*\{(.*?)\}')
    if not kinds:
        return ['src/base/error.h:1: no error kinds found']
    return _documented(root, 'docs/ARCHITECTURE.md', kinds, 'error kind')


def snake(name):
    return re.sub(r'(?<!^)([A-Z])', r'_\1', name).lower()


def _events(root):
    events = _declared(root, 'src/base/event.h', r'\bstruct ([A-Z]\w+)', r'namespace event \{(.*?)\n\}')
    if not events:
        return ['src/base/event.h:1: no events found']
    return _documented(root, 'docs/EVENTS.md', [snake(e) for e in events], 'event')


def _migrations(root):
    findings = []
    numbers = []
    for path in files_below(root, 'migrations', ('.sql',)):
        match = MIGRATION.search(os.path.basename(path))
        if not match:
            findings.append(f'{path}:1: a migration is named 0001_what_it_does.sql')
        else:
            numbers.append((int(match.group(1)), path))
    for expected, (number, path) in enumerate(sorted(numbers), 1):
        if number != expected:
            findings.append(f'{path}:1: migration {number:04} where {expected:04} is due: numbers have no gaps and no doubles')
            break
    return findings


def _links(root):
    findings = []
    pages = [p for p in ('README.md', 'CHANGELOG.md') if os.path.exists(os.path.join(root, p))]
    pages += files_below(root, 'docs', ('.md',)) + files_below(root, 'src', ('.md',))
    for page in pages:
        text = re.sub(r'```.*?```', '', read(root, page), flags=re.DOTALL)
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', text):
            if '://' in target or target.startswith('mailto:'):
                continue
            if not os.path.exists(os.path.join(root, os.path.dirname(page), target)):
                findings.append(f'{page}:1: link to {target}, which is not there')
    return findings
