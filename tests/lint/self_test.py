"""Every rule must be able to fail: each is shown a sound tree, then the same tree with one thing wrong."""
import importlib
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

HEADER = '#pragma once\n// A room of the test.\n'
SOUND = {
    'src/main.cpp': '#include "app/cli.h"\nint main() { return 0; }\n',
    'src/app/cli.h': HEADER + '#include <CLI/CLI.hpp>\n#include "store/writer.h"\n',
    'src/base/error.h': HEADER + 'enum class ErrorKind : unsigned char {\n  cancelled,  ///< asked to stop\n  bug,\n};\n',
    'src/base/event.h': HEADER + '#include "base/error.h"\nnamespace event {\nstruct RunStarted {};\n\n}\n',
    'src/base/time.cpp': '#include "base/time.h"\nauto now() { return std::chrono::system_clock::now(); }\n',
    'src/base/time.h': HEADER,
    'src/store/writer.h': HEADER + '#include "pg/connection.h"\ninline const char* kSql = "SELECT 1 FROM t";\n',
    'src/pg/connection.h': HEADER + '#include "base/error.h"\n',
    'src/sources/source.h': HEADER + '#include "http/client.h"\n',
    'src/sources/alchemer/alchemer.cpp': '#include "sources/source.h"\n// SELECT 1 in a comment, printf( too\n',
    'src/http/client.h': HEADER,
    'src/sync/run.cpp': '#include "sources/source.h"\n#include "store/writer.h"\n',
    'docs/ARCHITECTURE.md': '`cancelled` `bug` [events](EVENTS.md)\n',
    'docs/EVENTS.md': '`run_started`\n',
    'migrations/0001_first.sql': 'SELECT 1;\n',
}

