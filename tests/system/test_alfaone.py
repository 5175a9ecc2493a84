"""The second vendor, AlfaOne, in both generations of its API: its tables equal to its truth whatever happens while they are read, its
lists certified, its keys told from each other, its limit respected, and nothing but GET ever sent."""
import json
import os
import signal
import time

import harness
from alfaone_fixture import KEYS, AlfaOneTest
from harness import Daemon, SystemTest, wait_until


class Generations(AlfaOneTest):
    """Told apart by what answers; nothing is configured."""

    def test_each_alone(self):
        for number in (1, 2):
            with self.subTest(generation=number):
                self.generation(number)
                self.wipe()
                self.succeed('sync')
                self.equal()
                self.assert_certified()
                self.assertEqual({table: self.live(table) for table in ('assessment', 'invite')}, {'assessment': 4, 'invite': 160})
                run = self.assert_quiet()
                self.assert_certified()
                # Unpaged: one answer a list, for its count, its rows and the look afterwards; paged: 14 pages of invites a pass.
                self.assertLess(run['requests'], 40 if number == 1 else 100)
        self.assertEqual(self.bench.sandbox.stats()['violations'], 0)

    def test_switched_between_two_runs(self):
        self.wipe()
        for number in (1, 2, 1):
            self.generation(number)
            if number == 1 and self.live('invite') == 0:
                self.succeed('sync')
            else:
                self.assert_quiet()
            self.equal()
            self.bench.sandbox.change(op='invite', count=7)
            self.bench.sandbox.change(op='revoke')
            self.bench.sandbox.change(op='delete', count=2)
            self.succeed('sync')
            self.equal()
            self.assert_certified()


