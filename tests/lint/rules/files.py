"""What every file of ours keeps to: no tabs, no trailing blanks, a final newline, #pragma once and an opening comment in
headers, and a length that a reader can hold."""
import re

from source import files_below, read

FOLDERS = ('src', 'tests', 'scripts', 'config', 'migrations', 'cmake', 'docs', 'systemd', '.ci')
ENDINGS = ('.h', '.cpp', '.py', '.sh', '.sql', '.toml', '.cmake', '.txt', '.md', '.service', '.timer', '.path', '.conf')
MAX_LINES = 500
# A longer file needs its reason here.
LONG = {
}
# Bytes that are the point of the file: recorded bodies, fuzz inputs.
VERBATIM = re.compile(r'tests/(golden|fuzz)/')


def check(root):
    findings = []
    for folder in FOLDERS:
        for path in files_below(root, folder, ENDINGS) + files_below(root, folder, ()):
            if not VERBATIM.match(path):
                findings += _check_file(path, read(root, path))
    return findings


def _check_file(path, text):
    findings = []
    lines = text.split('\n')
    for number, line in enumerate(lines, 1):
        if '\t' in line:
            findings.append(f'{path}:{number}: tab')
        if '\r' in line:
            findings.append(f'{path}:{number}: carriage return')
        elif line != line.rstrip() and not path.endswith('.md'):
            findings.append(f'{path}:{number}: blank at the end of the line')
    if text and not text.endswith('\n'):
        findings.append(f'{path}:{len(lines)}: no newline at the end of the file')
    if text.endswith('\n\n'):
        findings.append(f'{path}:{len(lines) - 1}: empty lines at the end of the file')
    if path.endswith(('.h', '.cpp', '.py')) and len(lines) - 1 > MAX_LINES and path not in LONG:
        findings.append(f'{path}:{MAX_LINES}: {len(lines) - 1} lines; over {MAX_LINES} it wants to be two files (or a reason '
                        'in tests/lint/rules/files.py)')
    if path.startswith('src/') and path.endswith('.h'):
        if lines[0] != '#pragma once':
            findings.append(f'{path}:1: a header begins with #pragma once')
        elif len(lines) < 2 or not lines[1].startswith('// '):
            findings.append(f'{path}:2: a header opens with a comment of two to eight lines: what it is for, and its limits')
    return findings
