// sync/wide over store/views: wide tables follow what runs change, survive crashes and readers, and forget who was
// erased.
#include <thread>

#include "sources/alchemer/wide_names.h"
#include "store/erasure.h"
#include "views_fixture.h"

namespace surveysync::test {
namespace {

class WideUpdate : public WideTest {
 protected:
  /// Two fields and three responses, the table made.
  void fill() {
    question({.id = 2, .shortname = "name"});
    question({.id = 3, .type = "RADIO", .shortname = "rate"});
    option(3, 10001, "Good", "1");
    for (std::int64_t id = 1; id <= 3; ++id) {
      response(id);
      answer(id, {2, "n" + std::to_string(id)});
      answer(id, {3, "1"});
    }
    update();
    ASSERT_EQ(column("name"), "n1|n2|n3");
  }
  std::string table_id(const std::string& table = "us_1") {
    return query("SELECT 'alchemer_wide." + table + "'::regclass::oid");
  }
};

TEST_F(WideUpdate, NothingChangedWritesNothing) {
  fill();
  const auto before = places();
  const std::string state = query("SELECT xmin FROM surveysync.wide");
  begin_run();
  EXPECT_TRUE(update().empty());
  note("response");  // a run that wrote something elsewhere in the survey
  const auto outcomes = update();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].rows, 0);
  EXPECT_FALSE(outcomes[0].rebuilt);
  EXPECT_EQ(places(), before);
  EXPECT_TRUE(update().empty()) << "it stands at that run now";
}

TEST_F(WideUpdate, NoColumnNeedsQuotes) {
  for (const std::string& word : rows("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T') UNION "
                                      "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND "
                                      "attnum < 0"))
    EXPECT_TRUE(sources::alchemer::is_reserved(word)) << word;
}

TEST_F(WideUpdate, OnlyChangedResponsesAreWritten) {
  fill();
  const auto before = places();
  begin_run();
  response(2, "Partial");
  answer(2, {2, "other"});
  response(4);
  response(1);  // met again, and equal
  run_sql("UPDATE alchemer.response SET deleted_at = now(), run_id = 2 WHERE response_id = 3");
  const auto outcomes = update();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].rows, 3);
  EXPECT_EQ(query("SELECT string_agg(response_id || coalesce(name, '-') || status, ' ' ORDER BY 1) FROM "
                  "alchemer_wide.us_1"),
            "1n1Complete 2otherPartial 4-Complete");
  EXPECT_EQ(places()[0], before[0]);
  begin_run();
  run_sql("UPDATE alchemer.response SET deleted_at = NULL, run_id = 3 WHERE response_id = 3");
  note("response");
  update();
  EXPECT_EQ(column("name"), "n1|other|n3|NULL") << "a response that comes back";
}

TEST_F(WideUpdate, ARunThatDiedBeforeItIsMadeGoodByTheNext) {
  fill();
  begin_run();
  answer(1, {2, "edited"});
  response(1);
  begin_run();
  begin_run();
  run_sql("CREATE TABLE alchemer_wide.us_1__new (response_id bigint)");  // left of a rebuild that was killed
  update();
  EXPECT_EQ(column("name"), "edited|n2|n3");
  begin_run();
  question({.id = 4, .shortname = "more"});
  update();
  EXPECT_EQ(column("more"), "NULL|NULL|NULL");
  EXPECT_EQ(query("SELECT count(*) FROM pg_tables WHERE tablename LIKE '%__new'"), "0");
}

TEST_F(WideUpdate, NewColumnsMakeANewTableAndWordsDoNot) {
  fill();
  const std::string id = table_id();
  begin_run();
  run_sql("UPDATE alchemer.option SET title = 'Very good' WHERE option_id = 10001");
  run_sql("UPDATE alchemer.question SET title = 'Your name' WHERE question_id = 2");
  note("survey");
  const auto before = places();
  update();
  EXPECT_EQ(table_id(), id);
  EXPECT_EQ(places(), before);
  EXPECT_EQ(column("rate", "us_1_labels"), "Very good|Very good|Very good");
  EXPECT_EQ(query("SELECT col_description('alchemer_wide.us_1'::regclass, 7)"), "Your name");
  EXPECT_EQ(query("SELECT title FROM alchemer_wide.dictionary WHERE variable = 'name'"), "Your name");
  begin_run();
  option(3, 10002, "Ugly", "ugly");
  answer(2, {3, "ugly"});
  response(2);
  update();
  EXPECT_NE(table_id(), id);
  EXPECT_EQ(column("rate"), "1|ugly|1") << "a text where a number was";
  EXPECT_EQ(column("rate", "us_1_labels"), "Very good|Ugly|Very good");
}