class Changes(AlfaOneTest):
    def setUp(self):
        super().setUp()
        self.generation(2)
        self.night()
        self.equal()

    def test_every_kind_is_edited_added_deleted_and_restored(self):
        for number in (2, 1):
            with self.subTest(generation=number):
                self.generation(number)
                for op in ('edit', 'add'):
                    for kind in KEYS:
                        self.object(kind, op)
                self.night()
                self.equal()
                self.assert_certified()
                gone = {kind: {row[KEYS[kind][-1]] for row in self.truth(kind)} for kind in KEYS}
                for kind in ('tag', 'member', 'question', 'invite'):
                    self.object(kind, 'delete')
                gone = {kind: (ids - {row[KEYS[kind][-1]] for row in self.truth(kind)}) for kind, ids in gone.items()}
                self.assertEqual([len(gone[kind]) for kind in ('tag', 'member', 'question', 'invite')], [1, 1, 1, 1])
                self.night()
                self.equal()
                self.assertEqual(self.last_run()['tombstoned'], 4)
                for kind in ('tag', 'member', 'question', 'invite'):
                    one, = gone[kind]
                    self.assertEqual(self.bench.database.value(
                        f"SELECT count(*) FROM alfaone.{kind} WHERE {kind}_id = '{one}' AND deleted_at IS NOT NULL"), 1)
                    self.object(kind, 'restore', id=one)
                self.night()
                self.equal()
                self.assert_certified()

    def test_invites_on_their_way(self):
        for op in ('step', 'complete', 'revoke', 'expire', 'step', 'revoke'):
            self.bench.sandbox.change(op=op, count=1)
        self.bench.sandbox.change(op='invite', count=15)
        self.night()
        self.equal()
        revoked = self.bench.database.query("SELECT revoked_at FROM alfaone.invite WHERE status = 'revoked'")
        self.assertTrue(revoked and all(row['revoked_at'] for row in revoked))

    def test_the_brake(self):
        before, marked = self.live('invite'), self.marked('invite')
        self.bench.sandbox.change(op='mass-delete', count=40)
        for _ in range(2):
            done = self.night(8)
            self.assertIn('brake', done.err)
            self.assertIn('surveysync resync us', done.err)
            self.assertEqual((self.live('invite'), self.marked('invite')), (before, marked))
        self.ended(8, 'resync', 'us')
        self.assertEqual(self.marked('invite'), marked)
        self.succeed('resync', 'us', '--yes')
        self.equal()
        self.assert_certified()
        self.bench.sandbox.change(op='restore', count=40)
        self.night()
        self.equal()

    def test_an_assessment_goes_and_comes_back(self):
        one = self.truth('assessment')[0]['assessment_id']
        self.bench.sandbox.change(op='delete-assessment', assessment=one)
        self.night()
        self.equal()  # its questions went with it, its invites stay
        self.assertEqual(self.bench.database.value(f"SELECT count(*) FROM alfaone.question WHERE assessment_id = '{one}' "
                                                   'AND deleted_at IS NULL'), 0)
        self.bench.sandbox.change(op='restore-assessment', assessment=one)
        self.bench.sandbox.change(op='add-assessment')
        self.bench.sandbox.change(op='edit-assessment')
        self.night()
        self.equal()

    def test_changes_between_pages(self):
        """Newest first by default, and pages by number: rows that come and go move all others while they are read."""
        for ops in (('invite', 'invite', 'invite'), ('delete', 'invite', 'delete'), ('restore', 'step', 'delete', 'invite', 'revoke')):
            with self.subTest(ops=ops):
                before = {row['invite_id'] for row in self.truth('invite')}
                for number, op in enumerate(ops):
                    self.bench.sandbox.between(after=2 + 4 * number, path='/invites', op=op, count=3 if op in ('invite', 'delete') else 1)
                done = self.bench.run('sync')
                self.assertIn(done.code, (0, 6), done)
                after = {row['invite_id'] for row in self.truth('invite')}
                stored = {row['invite_id']: row['deleted_at'] for row in self.bench.database.query('SELECT invite_id, deleted_at FROM alfaone.invite')}
                self.assertEqual([one for one in before & after if stored.get(one, 'not stored')], [], 'missed or marked, and there all the time')
                self.assertEqual([one for one in after if stored.get(one)], [], 'marked deleted, but there')
                self.bench.sandbox._control('DELETE', '/between')
                self.night()
                self.equal()
                self.assert_certified()

    def test_killed_in_the_middle(self):
        for generation, where in ((2, '/invites'), (2, '/questions'), (1, '/invites'), (2, '/assessments')):
            with self.subTest(generation=generation, where=where):
                self.generation(generation)
                self.wipe()
                self.bench.sandbox.fault(f'slow:path={where},ms=150ms,from=2')
                seen = lambda: sum(where in entry['path'] for entry in self.bench.sandbox.log())
                before = seen()
                process = self.bench.start('sync')
                wait_until(lambda: seen() >= before + 2 or process.poll() is not None, 60, f'requests for {where}')
                time.sleep(0.05)
                self.assertIsNone(process.poll(), 'it was faster than the kill')
                os.killpg(process.pid, signal.SIGKILL)
                self.bench.finish(process)
                self.bench.sandbox.fault()
                self.night()
                self.equal()
                self.assert_certified()
                self.assertEqual(sum(self.marked(table) for table in KEYS), 0)

    def test_verbs(self):
        found = self.succeed('check', '--json').json()['checks']
        self.assertEqual([item for item in found if item['verdict'] == 'fail'], [])
        for table in KEYS:
            self.assertTrue(any(item['name'] == f'source us {table}' for item in found), table)
        seen = self.succeed('discover', '--json').json()['sources'][0]
        self.assertEqual(seen['type'], 'alfaone')
        self.assertEqual({item['id'] for item in seen['surveys']}, {row['assessment_id'] for row in self.truth('assessment')})
        self.night()
        self.succeed('status')
        status = self.succeed('status', '--json').json()['sources'][0]
        self.assertEqual({item['survey_id'] for item in status['surveys']} - {row['assessment_id'] for row in self.truth('assessment')}, set())
        shown = self.succeed('run', 'show', self.last_run()['run_id']).out
        for table in KEYS:
            self.assertRegex(shown, rf'(?m)^{table} ')
        self.assertTrue(self.succeed('verify', '--json').json()['sources'][0]['equal'])
        self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])
        before, asked = self.rows(), self.asked()
        self.succeed('replay', 'us')
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.asked(), asked)
        self.bench.database.execute("UPDATE alfaone.invite SET status = 'x', recipient_name = 'y'; UPDATE alfaone.question SET points = 99")
        self.succeed('replay', 'us')
        self.equal()
        self.succeed('resync', 'us', '--from', '2025-01-01')  # nothing can be asked for by date: everything is read
        self.equal()

    def test_verify_finds_what_is_different(self):
        database = self.bench.database
        database.execute('DELETE FROM alfaone.invite WHERE invite_id IN (SELECT min(invite_id) FROM alfaone.invite WHERE deleted_at IS NULL)')
        self.ended(6, 'verify')
        found = self.ended(6, 'verify', '--deep', '--json').json()['sources'][0]
        self.assertFalse(found['equal'])
        self.assertEqual(len({key for item in found['surveys'] for key in item['missing_keys']}), 1, found)
        self.night()
        self.equal()
        database.execute("UPDATE alfaone.member SET payload_hash = decode(md5('x'), 'hex') WHERE member_id IN (SELECT min(member_id) FROM alfaone.member)")
        found = self.ended(6, 'verify', '--deep', '--json').json()['sources'][0]
        self.assertEqual(len({key for item in found['surveys'] for key in item['different_keys']}), 1, found)
        self.night()
        self.equal()
        self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])


