"""The nights after the first load: little is asked when nothing changed, and whatever changed is found, proved and marked."""
import os
import re

import compare
import harness
from harness import LONG, SystemTest


def last_run(bench):
    return bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]


def survey_ids(bench):
    return sorted(row['survey_id'] for row in bench.sandbox.truth('survey'))


class Nights(SystemTest):
    """One account through many nights; every test leaves database and vendor equal."""

    sandbox_arguments = ('--seed', 71, '--surveys', 4, '--responses', 80)

    def setUp(self):
        self.bench.sandbox.fault()
        self.bench.configure()
        self.succeed('sync')
        self.bench.sandbox.advance('1h')  # what was changed is older than the settle lag
        self.succeed('sync')
        self.equal()

    def equal(self, without=()):
        self.assertEqual(compare.against_truth(self.bench, without=without), [])

    def night(self, code=0):
        done = self.bench.run('sync')
        self.assertEqual(done.code, code, done)
        return done

    def test_nothing_changed(self):
        before = compare.fingerprint(self.bench.database)
        self.night()
        run = last_run(self.bench)
        self.assertEqual((run['inserted'], run['updated'], run['tombstoned'], run['quarantined']), (0, 0, 0, 0))
        self.assertLessEqual(run['requests'], 4 + 2, 'one probe for each active survey, and the list')
        self.assertEqual(compare.fingerprint(self.bench.database), before)

    def test_an_edit_and_new_responses(self):
        surveys = survey_ids(self.bench)
        self.bench.sandbox.change(op='edit', survey=surveys[0])
        self.bench.sandbox.change(op='insert', survey=surveys[1], count=7)
        self.bench.sandbox.change(op='edit-definition', survey=surveys[2])
        self.night()
        run = last_run(self.bench)
        self.assertGreaterEqual(run['inserted'], 7)
        self.assertLess(run['requests'], 30, 'a change of a few rows is no reason to read all')
        self.equal()

    def test_deletions_are_marked_and_taken_back(self):
        survey = survey_ids(self.bench)[0]
        gone = self.bench.sandbox.change(op='delete', survey=survey, count=3)
        done = self.night()
        self.assertRegex(done.out, r'DELETED')
        self.assertEqual(last_run(self.bench)['tombstoned'], 3)
        marked = self.bench.database.value(f'SELECT count(*) AS n FROM alchemer.response WHERE survey_id = {survey} AND deleted_at IS NOT NULL')
        self.assertEqual(marked, 3)
        self.equal()
        ids = gone.get('responses') or gone.get('ids')
        self.bench.sandbox.change(op='restore', survey=survey, response=ids[0])
        self.night()
        self.equal()

    def test_one_added_and_one_deleted(self):
        survey = survey_ids(self.bench)[1]
        self.bench.sandbox.change(op='delete', survey=survey, count=1)
        self.bench.sandbox.change(op='insert', survey=survey, count=1)
        self.night()
        self.equal()

    def test_the_brake(self):
        survey = survey_ids(self.bench)[2]
        live = f'SELECT count(*) AS n FROM alchemer.response WHERE survey_id = {survey} AND deleted_at IS NULL'
        before = self.bench.database.value(live)
        self.bench.sandbox.change(op='mass-delete', survey=survey, count=40)
        done = self.night(code=8)
        self.assertIn('brake', done.err)
        self.assertIn(f'surveysync resync us --survey {survey} --yes', done.err)
        self.assertEqual(self.bench.database.value(live), before, 'nothing is marked')
        shown = self.bench.run('resync', 'us', '--survey', survey)
        self.assertEqual(shown.code, 8, shown)
        self.assertEqual(self.bench.database.value(live), before)
        self.succeed('resync', 'us', '--survey', survey, '--yes')
        self.assertEqual(self.bench.database.value(live), before - 40)
        self.equal()

    def test_a_survey_is_deleted(self):
        survey = self.bench.sandbox.change(op='add-survey', count=8)['survey']
        self.night()
        self.equal()
        self.bench.sandbox.change(op='delete-survey', survey=survey)
        done = self.night()
        self.assertIn(str(survey), done.err)
        self.equal()
        status = self.succeed('status', '--json').json()['sources'][0]
        found = next(item for item in status['surveys'] if item['survey_id'] == str(survey))
        self.assertTrue(found['deleted'])
        self.assertIn('deleted at the vendor', self.succeed('status').out)
        self.night()  # and stays so

    def test_dry_run_leaves_nothing(self):
        surveys = survey_ids(self.bench)
        self.bench.sandbox.change(op='insert', survey=surveys[0], count=5)
        self.bench.sandbox.change(op='delete', survey=surveys[1], count=2)
        before = compare.everything(self.bench.database)
        done = self.succeed('sync', '--dry-run')
        self.assertEqual(compare.everything(self.bench.database), before)
        self.assertRegex(done.out, rf'{surveys[0]} +response .* 5 +\d+ +0 +0 +would balance')
        self.assertRegex(done.out, rf'{surveys[1]} +response .* 0 +0 +2 +0 +would balance')
        self.assertIn('rolled back', done.out)
        self.night()
        run = last_run(self.bench)
        self.assertEqual(run['tombstoned'], 2)
        self.equal()

    def test_dry_run_tells_that_the_brake_would_stop(self):
        survey = survey_ids(self.bench)[3]
        self.bench.sandbox.change(op='mass-delete', survey=survey, count=30)
        before = compare.everything(self.bench.database)
        done = self.bench.run('sync', '--dry-run')
        self.assertEqual(done.code, 8, done)
        self.assertEqual(compare.everything(self.bench.database), before)
        self.succeed('resync', 'us', '--survey', survey, '--yes')

    def test_the_plan_is_right(self):
        surveys = survey_ids(self.bench)
        for changes in ((), ({'op': 'insert', 'survey': surveys[0], 'count': 130, 'spread': '30m'}, {'op': 'edit', 'survey': surveys[1]}),
                        ({'op': 'edit-definition', 'survey': surveys[2]},)):
            with self.subTest(changes=changes):
                for change in changes:
                    self.bench.sandbox.change(**change)
                self.bench.sandbox.advance('1h')
                plan = self.succeed('plan', '--json').json()['sources'][0]
                self.night()
                requests = last_run(self.bench)['requests']
                self.assertLessEqual(abs(plan['requests'] - requests), max(3, 0.05 * requests), plan)
                self.assertEqual(plan['surveys'], 4)
        self.equal()

    def test_the_plan_of_a_first_load_is_right(self):
        self.fresh_database()
        plan = self.succeed('plan', '--json').json()['sources'][0]
        self.assertEqual(plan['complete'], 4)
        self.night()
        run = last_run(self.bench)
        self.assertLessEqual(abs(plan['requests'] - run['requests']), max(3, 0.05 * run['requests']), plan)
        responses = self.bench.database.value('SELECT count(*) AS n FROM alchemer.response')
        self.assertLessEqual(abs(plan['rows'] - responses), 0.05 * responses)

    def test_verify_finds_what_is_different(self):
        self.succeed('verify')
        self.succeed('verify', '--deep')
        survey = survey_ids(self.bench)[0]
        self.bench.database.execute(f'DELETE FROM alchemer.answer WHERE survey_id = {survey}; '
                                    f'DELETE FROM alchemer.response WHERE (survey_id, response_id) IN (SELECT survey_id, min(response_id) '
                                    f'FROM alchemer.response WHERE survey_id = {survey} AND deleted_at IS NULL GROUP BY 1)')
        done = self.bench.run('verify', '--json')
        self.assertEqual(done.code, 6, done)
        verdict = next(item for item in done.json()['sources'][0]['surveys'] if item['survey_id'] == str(survey))
        self.assertFalse(verdict['equal'])
        deep = self.bench.run('verify', 'us', '--survey', survey, '--deep', '--json')
        self.assertEqual(deep.code, 6, deep)
        verdict = deep.json()['sources'][0]['surveys'][0]
        self.assertEqual(verdict['missing'], 1)
        self.assertEqual(len(verdict['missing_keys']), 1)
        self.assertEqual(self.bench.run('verify').code, 6)
        self.succeed('resync', 'us', '--survey', survey)
        self.succeed('replay', 'us')  # the answers that were taken away
        self.succeed('verify', '--deep')
        self.equal()

    def test_resync_reads_what_is_named(self):
        survey = survey_ids(self.bench)[0]
        rows = self.bench.database.query(f'SELECT response_id FROM alchemer.response WHERE survey_id = {survey} AND deleted_at IS NULL '
                                         f'ORDER BY response_id LIMIT 2')
        ids = [row['response_id'] for row in rows]
        self.bench.sandbox.change(op='edit', survey=survey, response=ids[0], silent=True)
        self.bench.sandbox.change(op='delete', survey=survey, response=ids[1])
        self.succeed('resync', 'us', '--response', f'{survey}/{ids[0]}', '--response', f'{survey}/{ids[1]}')
        run = last_run(self.bench)
        self.assertEqual(run['kind'], 'resync')
        self.assertLess(run['requests'], 10)
        self.assertEqual(run['tombstoned'], 1)
        self.equal(without=compare.LIVE)  # the survey's own row was not asked for
        self.bench.sandbox.change(op='edit', survey=survey, response=ids[0], silent=True)
        self.succeed('resync', 'us', '--survey', survey, '--response', ids[0])
        self.equal(without=compare.LIVE)
        self.succeed('resync', 'us', '--from', '2025-11-01', '--until', '2025-11-15T12:00')
        self.succeed('resync', 'us')
        self.equal()

    def test_replay_mends_rows(self):
        database = self.bench.database
        before = compare.fingerprint(database)
        self.bench.sandbox.fault('status:code=503')  # the vendor is not asked
        self.succeed('replay', 'us')
        self.assertEqual(compare.fingerprint(database), before)
        database.execute("UPDATE alchemer.answer SET answer = 'x'; UPDATE alchemer.response SET status = 'y'; UPDATE alchemer.question SET title = 'z'; "
                         'DELETE FROM alchemer.option')
        self.succeed('replay', 'us')
        self.assertEqual(compare.fingerprint(database), before)
        self.assertEqual(last_run(self.bench)['requests'], 0)

    def test_mistakes_on_the_command_line(self):
        for arguments in (('resync',), ('resync', 'us', '--from', 'soon'), ('resync', 'us', '--from', '2026-02-01', '--until', '2026-01-01'),
                          ('resync', 'us', '--response', '7'), ('resync', 'us', '--response', '1/7', '--response', '2/8'),
                          ('resync', 'us', '--response', '1/7', '--from', '2026-01-01'), ('resync', 'us', '--response', '1/x'),
                          ('backfill', 'us'), ('backfill', 'us', '--from', 'x'), ('replay',), ('replay', 'nosuch'), ('plan', 'nosuch'),
                          ('verify', 'nosuch'), ('quarantine', 'drop'), ('quarantine', 'drop', '999999', '--yes'),
                          ('quarantine', 'retry', '999999')):
            with self.subTest(arguments=arguments):
                done = self.bench.run(*arguments)
                self.assertEqual(done.code, 2, done)
                self.assertTrue(done.err.startswith('surveysync: '), done)


