// What the status page asks of the database: rows a day and budgets.

#include "store/overview.h"

#include "fixture.h"

namespace surveysync::test {
namespace {

class OverviewTest : public DatabaseTest {
 protected:
  void add_run(const std::string& when, const std::string& kind, int inserted, int updated) {
    run_sql("INSERT INTO surveysync.run (source, kind, started_at, inserted, updated, holder, epoch) VALUES ('us', '" +
            kind + "', " + when + ", " + std::to_string(inserted) + ", " + std::to_string(updated) + ", 'a/1/1', 1)");
  }

  std::unique_ptr<pg::Connection> connection_ = connect();
  store::Overview overview_{*connection_};
};

TEST_F(OverviewTest, RowsADayWithoutGapsOldestFirst) {
  const std::string today = "date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'";
  add_run(today, "incremental", 10, 1);
  add_run(today, "backfill", 5, 0);
  add_run(today, "replay", 1000, 1000);  // brought nothing
  add_run(today + " - interval '1 second'", "incremental", 7, 2);
  add_run(today + " - interval '2 days'", "resync", 3, 3);
  add_run(today + " - interval '2 days' - interval '1 second'", "incremental", 99, 99);  // too long ago
  connection_->execute("SET TIME ZONE 'Pacific/Auckland'");  // days are those of UTC, whatever the session's zone
  const std::vector<store::DayRow> days = overview_.days(3);
  ASSERT_EQ(days.size(), 3U);
  EXPECT_EQ(days[0].inserted, 3);
  EXPECT_EQ(days[1].inserted, 7);
  EXPECT_EQ(days[1].updated, 2);
  EXPECT_EQ(days[2].inserted, 15);
  EXPECT_EQ(days[2].updated, 1);
  EXPECT_EQ(days[2].day, query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"));
  EXPECT_LT(days[0].day, days[1].day);
}

TEST_F(OverviewTest, NothingIsZeroEveryDay) {
  const std::vector<store::DayRow> days = overview_.days(30);
  ASSERT_EQ(days.size(), 30U);
  for (const store::DayRow& day : days)
    EXPECT_EQ(day.inserted + day.updated, 0) << day.day;
  EXPECT_TRUE(overview_.budgets().empty());
}

TEST_F(OverviewTest, Budgets) {
  run_sql(
      "INSERT INTO surveysync.rate_budget (account, next_free_at, rest_until, updated_at) VALUES "
      "('vendor/us', '2026-01-01T00:00:01Z', '2026-01-01T00:01:00Z', now()), ('vendor/eu', '2026-01-01T00:00:00Z', "
      "NULL, now())");
  const std::vector<store::BudgetRow> budgets = overview_.budgets();
  ASSERT_EQ(budgets.size(), 2U);
  EXPECT_EQ(budgets[0].account, "vendor/eu");
  EXPECT_FALSE(budgets[0].rest_until);
  EXPECT_EQ(format_utc(budgets[1].next_free_at), "2026-01-01T00:00:01Z");
  EXPECT_EQ(format_utc(*budgets[1].rest_until), "2026-01-01T00:01:00Z");
}

}  // namespace
}  // namespace surveysync::test
