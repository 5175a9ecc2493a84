"""What the database can do to us: down, read-only, without schema, without grants, edited, newer. Each ends with recovery."""
import time
import unittest

import compare
from harness import SystemTest


class DatabaseFaults(SystemTest):
    sandbox_arguments = ('--seed', 41, '--surveys', 2, '--responses', 60, '--latency', '5ms')

    def setUp(self):
        self.fresh_database()
        self.bench.configure()

    def heals(self):
        self.succeed('sync')
        self.assertEqual(compare.against_truth(self.bench), [])

    def test_down(self):
        self.bench.cluster.stop()
        start = time.monotonic()
        done = self.bench.run('sync', seconds=60)
        self.bench.cluster.start()
        self.assertEqual(done.code, 3, done)
        self.assertLess(time.monotonic() - start, 40)
        self.heals()

    def test_restarted_in_mid_run(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 5, 'min': 5, 'max': 5}
        self.bench.configure(sections)
        process = self.bench.start('sync')
        time.sleep(0.4)
        self.bench.cluster.stop('immediate')
        self.bench.cluster.start()
        done = self.bench.finish(process, 60)
        self.assertIn(done.code, (0, 3, 5), done)
        self.heals()

    def test_our_backends_are_terminated(self):
        sections = self.bench.sections()
        sections['source.us.limits']['page_size'] = {'start': 5, 'min': 5, 'max': 5}
        self.bench.configure(sections)
        process = self.bench.start('sync')
        for _ in range(4):
            time.sleep(0.15)
            self.bench.cluster.psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'warehouse'")
        done = self.bench.finish(process, 60)
        self.assertIn(done.code, (0, 3, 5), done)
        self.heals()

    def test_read_only(self):
        self.bench.cluster.psql('postgres', 'ALTER DATABASE warehouse SET default_transaction_read_only = on')
        try:
            done = self.bench.run('sync', seconds=60)
            self.assertIn(done.code, (2, 3), done)
            self.assertIn('read-only', done.err)
        finally:
            self.bench.cluster.psql('postgres', 'ALTER DATABASE warehouse RESET default_transaction_read_only')
        self.heals()

    def test_no_such_database(self):
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('nowhere')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 3), done)
        self.assertIn('nowhere', done.err)

    def test_without_schema(self):
        self.bench.cluster.psql('postgres', 'CREATE DATABASE bare')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('bare')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertEqual(done.code, 2, done)
        self.assertIn('surveysync migrate', done.err)
        listed = self.bench.run('migrate', '--dry-run')
        self.assertEqual(listed.code, 0, listed)
        self.assertEqual(self.bench.run('sync').code, 2, 'a dry run must change nothing')
        self.succeed('migrate')
        self.succeed('migrate')
        self.succeed('sync')

    def test_missing_privilege(self):
        """A role that may read everything but not write: the message says which grant is missing."""
        self.bench.database.execute('''
            DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN;
            GRANT USAGE ON SCHEMA alchemer, surveysync TO looker;
            GRANT SELECT ON ALL TABLES IN SCHEMA alchemer, surveysync TO looker;''')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('warehouse', 'looker')
        self.bench.configure(sections)
        done = self.bench.run('sync')
        self.assertIn(done.code, (2, 3), done)
        self.assertIn('permission denied', done.err.lower())
        checked = self.bench.run('check')
        self.assertEqual(checked.code, 5, checked)
        self.assertIn('GRANT', checked.out)

    def test_the_printed_roles_suffice(self):
        """What `migrate --print-roles` prints makes a writer that can sync and a reader that can only read."""
        grants = self.succeed('migrate', '--print-roles').out
        self.bench.database.execute(grants)
        roles = [row['rolname'] for row in self.bench.database.query(
            "SELECT rolname FROM pg_roles WHERE rolname ~ 'surveysync|writer|reader' AND NOT rolsuper AND rolname NOT LIKE 'pg\\_%'")]
        writers = [name for name in roles if 'writ' in name]
        self.assertEqual(len(writers), 1, roles)
        self.bench.database.execute(f'CREATE ROLE daemon LOGIN IN ROLE "{writers[0]}"')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('warehouse', 'daemon')
        self.bench.configure(sections)
        self.heals()

    def test_edited_migration(self):
        row = self.bench.database.query("SELECT a.attname AS name FROM pg_attribute a WHERE attrelid = 'surveysync.schema_migration'::regclass "
                                        "AND attnum > 0 AND attname ~ 'hash|sha|sum'")
        self.assertEqual(len(row), 1)
        column = row[0]['name']
        kind = self.bench.database.value(f'SELECT pg_typeof({column})::text AS t FROM surveysync.schema_migration LIMIT 1')
        before = self.bench.database.execute(f'SELECT {column} FROM surveysync.schema_migration ORDER BY 1').split()
        changed = "'\\x00'::bytea" if kind == 'bytea' else "'0'"
        self.bench.database.execute(f'CREATE TABLE saved AS TABLE surveysync.schema_migration; '
                                    f'UPDATE surveysync.schema_migration SET {column} = {changed}')
        try:
            for verb in ('sync', 'migrate'):
                done = self.bench.run(verb)
                self.assertEqual(done.code, 2, done)
        finally:
            self.bench.database.execute('TRUNCATE surveysync.schema_migration; '
                                        'INSERT INTO surveysync.schema_migration SELECT * FROM saved; DROP TABLE saved')
        self.assertEqual(self.bench.database.execute(f'SELECT {column} FROM surveysync.schema_migration ORDER BY 1').split(), before)
        self.heals()

    def test_a_row_the_database_refuses(self):
        """A constraint of the owner's own: the page is divided until the bad record is alone in quarantine."""
        self.bench.database.execute('ALTER TABLE alchemer.response ADD CONSTRAINT owner_rule CHECK (response_id <> 17)')
        try:
            self.succeed('sync')
            kept = self.bench.database.query('SELECT * FROM surveysync.quarantine')
            self.assertEqual(len(kept), 2, 'one in each survey')
            self.assertTrue(self.bench.database.value('SELECT bool_and(balanced) AS ok FROM surveysync.certificate'))
            missing = [line for line in compare.against_truth(self.bench, ('response',)) if 'missing' not in line]
            self.assertEqual(missing, [])
        finally:
            self.bench.database.execute('ALTER TABLE alchemer.response DROP CONSTRAINT owner_rule')
        self.heals()

    def test_migrate_from_four_processes_at_once(self):
        self.bench.cluster.psql('postgres', 'CREATE DATABASE crowd')
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('crowd')
        self.bench.configure(sections)
        processes = [self.bench.start('migrate') for _ in range(4)]
        for process in processes:
            self.assertEqual(self.bench.finish(process).code, 0)
        self.succeed('sync')


if __name__ == '__main__':
    unittest.main(verbosity=2)
