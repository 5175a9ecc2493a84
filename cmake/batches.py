#!/usr/bin/env python3
"""Groups C++ files so that each group can be compiled as one: no two files of a group declare the same name at their outermost level,
where the anonymous namespaces of this code base have theirs. Prints a line for each file: group, tab, path.

    batches.py LINES FILE...     at most so many lines in a group (a file that is longer has its own)
"""
import glob
import os
import re
import sys

DECLARED = re.compile(r'^(?!\s|[}/]|namespace\b|template\b|static_assert\b|extern\b|friend\b|public:|private:)(.*)')
TYPE = re.compile(r'^(?:struct|class|union|enum(?: class)?)\s+(\w+)')
TAKEN = re.compile(r'using\s+[\w:]+::(\w+);')
NAME = re.compile(r'(::)?\b(\w+)\s*(?:\(|=|\{|;|\[)')
MACROS = re.compile(r'^(?:TEST|TEST_F|TEST_P|TYPED_TEST\w*|REGISTER_TYPED\w*|INSTANTIATE\w*|MATCHER\w*)\(\s*(\w+)(?:,\s*(\w+))?')


def declared(line):
    """The name that a line of the outermost level declares. What stands inside braces is indented, so the first column tells."""
    macro = MACROS.match(line)
    if macro:
        return '_'.join(part for part in macro.groups() if part)
    if line.startswith('#define'):
        return line.split()[1].split('(')[0]
    if line.startswith('#') or not DECLARED.match(line):
        return None
    taken = TAKEN.match(line)
    if taken:
        return taken.group(1)
    kind = TYPE.match(line)
    if kind:
        return kind.group(1)
    name = NAME.search(re.sub(r'\[\[.*?\]\]', '', line))
    return name.group(2) if name and not name.group(1) else None  # members are defined with their class before them


def names(path):
    """({name: its line where an alias}, those in anonymous namespaces, number of lines)."""
    found, own, lines, anonymous = {}, set(), 0, False
    with open(path, encoding='utf-8') as stream:
        for line in stream:
            lines += 1
            anonymous = (anonymous or line.startswith('namespace {')) and not line.startswith('}  // namespace\n')
            name = declared(line)
            if name:
                found[name] = line if line.startswith('using ') else ''
                if anonymous:
                    own.add(name)
    return found, own, lines


def agree(some, others):
    """An alias may be declared again when it means the same."""
    return all(some[name] and some[name] == others[name] for name in some.keys() & others.keys())


def main():
    most, groups, public = int(sys.argv[1]), [], set()
    for folder in {os.path.dirname(path) for path in sys.argv[2:]}:
        for header in glob.glob(os.path.join(folder, '*.h')):
            public |= names(header)[0].keys()
    for path in sys.argv[2:]:
        found, own, lines = names(path)
        alone = bool(own & public)  # a header says the same name, and others may mean that one
        for group in groups:
            if not alone and not group['alone'] and group['lines'] + lines <= most and agree(group['names'], found):
                break
        else:
            group = {'names': {}, 'lines': 0, 'files': [], 'alone': alone}
            groups.append(group)
        group['names'].update(found)
        group['lines'] += lines
        group['files'].append(path)
    for number, group in enumerate(groups):
        for path in group['files']:
            print(f'{number}\t{path}')


if __name__ == '__main__':
    main()