class Trouble(AlfaOneTest):
    """The vendor's data stand still: whatever is marked deleted, or changed, is a mistake."""

    def test_it_marks_nothing(self):
        self.night()
        self.configured(limits={'retry': {'attempts': 3, 'base': '5ms', 'cap': '20ms', 'budget': '3s'}, 'request_timeout': '800ms'})
        marked = {table: self.marked(table) for table in KEYS}
        for kind, codes in (('status:path=/invites,code=503', (5,)), ('status:path=/questions,code=500', (3, 5)), ('html200:path=/members', (5,)),
                            ('empty200:path=/invites', (5,)), ('cut:path=/invites,bytes=200,mode=fin', (5,)), ('null-data:path=/invites', (5, 6)),
                            ('null-rows:path=/invites,count=2', (0, 5, 6)), ('error200:path=/invites', (5,)), ('same-page:path=/invites', (5, 6)),
                            ('lie-total:path=/invites,by=3', (0, 5, 6)), ('lie-total:path=/invites,by=-3', (0, 5, 6)),
                            ('bad-record:path=/invites,form=noid', (1, 5, 6, 8)), ('bad-record:path=/tags,form=scalar', (0, 5, 6)),
                            ('cap-page:rows=7', (0,)), ('ignore-order', (0,)), ('ignore-filter', (0,)), ('denied:path=/invites', (5,)),
                            ('denied:path=/tags', (5,)), ('429:path=/invites,n=2,retry-after=1', (0,)), ('status:code=503,n=3', (0,))):
            with self.subTest(kind=kind):
                self.bench.sandbox.fault(kind)
                self.bench.database.execute('DELETE FROM surveysync.capability')  # as after `recheck`: what is refused is asked for again
                self.a_day_passes()
                done = self.bench.run('sync')
                self.bench.sandbox.fault()
                self.assertIn(done.code, codes, done)
                self.assertEqual({table: self.marked(table) for table in KEYS}, marked)
                self.equal()
                if done.code:
                    self.bench.database.execute('DELETE FROM surveysync.capability')
                    self.night()
                    self.assert_certified()


class Live(AlfaOneTest):
    sandbox_arguments = ('--provider', 'alfaone', '--seed', 32, '--surveys', 3, '--responses', 150, '--live', 60, '--live-deletes', '--latency', '10ms')

    def test_while_people_work(self):
        control = lambda path: self.bench.sandbox._control('POST', path, '{}')
        self.configured(sync={'brake': {'percent': 90, 'rows': 1000, 'least': 500}})  # a slow machine meets many deletions
        for number in (2, 1):
            with self.subTest(generation=number):
                self.generation(number)
                self.wipe()
                control('/resume-live')
                done = self.bench.run('sync')
                control('/pause-live')
                self.assertIn(done.code, (0, 6), done)
                there = {row['invite_id'] for row in self.truth('invite')}
                marked = {row['invite_id'] for row in self.bench.database.query('SELECT invite_id FROM alfaone.invite WHERE deleted_at IS NOT NULL')}
                self.assertEqual(marked & there, set(), 'marked deleted, but there')
                self.succeed('sync')
                self.equal()
                self.assert_certified()
        self.assertGreater(self.bench.sandbox.stats()['changes'], 20)
        self.assertEqual(self.bench.sandbox.stats()['violations'], 0)