# rule -> (file, its bad content, what the finding must name)
BAD = {
    'floors': (
        ('src/base/error.h', HEADER + '#include "base/time.h"\n', 'only error'),
        ('src/http/client.h', HEADER + '#include "model/stream.h"\n', 'http must not include model/stream.h'),
        ('src/store/writer.h', HEADER + '#include "sources/source.h"\n', 'store must not include'),
        ('src/sync/run.cpp', '#include "sources/alchemer/alchemer.h"\n', 'sync must not include'),
        ('src/sync/run.cpp', '#include "pg/connection.h"\n', 'sync must not include'),
        ('src/sync/run.cpp', '/* x */ #include "store/../app/cli.h"\n#include "app/cli.h"\n', 'sync must not include app/cli.h'),
        ('src/sources/alchemer/alchemer.cpp', '#include "sources/alfaone/alfaone.h"\n', 'must not include'),
        ('src/sandbox/server.cpp', '#include "http/transport.h"\n', 'sandbox must not include'),
        ('src/report/alerts.cpp', '#include "http/client.h"\n', 'report must not include'),
        ('src/attic/old.h', HEADER, 'no room'),
        ('src/store/writer.h', HEADER + '#include <libpq-fe.h>\n', 'libpq'),
        ('src/pg/connection.h', HEADER + '#include <Poco/Net/Socket.h>\n', 'Poco::Net'),
        ('src/sources/source.h', HEADER + '#include <simdjson.h>\n', 'simdjson'),
        ('src/sync/run.cpp', '#include <spdlog/spdlog.h>\n', 'spdlog'),
        ('src/store/writer.h', HEADER + '#include <CLI/CLI.hpp>\n', 'CLI11'),
        ('src/store/writer.h', HEADER + '#include <toml++/toml.h>\n', 'toml++'),
        ('src/sync/run.cpp', '#include <Poco/Util/Application.h>\n', 'Poco::Util'),
        ('src/app/cli.h', HEADER + '#include <systemd/sd-daemon.h>\n', 'libsystemd'),
        ('src/app/systemd.cpp', '#include <systemd/sd-journal.h>\n', 'libsystemd'),
        ('src/sync/run.cpp', '#include <systemd/sd-journal.h>\n', 'libsystemd'),
        ('src/sync/run.cpp', 'auto s = "SELECT id FROM t";\n', 'SQL text'),
        ('src/pg/connection.h', HEADER + 'auto s = "COPY alchemer.survey (a) FROM STDIN";\n', 'SQL text'),
        ('src/pg/connection.h', HEADER + 'auto s = "UPDATE t SET a = 1";\n', 'SQL text'),
        ('src/pg/connection.h', HEADER + 'auto s = "CREATE TABLE t (a int)";\n', 'SQL text'),
        ('src/pg/connection.h', HEADER + 'auto s = R"sql(\n  DELETE FROM x)sql";\n', 'SQL text'),
    ),
    'calls': (
        ('src/sync/run.cpp', 'void f() { std::this_thread::sleep_for(x); }\n', 'sleeping'),
        ('src/sync/run.cpp', 'void f() { usleep(3); }\n', 'sleeping'),
        ('src/http/client.h', HEADER + 'auto t = std::chrono::steady_clock::now();\n', 'the clock'),
        ('src/http/client.h', HEADER + 'auto t = std::time(nullptr);\n', 'the clock'),
        ('src/http/client.h', HEADER + 'auto t = std::rand();\n', 'randomness'),
        ('src/http/client.h', HEADER + 'std::random_device d;\n', 'randomness'),
        ('src/sync/run.cpp', 'auto t = std::getenv("HOME");\n', 'the environment'),
        ('src/sync/run.cpp', 'void f() { std::cout << 1; }\n', 'printing'),
        ('src/sync/run.cpp', 'void f() { std::printf("x"); }\n', 'printing'),
        ('src/sync/run.cpp', 'void f() { std::exit(1); }\n', 'ending the process'),
    ),
    'files': (
        ('src/sync/run.cpp', 'void f() {\n\tg();\n}\n', 'tab'),
        ('src/sync/run.cpp', 'void f();', 'no newline'),
        ('src/sync/run.cpp', 'void f(); \n', 'blank at the end'),
        ('src/sync/run.cpp', 'void f();\r\n', 'carriage return'),
        ('src/sync/run.cpp', 'void f();\n' * 501, '501 lines'),
        ('src/store/writer.h', '// no pragma\n', '#pragma once'),
        ('src/store/writer.h', '#pragma once\nint x;\n', 'opens with a comment'),
    ),
    'documents': (
        ('docs/ARCHITECTURE.md', '`cancelled`\n', 'error kind bug'),
        ('docs/EVENTS.md', 'nothing\n', 'event run_started'),
        ('migrations/0003_third.sql', 'SELECT 1;\n', 'where 0002 is due'),
        ('migrations/first.sql', 'SELECT 1;\n', 'is named'),
        ('docs/ARCHITECTURE.md', '`cancelled` `bug` [x](gone.md)\n', 'gone.md'),
    ),
    'portable_sql': (
        ('src/store/a.cpp', 'auto s = "CREATE TEMP TABLE t (a int)";\n', 'temporary tables'),
        ('src/store/a.cpp', 'auto s = "create local temporary table t (a int)";\n', 'temporary tables'),
        ('src/store/a.cpp', 'auto s = "SELECT a INTO TEMP t FROM b";\n', 'temporary tables'),
        ('src/store/a.cpp', 'auto s = "MERGE "\n    "INTO t USING s ON true";\n', 'MERGE'),
        ('src/store/a.cpp', 'auto s = R"(MERGE\nINTO t)";\n', 'MERGE'),
        ('src/store/a.cpp', 'auto s = "LISTEN surveysync";\n', 'LISTEN'),
        ('src/store/a.cpp', 'auto s = "SET search_path = x";\n', 'SET without LOCAL'),
        ('src/pg/a.cpp', 'auto s = "BEGIN; SET TimeZone TO \'UTC\'";\n', 'SET without LOCAL'),
        ('src/pg/a.cpp', 'auto s = "SET SESSION statement_timeout = 1";\n', 'SET without LOCAL'),
        ('src/pg/a.cpp', 'auto s = "SET ROLE other";\n', 'SET without LOCAL'),
        ('src/pg/a.cpp', 'auto s = "RESET ALL";\n', 'session state'),
        ('src/pg/a.cpp', 'auto s = "SELECT lastval()";\n', 'session state'),
        ('src/store/a.cpp', 'auto s = "SELECT set_config(\'a.b\', coalesce($1, \'\'), false)";\n', 'set_config'),
        ('src/store/a.cpp', 'auto s = "SELECT pg_catalog.pg_try_advisory_xact_lock(1)";\n', 'advisory locks'),
        ('src/store/a.cpp', 'auto s = "CREATE CONSTRAINT TRIGGER t AFTER INSERT";\n', 'triggers'),
        ('src/store/a.cpp', 'auto s = "PREPARE one AS SELECT 1";\n', 'prepared statements'),
        ('src/store/a.cpp', 'auto s = "EXECUTE one(1)";\n', 'prepared statements'),
        ('src/store/a.cpp', 'auto s = "DEALLOCATE one";\n', 'prepared statements'),
        ('src/pg/a.cpp', 'void f() { PQsendPrepare(conn, name, sql, 0, nullptr); }\n', 'prepared statements'),
        ('src/pg/a.cpp', 'void f() { PQexecPrepared(conn, name, 0); }\n', 'prepared statements'),
        ('src/store/a.cpp', 'auto s = "BEGIN; LOCK TABLE t";\n', 'LOCK TABLE'),
        ('src/store/a.cpp', 'auto s = "LOCK alchemer.survey IN EXCLUSIVE MODE";\n', 'LOCK TABLE'),
        ('src/store/a.cpp', 'auto s = "NOTIFY surveysync";\n', 'NOTIFY only where'),
        ('src/store/a.cpp', 'auto s = "SELECT pg_catalog.pg_notify($1, $2)";\n', 'NOTIFY only where'),
        ('migrations/0001_first.sql', 'CREATE TABLE t (a int);\nCREATE TRIGGER x AFTER INSERT ON t;\n', 'triggers'),
        ('migrations/0001_first.sql', 'SELECT 1;\nSET search_path = x;\n', '0001_first.sql:2: session state'),
        ('migrations/0001_first.sql', '-- it\ncreate temporary table t (a int);\n', '0001_first.sql:2: temporary'),
    ),
    'headers': (
        ('src/http/client.h', HEADER + 'inline std::string text();\n', 'does not compile alone'),
    ),
    'formatting': (
        ('src/http/client.h', HEADER + 'inline  int   text( ) ;\n', 'clang-format'),
    ),
}
# What a rule must let pass: it looks like something else.
SOUND_SQL = {
    'src/store/ledger.cpp': 'auto s = "SELECT pg_catalog.pg_notify(\'surveysync\', $1)";\n',
    'src/store/b.cpp': '// MERGE INTO, LISTEN x, no pg_advisory_lock\n'
                       'auto a = "UPDATE t "\n    "SET a = 1 WHERE b";\n'
                       'auto b = "UPDATE t " /* why */\n    "SET a = 1";\n'
                       'auto c = "BEGIN; SET LOCAL TimeZone = \'UTC\'; SET LOCAL search_path = \'\'";\n'
                       'auto d = "SELECT set_config(\'synchronous_commit\', \'off\', true)";\n'
                       'auto e = "GRANT EXECUTE ON FUNCTION f TO x";\n'
                       'auto f = "set [database] uri to the primary";\n'
                       'auto g = "listen to what the server says; lock it and merge";\n',
    'migrations/0001_first.sql': '-- MERGE INTO t\nCREATE TABLE t (temp int);\n'
                                 "COMMENT ON TABLE t IS 'no; SET a = 1; LISTEN x; pg_advisory_lock';\n",
}
# The sound tree for rules that compile or format: no outside headers, nothing but what they need.
SMALL = {'src/http/client.h': HEADER + '\ninline int number() { return 1; }\n'}


