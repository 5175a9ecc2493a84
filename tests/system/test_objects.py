"""Every object of Alchemer beside surveys and responses: what the vendor has is in its table, byte for byte, and so are the files
that respondents uploaded; what changed is taken over, what is gone is marked, what is not offered or broken stops nothing else, and
no bad answer ever marks anything deleted."""
import json
import os
import signal
import time

import compare
import harness
from harness import wait_until
from objects_fixture import EDITED, GROWING, ObjectsTest


class Account(ObjectsTest):
    """One small account through many nights."""

    def test_every_column_says_what_the_payload_says(self):
        wrong, filled = compare.typed_differences(self.bench.database)
        self.assertEqual(wrong, [])
        for table in compare.OBJECTS:
            self.assertGreater(self.live(table), 0, table)
            self.assertTrue(filled.get(table), f'{table} has no column that is filled')
        people = self.bench.database.query('SELECT payload, custom_fields FROM alchemer.contact WHERE custom_fields IS NOT NULL')
        self.assertTrue(people)
        for row in people:
            for name, value in row['custom_fields'].items():
                self.assertEqual(row['payload'][name], value)

    def test_a_quiet_night_writes_nothing_and_costs_what_was_foretold(self):
        self.night()
        before = self.rows()
        # The account's ten lists and three of contacts, a probe and seven lists for each survey, one for each mailing and its people.
        for day, most in ((True, 1 + 10 + 2 * 3 + 3 * (1 + 7 + 3 * 2)), (False, 1 + 3 + 2)):
            with self.subTest(day=day):
                if day:
                    self.a_day_passes()
                plan = self.succeed('plan', '--json').json()['sources'][0]
                self.succeed('sync')
                run = self.last_run()
                self.assertEqual((run['inserted'], run['updated'], run['tombstoned'], run['quarantined']), (0, 0, 0, 0))
                self.assertEqual(self.rows(), before)
                self.assertLessEqual(run['requests'], most)
                self.assertLessEqual(abs(plan['requests'] - run['requests']), max(3, 0.05 * run['requests']), plan)

    def test_every_kind_is_edited_added_deleted_and_restored(self):
        sandbox = self.bench.sandbox
        for kind in EDITED:
            self.object(kind, 'edit')
        for kind in GROWING:
            self.object(kind, 'add', count=2)
        self.night()
        self.equal()
        self.assertGreater(self.last_run()['updated'], len(EDITED) - 1)
        gone = {}
        for kind in ('report', 'quota', 'email_message', 'campaign_contact', 'contact', 'theme', 'domain', 'contact_custom_field', 'team',
                     'account_user'):
            gone[kind] = self.object(kind, 'delete')
        before = {kind: self.marked(kind) for kind in gone}
        self.night()
        self.equal()
        for kind in gone:
            self.assertEqual(self.marked(kind), before[kind] + 1, kind)
        # Whole branches: what lies below them goes and comes with them.
        for kind in ('campaign', 'contact_list'):
            gone[kind] = self.object(kind, 'delete')
        self.night()
        self.equal()
        for kind, what in gone.items():
            parents = dict(zip([key[:-3] for key in compare.OBJECTS[kind][:-1]], what['parents']))
            self.object(kind, 'restore', id=what['ids'][0], **parents)
        self.night()
        self.equal()
        self.assertEqual(self.bench.database.value(f"SELECT count(*) FROM alchemer.quota WHERE quota_id = {gone['quota']['ids'][0]} "
                                                   f"AND survey_id = {gone['quota']['parents'][0]} AND deleted_at IS NULL"), 1)
        self.assertEqual(compare.typed_differences(self.bench.database)[0], [])
        self.assertEqual(sandbox.stats()['violations'], 0)

    def test_odd_values_are_stored_and_never_stop_a_list(self):
        self.object('team', 'edit', set={'team_name': ['a', 'b'], 'default_role': 'no number', 'new field': {'x': 1}})
        self.object('campaign', 'edit', set={'limit_responses': '1,500', 'SSL': 'True', 'link_open_date': 'never'})
        self.object('theme', 'edit', set={'css': 'a\u0001b \u00e4\U0001f44d', 'style_options': []})
        self.object('report', 'edit', set={'responses': ''}, unset=['publish_link'])
        self.night()
        self.equal()
        database = self.bench.database
        self.assertEqual(database.value("SELECT limit_responses FROM alchemer.campaign WHERE payload->>'limit_responses' = '1,500'"), 1500)
        self.assertEqual(database.query("SELECT ssl, link_open_date FROM alchemer.campaign WHERE payload->>'link_open_date' = 'never'"),
                         [{'ssl': True, 'link_open_date': None}])
        told = {row['what'] for row in database.query("SELECT what FROM surveysync.contract_change WHERE stream = 'team'")}
        self.assertTrue(any('new field' in what for what in told), told)
        self.assertTrue(any('team_name' in what for what in told), told)

    def test_keys_of_users_are_never_stored(self):
        secret = 'k3y0fAn0ther5ervice'
        self.object('account_user', 'edit', set={'api_key': secret + 'T', 'api_secret': secret + 'S'})
        done = self.night()
        stored = compare.payloads(self.bench.database, 'account_user', ('account_user_id',))
        self.assertEqual(len(stored), len(self.bench.sandbox.truth('account_user')))
        for text in (self.bench.cluster.dump('warehouse').decode(), done.out, done.err):
            self.assertNotIn(secret, text)
        user = next(row for row in self.bench.sandbox.truth('account_user') if secret in row['payload'])
        self.object('account_user', 'edit', id=user['account_user_id'], set={'api_key': None, 'api_secret': None})

    def test_the_brake_holds_an_emptied_list(self):
        self.configured(sync={'brake': {'percent': 5, 'rows': 100, 'least': 2}})
        quotas = [row for row in self.bench.sandbox.truth('quota')]
        survey = max({row['survey_id'] for row in quotas}, key=lambda one: sum(row['survey_id'] == one for row in quotas))
        before, gone = self.live('quota'), sum(row['survey_id'] == survey for row in quotas)
        self.assertGreater(gone, 2)
        ids = [row['quota_id'] for row in quotas if row['survey_id'] == survey]
        for one in ids:
            self.object('quota', 'delete', survey=survey, id=one)
        for _ in range(2):  # and again: a brake does not wear out
            done = self.night(8)
            self.assertIn('brake', done.err)
            self.assertIn('--yes', done.err)
            self.assertEqual(self.live('quota'), before)
        self.ended(8, 'resync', 'us', '--survey', survey)
        self.assertEqual(self.live('quota'), before)
        self.succeed('resync', 'us', '--survey', survey, '--yes')
        self.assertEqual(self.live('quota'), before - gone)
        self.equal()
        for one in ids:
            self.object('quota', 'restore', survey=survey, id=one)
        self.night()
        self.equal()

    def test_verbs(self):
        self.succeed('check')
        found = self.succeed('check', '--json').json()['checks']
        self.assertEqual([item for item in found if item['verdict'] == 'fail'], [])
        named = ' '.join(item['name'] for item in found)
        for table in compare.OBJECTS:
            self.assertIn(f'source us {table}', named)
        seen = self.succeed('discover', '--json').json()['sources'][0]
        self.assertLessEqual(set(compare.OBJECTS) | {'survey', 'response', 'response_file'}, set(seen['streams']))
        self.assertEqual({item['id'] for item in seen['surveys']}, {str(row['survey_id']) for row in self.bench.sandbox.truth('survey')})
        status = self.succeed('status', '--json').json()['sources'][0]
        self.assertEqual(len(status['surveys']), 3, 'lists of the account are no survey')
        self.night()
        number = self.last_run()['run_id']
        shown = self.succeed('run', 'show', number).out
        for table in compare.OBJECTS:
            self.assertRegex(shown, rf'(?m)^{table} ')
        story = self.succeed('run', 'show', number, '--json').json()
        self.assertIn('campaign_contact', json.dumps(story))
        self.assertEqual(self.ended(0, 'runs', '--json').json()[0]['outcome'], 'succeeded')
        self.assertTrue(self.succeed('verify', '--json').json()['sources'][0]['equal'])
        self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])
        before = self.rows()
        asked = self.bench.sandbox.stats()['requests']
        self.succeed('replay', 'us')
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.bench.sandbox.stats()['requests'], asked, 'replay asks the vendor nothing')

    def test_replay_mends_rows_of_lists(self):
        keys = {table: self.rows()[f'alchemer.{table}'] for table in ('campaign', 'statistic')}
        database = self.bench.database
        plain = lambda: {t: database.value(f"SELECT md5(string_agg((to_jsonb(q) - '{{run_id,first_seen_at,changed_at}}'::text[])::text, '' "
                                           f'ORDER BY payload_hash, {", ".join(compare.OBJECTS[t])})) FROM alchemer.{t} q') for t in keys}
        before = plain()
        database.execute("UPDATE alchemer.campaign SET name = 'x', ssl = NOT ssl, limit_responses = 7; UPDATE alchemer.statistic SET sum = 1")
        self.assertNotEqual(plain(), before)
        self.succeed('replay', 'us')
        self.assertEqual(plain(), before)


