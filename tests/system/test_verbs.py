"""Each verb as a person or a script uses it: exit code, output, --json."""
import json
import os
import unittest

from harness import SystemTest, Workbench, binary

LISTINGS = (('check',), ('status',), ('plan',), ('verify',), ('verify', '--deep'), ('runs',), ('quarantine', 'list'), ('config', 'check'), ('config', 'show'), ('version',))


class Verbs(SystemTest):
    sandbox_arguments = ('--seed', 31, '--surveys', 3, '--responses', 40)

    def setUp(self):
        self.bench.sandbox.fault()
        self.bench.configure()

    def test_a_first_day(self):
        self.fresh_database()
        self.assertEqual(self.succeed('runs', '--json').json(), [])
        self.assertIn('never', self.succeed('status').out)
        done = self.succeed('sync')
        self.assertIn('succeeded', done.out)
        runs = self.succeed('runs', '--json').json()
        self.assertEqual(len(runs), 1)
        self.assertEqual(runs[0]['outcome'], 'succeeded')
        shown = self.succeed('run', 'show', runs[0]['run_id'], '--json').json()
        self.assertIn('certificates', shown)
        self.assertEqual(len(shown['certificates']), 3)
        status = self.succeed('status', '--json').json()['sources'][0]
        self.assertEqual(status['stored_live'], 120)
        self.assertTrue(status['balanced'])
        self.assertEqual(len(status['surveys']), 3)
        self.assertIsNotNone(status['last_certified'])

    def test_listings_are_json_on_request(self):
        self.succeed('sync')
        for verb in LISTINGS:
            with self.subTest(verb=verb):
                json.loads(self.succeed(*verb, '--json').out)

    def test_text_has_no_escape_codes_off_a_terminal(self):
        self.succeed('sync')
        for verb in LISTINGS + (('sync',), ('sync', '--dry-run'), ('replay', 'us'), ('quarantine', 'retry')):
            with self.subTest(verb=verb):
                done = self.succeed(*verb, env={'NO_COLOR': ''})
                self.assertNotIn('\x1b', done.out + done.err)

    def test_one_survey_only(self):
        self.fresh_database()
        survey = self.bench.sandbox.truth('survey')[1]['survey_id']
        self.succeed('sync', 'us', '--survey', survey)
        stored = self.bench.database.query('SELECT DISTINCT survey_id FROM alchemer.response')
        self.assertEqual([row['survey_id'] for row in stored], [survey])

    def test_usage(self):
        for arguments in (('nonsense',), ('sync', '--nonsense'), ('sync', 'nosuchsource'), ('run', 'show'), ('run', 'show', 'x'),
                          ('run', 'show', '999999'), ('quarantine', 'show', '999999'), ('sync', '--survey', 'x y')):
            with self.subTest(arguments=arguments):
                done = self.bench.run(*arguments)
                self.assertEqual(done.code, 2, done)
                self.assertTrue(done.err.startswith('surveysync: '), done)
                self.assertEqual(done.out, '')

    def test_help_of_every_verb(self):
        for verb in ((), ('sync',), ('check',), ('status',), ('runs',), ('run', 'show'), ('quarantine', 'list'), ('quarantine', 'show'),
                     ('migrate',), ('config', 'check'), ('config', 'show'), ('sandbox',), ('version',),
                     ('plan',), ('verify',), ('resync',), ('backfill',), ('replay',), ('quarantine', 'retry'), ('quarantine', 'drop')):
            with self.subTest(verb=verb):
                done = self.succeed(*verb, '--help')
                self.assertIn('Usage', done.out)

    def test_configuration_mistakes_are_told_together(self):
        self.bench.config = self.bench.scratch.write('bad.toml', '[database]\nurl = "x"\n[source.us]\ntype = "alchemer"\nregion = "mars"\n'
                                                                 '[source.us.limits]\nworkers = "four"\nwindow = "60"\n')
        for verb in (('config', 'check'), ('sync',), ('check',), ('status',)):
            done = self.bench.run(*verb)
            self.assertEqual(done.code, 2, done)
            for place in ('bad.toml:2', 'uri', 'bad.toml:5', 'bad.toml:7', 'bad.toml:8'):
                self.assertIn(place, done.out + done.err, verb)

    def test_missing_configuration(self):
        self.bench.config = self.bench.scratch.join('nowhere.toml')
        done = self.bench.run('sync')
        self.assertEqual(done.code, 2, done)
        self.assertIn('nowhere.toml', done.err)

    def test_environment_overrides_the_file(self):
        settings = self.bench.run('config', 'show', '--json', env={'SURVEYSYNC__SOURCE__US__LIMITS__WORKERS': '7'}).json()
        found = next(item for item in settings if item['key'] == 'source.us.limits.workers')
        self.assertEqual(found['value'], '7')
        self.assertTrue(found['origin'].startswith('environment'), found)

    def test_check_tells_what_is_wrong(self):
        self.bench.sandbox.fault('401')
        done = self.bench.run('check', '--json')
        self.assertEqual(done.code, 5, done)
        answer = done.json()
        self.assertFalse(answer['ok'])
        failed = [check for check in answer['checks'] if check['verdict'] == 'fail']
        self.assertTrue(failed and all(check['hint'] for check in failed), failed)

    def test_two_syncs_at_once(self):
        """The second one stands back; nothing is loaded twice."""
        self.fresh_database()
        self.bench.sandbox.fault('slow:ms=100')
        first = self.bench.start('sync')
        second = self.bench.start('sync')
        codes = sorted(self.bench.finish(process).code for process in (first, second))
        self.assertEqual(codes[0], 0)
        self.assertIn(codes[1], (0, 7))
        self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM alchemer.response'), 120)


