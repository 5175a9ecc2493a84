"""Every fault of the vendor, one by one: what is stored stays right, what cannot be had is told, and the next run heals it."""
import time

import compare
import harness
from harness import LONG, SystemTest, Workbench

RESPONSES = 'path=/surveyresponse'
# Met by some requests only: the run must get over them by itself and end with 0.
PASSING = (
    # the wire
    f'cut:{RESPONSES},bytes=2000,from=2,times=2', f'cut:{RESPONSES},bytes=2000,mode=rst,from=2,times=2',
    f'cut:{RESPONSES},bytes=2000,mode=noclosenotify,from=2,times=2', f'cut-chunk:{RESPONSES},bytes=2000,from=2,times=2',
    f'bad-chunk:{RESPONSES},bytes=100,from=2,times=2', f'bad-length:{RESPONSES},from=2,times=2',
    f'bad-length:{RESPONSES},form=twice,from=2,times=2', f'bad-length:{RESPONSES},form=long,from=2,times=2',
    f'gzip-cut:{RESPONSES},from=2,times=2', f'gzip-crc:{RESPONSES},from=2,times=2', f'reset:{RESPONSES},from=2,times=3',
    f'no-answer:{RESPONSES},from=2,times=3', 'close-idle', f'stall:{RESPONSES},at=body,ms=20s,n=2', f'stall:{RESPONSES},at=headers,ms=20s,n=2',
    f'drip:{RESPONSES},bytes=1000,ms=500ms,n=2', f'huge:{RESPONSES},n=2',
    # what stands in the way of the answer
    f'status:{RESPONSES},code=500,from=2,times=2', f'status:{RESPONSES},code=503,from=2,times=2,body=html',
    f'status:{RESPONSES},code=522,from=2,times=2,body=html', f'status:{RESPONSES},code=502,from=2,times=2,body=empty',
    f'timeout500:{RESPONSES},n=2,rest=200ms', f'html200:{RESPONSES},from=2,times=2', f'empty200:{RESPONSES},from=2,times=2',
    f'error200:{RESPONSES},from=2,times=2', f'null-data:{RESPONSES},from=2,times=2', f'same-page:{RESPONSES},n=3',
    f'deep-nesting:{RESPONSES},n=2',
    # too fast
    f'429:{RESPONSES},from=2,times=2', f'429:{RESPONSES},text=wait,from=2,times=2', f'429:{RESPONSES},as=400,text=wait,from=2,times=2',
    f'429:{RESPONSES},as=200,from=2,times=2', f'429:{RESPONSES},retry-after=1,from=2,times=2',
    # odd but readable
    'bom', 'wrong-content-type', f'wrong-content-type:{RESPONSES},type=application/octet-stream', 'gzip-members', 'flat',
    'no-date-updated', f'new-field:{RESPONSES}', f'slow:{RESPONSES},ms=50ms',
)
# What these do to the values themselves is not in the truth of the vendor.
CHANGES_VALUES = ('no-date-updated', 'type-drift')

# Met always: the run cannot succeed, must end in time, keep what it has, and tell.
LASTING = (
    ('status:code=500', (3, 5)), ('status:code=503,body=html', (3, 5)), ('reset', (3, 5)), ('no-answer', (3, 5)), ('html200', (1, 3, 5)),
    ('empty200', (1, 3, 5)), ('cut:bytes=50', (1, 3, 5)), ('429', (3, 5)), ('huge', (1, 3, 5)), ('deep-nesting', (1, 3, 5)),
    ('401', (4,)), ('401:wording=pair', (4,)), ('401:inside=200', (4,)), ('401:inside=200,code=string,wording=credentials', (4,)),
    ('redirect', (1, 3, 4, 5)), ('error200', (1, 3, 5)),
)