class Refused(ObjectsTest):
    """Streams that the key may not read."""

    PATHS = {'sso': 'sso', 'quota': '/quotas', 'contact': 'contactlistcontact', 'team': 'accountteams'}

    def setUp(self):
        self.bench.sandbox.fault()
        self.configured()
        self.wipe()

    def refuse(self, **options):
        more = ''.join(f',{key}={value}' for key, value in options.items())
        self.bench.sandbox.fault(*(f'denied:path={path}{more}' for path in self.PATHS.values()))

    def test_of_the_default_ones_the_others_are_complete(self):
        for options in ({}, {'inside': 403}, {'code': 404, 'inside': 404, 'message': 'Not Found'}):
            with self.subTest(options=options):
                self.wipe()
                self.refuse(**options)
                self.configured(privacy={'contacts': 'off'})  # who asks for contacts has named them
                self.night()
                self.assertEqual(self.last_run()['outcome'], 'succeeded')
                self.equal(without=(*self.PATHS, *compare.PEOPLE))
                self.assertEqual([self.live(table) for table in self.PATHS], [0] * len(self.PATHS))
                asked = self.asked('sso')
                self.night()
                self.assertEqual(self.asked('sso'), asked, 'one that is refused is not asked again before `recheck`')

    def asked(self, path):
        return sum(entry['path'].rstrip('/').endswith(path) for entry in self.bench.sandbox.log())

    def test_of_named_ones_it_is_a_failure(self):
        self.refuse()
        streams = ['survey', 'response', 'team', 'campaign', 'quota', 'domain']
        self.configured(streams=streams, files={'dir': ''})
        done = self.ended(5)
        self.assertIn('team', done.err)
        self.assertEqual(self.last_run()['outcome'], 'partial')
        self.assertEqual(compare.against_truth(self.bench) + compare.objects_against_truth(self.bench, ('campaign', 'domain')), [])
        self.bench.sandbox.fault()
        self.night()
        self.assertEqual(compare.objects_against_truth(self.bench, ('campaign', 'domain', 'quota', 'team')), [])

    def test_one_that_was_read_before_is_a_permission_lost(self):
        for options in ({}, {'inside': 403}):
            with self.subTest(options=options):
                self.bench.sandbox.fault()
                self.wipe()
                self.night()
                self.refuse(**options)
                done = self.night(5)
                for table in self.PATHS:
                    self.assertRegex(done.err, rf'(?m)^  {table} ')
                self.assertEqual([self.marked(table) for table in self.PATHS], [0] * len(self.PATHS))
                self.equal()

    def test_contacts_that_were_asked_for(self):
        self.bench.sandbox.fault('denied:path=contactlistcontact')
        self.assertIn('contact is not open to this key', self.ended(0).err)
        self.equal(without=('contact',))


