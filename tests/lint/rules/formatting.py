"""The formatter has nothing to change in src/ and tests/."""
import os
import subprocess

from source import files_below


def check(root):
    files = [os.path.join(root, path) for folder in ('src', 'tests', 'scripts')
             for path in files_below(root, folder, ('.h', '.cpp'))]
    if not files:
        return []
    done = subprocess.run(['clang-format', '--dry-run', '-Werror', '--style=file', *files], text=True, capture_output=True,
                          timeout=300, check=False)
    if done.returncode == 0:
        return []
    places = {}
    for line in done.stderr.splitlines():
        if ': error' in line:
            path, number = line.split(':')[:2]
            places.setdefault(os.path.relpath(path, root), []).append(number)
    return [f'{path}:{lines[0]}: clang-format -i would change {len(lines)} places'
            for path, lines in sorted(places.items())] or [f'clang-format: {done.stderr.strip()[:300]}']
