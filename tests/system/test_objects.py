"""Every object of Alchemer beside surveys and responses: what the vendor has is in its table, byte for byte, and so are the files
that respondents uploaded; what changed is taken over, what is gone is marked, what is not offered stops nothing else."""
import hashlib
import json
import os

import harness
from harness import SystemTest

KEYS = {
    'account': ('account_id',), 'team': ('team_id',), 'account_user': ('account_user_id',),
    'contact_custom_field': ('contact_custom_field_id',), 'contact_list': ('contact_list_id',),
    'contact': ('contact_list_id', 'contact_id'), 'domain': ('domain_id',), 'theme': ('theme_id',), 'sso': ('sso_id',),
    'campaign': ('survey_id', 'campaign_id'), 'campaign_contact': ('survey_id', 'campaign_id', 'campaign_contact_id'),
    'email_message': ('survey_id', 'campaign_id', 'email_message_id'), 'quota': ('survey_id', 'quota_id'),
    'report': ('survey_id', 'report_id'), 'statistic': ('survey_id', 'statistic_id'),
}
FILE_KEY = ('survey_id', 'response_id', 'response_file_id')


class Objects(SystemTest):
    sandbox_arguments = ('--seed', 7, '--surveys', 3, '--responses', 60)

    def setUp(self):
        super().setUp()
        self.fresh_database()
        self.bench.sandbox.fault()
        self.files = self.bench.scratch.join('files')
        self.configured()

    def configured(self, **source):
        sections = self.bench.sections()
        sections['source.us'].update({'files': {'dir': self.files}, 'privacy': {'contacts': 'keep'}}, **source)
        self.bench.configure(sections)

    def stored(self, table):
        keys = KEYS[table]
        rows = self.bench.database.query(f'SELECT {", ".join(keys)}, payload::text AS payload FROM alchemer.{table} '
                                         'WHERE deleted_at IS NULL')
        return {tuple(row[key] for key in keys): row['payload'] for row in rows}

    def assert_equal_to_the_vendor(self):
        for table, keys in KEYS.items():
            with self.subTest(table=table):
                truth = {tuple(row[key] for key in keys): row['payload'] for row in self.bench.sandbox.truth(table)}
                self.assertEqual(self.stored(table), truth)
        truth = {tuple(row[key] for key in FILE_KEY): row for row in self.bench.sandbox.truth('response_file')}
        rows = self.bench.database.query('SELECT * FROM alchemer.response_file WHERE deleted_at IS NULL')
        self.assertEqual({tuple(row[key] for key in FILE_KEY) for row in rows}, set(truth))
        for row in rows:
            sent = truth[tuple(row[key] for key in FILE_KEY)]
            self.assertEqual((row['original_name'], row['size'], row['sha256']), (sent['name'], sent['bytes'], sent['sha256']))
            with open(row['stored_path'], 'rb') as stream:
                self.assertEqual(hashlib.sha256(stream.read()).hexdigest(), sent['sha256'])
            self.assertTrue(row['stored_path'].startswith(self.files + '/us/'))
            self.assertEqual(os.stat(row['stored_path']).st_mode & 0o777, 0o600)
            self.assertNotIn('signature', json.dumps(row).lower())

    def last_run(self):
        return self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]

    def test_all_of_them_and_what_becomes_of_them(self):
        self.succeed('sync')
        self.assert_equal_to_the_vendor()
        self.succeed('sync')
        self.assertEqual((self.last_run()['inserted'], self.last_run()['updated']), (0, 0))
        self.succeed('replay', 'us')
        self.assertEqual((self.last_run()['inserted'], self.last_run()['updated']), (0, 0))
        self.assertEqual(self.bench.database.value('SELECT count(*) FROM alchemer.response_file WHERE stored_path IS NULL'), 0)
        for table in ('team', 'campaign', 'quota', 'contact', 'domain'):
            for op in ('edit', 'add', 'delete'):
                self.bench.sandbox._control('POST', '/object', json.dumps({'kind': table, 'op': op}))
        self.succeed('sync')
        self.assert_equal_to_the_vendor()
        self.assertGreater(self.last_run()['tombstoned'], 0)

    def test_a_stream_that_is_refused_stops_no_other(self):
        self.bench.sandbox.fault('denied:path=sso', 'denied:path=quotas')
        self.succeed('sync')
        self.assertEqual((self.stored('sso'), self.stored('quota')), ({}, {}))
        self.assertNotEqual(self.stored('campaign'), {})
        self.assertEqual(self.last_run()['outcome'], 'succeeded')

    def test_people_are_read_only_where_somebody_asks(self):
        self.configured(privacy={'contacts': 'off'})
        self.succeed('sync')
        self.assertEqual((self.stored('contact'), self.stored('campaign_contact')), ({}, {}))
        self.assertNotEqual(self.stored('campaign'), {})


if __name__ == '__main__':
    harness.main()