class Trouble(ObjectsTest):
    """Answers that are none, for a moment and for good. The vendor's data stand still: whatever is marked deleted is a mistake."""

    limits = {'retry': {'attempts': 3, 'base': '5ms', 'cap': '20ms', 'budget': '3s'}, 'request_timeout': '800ms'}
    # Not more at once than what looks like a vendor that is down, which ends a run.
    LASTING = ('/v5/domain', '/accountuser', '/contactlist')
    LISTS = ('/v5/domain', '/surveycampaign', '/accountuser', '/quotas', '/contactlist')

    def assert_unharmed(self, what):
        for table in (*compare.OBJECTS, 'response_file', 'response', 'survey'):
            self.assertEqual(self.marked(table), 0, f'{what}: rows of {table} were marked deleted')
        self.assertEqual(compare.objects_against_truth(self.bench), [], what)

    def test_for_a_moment(self):
        for kind in ('status:code=503', 'status:code=520,body=html', 'html200', 'empty200', 'cut:bytes=40,mode=fin', 'cut:bytes=40,mode=rst', 'reset',
                     'no-answer', 'bom', 'wrong-content-type:type=text/html', 'null-rows:count=2', 'gzip-cut', 'bad-utf8:index=0',
                     'lone-surrogate:index=0'):
            with self.subTest(kind=kind):
                name, _, keys = kind.partition(':')
                always = name in ('bom', 'wrong-content-type')
                self.bench.sandbox.fault(*(f'{name}:path={path}{"" if always else ",n=1"}{"," + keys if keys else ""}' for path in self.LISTS))
                if name in ('bad-utf8', 'lone-surrogate'):
                    self.a_day_passes()
                    self.bench.run('sync')  # a record that came broken is stored repaired, and anew when it comes sound
                    self.bench.sandbox.fault()
                self.night()
                self.bench.sandbox.fault()
                self.assert_unharmed(kind)

    def test_for_good(self):
        for kind, codes in (('status:code=500', (5,)), ('html200', (5,)), ('empty200', (5,)), ('cut:bytes=30,mode=fin', (5,)),
                            ('null-data', (0, 5)), ('null-rows:count=1', (0, 5)), ('error200:code=500,message=Service unavailable', (5,)),
                            ('same-page', (0, 5)), ('lie-total:by=-1', (0, 5)), ('lie-total:by=2', (0, 5)), ('bad-record:form=syntax', (5,)),
                            ('bad-record:form=noid', (0, 5)), ('bad-record:form=scalar', (0, 5)), ('deep-nesting:index=0,depth=5000', (0, 5)),
                            ('cap-page:rows=1', (0, 5, 8)), ('stall:at=body,ms=3s', (5,))):
            with self.subTest(kind=kind):
                name, _, keys = kind.partition(':')
                paths = self.LASTING[:2] if name == 'stall' else self.LASTING
                self.bench.sandbox.fault(*(f'{name}:path={path}{"," + keys if keys else ""}' for path in paths))
                self.a_day_passes()
                done = self.bench.run('sync')
                self.bench.sandbox.fault()
                self.assertIn(done.code, codes, f'{kind}: {done}')
                self.assert_unharmed(kind)
                if done.code:
                    self.assertEqual(self.last_run()['outcome'], 'partial', 'the other lists were read')
                    self.night()

    def test_odd_envelopes(self):
        self.wipe()
        self.bench.sandbox.fault('bare-keys', 'download-url')
        self.night()
        for table in ('domain', 'theme', 'sso', 'contact_custom_field'):
            self.assertEqual(self.live(table), len(self.bench.sandbox.truth(table)), table)
        self.equal(without=('domain', 'theme', 'sso', 'contact_custom_field'))  # there the payload has no id
        self.bench.sandbox.fault()
        self.night()
        self.assert_unharmed('the id came back into the items')

    def test_killed_in_the_middle_of_lists(self):
        for where in ('/accountuser', '/contactlistcontact', '/surveycontact', '/file'):
            with self.subTest(where=where):
                self.wipe()
                self.bench.sandbox.fault(f'slow:path={where},ms=300ms')
                before = self.seen(where)
                process = self.bench.start('sync')
                wait_until(lambda: self.seen(where) >= before + (1 if where == '/accountuser' else 2), 60, f'requests for {where}')
                time.sleep(0.05)
                os.killpg(process.pid, signal.SIGKILL)
                self.bench.finish(process)
                self.bench.sandbox.fault()
                self.night()
                self.equal()
                self.assertEqual(self.marked('campaign_contact'), 0)
                left = [name for _, _, names in os.walk(self.files) for name in names if name.startswith('.part')]
                self.assertLessEqual(len(left), 4, 'parts of files are taken over by the next run')

    def seen(self, where):
        return sum(where in entry['path'] for entry in self.bench.sandbox.log())


