"""Every header of src/ compiles alone: includes what it uses, in any order."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from source import files_below

COMPILER = os.environ.get('CXX', 'g++')
FLAGS = ['-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-DSURVEYSYNC_VERSION="0"', '-I/usr/include/postgresql',
         '-x', 'c++', '-']


def check(root):
    headers = files_below(root, 'src', ('.h',))
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [finding for found in pool.map(lambda path: _compile(root, path), headers) for finding in found]


def _compile(root, path):
    name = path[len('src/'):]
    try:
        done = subprocess.run([COMPILER, '-I', os.path.join(root, 'src'), *FLAGS], input=f'#include "{name}"\n', text=True,
                              capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return [f'{path}:1: does not compile within two minutes']
    if done.returncode == 0:
        return []
    first = next((line for line in done.stderr.splitlines() if 'error' in line), done.stderr.strip()[:200])
    return [f'{path}:1: does not compile alone: {first}']
