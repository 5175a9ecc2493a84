"""Reads C++ without understanding it: code with comments and literals blanked, string literals with their lines, includes.

Shared by the rules beside it. Standard library only.
"""
import os
import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|(?:u8|[uUL])?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


@dataclass
class Source:
    """One file below src/: `path` relative to it, with forward slashes."""
    path: str
    text: str
    code: str = ''                                  # comments and literals blanked, line numbers kept
    strings: list = field(default_factory=list)     # (line, content)
    ours: list = field(default_factory=list)        # (line, "room/file.h")
    outside: list = field(default_factory=list)     # (line, "Poco/Net/Socket.h")

    @property
    def room(self):
        """The folder, or "main" for what stands at the top."""
        return self.path.rsplit('/', 1)[0] if '/' in self.path else 'main'


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


def literal_content(token):
    raw = re.match(r'(?:u8|[uUL])?R"([^()\\\s]{0,16})\(', token)
    if raw:
        return token[raw.end():-len(raw.group(1)) - 2]
    return token[token.index('"') + 1:-1]


def parse(path, text):
    source = Source(path, text)
    without_comments = []
    code = []
    end = 0
    for match in TOKEN.finditer(text):
        token = match.group(0)
        blank = re.sub(r'[^\n]', ' ', token)
        between = text[end:match.start()]
        end = match.end()
        is_comment = token.startswith(('//', '/*'))
        without_comments.append(between + (blank if is_comment else token))
        code.append(between + blank)
        if not is_comment and token.endswith('"'):
            source.strings.append((line_of(text, match.start()), literal_content(token)))
    without_comments.append(text[end:])
    code.append(text[end:])
    source.code = ''.join(code)
    for match in INCLUDE.finditer(''.join(without_comments)):
        line = line_of(text, match.start(0) + len(match.group(0)) - len(match.group(0).lstrip()))
        ours, outside = match.groups()
        if ours:
            source.ours.append((line, ours))
        else:
            source.outside.append((line, outside))
    return source


def files_below(root, folder, endings):
    """Paths relative to `root`, sorted; build output is no part of the tree."""
    found = []
    for where, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = sorted(f for f in folders if f not in ('build', '__pycache__') and not f.startswith('.git'))
        for name in names:
            if name.endswith(endings) or (not endings and '.' not in name):
                found.append(os.path.relpath(os.path.join(where, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace', newline='') as stream:
        return stream.read()


def sources(root):
    """Every C++ file of the product."""
    for path in files_below(root, 'src', ('.h', '.cpp')):
        yield parse(path[len('src/'):], read(root, path))