class Quarantine(SystemTest):
    sandbox_arguments = ('--seed', 72, '--surveys', 1, '--responses', 60)

    def test_retry_and_drop(self):
        response = self.bench.sandbox.truth('response')[5]['response_id']
        self.bench.sandbox.fault(f'bad-record:form=badid,response={response}')
        self.succeed('sync')
        listed = self.succeed('quarantine', 'list', '--json').json()
        self.assertEqual(len(listed), 1)
        number = listed[0]['quarantine_id']
        done = self.succeed('quarantine', 'retry', number)
        self.assertIn('still cannot be stored', done.out)
        self.assertEqual(len(self.succeed('quarantine', 'list', '--json').json()), len(listed))
        done = self.bench.run('quarantine', 'drop', number)
        self.assertEqual(done.code, 8, done)
        self.assertIn(str(number), done.out)
        self.assertIn('--yes', done.err)
        self.assertEqual(len(self.succeed('quarantine', 'list', '--json').json()), len(listed))
        self.assertIn('1 record dropped', self.succeed('quarantine', 'drop', number, '--yes').out)
        self.assertEqual(self.succeed('quarantine', 'list', '--json').json(), [])
        self.succeed('sync')
        self.assertEqual(self.succeed('quarantine', 'list', '--json').json(), [], 'a dropped record comes not back')
        self.assertEqual(self.bench.database.query('SELECT excluded, balanced FROM surveysync.certificate ORDER BY run_id DESC LIMIT 1'),
                         [{'excluded': 1, 'balanced': True}])