class Following(AlfaOneTest):
    sandbox_arguments = ('--provider', 'alfaone', '--seed', 33, '--surveys', 5, '--responses', 20)

    def test_one_assessment(self):
        one, other = (row['assessment_id'] for row in self.truth('assessment')[:2])
        for number, fault in ((2, ()), (1, ()), (2, ('ignore-filter',))):
            with self.subTest(generation=number, fault=fault):
                self.generation(number)
                self.bench.sandbox.fault(*fault)
                self.wipe()
                self.configured(surveys={'include': [one], 'exclude': []})
                self.succeed('sync')
                self.equal(tables=('question', 'invite', 'member', 'tag'), assessments={one})
                found = self.certificates()
                self.assertTrue(all(row['balanced'] for row in found.values()), found)
                self.assertEqual(found['invite']['stored_live'], len(self.truth('invite', {one})))
                self.bench.sandbox.change(op='invite', assessment=one, count=3)
                self.bench.sandbox.change(op='invite', assessment=other, count=3)
                self.bench.sandbox.change(op='delete', assessment=one, count=3)
                self.succeed('sync')
                self.equal(tables=('question', 'invite'), assessments={one})
                self.configured(surveys={'include': [one, other], 'exclude': []})
                self.succeed('sync')
                self.equal(tables=('question', 'invite'), assessments={one, other})
                self.bench.sandbox.fault()

    def test_narrowed_and_widened(self):
        one, two, gone = (row['assessment_id'] for row in self.truth('assessment')[:3])
        for number, fault, surveys in ((2, (), {'include': [one, two]}), (1, (), {'include': [one, two]}), (2, ('ignore-filter',), {'exclude': [gone]})):
            with self.subTest(generation=number, fault=fault):
                self.generation(number)
                self.bench.sandbox.fault(*fault)
                self.wipe()
                self.configured()
                self.succeed('sync')
                marked, everything = self.marked('invite'), self.live('invite')
                self.configured(surveys=surveys)
                for _ in range(2):  # what is followed no longer stays as it is, and nobody counts it
                    self.succeed('sync')
                    self.assertEqual((self.marked('invite'), self.live('invite')), (marked, everything))
                    self.assertTrue(self.certificates()['invite']['balanced'])
                    self.assertLess(self.certificates()['invite']['stored_live'], everything)
                self.bench.sandbox.change(op='delete', assessment=one, count=1)
                self.bench.sandbox.change(op='delete', assessment=gone, count=2)
                self.succeed('sync')
                self.assertEqual(self.marked('invite') - marked, 1)
                self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])
                self.assertTrue(all(item['balanced'] for item in self.succeed('status', '--json').json()['sources'][0]['lists']))
                self.configured()
                self.night()
                self.equal()
                self.assert_certified()
                self.bench.sandbox.fault()

    def test_backfill_has_no_dates_to_go_by(self):
        done = self.ended(2, 'backfill', 'us', '--from', '2025-01-01')
        self.assertIn('resync us', done.err)

    def test_one_that_nobody_has(self):
        self.configured(surveys={'include': ['00000000-0000-0000-0000-000000000000'], 'exclude': []})
        done = self.bench.run('sync')
        self.assertNotEqual(done.code, 0, 'what somebody named must be there')