class FollowedSurveys(SystemTest):
    sandbox_arguments = ('--seed', 32, '--surveys', 4, '--responses', 20)

    def test_include_and_exclude(self):
        ids = [row['survey_id'] for row in self.bench.sandbox.truth('survey')]
        for follow, expected in (({'include': [ids[0], ids[2]]}, {ids[0], ids[2]}), ({'exclude': [ids[1]]}, {ids[0], ids[2], ids[3]})):
            with self.subTest(surveys=follow):
                self.fresh_database()
                sections = self.bench.sections()
                sections['source.us']['surveys'] = follow
                self.bench.configure(sections)
                self.succeed('sync')
                stored = self.bench.database.query('SELECT DISTINCT survey_id FROM alchemer.response')
                self.assertEqual({row['survey_id'] for row in stored}, expected)

    def test_only_definitions(self):
        self.fresh_database()
        sections = self.bench.sections()
        sections['source.us']['streams'] = ['survey']
        self.bench.configure(sections)
        self.succeed('sync')
        self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM alchemer.response'), 0)
        self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM alchemer.survey'), 4)


class Version(unittest.TestCase):
    def test_version_needs_nothing(self):
        import subprocess
        done = subprocess.run([binary(), 'version'], capture_output=True, text=True, timeout=10, check=True, env={}, cwd='/')
        self.assertRegex(done.stdout, r'^surveysync \d+\.\d+\.\d+')


class PathsWithSpaces(unittest.TestCase):
    def test_folders_with_spaces_quotes_and_letters(self):
        parent = os.path.join('/tmp', 'söme "föld\'er')
        os.makedirs(parent, mode=0o755, exist_ok=True)
        self.addCleanup(lambda: os.rmdir(parent))
        bench = Workbench('--seed', 33, '--surveys', 1, '--responses', 5)
        self.addCleanup(bench.close)
        secret = os.path.join(parent, 'my key')
        with open(secret, 'w', encoding='utf-8', opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
            stream.write('\n'.join(bench.sandbox.secrets()) + '\n')
        self.addCleanup(lambda: os.remove(secret))
        sections = bench.sections()
        sections['source.us']['auth'] = {'type': 'key', 'secret': 'file:' + secret}
        bench.configure(sections)
        done = bench.run('sync')
        self.assertEqual(done.code, 0, done)


if __name__ == '__main__':
    unittest.main(verbosity=2)