TEST_F(WideUpdate, ReadersNeverSeeFewerRows) {
  fill();
  std::atomic<bool> done = false;
  std::atomic<int> fewest = 3, looks = 0;
  std::jthread reader([&] {
    const auto connection = connect();
    while (!done) {
      fewest = std::min<int>(
          fewest, static_cast<int>(connection->execute("SELECT count(*) FROM alchemer_wide.us_1").integer(0, 0)));
      ++looks;
    }
  });
  for (int turn = 0; turn < 5; ++turn) {
    begin_run();
    question({.id = 100 + turn, .shortname = "q" + std::to_string(turn)});
    update();
    rebuild();
  }
  done = true;
  reader.join();
  EXPECT_EQ(fewest, 3);
  EXPECT_GT(looks, 5);
}

TEST_F(WideUpdate, AViewOfAReaderHoldsTheTableAndNotTheRun) {
  fill();
  run_sql("CREATE VIEW public.mine AS SELECT name FROM alchemer_wide.us_1");
  begin_run();
  question({.id = 4, .shortname = "more"});
  response(4);
  answer(4, {2, "n4"});
  answer(4, {4, "new"});
  update();
  const auto failures = events_.of<event::WideFailed>();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].reason.find("public.mine"), std::string::npos) << failures[0].reason;
  EXPECT_EQ(query("SELECT string_agg(name, '|' ORDER BY name) FROM public.mine"), "n1|n2|n3|n4")
      << "rows are kept up to date";
  begin_run();
  run_sql("UPDATE alchemer.response SET deleted_at = now(), run_id = 3 WHERE response_id = 1");
  note("response");
  update();
  EXPECT_EQ(query("SELECT string_agg(name, '|' ORDER BY name) FROM public.mine"), "n2|n3|n4");
  run_sql("DROP VIEW public.mine");
  begin_run();
  update();
  EXPECT_EQ(column("more"), "NULL|NULL|new") << "the next run makes it anew";
  EXPECT_EQ(events_.of<event::WideFailed>().size(), 2U);
}

TEST_F(WideUpdate, AReaderIsWaitedForInShortTurns) {
  fill();
  begin_run();
  question({.id = 4, .shortname = "more"});
  const auto holder = connect();
  pg::Transaction reading(*holder);
  reading.execute("SELECT count(*) FROM alchemer_wide.us_1");
  std::jthread letting_go([&] {
    clock_.wait_for(std::chrono::milliseconds(1700), {});
    reading.commit();
  });
  update();
  letting_go.join();
  EXPECT_EQ(column("more"), "NULL|NULL|NULL");
  EXPECT_TRUE(events_.of<event::WideFailed>().empty());
}

TEST_F(WideUpdate, RebuildMakesTablesRightThatSomebodyChanged) {
  fill();
  run_sql("UPDATE alchemer_wide.us_1 SET name = 'nonsense'");
  begin_run();
  const auto outcomes = rebuild({"1"});
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].rebuilt);
  EXPECT_EQ(outcomes[0].rows, 3);
  EXPECT_EQ(column("name"), "n1|n2|n3");
  run_sql("DROP TABLE alchemer_wide.us_1 CASCADE");
  rebuild();
  EXPECT_EQ(column("name"), "n1|n2|n3");
  run_sql("CREATE VIEW public.mine AS SELECT name FROM alchemer_wide.us_1");
  run_sql("UPDATE alchemer_wide.us_1 SET name = 'nonsense' WHERE response_id = 2");
  run_sql("INSERT INTO alchemer_wide.us_1 (response_id) VALUES (99)");
  rebuild();
  EXPECT_EQ(column("name"), "n1|n2|n3") << "in place, where it cannot be replaced";
  EXPECT_TRUE(events_.of<event::WideFailed>().empty());
}