class KeyTests(AlfaOneTest):
    sandbox_arguments = ('--provider', 'alfaone', '--seed', 34, '--surveys', 2, '--responses', 8)

    def setUp(self):
        super().setUp()
        self.wipe()
        self.good = self.bench.sandbox.secrets()[0]

    def incident(self):
        return self.bench.database.query("SELECT verdict, evidence FROM surveysync.incident WHERE rule LIKE '%credential%' OR rule LIKE '%key%' "
                                         'ORDER BY incident_id DESC LIMIT 1')

    def test_the_four_texts(self):
        control = lambda state: self.bench.sandbox.key(action='state', state=state)
        for state, verdict, worked in (('expired', 'expired', True), ('revoked', 'revoked', True), ('invalid', 'rotated', True),
                                       ('invalid', 'invalid', False), ('missing', 'missing', False)):
            with self.subTest(state=state, worked=worked):
                self.wipe()
                self.bench.sandbox.fault()
                control('valid')
                if worked:
                    self.succeed('sync')
                if state == 'missing':
                    self.bench.sandbox.fault('401:wording=missing')
                else:
                    control(state)
                before = self.asked()
                done = self.ended(4)
                self.assertIn(verdict, done.err)
                found = self.incident()
                self.assertEqual([row['verdict'] for row in found], [verdict])
                self.assertLess(self.asked() - before, 6, 'a refusal is not retried in a loop')
                self.assertEqual(sum(self.marked(table) for table in KEYS), 0)
                control('valid')
                self.bench.sandbox.fault()
                for text in (done.out, done.err, self.bench.cluster.dump('warehouse').decode()):
                    self.assertNotIn(self.good, text)

    def test_the_form_of_a_key_is_looked_at_before_any_request(self):
        before = self.asked()
        for key in ('sk_live_' + 'a' * 32, 'ak_live_' + 'a' * 31, 'ak_live_' + 'a' * 33, 'ak_live_' + 'a b' * 10 + 'aa', 'ak_live_', 'x'):
            for verb in (('sync',), ('check',), ('keys', 'test', 'us'), ('discover',)):
                with self.subTest(key=key, verb=verb):
                    self.wipe()
                    self.configured(auth=self.write_key(key + '\n'))
                    done = self.bench.run(*verb)
                    self.assertIn(done.code, (2, 4, 5), done)
                    self.assertNotIn(key + '\n' if len(key) < 10 else key, done.out + done.err)
        self.assertEqual(self.asked(), before, 'something was sent')

    def test_a_test_key_is_warned_about_and_the_environment_must_match(self):
        asked = self.asked()
        self.configured(environment='test')
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 4), done)
        self.assertIn('environment', done.err)
        self.assertEqual(self.asked(), asked)
        self.bench.sandbox.key(action='rotate', write=True, prefix='ak_test_')
        try:
            self.configured(environment='live')
            self.assertIn(self.bench.run('sync').code, (2, 4))
            self.assertEqual(self.asked(), asked)
            self.configured()
            warned = [item for item in self.succeed('check', '--json').json()['checks'] if item['verdict'] == 'warn' and 'ak_test_' in item['message']]
            self.assertEqual(len(warned), 1)
            self.configured(environment='test')
            self.assertEqual([item for item in self.succeed('check', '--json').json()['checks'] if 'ak_test_' in item['message']], [])
            self.succeed('sync')
            self.equal()
        finally:
            self.bench.sandbox.key(action='rotate', write=True, prefix='ak_live_')

    def test_a_rotation_heals_within_ten_seconds(self):
        self.configured(bench_sections={'daemon': {'lease_ttl': '2s'}}, schedule={'cron': '* * * * *', 'timezone': 'UTC'})
        daemon = Daemon(self.bench)
        self.addCleanup(daemon.kill)
        daemon.wait_for('run_finished', source='us', outcome='succeeded', seconds=60)
        self.bench.sandbox.key(action='rotate', write=False)
        self.bench.sandbox.change(op='invite', count=3)
        self.bench.database.execute("INSERT INTO surveysync.request (source, kind) VALUES ('us', 'incremental')")
        daemon.wait_for('source_held', 30, source='us', verdict='rotated')
        good = self.bench.sandbox.stats()['statuses'].get('200', 0)
        begin = time.monotonic()
        os.replace(self.bench.sandbox.secret_file + '.next', self.bench.sandbox.secret_file)
        wait_until(lambda: self.bench.sandbox.stats()['statuses'].get('200', 0) > good, 10, daemon.tail)
        self.assertLess(time.monotonic() - begin, 10)
        wait_until(lambda: not self.differences(), 20, lambda: f'{self.differences()}\n{daemon.tail()}')
        wait_until(lambda: self.bench.database.value("SELECT count(*) FROM surveysync.incident WHERE verdict = 'rotated' AND resolved_at IS NOT NULL"),
                   20, daemon.tail)
        self.assertEqual(daemon.stop()[0], 0)


