"""Calls that only one room may make: the clock, sleeping, randomness, the environment, printing."""
import re

from source import line_of, sources

# what -> (pattern over code without comments and literals, files below src/ that may)
FORBIDDEN = (
    ('sleeping', r'\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep)\s*\(|(?<![\w.>:])(::)?sleep\s*\(|Thread::sleep\b',
     r'base/time'),
    ('the clock', r'\b(system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b'
                  r'|\b(clock_gettime|gettimeofday|timespec_get)\s*\(|(?<![\w.>])(std::)?time\s*\(\s*(nullptr|NULL|0|&)',
     r'base/time'),
    ('randomness', r'\bstd::rand\b|(?<![\w.>:])s?rand\s*\(|\brandom_device\b|\b(getrandom|getentropy|arc4random)\s*\(|\bmt19937',
     r'base/time'),
    ('the environment', r'\b(secure_)?getenv\s*\(|\benviron\b|\b(un)?setenv\s*\(', r'base/secret|base/child_process|app/config'),
    ('printing', r'(?<![\w.>])(std::)?v?f?printf\s*\(|(?<![\w.>])(std::)?f?puts\s*\(|(?<![\w.>])(std::)?putchar\s*\('
                 r'|\bstd::(cout|cerr|clog)\b|\bfmt::print(ln)?\b', r'app/|main\.cpp'),
    ('ending the process', r'(?<![\w.>:])(std::)?(exit|_exit|quick_exit|abort|terminate)\s*\(', r'app/|main\.cpp'),
)


def check(root):
    findings = []
    for source in sources(root):
        for what, pattern, rooms in FORBIDDEN:
            if re.match(rooms, source.path):
                continue
            for match in re.finditer(pattern, source.code):
                findings.append(f'src/{source.path}:{line_of(source.code, match.start())}: {what} belongs to {rooms} only: '
                                f'{match.group(0).strip()}')
    return findings