class Faults(SystemTest):
    sandbox_arguments = ('--seed', 13, '--surveys', 2, '--responses', 50)

    def setUp(self):
        self.bench.sandbox.fault()
        self.fresh_database()
        self.configure(page_size={'start': 20, 'min': 5, 'max': 20})

    def configure(self, **limits):
        sections = self.bench.sections()
        sections['source.us.limits'].update({'request_timeout': '1500ms', 'body': '4MiB',
                                             'retry': {'attempts': 4, 'base': '10ms', 'cap': '50ms', 'budget': '6s'}, **limits})
        self.bench.configure(sections)

    def heals(self, rule, *verb):
        """Without the fault the next run brings everything."""
        self.bench.sandbox.fault()
        done = self.bench.run(*(verb or ('sync',)))
        self.assertEqual(done.code, 0, f'after {rule}: {done}')
        self.assertEqual(compare.against_truth(self.bench), [], f'after {rule}')

    def test_passing_faults(self):
        for rule in PASSING:
            with self.subTest(fault=rule):
                self.fresh_database()
                self.bench.sandbox.fault(rule)
                done = self.bench.run('sync', seconds=60)
                self.assertEqual(done.code, 0, f'under {rule}: {done}')
                without = ('date_updated',) if rule.startswith(CHANGES_VALUES) else ()
                self.assertEqual(compare.against_truth(self.bench, without=without), [], f'under {rule}')

    def test_lasting_faults(self):
        for rule, codes in LASTING:
            with self.subTest(fault=rule):
                self.fresh_database()
                self.bench.sandbox.fault(rule)
                done = self.bench.run('sync', seconds=60)
                self.assertIn(done.code, codes, f'under {rule}: {done}')
                self.assertTrue(done.err.strip(), 'nothing was told')
                self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM alchemer.response'), 0)
                self.heals(rule)

    def test_one_survey_fails_and_the_others_go_on(self):
        survey = self.bench.sandbox.truth('survey')[0]['survey_id']
        self.bench.sandbox.fault(f'status:survey={survey},{RESPONSES},code=500')
        done = self.bench.run('sync', seconds=60)
        self.assertEqual(done.code, 5, done)
        outcome = self.bench.database.value('SELECT outcome FROM surveysync.run ORDER BY run_id DESC LIMIT 1')
        self.assertEqual(outcome, 'partial')
        left = [row for row in compare.stored(self.bench.database, 'response') if row['survey_id'] != survey]
        wanted = [row for row in self.bench.sandbox.truth('response') if row['survey_id'] != survey]
        self.assertEqual(compare.differences('response', wanted, left), [])
        self.assertNotIn(survey, [row['survey_id'] for row in
                                  self.bench.database.query('SELECT survey_id FROM surveysync.certificate WHERE balanced')])
        self.heals('one failing survey')

    def test_a_refused_key_is_not_hammered(self):
        self.bench.sandbox.fault('401')
        before = self.bench.sandbox.stats()['requests']
        done = self.bench.run('sync')
        self.assertEqual(done.code, 4, done)
        self.assertLess(self.bench.sandbox.stats()['requests'] - before, 6)

    def test_bad_bytes_cost_no_record(self):
        for rule in (f'bad-utf8:{RESPONSES}', f'lone-surrogate:{RESPONSES}'):
            with self.subTest(fault=rule):
                self.fresh_database()
                self.bench.sandbox.fault(rule)
                done = self.bench.run('sync')
                self.assertEqual(done.code, 0, f'under {rule}: {done}')
                stored = self.bench.database.value('SELECT count(*) AS n FROM alchemer.response')
                self.assertEqual(stored, len(self.bench.sandbox.truth('response')))
                repaired = self.bench.database.query("SELECT payload_raw IS NOT NULL AS raw, flags FROM alchemer.response "
                                                     "WHERE 'utf8' = ANY(flags)")
                self.assertTrue(repaired, f'under {rule}: no row says that it was repaired')
                self.assertTrue(all(row['raw'] for row in repaired))
                self.heals(rule, 'resync', 'us')  # bytes that change without a date are no change to an incremental run

    def test_bad_record_is_quarantined_and_counted(self):
        survey = self.bench.sandbox.truth('survey')[0]['survey_id']
        kinds = ('', ',form=array', ',form=scalar', ',form=noid', ',form=badid')
        for kind in kinds:
            rule = f'bad-record:survey={survey},{RESPONSES},response=17{kind}'
            with self.subTest(fault=rule):
                self.fresh_database()
                self.bench.sandbox.fault(rule)
                done = self.bench.run('sync')
                self.assertEqual(done.code, 0, f'under {rule}: {done}')
                kept = self.bench.database.query('SELECT * FROM surveysync.quarantine')
                self.assertEqual(len(kept), 1, f'under {rule}')
                self.assertTrue(kept[0]['reason'] and kept[0]['raw'])
                certificate = self.bench.database.query(f'SELECT * FROM surveysync.certificate WHERE survey_id = {survey}')[0]
                self.assertTrue(certificate['balanced'])
                self.assertEqual(certificate['quarantined'], 1)
                listed = self.bench.run('quarantine', 'list', '--json').json()
                self.assertEqual(len(listed), 1)
                shown = self.bench.run('quarantine', 'show', kept[0]['quarantine_id'])
                self.assertEqual(shown.code, 0, shown)
                self.heals(rule)
                self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM surveysync.quarantine'), 0, 'healed, yet kept')

    def test_null_rows_are_counted(self):
        """Null entries where records were due: not balanced, so not certified as complete; and told."""
        self.bench.sandbox.fault(f'null-rows:{RESPONSES},count=1')
        done = self.bench.run('sync', seconds=60)
        self.assertIn(done.code, (0, 5, 6), done)
        missing = len(self.bench.sandbox.truth('response')) - self.bench.database.value('SELECT count(*) AS n FROM alchemer.response')
        if done.code == 0:
            self.assertEqual(missing, 0)
        self.heals('null-rows')

    def test_totals_that_lie(self):
        for by in (3, -3):
            with self.subTest(by=by):
                self.fresh_database()
                self.bench.sandbox.fault(f'lie-total:{RESPONSES},by={by}')
                done = self.bench.run('sync', seconds=60)
                self.assertNotEqual(done.code, 0, 'a total that lies must not be certified')
                self.heals('lie-total')

    def test_a_hidden_row(self):
        """The vendor counts a row that it does not list."""
        survey = self.bench.sandbox.truth('survey')[0]['survey_id']
        self.bench.sandbox.fault(f'hide-row:survey={survey},{RESPONSES},response=5')
        done = self.bench.run('sync', seconds=60)
        self.assertIn(done.code, (0, 5, 6), done)
        if done.code == 0:
            self.assertEqual(self.bench.database.value(f'SELECT balanced FROM surveysync.certificate WHERE survey_id = {survey}'), True)
        self.heals('hide-row')


