"""The completions for bash, zsh and fish, asked as the shells ask them; and that no verb of `--help` is missing."""
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

BASH = '''. "$0"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_surveysync
printf '%s\\n' "${COMPREPLY[@]}"
'''


def run(*command):
    return subprocess.run(command, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)


class Completions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scripts = {}
        for shell in ('bash', 'zsh', 'fish'):
            done = run(harness.binary(), 'completions', shell)
            assert done.returncode == 0, done.stderr
            file = tempfile.NamedTemporaryFile('w', suffix='.' + shell)
            cls.addClassCleanup(file.close)
            file.write(done.stdout)
            file.flush()
            cls.scripts[shell] = file
        cls.verbs = re.findall(r'^  ([a-z]+)  ', run(harness.binary(), '--help').stdout.split('Subcommands:')[1], re.M)

    def bash(self, *words):
        done = run('bash', '--norc', '-c', BASH, self.scripts['bash'].name, *words)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.bash('surveysync', ''), self.verbs)
        self.assertEqual(self.bash('surveysync', 'quar'), ['quarantine'])
        self.assertEqual(sorted(self.bash('surveysync', 'quarantine', '')), ['drop', 'list', 'retry', 'show'])
        self.assertIn('--dry-run', self.bash('surveysync', 'sync', '--'))
        self.assertIn('--config', self.bash('surveysync', 'sync', '--'))
        self.assertEqual(self.bash('surveysync', '--log-level', 'w'), ['warning'])
        self.assertEqual(self.bash('surveysync', '--log-level', '=', 'w'), ['warning'])
        self.assertEqual(self.bash('surveysync', '--log-level', 'info', 'keys', ''), ['status', 'test'])
        self.assertEqual(self.bash('surveysync', 'completions', ''), ['bash', 'zsh', 'fish'])
        self.assertEqual(self.bash('surveysync', '--config', '/etc/host'), [word for word in self.bash('surveysync', '--config', '/etc/host')
                                                                           if word.startswith('/etc/host')])
        self.assertIn('/etc/hosts', self.bash('surveysync', '--config', '/etc/host'))
        self.assertEqual(self.bash('surveysync', 'nosuch'), [])

    def test_bash_loads_it(self):
        """As a shell of the package does: the completion is registered for the command."""
        done = run('bash', '--norc', '-c', '. "$0"; complete -p surveysync', self.scripts['bash'].name)
        self.assertEqual(done.stdout.strip(), 'complete -F _surveysync surveysync')

    @unittest.skipUnless(shutil.which('fish'), 'fish is not installed')
    def test_fish(self):
        def asked(line):
            done = run('fish', '--no-config', '-c', f"source {self.scripts['fish'].name}; complete -C '{line}'")
            self.assertEqual(done.stderr, '')
            return [item.split('\t')[0] for item in done.stdout.splitlines()]
        self.assertEqual(sorted(asked('surveysync ')), sorted(self.verbs))
        self.assertEqual(sorted(asked('surveysync keys ')), ['status', 'test'])
        self.assertIn('--dry-run', asked('surveysync sync --d'))
        self.assertEqual(asked('surveysync --log-level w'), ['warning'])

    @unittest.skipUnless(shutil.which('zsh'), 'zsh is not installed')
    def test_zsh(self):
        """The function runs; what it would offer is caught where zsh's own functions would take it."""
        self.assertEqual(run('zsh', '-n', self.scripts['zsh'].name).stderr, '')
        script = ('compdef() { : }; _describe() { for last in "$@"; do :; done; print -l -- "${(@P)last}" }; compadd() { shift; print -l -- "$@" }; '
                  '_message() { : }; source $1; shift; words=("$@"); CURRENT=$#; _surveysync')

        def asked(*words):
            done = run('zsh', '-f', '-c', script, 'zsh', self.scripts['zsh'].name, *words)
            self.assertEqual(done.stderr, '')
            return [line.split(':')[0] for line in done.stdout.splitlines()]
        self.assertEqual([word for word in asked('surveysync', '') if not word.startswith('-')], self.verbs)
        self.assertEqual(asked('surveysync', 'keys', '')[:2], ['status', 'test'])
        self.assertIn('warning', asked('surveysync', '--log-level', ''))


if __name__ == '__main__':
    harness.main()
