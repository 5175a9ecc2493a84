"""What tests of a vendor's lists share, whatever the vendor: all its streams configured, nights, the outcome of runs, rows that live and
rows that are marked deleted, changes made at the vendor."""
import json

from harness import SystemTest


class ListsTest(SystemTest):
    """`schema` holds the tables; `source` and `limits` are configured in all tests of a class."""

    schema = 'alchemer'
    source = {}
    limits = {}

    def configured(self, sync=None, limits=None, bench_sections=None, **source):
        sections = self.bench.sections()
        sections['log']['level'] = 'info'
        sections['source.us'].pop('streams', None)  # all of them
        sections['source.us'].update({**self.usual_source(), **self.source, **source})
        sections['source.us.limits'].update({**self.limits, **(limits or {})})
        if sync:
            sections['source.us.sync'] = sync
        sections.update(bench_sections or {})
        self.bench.configure(sections)

    def usual_source(self):
        return {}

    def night(self, code=0):
        """A sync on the next day: what tells nothing of changes is read once a day."""
        self.a_day_passes()
        return self.ended(code)

    def a_day_passes(self):
        self.bench.database.execute("UPDATE surveysync.checkpoint SET probed_at = probed_at - interval '21 hours'")

    def ended(self, code, *arguments, **options):
        """Runs a verb, a sync unless it is named, that must exit with this code."""
        done = self.bench.run(*(arguments or ('sync',)), **options)
        self.assertEqual(done.code, code, done)
        return done

    def wipe(self):
        """As before the first contact, learned things included."""
        self.fresh_database()

    def last_run(self):
        return self.bench.database.query('SELECT * FROM surveysync.run ORDER BY run_id DESC LIMIT 1')[0]

    def live(self, table):
        return self.bench.database.value(f'SELECT count(*) FROM {self.schema}.{table} WHERE deleted_at IS NULL')

    def marked(self, table):
        return self.bench.database.value(f'SELECT count(*) FROM {self.schema}.{table} WHERE deleted_at IS NOT NULL')

    def object(self, kind, op, **change):
        """Changes an object at the vendor; what it says of it."""
        answer = json.loads(self.bench.sandbox._control('POST', '/object', json.dumps({'kind': kind, 'op': op, **change})))
        self.assertTrue(answer.get('ids') or answer.get('ok'), f'{op} {kind} changed nothing: {answer}')
        return answer
