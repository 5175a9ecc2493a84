"""What tests of lists share: one account with every kind of object, its comparison with the vendor's truth, changes of all kinds."""
import compare
from lists_fixture import ListsTest

# What the vendor lets be changed; statistics follow from the answers, of the account and its SSO there is one.
EDITED = ('account', 'team', 'account_user', 'contact_custom_field', 'contact_list', 'contact', 'domain', 'theme', 'sso', 'campaign',
          'campaign_contact', 'email_message', 'quota', 'report')
GROWING = tuple(kind for kind in EDITED if kind not in ('account', 'sso'))


class ObjectsTest(ListsTest):
    """Every test begins with a database that equals the vendor."""

    sandbox_arguments = ('--seed', 91, '--surveys', 3, '--responses', 8, '--questions', 0, '--quotas', 3, '--contact-lists', 3)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = cls.bench.scratch.join('files')

    def setUp(self):
        self.bench.sandbox.fault()
        self.configured()
        self.night()
        self.equal()

    def usual_source(self):
        return {'files': {'dir': self.files}, 'privacy': {'contacts': 'keep'}}

    def equal(self, without=()):
        self.assertEqual(compare.against_truth(self.bench) + compare.objects_against_truth(self.bench, without=without)
                         + compare.files_against_truth(self.bench, self.files), [])

    def part(self, stream):
        """Outcomes of a stream in the last run, with their errors."""
        return self.bench.database.query(f"SELECT outcome, error, tombstoned FROM surveysync.run_stream WHERE stream = '{stream}' "
                                         'AND run_id = (SELECT max(run_id) FROM surveysync.run)')

    def rows(self):
        """One hash of each data table, stamps included."""
        return {name: value for name, value in compare.everything(self.bench.database).items() if name.startswith('alchemer.')}