class Limit(AlfaOneTest):
    """100 in a window, whatever it takes. The window is two seconds here, so that the test ends."""

    sandbox_arguments = ('--provider', 'alfaone', '--seed', 35, '--surveys', 3, '--responses', 150, '--limit', 100, '--window', '2s')

    def test_never_above(self):
        limits = {'vendor_limit': 100, 'requests_per_minute': 80, 'window': '2s', 'page_size': {'start': 6, 'min': 5, 'max': 6}}
        self.configured(limits=limits)
        self.succeed('sync', seconds=100)
        self.equal()
        stats = self.bench.sandbox.stats()
        self.assertGreater(stats['requests'], 100, 'the limit mattered')
        self.assertLessEqual(stats['max_in_window'], 100)
        self.assertNotIn('429', stats['statuses'])
        self.assertEqual(stats['violations'], 0)


class Repeats(AlfaOneTest):
    """A guard of the usual 65 s: the client holds back a URL that it used before, so that whoever uses one twice is late."""

    sandbox_arguments = ('--provider', 'alfaone', '--seed', 36, '--surveys', 3, '--responses', 150, '--generation', 1)

    def test_nobody_waits_for_a_url_that_was_used(self):
        for number in (1, 2):
            with self.subTest(generation=number):
                self.generation(number)
                self.wipe()
                self.configured(limits={'duplicate_guard': '65s', 'page_size': {'start': 100, 'min': 10, 'max': 100}})
                begin = time.monotonic()
                self.succeed('sync')
                self.assertLess(time.monotonic() - begin, 20, 'a call waited until its URL was allowed again')
                self.equal()


class Privacy(AlfaOneTest):
    sandbox_arguments = ('--provider', 'alfaone', '--seed', 37, '--surveys', 2, '--responses', 30)

    def test_nobody_is_named_anywhere(self):
        people = set()
        for row in self.truth('invite'):
            people |= {row['recipient_email'], row['recipient_name']}
        for row in self.truth('member'):
            people |= {row['email'], row['last_name']}
        for row in [json.loads(row['payload_single']) for row in self.truth('invite')]:
            grader = row.get('assignedGrader') or {}
            people |= {grader.get('email')}
        people = {text for text in people if text and len(text) > 11}
        self.assertGreater(len(people), 30)
        for rule in ('drop', 'hash', 'off'):
            with self.subTest(rule=rule):
                self.wipe()
                self.configured(privacy={'contacts': rule})
                self.succeed('sync')
                self.bench.sandbox.change(op='revoke')
                self.succeed('sync')
                self.assertEqual([self.live(table) for table in KEYS], [len(self.truth(table)) for table in KEYS])
                dump = self.bench.cluster.dump('warehouse').decode('utf-8', 'replace')
                escaped = {json.dumps(text)[1:-1].replace('\\', '\\\\') for text in people}
                self.assertEqual([text for text in people | escaped if text.lower() in dump.lower()], [])
                if rule == 'hash':
                    distinct = self.bench.database.query('SELECT count(DISTINCT recipient_email) AS n FROM alfaone.invite')[0]['n']
                    self.assertEqual(distinct, len({row['recipient_email'] for row in self.truth('invite')}), 'equal values stay equal')
                self.assert_certified()
                self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])
                self.assert_quiet()


class Plain(SystemTest):
    """Both vendors in one configuration."""

    def test_beside_the_first_vendor(self):
        other = harness.Sandbox(self.bench.scratch, '--provider', 'alfaone', '--seed', 38, '--surveys', 2, '--responses', 10, folder='second')
        sections = self.bench.sections()
        sections['source.candidates'] = {'type': 'alfaone', 'base_url': other.base_url, 'environment': 'live',
                                         'auth': {'type': 'key', 'secret': 'file:' + other.secret_file}, 'tls': {'ca_file': other.ca_file}}
        sections['source.candidates.limits'] = {key: value for key, value in harness.LIMITS.items() if key != 'page_size'}
        self.bench.configure(sections)
        self.succeed('sync')
        self.succeed('check')
        self.assertEqual(self.bench.database.value("SELECT count(*) FROM alfaone.invite WHERE source = 'candidates'"), 20)
        runs = self.bench.database.query('SELECT source, outcome FROM surveysync.run ORDER BY source')
        self.assertEqual(runs, [{'source': 'candidates', 'outcome': 'succeeded'}, {'source': 'us', 'outcome': 'succeeded'}])
        self.bench.sandbox.stop()
        done = self.bench.run('sync', 'us', 'candidates')
        self.assertEqual(done.code, 5, done)


if __name__ == '__main__':
    harness.main()