class ManyContacts(ObjectsTest):
    """Lists of thousands, page by page, while they change."""

    people = 3000
    sandbox_arguments = ('--seed', 92, '--surveys', 1, '--responses', 3, '--questions', 3, '--contact-lists', 2, '--list-contacts', people)
    limits = {'page_size': {'start': 100, 'min': 5, 'max': 100}}

    def test_paged_whole_and_small(self):
        self.wipe()
        process = self.bench.start('sync')
        peak = 0
        while process.poll() is None:
            try:
                with open(f'/proc/{process.pid}/status', encoding='ascii') as stream:
                    peak = max([peak, *(int(line.split()[1]) for line in stream if line.startswith('VmHWM'))])
            except OSError:
                pass
            time.sleep(0.02)
        done = self.bench.finish(process)
        self.assertEqual(done.code, 0, done)
        self.equal()
        self.assertEqual(self.live('contact'), len(self.bench.sandbox.truth('contact')))
        self.assertGreater(self.live('contact'), 1.9 * self.people)
        self.assertLess(peak, 120 * 1024, 'KiB of memory')
        run = self.last_run()
        self.assertLess(run['requests'], 2 * self.people / 85 + 60, 'pages as large as configured')
        self.object('contact', 'edit', count=1)
        self.object('contact', 'add', count=5)
        self.object('contact', 'delete', count=3)
        self.night()
        run = self.last_run()
        self.assertEqual((run['inserted'], run['tombstoned']), (5, 3))
        self.equal()

    def test_changes_between_pages(self):
        """Rows that go while a list is read move the others up: nobody may be missed, nobody be marked who is there."""
        for after, op in ((3, 'delete'), (7, 'add'), (11, 'delete'), (15, 'delete'), (19, 'edit'), (33, 'delete'), (40, 'add')):
            self.bench.sandbox.between(after=after, path='contactlistcontact', kind='contact', op=op, count=9)
        self.night()
        truth = {(row['contact_list_id'], row['contact_id']) for row in self.bench.sandbox.truth('contact')}
        live = {(row['contact_list_id'], row['contact_id']) for row in self.bench.database.query(
            'SELECT contact_list_id, contact_id FROM alchemer.contact WHERE deleted_at IS NULL')}
        self.assertLess(len(live - truth), 60, 'only what went after its page was read')
        marked = {(row['contact_list_id'], row['contact_id']) for row in self.bench.database.query(
            'SELECT contact_list_id, contact_id FROM alchemer.contact WHERE deleted_at IS NOT NULL')}
        self.assertEqual(marked & truth, set(), 'marked deleted, but there')
        self.night()
        self.equal()


