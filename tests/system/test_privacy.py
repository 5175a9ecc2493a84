"""Personal data: dropped and hashed before anything is stored, and erased for good. Searched for in the whole database, in every
form that JSON and PostgreSQL allow."""
import collections
import hashlib
import hmac
import json
import os
import stat
import unittest

import compare
import harness
from harness import SystemTest


def forms(text):
    """A text as a dump may show it: plain, in JSON with every liberty, as bytes in hexadecimal, doubled for SQL's COPY."""
    plain = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1],
             ''.join(f'\\u{unit:04x}' for unit in memoryview(text.encode('utf-16-le')).cast('H'))}
    plain |= {form.replace('/', '\\/') for form in plain}
    plain |= {form.replace('\\', '\\\\') for form in plain}
    return plain | {text.encode().hex()}


def shown(database, values):
    """Which of the values a dump of the database shows."""
    dump = database.cluster.dump('warehouse').decode('utf-8', 'replace').lower()
    return [value for value in values if any(form.lower() in dump for form in forms(value))]


def telling(value):
    """Long and odd enough that nothing else is called so."""
    return isinstance(value, str) and len(value) > 11


class Rules(SystemTest):
    sandbox_arguments = ('--seed', 21, '--surveys', 3, '--responses', 80)

    def sections(self, **privacy):
        sections = self.bench.sections()
        questions = privacy.pop('questions', None)
        sections['source.us.privacy'] = privacy
        if questions:
            sections['source.us.privacy.questions'] = questions
        return sections

    def own_answers(self):
        """By question: answers that are no part of anything that other questions, responses and definitions say."""
        tables = [self.bench.sandbox.truth(table) for table in ('answer', 'response', 'survey', 'page', 'question', 'option')]
        texts = collections.defaultdict(set)
        for row in tables[0]:
            if row['parent_question_id'] is None and telling(row['answer']):
                texts[row['survey_id'], row['question_id']].add(row['answer'])
        found = []
        for (survey, question), answers in sorted(texts.items(), key=lambda item: -len(item[1]))[:8]:
            others = [row for row in tables[0] if row['survey_id'] != survey or question not in (row['question_id'], row['parent_question_id'])]
            told = json.dumps([others, *tables[1:]], default=str, ensure_ascii=False)
            own = {text for text in answers if json.dumps(text, ensure_ascii=False)[1:-1] not in told}
            found.append(((survey, question), own))
        return sorted(found, key=lambda item: -len(item[1]))

    def key(self):
        with open(self.bench.scratch.join('state', 'privacy.key'), encoding='utf-8') as stream:
            return stream.read().strip()

    def digest(self, text):
        return hmac.new(self.key().encode(), text.encode(), hashlib.sha256).hexdigest()[:32]

    def test_what_is_dropped_or_hashed_is_nowhere(self):
        (dropped, lost), (hashed, veiled), *_ = self.own_answers()
        responses = self.bench.sandbox.truth('response', privacy='keep')
        personal = {name: {row[name] for row in responses if telling(row[name])} for name in ('ip_address', 'user_agent')}
        self.bench.configure(self.sections(ip_address='drop', user_agent='hash', geo='hash', referer='drop',
                                           questions={f'"{dropped[0]}/{dropped[1]}"': 'drop', str(hashed[1]): 'hash'}))
        self.fresh_database()
        self.succeed('sync')
        database = self.bench.database
        self.assertTrue(lost and veiled and personal['ip_address'] and personal['user_agent'])
        self.assertEqual(shown(database, lost | veiled | personal['ip_address'] | personal['user_agent']), [])

        mode = stat.S_IMODE(os.stat(self.bench.scratch.join('state', 'privacy.key')).st_mode)
        self.assertEqual(mode, 0o600)
        self.assertEqual(shown(database, [self.key()]), [])
        by_id = {(row['survey_id'], row['response_id']): row for row in responses}
        for row in database.query('SELECT survey_id, response_id, user_agent, city, latitude FROM alchemer.response'):
            sent = by_id[row['survey_id'], row['response_id']]
            self.assertEqual(row['user_agent'], self.digest(sent['user_agent']) if sent['user_agent'] else sent['user_agent'])
            self.assertIsNone(row['latitude'])
        stored = {row['answer'] for row in database.query(
            f'SELECT answer FROM alchemer.answer WHERE survey_id = {hashed[0]} AND question_id = {hashed[1]}')}
        self.assertTrue({self.digest(text) for text in veiled} & stored)
        self.assertEqual(database.value(f'SELECT count(*) FROM alchemer.answer WHERE survey_id = {dropped[0]} '
                                        f'AND {dropped[1]} IN (question_id, parent_question_id)'), 0)

        before = compare.fingerprint(database)
        self.assertEqual(self.bench.run('verify', '--deep').code, 0)
        self.succeed('replay', 'us')
        self.assertEqual(compare.fingerprint(database), before, 'digests are not hashed again')
        self.succeed('sync')
        self.assertEqual(compare.fingerprint(database), before)

    def test_changed_rules_reach_what_is_stored(self):
        self.bench.configure()
        self.fresh_database()
        self.succeed('sync')
        gone = self.bench.sandbox.truth('response', privacy='keep')[0]
        self.bench.sandbox.change(op='delete', survey=gone['survey_id'], response=gone['response_id'])
        self.succeed('sync')
        addresses = {row['ip_address'] for row in self.bench.sandbox.truth('response', privacy='keep') if telling(row['ip_address'])}
        addresses |= {gone['ip_address']} if telling(gone['ip_address']) else set()
        self.assertTrue(shown(self.bench.database, addresses))
        self.bench.configure(self.sections(ip_address='drop'))
        self.succeed('replay', 'us')
        self.assertEqual(shown(self.bench.database, addresses), [], 'rows that are marked deleted too')
        self.assertEqual(self.bench.run('verify', '--deep').code, 0)

    def test_another_key_is_refused(self):
        self.bench.configure(self.sections(user_agent='hash'))
        self.fresh_database()
        self.succeed('sync')
        sections = self.sections(user_agent='hash')
        sections['privacy'] = {'key': 'file:' + self.bench.scratch.write('other.key', 'another key of thirty-two letters\n', 0o600)}
        self.bench.configure(sections)
        for verb in (('sync',), ('replay', 'us'), ('verify',)):
            done = self.bench.run(*verb)
            self.assertEqual(done.code, 2, done)
            self.assertIn('privacy.key', done.out + done.err)