class RulesCanFail(unittest.TestCase):
    """One test a rule, made below."""

    def findings(self, rule, tree):
        module = importlib.import_module('rules.' + rule)
        with tempfile.TemporaryDirectory(prefix='lint self test ') as root:
            for path, text in tree.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, 'w', encoding='utf-8', newline='') as stream:
                    stream.write(text)
            if rule == 'formatting':
                with open(os.path.join(root, '.clang-format'), 'w', encoding='utf-8') as stream:
                    stream.write('BasedOnStyle: Google\n')
            return module.check(root)

    def check_rule(self, rule):
        sound = SMALL if rule in ('headers', 'formatting') else SOUND
        if rule == 'portable_sql':
            sound = {**SOUND, **SOUND_SQL}
        self.assertEqual(self.findings(rule, sound), [], 'a sound tree is found sound')
        for path, text, expected in BAD[rule]:
            found = self.findings(rule, {**sound, path: text})
            with self.subTest(path=path, expected=expected):
                self.assertTrue(any(expected in finding and finding.startswith(path) for finding in found), found)


for _rule in BAD:
    setattr(RulesCanFail, f'test_{_rule}', lambda self, rule=_rule: self.check_rule(rule))


class Shell(unittest.TestCase):
    def test_every_rule_is_proven(self):
        rules = {name[:-3] for name in os.listdir(os.path.join(HERE, 'rules')) if name.endswith('.py')} - {'__init__'}
        self.assertEqual(rules, set(BAD))


if __name__ == '__main__':
    unittest.main()
