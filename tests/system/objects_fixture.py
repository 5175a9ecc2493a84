"""What tests of lists share: one account with every kind of object, its comparison with the vendor's truth, changes of all kinds."""
import json

import compare
from harness import SystemTest

# What the vendor lets be changed; statistics follow from the answers, of the account and its SSO there is one.
EDITED = ('account', 'team', 'account_user', 'contact_custom_field', 'contact_list', 'contact', 'domain', 'theme', 'sso', 'campaign',
          'campaign_contact', 'email_message', 'quota', 'report')
GROWING = tuple(kind for kind in EDITED if kind not in ('account', 'sso'))


class ObjectsTest(SystemTest):
    """Every test begins with a database that equals the vendor."""

    sandbox_arguments = ('--seed', 91, '--surveys', 3, '--responses', 8, '--questions', 0, '--quotas', 3, '--contact-lists', 3)
    source = {}
    limits = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = cls.bench.scratch.join('files')

    def setUp(self):
        self.bench.sandbox.fault()
        self.configured()
        self.night()
        self.equal()

    def configured(self, sync=None, limits=None, **source):
        sections = self.bench.sections()
        sections['log']['level'] = 'info'
        sections['source.us'].pop('streams', None)  # all of them
        sections['source.us'].update({'files': {'dir': self.files}, 'privacy': {'contacts': 'keep'}, **self.source, **source})
        sections['source.us.limits'].update({**self.limits, **(limits or {})})
        if sync:
            sections['source.us.sync'] = sync
        self.bench.configure(sections)

    def equal(self, without=()):
        self.assertEqual(compare.against_truth(self.bench) + compare.objects_against_truth(self.bench, without=without)
                         + compare.files_against_truth(self.bench, self.files), [])

    def night(self, code=0):
        """A sync on the next day: what tells nothing of changes is read once a day."""
        self.a_day_passes()
        return self.ended(code)

    def a_day_passes(self):
        self.bench.database.execute("UPDATE surveysync.checkpoint SET probed_at = probed_at - interval '21 hours'")

    def ended(self, code, *arguments, **options):
        done = self.bench.run(*(arguments or ('sync',)), **options)
        self.assertEqual(done.code, code, done)
        return done

    def last_run(self):
        return self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]

    def part(self, stream):
        """Outcomes of a stream in the last run, with their errors."""
        return self.bench.database.query(f"SELECT outcome, error, tombstoned FROM surveysync.run_stream WHERE stream = '{stream}' "
                                         'AND run_id = (SELECT max(run_id) FROM surveysync.run)')

    def live(self, table):
        return self.bench.database.value(f'SELECT count(*) FROM alchemer.{table} WHERE deleted_at IS NULL')

    def marked(self, table):
        return self.bench.database.value(f'SELECT count(*) FROM alchemer.{table} WHERE deleted_at IS NOT NULL')

    def object(self, kind, op, **change):
        answer = json.loads(self.bench.sandbox._control('POST', '/object', json.dumps({'kind': kind, 'op': op, **change})))
        self.assertTrue(answer.get('ids'), f'{op} {kind} changed nothing: {answer}')
        return answer

    def wipe(self):
        """As before the first contact, learned things included."""
        self.fresh_database()

    def rows(self):
        """One hash of each data table, stamps included."""
        return {name: value for name, value in compare.everything(self.bench.database).items() if name.startswith('alchemer.')}