class RateLimit(SystemTest):
    """The account's limit is never passed, and the same URL is not sent again too soon."""

    sandbox_arguments = ('--seed', 14, '--surveys', 2, '--responses', 60, '--limit', 20, '--window', '1s', '--cache', '1s', '--refuse-repeats')

    def test_pacing(self):
        sections = self.bench.sections()
        sections['source.us.limits'].update({'vendor_limit': 20, 'requests_per_minute': 15, 'window': '1s', 'duplicate_guard': '1200ms',
                                             'page_size': {'start': 20, 'min': 5, 'max': 20}})
        self.bench.configure(sections)
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])
        stats = self.bench.sandbox.stats()
        self.assertLessEqual(stats['max_in_window'], 20, stats)
        self.assertFalse([line for line in self.bench.sandbox.log() if line['status'] == 429], 'the vendor had to refuse')


class Rotation(SystemTest):
    """A key that is replaced in mid-run is taken over without a word; a dead one ends the run at once."""

    sandbox_arguments = ('--seed', 15, '--surveys', 3, '--responses', 200, '--latency', '10ms')

    def test_rotation_in_mid_run(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 20, 'min': 5, 'max': 20}
        self.bench.configure(sections)
        process = self.bench.start('sync')
        time.sleep(0.3)
        self.bench.sandbox.key(action='rotate', write=True)
        done = self.bench.finish(process)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(compare.against_truth(self.bench), [])
        self.assertIn('key_rotated', done.err + done.out)


class Clients(SystemTest):
    """Who talks to the vendor is verified: its certificate, its name, its authority."""

    sandbox_arguments = ('--seed', 16, '--surveys', 1, '--responses', 5)

    def expect_failure(self, change):
        sections = self.bench.sections()
        change(sections['source.us'])
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 3), done)
        self.assertEqual(self.bench.database.value('SELECT count(*) AS n FROM alchemer.response'), 0)

    def test_system_authorities_do_not_know_the_sandbox(self):
        self.expect_failure(lambda source: source.pop('tls'))

    def test_another_name(self):
        def other(source):
            source['base_url'] = source['base_url'].replace('localhost', '127.0.0.2').replace('127.0.0.1', '127.0.0.2')
        self.expect_failure(other)

    def test_plain_http_only_for_loopback(self):
        sections = self.bench.sections()
        sections['source.us']['base_url'] = 'http://192.0.2.1:80'
        self.bench.configure(sections)
        self.assertEqual(self.bench.run('sync').code, 2)


class PlainHttp(SystemTest):
    sandbox_arguments = ('--seed', 17, '--surveys', 1, '--responses', 20, '--plain-http')

    def test_loopback_without_tls(self):
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])


class ManyFaults(SystemTest):
    """All together, at random, over several runs: at rest, the tables are right."""

    sandbox_arguments = ('--seed', 18, '--surveys', 3, '--responses', 150)

    def test_bad_day(self):
        for turn in range(8 if LONG else 2):
            self.fresh_database()
            every = 5 + turn
            self.bench.sandbox.fault(*(f'{kind},{RESPONSES},every={every + number}' if ':' in kind else
                                       f'{kind}:{RESPONSES},every={every + number}'
                                       for number, kind in enumerate(('reset', 'cut:bytes=500', 'status:code=500', '429', 'html200', 'gzip-crc'))))
            self.bench.run('sync', seconds=120)
            self.bench.sandbox.fault()
            self.succeed('sync')
            self.assertEqual(compare.against_truth(self.bench), [])


if __name__ == '__main__':
    harness.main()
