#include "store/overview.h"

#include <map>

#include "pg/binary.h"

namespace surveysync::store {
namespace {

using std::chrono::days;

std::string day_text(UtcTime time) {
  return format_utc(std::chrono::floor<days>(time)).substr(0, 10);
}

}  // namespace

UtcTime Overview::now() {
  const pg::Result rows = connection_.execute("SELECT pg_catalog.now()");
  return rows.time(0, 0).value_or(UtcTime());
}

std::vector<DayRow> Overview::days(int count) {
  const std::vector<pg::Param> params = {pg::int8(count - 1)};
  const pg::Result rows = connection_.execute(
      "SELECT (date_trunc('day', r.started_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS day, "
      "sum(r.inserted)::bigint, sum(r.updated)::bigint FROM surveysync.run r "
      "WHERE r.started_at >= (date_trunc('day', pg_catalog.now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') - "
      "$1 * interval '1 day' AND r.kind NOT IN ('replay', 'retry') GROUP BY 1",
      params);
  std::map<std::string, DayRow> found;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string day = day_text(rows.time(row, 0).value_or(UtcTime()));
    found[day] = {day, rows.integer(row, 1), rows.integer(row, 2)};
  }
  const UtcTime today = now();
  std::vector<DayRow> all;
  for (int back = count - 1; back >= 0; --back) {
    const std::string day = day_text(today - std::chrono::days(back));
    const auto known = found.find(day);
    all.push_back(known == found.end() ? DayRow{day, 0, 0} : known->second);
  }
  return all;
}

std::vector<BudgetRow> Overview::budgets() {
  const pg::Result rows =
      connection_.execute("SELECT account, next_free_at, rest_until FROM surveysync.rate_budget ORDER BY account");
  std::vector<BudgetRow> budgets;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    budgets.push_back({rows.text(row, 0), rows.time(row, 1).value_or(UtcTime()), rows.time(row, 2)});
  return budgets;
}

}  // namespace surveysync::store
