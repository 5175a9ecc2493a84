#pragma once
// A status value with everything in it that a page can show, and its states; made up.

#include <memory>
#include <string>

#include "report/web_view.h"

namespace surveysync::report::web_test {

inline constexpr UtcTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + std::chrono::hours(12)};

inline std::optional<UtcTime> before(Duration time) {
  return kNow - std::chrono::duration_cast<std::chrono::microseconds>(time);
}

inline SourceView some_source(const std::string& name) {
  using std::chrono::hours;
  using std::chrono::minutes;
  SourceView source;
  source.name = name;
  source.clocks = {before(minutes(70)), before(minutes(60)), before(minutes(59)), before(hours(5))};
  source.proof = Proof::balanced;
  source.stored = 1234567;
  source.next_run = kNow + hours(3);
  source.next_reason = "scheduled";
  source.keys = {{"secret", "a1b2c3d4", "", before(hours(100)), before(minutes(59)), {}}};
  source.surveys = {{"101", "Plain survey", source.clocks, 1200000, Proof::balanced, ""},
                    {"102", "", source.clocks, 34567, Proof::balanced, ""}};
  return source;
}

inline std::shared_ptr<DatabaseView> some_database() {
  auto database = std::make_shared<DatabaseView>();
  database->taken_at = kNow - std::chrono::seconds(2);
  database->sources = {some_source("us")};
  database->runs = {{7,
                     "us",
                     "incremental",
                     "succeeded",
                     "",
                     *before(std::chrono::minutes(70)),
                     before(std::chrono::minutes(60)),
                     {84, 12, 3, 900, 1, 0}}};
  database->budgets = {{"vendor/us", {"us"}, 120, 240, std::chrono::seconds(60), {}, {}}};
  for (int day = 1; day <= 30; ++day)
    database->days.push_back({"2025-12-" + std::string(day < 10 ? "0" : "") + std::to_string(day), day * 10, day});
  database->sources_json = R"([{"source":"us"}])";
  return database;
}

inline StatusView some_view(std::shared_ptr<const DatabaseView> database = some_database()) {
  StatusView view;
  view.at = kNow;
  view.started_at = kNow - std::chrono::hours(30);
  view.version = "1.2.3";
  view.host = "warehouse";
  view.lanes = {{"us", "next run 2026-01-01T15:00:00Z", false, false}};
  view.database = std::move(database);
  view.schema_current = true;
  return view;
}

/// The key of us was rotated.
inline StatusView held_view() {
  auto database = some_database();
  database->sources[0].keys[0].verdict = "rotated";
  database->sources[0].keys[0].refused_at = before(std::chrono::minutes(40));
  database->incidents = {{"credentials/us", "credentials_refused", "us", "critical", "rotated",
                          "\"Login failed\" on every endpoint", "write the new key to us.key",
                          *before(std::chrono::minutes(40))}};
  StatusView view = some_view(database);
  view.lanes[0].held = true;
  return view;
}

inline StatusView running_view() {
  StatusView view = some_view();
  view.lanes[0].running = true;
  view.progress = {{"us", "incremental", 8, 10, 4, 2000, 500, true, *before(std::chrono::seconds(90))}};
  view.recent_calls = {{"us", 60}};
  return view;
}

inline StatusView empty_view() {
  auto database = std::make_shared<DatabaseView>();
  SourceView source;
  source.name = "us";
  source.next_run = kNow;
  source.next_reason = "first";
  database->sources = {source};
  database->days = {{"2026-01-01", 0, 0}};
  return some_view(database);
}

inline StatusView away_view() {
  StatusView view = some_view();
  view.trouble = "connection refused";
  view.away = true;
  view.trouble_since = before(std::chrono::minutes(4));
  return view;
}

}  // namespace surveysync::report::web_test