class Files(ObjectsTest):
    """Files that respondents uploaded."""

    sandbox_arguments = ('--seed', 93, '--surveys', 2, '--responses', 12, '--questions', 0, '--file-bytes', 5000)
    streams = ['survey', 'response', 'response_file']
    source = {'streams': streams}

    def equal(self, without=()):
        self.assertEqual(compare.against_truth(self.bench) + compare.files_against_truth(self.bench, self.files), [])

    def test_one_row_and_one_file_for_each_answer(self):
        answers = self.bench.database.value("SELECT count(*) FROM alchemer.answer WHERE type = 'FILE' AND answer IS NOT NULL")
        self.assertGreater(answers, 5)
        self.assertEqual(self.live('response_file'), answers)
        kept = [os.path.join(folder, name) for folder, _, names in os.walk(self.files) for name in names]
        self.assertEqual(len(kept), answers, 'nothing else is in the directory')
        for folder, _, _ in os.walk(self.files):
            self.assertEqual(os.stat(folder).st_mode & 0o077, 0, folder)
        asked = self.asked()
        self.night()
        self.assertEqual(self.asked(), asked, 'each is asked for once')
        self.bench.sandbox.change(op='insert', count=4, status='Complete')
        self.bench.sandbox.advance('1h')
        self.night()
        self.equal()

    def asked(self):
        return sum('/file' in entry['path'] for entry in self.bench.sandbox.log())

    def test_too_large_is_told_and_not_kept(self):
        self.wipe()
        elsewhere = self.bench.scratch.join('small files')
        self.configured(files={'dir': elsewhere, 'limit': '4KiB'})
        self.night()
        rows = self.bench.database.query('SELECT flags, stored_path, sha256 FROM alchemer.response_file')
        self.assertEqual(len(rows), len(self.bench.sandbox.truth('response_file')))
        for row in rows:
            self.assertEqual((row['flags'], row['stored_path'], row['sha256']), (['file', 'file_limit'], None, None))
        kept = [name for _, _, names in os.walk(elsewhere) for name in names]
        self.assertEqual(kept, [])
        asked = self.asked()
        self.assertNotIn('files.limit', self.night().err, 'a fact is told once')
        self.assertEqual(self.asked(), asked)
        self.configured(files={'dir': elsewhere, 'limit': '64MiB'})
        self.assertEqual(self.bench.run('resync', 'us').code, 0)
        self.assertEqual(compare.files_against_truth(self.bench, elsewhere), [])
        self.wipe()

    def test_a_file_that_is_refused_is_tried_again_ever_more_rarely(self):
        self.wipe()
        self.bench.sandbox.fault('status:path=/files/,code=403')
        done = self.bench.run('sync')
        self.assertEqual(done.code, 5, done)
        self.assertIn('is tried again', done.err)
        rows = self.bench.database.query('SELECT flags, downloaded_at FROM alchemer.response_file')
        self.assertTrue(rows and all((row['flags'], row['downloaded_at']) == (['file'], None) for row in rows), rows)
        self.bench.database.execute("UPDATE alchemer.response_file SET first_seen_at = changed_at - interval '1 hour'")
        asked = self.asked()
        self.assertEqual(self.bench.run('sync').code, 0)
        self.assertEqual(self.asked(), asked, 'its time has not come')
        told = self.part('response_file')
        self.assertTrue(told and all(row['outcome'] == 'partial' and 'tried again from' in row['error'] for row in told), told)
        self.assertIn('could not be fetched', self.bench.run('status').out)
        self.bench.sandbox.fault()
        self.assertEqual(self.bench.run('resync', 'us').code, 0, 'whoever asks for everything need not wait')
        self.equal()

    def test_without_a_directory_there_are_rows_only(self):
        self.wipe()
        self.configured(files={'dir': ''})
        self.night()
        self.assertEqual(compare.files_against_truth(self.bench), [])
        self.assertEqual(self.bench.database.value('SELECT count(*) FROM alchemer.response_file WHERE stored_path IS NOT NULL '
                                                   'OR flags IS NOT NULL'), 0)
        self.wipe()

    def test_a_storage_that_fails_is_asked_again_in_the_next_run(self):
        for fault in ('status:path=/files/,code=503', 'cut:path=/files/,bytes=900,mode=fin', 'status:path=/file,code=500'):
            with self.subTest(fault=fault):
                self.wipe()
                self.bench.sandbox.fault(fault)
                done = self.bench.run('sync')
                self.assertIn(done.code, (0, 5), done)
                self.bench.sandbox.fault()
                self.night()
                self.equal()

    def test_files_go_with_their_responses(self):
        one = self.bench.sandbox.truth('response_file')[0]
        self.bench.sandbox.change(op='delete', survey=one['survey_id'], response=one['response_id'])
        self.night()
        row = self.bench.database.query(f"SELECT deleted_at FROM alchemer.response_file WHERE survey_id = {one['survey_id']} "
                                        f"AND response_id = {one['response_id']}")
        self.assertTrue(row and all(item['deleted_at'] for item in row), row)
        self.bench.sandbox.change(op='restore', survey=one['survey_id'], response=one['response_id'])
        self.night()
        self.equal()