TEST_F(WideUpdate, WhatSomebodyTookAwayIsMadeAgain) {
  fill();
  for (const char* const harm :
       {"DROP TABLE alchemer_wide.us_1 CASCADE", "ALTER TABLE alchemer_wide.us_1 RENAME COLUMN name TO nomen"}) {
    run_sql(harm);
    begin_run();
    response(2, "Partial");
    update();
    EXPECT_EQ(column("name"), "n1|n2|n3") << harm;
    EXPECT_TRUE(events_.of<event::WideFailed>().empty()) << harm;
  }
}

TEST_F(WideUpdate, RightsOfReadersOutliveTheTable) {
  fill();
  run_sql("GRANT SELECT ON alchemer_wide.us_1, alchemer_wide.us_1_labels TO PUBLIC");
  rebuild();
  EXPECT_EQ(
      query("SELECT count(*) FROM information_schema.table_privileges WHERE grantee = 'PUBLIC' AND table_name LIKE "
            "'us_1%'"),
      "2");
}

TEST_F(WideUpdate, DroppedRecordsLeaveWithTheNextRun) {
  fill();
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 2");
  run_sql("UPDATE surveysync.wide SET swept = false");
  begin_run();
  update();
  EXPECT_EQ(column("name"), "n1|n3");
  EXPECT_TRUE(update().empty());
}

TEST_F(WideUpdate, ATableWhoseNameBelongsToAnotherIsLeftAlone) {
  fill();
  run_sql(
      "INSERT INTO surveysync.wide (source, partition, run_id, version, table_names, most_columns, swept, updated_at) "
      "VALUES ('us_1', '2', 1, 1, '{us_2}', 500, true, now())");
  survey(2);
  update();
  ASSERT_EQ(events_.of<event::WideFailed>().size(), 1U);
  EXPECT_EQ(query("SELECT count(*) FROM pg_tables WHERE tablename = 'us_2'"), "0");
}

TEST_F(WideUpdate, ErasedResponsesAreNowhere) {
  fill();
  const auto digest = std::make_shared<const KeyedDigest>(Secret("0123456789abcdef0123456789abcdef"));
  store::Erasure erasure(session_->connection(), "us", source_.streams(), digest);
  store::ErasureWish wish;
  erasure.add_record("1/2", wish);
  // Half of a rebuild that was killed holds it too.
  run_sql("CREATE TABLE alchemer_wide.us_1__new AS SELECT * FROM alchemer_wide.us_1");
  const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
  EXPECT_GE(erasure.left_of(wish).size(), 4U);
  EXPECT_TRUE(erasure.left_of_all().empty());
  erasure.erase(fence, wish);
  session_->release_lease(fence);
  EXPECT_TRUE(erasure.left_of(wish).empty());
  EXPECT_EQ(column("name"), "n1|n3");
  EXPECT_EQ(column("name", "us_1__new"), "n1|n3");
  EXPECT_EQ(column("name", "us_1_labels"), "n1|n3");
  run_sql("INSERT INTO alchemer_wide.us_1 (response_id) VALUES (2)");
  ASSERT_EQ(erasure.left_of_all().size(), 1U);
  EXPECT_EQ(erasure.left_of_all()[0].place, "alchemer_wide.us_1");
  run_sql("DELETE FROM alchemer_wide.us_1 WHERE response_id = 2");
  // What another source's wide table says of the same person is not ours to judge.
  store::ErasureWish person;
  person.persons.insert({"email", "jane@example.org"});
  run_sql("CREATE TABLE alchemer_wide.us_east_5 AS SELECT 'jane@example.org' AS mail");
  EXPECT_TRUE(erasure.left_of(person).empty());
  run_sql("UPDATE alchemer_wide.us_1 SET name = 'Jane@Example.org' WHERE response_id = 1");
  EXPECT_EQ(erasure.left_of(person).size(), 1U);
  run_sql("UPDATE alchemer_wide.us_1 SET name = 'n1' WHERE response_id = 1");
  run_sql("DROP TABLE alchemer_wide.us_1__new");
  begin_run();
  rebuild();
  EXPECT_TRUE(erasure.left_of(wish).empty());
}

}  // namespace
}  // namespace surveysync::test
