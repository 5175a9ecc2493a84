"""Runs one rule over a tree: lint.py RULE [ROOT]. Prints what it finds and fails if it finds anything."""
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    sys.dont_write_bytecode = True
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    sys.path.insert(0, HERE)
    rule = importlib.import_module('rules.' + sys.argv[1])
    root = sys.argv[2] if len(sys.argv) == 3 else os.path.dirname(os.path.dirname(HERE))
    findings = rule.check(root)
    for finding in findings:
        print(finding)
    print(f'{sys.argv[1]}: {len(findings)} findings' if findings else f'{sys.argv[1]}: clean')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