class People(ObjectsTest):
    """Contacts are read where somebody asks for them, and nowhere else."""

    def setUp(self):
        self.bench.sandbox.fault()
        self.wipe()

    def test_off_by_default(self):
        sections = self.bench.sections()
        sections['source.us'].pop('streams', None)
        self.bench.configure(sections)
        before = len(self.bench.sandbox.log())
        self.night()
        self.assertEqual([self.live(table) for table in compare.PEOPLE], [0, 0])
        self.assertEqual([entry['path'] for entry in self.bench.sandbox.log()[before:] if 'contactlistcontact' in entry['path']
                          or 'surveycontact' in entry['path']], [])
        self.assertEqual(compare.objects_against_truth(self.bench, without=compare.PEOPLE), [])

    def test_dropped_and_hashed(self):
        addresses = {json.loads(row['payload'])['email_address'] for table in compare.PEOPLE for row in self.bench.sandbox.truth(table)}
        addresses |= {json.loads(row['payload'])['email'] for row in self.bench.sandbox.truth('account_user')}
        self.assertGreater(len(addresses), 10)
        for rule in ('drop', 'hash'):
            with self.subTest(rule=rule):
                self.wipe()
                self.configured(privacy={'contacts': rule})
                self.night()
                for table in (*compare.PEOPLE, 'account_user'):
                    self.assertEqual(self.live(table), len(self.bench.sandbox.truth(table)), table)
                dump = self.bench.cluster.dump('warehouse').decode('utf-8', 'replace').lower()
                self.assertEqual([one for one in addresses if one.lower() in dump], [])
                self.night()
                self.assertEqual((self.last_run()['inserted'], self.last_run()['updated']), (0, 0))
                self.assertTrue(self.succeed('verify', '--deep', '--json').json()['sources'][0]['equal'])


if __name__ == '__main__':
    harness.main()
