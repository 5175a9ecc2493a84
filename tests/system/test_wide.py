"""Wide tables through the nights of an account: every cell is what alchemer.answer says, after loads, edits, deletions, kills and
changed definitions; erased people are nowhere; R and PSPP read the exports with the same values and labels."""
import csv
import os
import re
import subprocess
import time

import harness
from harness import wait_until


def number(text):
    return text is not None and re.fullmatch(r' *[-+]?[0-9]{1,18} *', text) is not None


class Wide(harness.SystemTest):
    sandbox_arguments = ('--seed', 11, '--surveys', 3, '--responses', 90)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = cls.bench.run('sync')
        assert done.code == 0, done

    def query(self, sql):
        return self.bench.database.query(sql)

    def surveys(self):
        return [row['survey_id'] for row in self.query('SELECT survey_id FROM alchemer.survey ORDER BY 1')]

    def variables(self, survey):
        return self.query(f'SELECT * FROM alchemer_wide.dictionary WHERE survey_id = {survey} ORDER BY table_name, position')

    def rows(self, survey, table=None):
        return {row['response_id']: row for row in self.query(f'SELECT * FROM alchemer_wide."{table or f"us_{survey}"}"')}

    def expected(self, variable, cells, answered):
        """What a column must hold, from the dictionary and the answers of one response alone."""
        question, row, option = variable['question_id'], variable['row_id'], variable['option_id']
        own = row or question
        mine = [a for a in cells if a['question_id'] == own or (row and a['question_id'] == question and a['item'].split('/')[0] == str(row))]
        if variable['title'].endswith('(comment)'):
            return next((a['comment'] for a in mine if a['item'] in ('', str(row))), None)
        if variable['title'].endswith('(text)'):
            return next((a['answer'] for a in mine if a['is_other'] and a['option_id'] == option), None)
        if variable['title'].endswith('(number of dots)'):
            return len(mine) or None
        if variable['type'] == 'boolean':
            asked = [a for a in mine if a['option_id'] is not None]
            return any(a['option_id'] == option for a in asked) if asked else None
        if variable['question_type'] == 'RANK':
            return next((a['rank'] for a in mine if a['option_id'] == option), None)
        if option is not None:
            mine = [a for a in mine if a['option_id'] == option]
        elif variable['question_type'] != 'TEXTBOX':
            mine = [a for a in mine if a['item'] in ('', str(row))]
        value = next((a for a in mine if a['answer'] is not None), None)
        if value is None:
            return None
        text = value['answer']
        if value['is_other']:
            text = self.codes[(own, value['option_id'])]
        if variable['type'] == 'bigint':
            return int(text) if number(text) else None
        if variable['type'] == 'numeric':
            return float(text)
        if variable['type'] == 'date':
            month, day, year = text.split('/')
            return f'{year}-{month}-{day}'
        return text

    def equal(self):
        """Every cell of every wide table."""
        self.codes = {(row['question_id'], row['option_id']): row['value'] for row in
                      self.query('SELECT question_id, option_id, value FROM alchemer.option')}
        compared = 0
        for survey in self.surveys():
            live = {row['response_id']: row for row in self.query(
                f'SELECT response_id, status, is_test_data, date_updated FROM alchemer.response WHERE survey_id = {survey} AND deleted_at IS NULL')}
            wide, answers = self.rows(survey), {}
            self.assertEqual(set(wide), set(live), survey)
            for answer in self.query(f'SELECT * FROM alchemer.answer WHERE survey_id = {survey}'):
                answers.setdefault(answer['response_id'], []).append(answer)
            variables = self.variables(survey)
            self.assertEqual([v['variable'] for v in variables], [row['name'] for row in self.query(
                f"SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'us_{survey}' ORDER BY ordinal_position")])
            for response, row in wide.items():
                for name, value in live[response].items():
                    self.assertEqual(row[name], value, (survey, response, name))
                for variable in variables:
                    if variable['question_id'] is None:
                        continue
                    want = self.expected(variable, answers.get(response, []), survey)
                    have = row[variable['variable']]
                    if variable['type'] == 'numeric' and have is not None:
                        have = float(have)
                    self.assertEqual(have, want, (survey, response, variable))
                    compared += want is not None
        self.assertGreater(compared, 1000)

    def places(self):
        return {survey: self.query(f'SELECT response_id, ctid, xmin FROM alchemer_wide."us_{survey}" ORDER BY 1') for survey in self.surveys()}

    def night(self):
        self.bench.sandbox.advance('1h')
        return self.succeed('sync')

    def test_1_a_first_load_fills_them_and_a_quiet_night_writes_nothing(self):
        self.equal()
        before = self.places()
        self.night()
        self.assertEqual(self.places(), before)
        types = {row['type'] for row in self.query('SELECT DISTINCT type FROM alchemer_wide.dictionary WHERE question_id IS NOT NULL')}
        self.assertEqual(types, {'text', 'bigint', 'numeric', 'boolean', 'date'})
        self.assertEqual(self.query('SELECT count(*) AS n FROM alchemer_wide.dictionary WHERE octet_length(variable) > 62')[0]['n'], 0)

    def test_2_edits_deletions_and_new_questions_are_followed(self):
        one, two = self.surveys()[:2]
        for change in ({'op': 'insert', 'count': 4}, {'op': 'edit', 'count': 5}, {'op': 'delete', 'count': 3}):
            self.bench.sandbox.change(survey=one, **change)
        untouched = self.places()[two]
        self.night()
        self.equal()
        self.assertEqual(self.places()[two], untouched)
        columns = len(self.variables(one))
        self.bench.sandbox.change(op='edit-definition', survey=one)
        self.bench.sandbox.change(op='insert', survey=one, count=2)
        self.night()
        self.equal()
        self.assertGreater(len(self.variables(one)), columns)

    def test_3_a_killed_run_is_made_good_by_the_next(self):
        one = self.surveys()[0]
        for pause in (0.0, 0.05, 0.15):
            self.bench.sandbox.change(op='edit', survey=one, count=10)
            self.bench.sandbox.change(op='edit-definition', survey=one)
            self.bench.sandbox.advance('1h')
            stored = self.query('SELECT coalesce(max(run_id), 0) AS n FROM alchemer.response')[0]['n']
            process = self.bench.start('sync')
            wait_until(lambda: process.poll() is not None or self.query(
                f'SELECT count(*) AS n FROM alchemer.response WHERE run_id > {stored}')[0]['n'] > 0, 30, 'rows of the run')
            time.sleep(pause)
            process.kill()
            process.communicate()
            self.succeed('sync')
            self.equal()
        self.assertEqual(self.query("SELECT count(*) AS n FROM pg_tables WHERE tablename LIKE '%__new'")[0]['n'], 0)

    def test_4_rebuild_and_replay_give_the_same(self):
        before = {survey: self.rows(survey) for survey in self.surveys()}
        one = self.surveys()[0]
        name = next(v['variable'] for v in self.variables(one) if v['type'] == 'text' and v['question_id'])
        for verb in (('views', 'rebuild'), ('views', 'rebuild', 'us', '--survey', one), ('replay', 'us')):
            self.bench.database.execute(f'UPDATE alchemer_wide."us_{one}" SET "{name}" = \'nonsense\'')
            self.succeed(*verb)
            self.assertEqual({survey: self.rows(survey) for survey in self.surveys()}, before, verb)
        self.assertEqual(self.bench.run('views', 'rebuild', 'us', '--survey', 4711).code, 2)
        self.assertEqual(self.bench.run('views', 'rebuild', 'us', '--survey', 4711, '--survey', one).code, 5)

    def test_5_a_readers_view_stops_no_run(self):
        one = self.surveys()[0]
        self.bench.database.execute(f'CREATE VIEW public.mine AS SELECT response_id, status FROM alchemer_wide."us_{one}"')
        self.bench.sandbox.change(op='edit-definition', survey=one)
        self.bench.sandbox.change(op='insert', survey=one, count=2)
        done = self.night()
        self.assertIn('public.mine', done.err)
        live = self.query(f'SELECT count(*) AS n FROM alchemer.response WHERE survey_id = {one} AND deleted_at IS NULL')[0]['n']
        self.assertEqual(self.query('SELECT count(*) AS n FROM public.mine')[0]['n'], live)
        self.bench.database.execute('DROP VIEW public.mine')
        self.night()
        self.equal()

    def test_6_erased_people_are_nowhere(self):
        one = self.surveys()[0]
        response = next(iter(self.rows(one)))
        done = self.succeed('erase', 'us', '--response', f'{one}/{response}', '--verify')
        self.assertIn('alchemer_wide', done.out)
        self.assertNotIn(response, self.rows(one))
        self.succeed('erase', 'us', '--verify')
        self.bench.database.execute(f'INSERT INTO alchemer_wide."us_{one}" (response_id) VALUES ({response})')
        self.assertEqual(self.bench.run('erase', 'us', '--verify').code, 6)
        self.succeed('views', 'rebuild')
        self.succeed('erase', 'us', '--verify')
        self.succeed('verify', 'us', '--deep')

    def test_7_it_can_be_switched_off(self):
        sections = self.bench.sections()
        sections['source.us']['wide'] = False
        self.bench.configure(sections)
        one = self.surveys()[0]
        before = self.places()[one]
        self.bench.sandbox.change(op='insert', survey=one, count=2)
        self.night()
        self.assertEqual(self.places()[one], before)
        self.bench.configure()
        self.night()
        self.equal()

    def export(self, *formats):
        folder = self.bench.scratch.join('export')
        arguments = [word for one in formats for word in ('--format', one)]
        self.succeed('dictionary', 'export', 'us', '--output', folder, *arguments)
        return folder

    @staticmethod
    def run_in(folder, *command):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        if done.returncode != 0 or 'error' in done.stdout.lower() or 'warning' in done.stdout.lower():
            raise AssertionError(f'{command}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}')
        return done.stdout

    @staticmethod
    def table(folder, name):
        with open(os.path.join(folder, name), encoding='utf-8', newline='') as stream:
            return list(csv.DictReader(stream))

    def test_8_the_dictionary_as_a_file(self):
        folder = self.export('csv')
        lines = self.table(folder, 'dictionary.csv')
        self.assertEqual(len(lines), self.query('SELECT count(*) AS n FROM alchemer_wide.dictionary')[0]['n'])
        self.assertEqual(os.stat(os.path.join(folder, 'dictionary.csv')).st_mode & 0o777, 0o600)

    def labelled(self, survey):
        """Variables with codes, and what the view of labels shows of them."""
        variables = [v for v in self.variables(survey) if v['labels'] and v['type'] in ('text', 'bigint')]
        self.assertGreater(len(variables), 3)
        return variables, self.rows(survey, f'us_{survey}_labels')

    def test_9_r_reads_values_and_labels(self):
        folder = self.export('r')
        for survey in self.surveys():
            name = f'us_{survey}'
            self.run_in(folder, 'Rscript', '--vanilla', f'{name}.R')
            self.run_in(folder, 'Rscript', '--vanilla', '-e',
                        f'd <- readRDS("{name}.rds"); write.csv(data.frame(lapply(d, as.character), check.names = FALSE), "out.csv", '
                        'row.names = FALSE, na = "", fileEncoding = "UTF-8"); '
                        'l <- sapply(d, function(x) attr(x, "label")); write.csv(data.frame(n = names(l), l = l), "titles.csv", '
                        'row.names = FALSE, fileEncoding = "UTF-8")')
            out = {int(row['response_id']): row for row in self.table(folder, 'out.csv')}
            variables, labels = self.labelled(survey)
            self.assertEqual(set(out), set(labels))
            for response, row in labels.items():
                for variable in variables:
                    want = row[variable['variable']]
                    self.assertEqual(out[response][variable['variable']], '' if want is None else str(want), (response, variable))
            wide = self.rows(survey)
            for variable in self.variables(survey):
                if variable['type'] == 'boolean' and variable['question_id']:
                    for response, row in wide.items():
                        want = {None: '', True: 'TRUE', False: 'FALSE'}[row[variable['variable']]]
                        self.assertEqual(out[response][variable['variable']], want)
            titles = {row['n']: row['l'] for row in self.table(folder, 'titles.csv')}
            self.assertEqual(titles, {v['variable']: v['title'] for v in self.variables(survey)})

    def test_9_pspp_reads_values_and_labels(self):
        folder = self.export('spss', 'stata')
        for survey in self.surveys():
            name = f'us_{survey}'
            self.run_in(folder, 'pspp', f'{name}.sps')
            self.bench.scratch.write('export/out.sps', f"GET FILE='{name}.sav'.\nSAVE TRANSLATE /OUTFILE='out.csv' /TYPE=CSV "
                                     "/CELLS=LABELS /FIELDNAMES /REPLACE.\nSAVE TRANSLATE /OUTFILE='values.csv' /TYPE=CSV /CELLS=VALUES "
                                     '/FIELDNAMES /REPLACE.\nDISPLAY DICTIONARY.\n')
            shown = self.run_in(folder, 'pspp', 'out.sps')
            out = {int(row['response_id']): row for row in self.table(folder, 'out.csv')}
            values = {int(row['response_id']): row for row in self.table(folder, 'values.csv')}
            variables, labels = self.labelled(survey)
            self.assertEqual(set(out), set(labels))
            wide = self.rows(survey)
            for response, row in labels.items():
                for variable in variables:
                    column = variable['variable']
                    code = wide[response][column]
                    self.assertEqual(values[response][column].strip(), '' if code is None else str(code).strip(), (response, column))
                    self.assertEqual(out[response][column].strip(), '' if row[column] is None else str(row[column]).strip(), (response, column))
            self.assertIn(variables[0]['title'][:12], shown)
            with open(os.path.join(folder, f'{name}.do'), encoding='utf-8') as stream:
                self.assertEqual(stream.read().count('label variable'), len(self.variables(survey)) + sum(
                    v['type'] == 'text' for v in variables))


if __name__ == '__main__':
    harness.main()