class Backfill(SystemTest):
    sandbox_arguments = ('--seed', 73, '--surveys', 2, '--responses', 200)

    def test_a_window_then_everything(self):
        self.succeed('backfill', 'us', '--from', '2025-11-01', '--until', '2025-12-01')
        run = last_run(self.bench)
        self.assertEqual(run['kind'], 'backfill')
        some = self.bench.database.value('SELECT count(*) AS n FROM alchemer.response')
        self.assertTrue(0 < some < 400, some)
        outside = self.bench.database.value("SELECT count(*) AS n FROM alchemer.response WHERE date_updated < '2025-10-31' "
                                            "OR date_updated >= '2025-12-02'")
        self.assertEqual(outside, 0)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])


class Degraded(SystemTest):
    """A vendor whose filter does nothing: nothing is missed, and people are told."""

    sandbox_arguments = ('--seed', 74, '--surveys', 2, '--responses', 60)

    def test_the_filter_is_ignored(self):
        self.bench.sandbox.fault('ignore-filter')
        self.succeed('sync')
        self.bench.sandbox.change(op='edit')
        self.bench.sandbox.change(op='insert', count=3)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        status = self.succeed('status', '--json').json()['sources'][0]
        self.assertIn('complete passes', status['fallback'])
        found = {item['name']: item for item in status['capabilities']}
        self.assertEqual(found['updated_filter']['value'], 'ignored')
        self.assertTrue(found['updated_filter']['evidence'])
        text = self.succeed('status').out
        self.assertIn('complete passes', text)
        self.assertIn('updated_filter ignored', text)
        done = self.succeed('check', '--json')
        warned = [item for item in done.json()['checks'] if item['verdict'] == 'warn']
        self.assertTrue(any('complete passes' in item['message'] for item in warned), done)