class Erasing(SystemTest):
    sandbox_arguments = ('--seed', 22, '--surveys', 2, '--responses', 50)

    def setUp(self):
        self.bench.configure()
        self.fresh_database()
        self.succeed('sync')

    def stays_away(self, survey, response):
        database = self.bench.database
        for verb in (('sync',), ('resync', 'us'), ('replay', 'us'), ('quarantine', 'retry'), ('verify', '--deep')):
            with self.subTest(verb=verb):
                self.succeed(*verb)
                for table in ('response', 'answer'):
                    self.assertEqual(database.value(f'SELECT count(*) FROM alchemer.{table} WHERE survey_id = {survey} AND '
                                                    f'response_id = {response}'), 0)
        last = database.query(f'SELECT * FROM surveysync.certificate WHERE survey_id = {survey} ORDER BY run_id DESC LIMIT 1')[0]
        self.assertTrue(last['balanced'], last)
        self.assertEqual(last['excluded'], 1)
        self.assertEqual(last['total_after'], last['stored_live'] + 1)

    def test_a_response(self):
        row = self.bench.sandbox.truth('response', privacy='keep')[7]
        survey, response = row['survey_id'], row['response_id']
        tables = [(table, self.bench.sandbox.truth(table)) for table in ('answer', 'response', 'option', 'question', 'page')]
        mine = [one for table, rows in tables[:2] for one in rows if (one['survey_id'], one['response_id']) == (survey, response)]
        others = json.dumps([one for _, rows in tables for one in rows if one not in mine], default=str, ensure_ascii=False)
        words = {text for one in mine for text in (one.get('answer'), one.get('comment'), one.get('session_id'))
                 if telling(text) and json.dumps(text, ensure_ascii=False)[1:-1] not in others}
        self.assertIn(row['session_id'], words)
        self.assertTrue(shown(self.bench.database, words))
        done = self.succeed('erase', 'us', '--response', f'{survey}/{response}', '--verify', '--json').json()
        self.assertEqual((done['records'], done['left']), (1, []))
        self.bench.database.execute('VACUUM FULL')
        self.assertEqual(shown(self.bench.database, words), [])
        self.stays_away(survey, response)
        self.assertEqual(shown(self.bench.database, words), [])
        again = self.succeed('erase', 'us', '--response', f'{survey}/{response}', '--verify', '--json').json()
        self.assertEqual((again['erased'], again['left']), ([], []))
        self.succeed('erase', 'us', '--verify')

        # An edit at the vendor does not bring it back either, and its end there is noticed.
        self.bench.sandbox.change(op='edit', survey=survey, response=response)
        self.stays_away(survey, response)
        self.bench.sandbox.change(op='delete', survey=survey, response=response)
        self.succeed('sync')
        self.succeed('sync')
        last = self.bench.database.query(f'SELECT * FROM surveysync.certificate WHERE survey_id = {survey} ORDER BY run_id DESC LIMIT 1')[0]
        self.assertEqual((last['balanced'], last['excluded']), (True, 0))

    def test_a_person(self):
        rows = [row for row in self.bench.sandbox.truth('response', privacy='keep') if row['contact_id']]
        if not rows:
            self.skipTest('nobody came from a campaign')
        contact = rows[0]['contact_id']
        theirs = [row for row in rows if row['contact_id'] == contact]
        done = self.succeed('erase', 'us', '--contact', contact, '--yes', '--verify', '--json').json()
        self.assertGreaterEqual(done['records'], len(theirs))
        self.succeed('sync')
        self.succeed('resync', 'us')
        self.assertEqual(self.bench.database.value(f"SELECT count(*) FROM alchemer.response WHERE contact_id = '{contact}'"), 0)
        self.assertTrue(self.bench.database.value('SELECT bool_and(balanced) FROM surveysync.certificate'))

    def test_what_must_be_found_is_found(self):
        row = self.bench.sandbox.truth('response')[3]
        survey, response = row['survey_id'], row['response_id']
        self.succeed('erase', 'us', '--response', f'{survey}/{response}')
        self.bench.database.execute(
            f"INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, changed_at, run_id) "
            f"VALUES ('us', {survey}, {response}, '{{}}', '', now(), now(), 1)")
        done = self.bench.run('erase', 'us', '--verify')
        self.assertEqual(done.code, 6, done)
        self.assertIn('alchemer.response', done.out.replace('"', ''))
        self.succeed('erase', 'us', '--response', f'{survey}/{response}', '--verify')

    def test_usage(self):
        for arguments in (('erase',), ('erase', 'us'), ('erase', 'us', '--response', 'x'), ('erase', 'us', '--response', '5'),
                          ('erase', 'nosuch', '--response', '1/2'), ('erase', 'us', '--contact', '')):
            done = self.bench.run(*arguments)
            self.assertEqual(done.code, 2, done)
        address = 'jane.doe@example.org'
        done = self.succeed('erase', 'us', '--contact', address, '--verify')
        self.assertNotIn(address, done.out + done.err)
        self.assertEqual(shown(self.bench.database, [address]), [])


if __name__ == '__main__':
    harness.main()
