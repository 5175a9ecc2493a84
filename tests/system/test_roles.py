"""What `migrate --print-roles` prints, run by psql: the owner migrates, the writer syncs, the reader reads, and none does more."""
import re

import harness
from harness import SystemTest


class Roles(SystemTest):
    sandbox_arguments = ('--seed', 7, '--surveys', 2, '--responses', 40)
    migrate = False

    def use(self, user):
        sections = self.bench.sections()
        sections['database']['uri'] = self.bench.cluster.uri('warehouse', user)
        self.bench.configure(sections)

    def refused(self, user, sql):
        with self.assertRaisesRegex(AssertionError, 'permission denied|must be owner', msg=f'{user}: {sql}'):
            self.bench.database.execute(f'SET SESSION AUTHORIZATION {user}; SET role = {self.role[user]}; {sql}')

    role = {'migrator': 'surveysync_owner', 'loader': 'surveysync_writer', 'analyst': 'surveysync_reader'}

    def test_each_does_its_work_and_no_more(self):
        database = self.bench.database
        database.execute(self.succeed('migrate', '--print-roles').out)
        for user, role in self.role.items():
            database.execute(f"CREATE ROLE {user} LOGIN IN ROLE {role}; ALTER ROLE {user} SET role = '{role}'")
        self.use('loader')
        self.assertNotEqual(self.bench.run('migrate').code, 0, 'the writer makes no schema')
        self.use('migrator')
        self.succeed('migrate')
        self.use('loader')
        self.succeed('sync')
        self.assertNotIn('GRANT', self.bench.run('check').out)
        wide = database.query("SELECT schemaname || '.\"' || tablename || '\"' AS name FROM pg_tables WHERE schemaname = 'alchemer_wide'")
        for table in ('alchemer.response', 'surveysync.run', *(row['name'] for row in wide)):
            out = database.execute(f'SET SESSION AUTHORIZATION analyst; SET role = surveysync_reader; SELECT count(*) FROM {table}')
            self.assertRegex(out, r'\d')
            self.refused('analyst', f'DELETE FROM {table}')
        for sql in ('DROP TABLE alchemer.answer', 'ALTER TABLE alchemer.response DROP COLUMN status', 'TRUNCATE alchemer.response',
                    'DROP SCHEMA surveysync CASCADE', 'CREATE TABLE alchemer.own (a int)', 'DELETE FROM surveysync.schema_migration'):
            self.refused('loader', sql)
        self.use('migrator')
        citus = self.bench.run('migrate', '--distributed', 'citus')
        self.assertEqual(citus.code, 2, citus)
        self.assertIn('CREATE EXTENSION citus', citus.err)
        # Again, as after an upgrade: nothing changes, and no error.
        database.execute(self.succeed('migrate', '--print-roles').out)
        self.succeed('sync')

    def test_check_gives_a_stranger_the_statements_that_are_missing(self):
        self.succeed('migrate')
        self.succeed('sync')
        self.bench.database.execute('CREATE ROLE stranger LOGIN')
        self.use('stranger')
        statements = re.findall(r'^ *((?:GRANT|ALTER) .*;)$', self.bench.run('check').out, re.M)
        self.assertIn('GRANT USAGE ON SCHEMA surveysync TO stranger;', statements)
        self.bench.database.execute(' '.join(statements))
        self.assertNotRegex(self.bench.run('check').out, 'GRANT|ALTER')
        self.succeed('sync')


if __name__ == '__main__':
    harness.main()