class Hook(SystemTest):
    sandbox_arguments = ('--seed', 75, '--surveys', 1, '--responses', 20)

    def setUp(self):
        self.fresh_database()
        self.bench.sandbox.fault()
        if os.path.exists(self.bench.scratch.join('told')):
            os.remove(self.bench.scratch.join('told'))

    def configure(self, hook):
        sections = self.bench.sections()
        sections['source.us']['hook'] = hook
        self.bench.configure(sections)

    def told(self):
        try:
            with open(self.bench.scratch.join('told'), encoding='utf-8') as stream:
                return stream.read().splitlines()
        except FileNotFoundError:
            return []

    def test_it_runs_after_each_certified_run(self):
        told = self.bench.scratch.join('told')
        command = f"printf '%s %s\\n' \"$SURVEYSYNC_SOURCE\" \"$SURVEYSYNC_RUN_ID\" >> '{told}'; echo hello from the hook"
        self.configure(command)
        self.assertNotIn('hook', self.succeed('config', 'check').out)
        done = self.succeed('sync')
        first = last_run(self.bench)['run_id']
        self.assertEqual(self.told(), [f'us {first}'])
        self.assertIn('hello from the hook', done.err)

        self.succeed('sync', '--dry-run')
        self.assertEqual(len(self.told()), 1, 'not in a dry run')

        self.configure(command + '; exit 3')
        done = self.succeed('sync')
        second = last_run(self.bench)['run_id']
        self.assertIn('status 3', done.err)
        self.assertEqual(self.told()[1:], [f'us {second}'])

        self.configure(command)
        self.succeed('sync')
        third = last_run(self.bench)['run_id']
        self.assertEqual(self.told()[2:], [f'us {second}', f'us {third}'])

        self.bench.sandbox.fault('status:code=500')
        self.bench.run('sync')
        self.bench.sandbox.fault()
        self.assertEqual(len(self.told()), 4, 'a run that is not certified is not told')

    def test_a_hook_that_hangs_does_not_hold_a_stop(self):
        begun = self.bench.scratch.join('begun')
        self.configure(f"touch '{begun}'; exec sleep 600")
        process = self.bench.start('sync')
        harness.wait_until(lambda: os.path.exists(begun), 60, 'the hook to begin')
        process.terminate()
        self.assertIn(self.bench.finish(process, 10).code, (0, 143))


class QuietNight(SystemTest):
    """Many surveys, few of them active: a night costs little."""

    surveys, active = (1000, 20) if LONG else (120, 6)
    sandbox_arguments = ('--seed', 76, '--surveys', surveys, '--active', active, '--responses', 3, '--questions', 3)

    def test_requests(self):
        self.succeed('sync', seconds=900)
        self.bench.sandbox.advance('1h')
        self.succeed('sync')
        done = self.succeed('sync')
        run = last_run(self.bench)
        self.assertLessEqual(run['requests'], 30 + self.surveys / 7, done)
        self.assertEqual((run['inserted'], run['updated']), (0, 0))
        self.assertRegex(done.out, r'SKIPPED')
        self.assertGreater(int(re.search(r'balanced \S+ of \S+ +([\d,]+)', done.out)[1].replace(',', '')), self.surveys // 2)


if __name__ == '__main__':
    harness.main()
