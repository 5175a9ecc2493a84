#pragma once
// A database with an Alchemer survey that was written by hand, as runs would, and its wide tables: for tests of
// store/views and sync/wide.

#include <fmt/format.h>

#include "fixture.h"
#include "sources/alchemer/tables.h"
#include "sources/alchemer/wide.h"
#include "store/session.h"
#include "sync/wide.h"

namespace surveysync::test {

/// Alchemer's definitions and plan, without a vendor.
class WideSource final : public sources::Source {
 public:
  const std::vector<model::StreamSpec>& streams() const override { return sources::alchemer::stream_specs(); }
  const model::WideSpec* wide() const override { return &sources::alchemer::wide_spec(); }
  model::WidePlan plan_wide(const std::vector<model::WideDefinition>& definitions) const override {
    return sources::alchemer::plan_wide(definitions);
  }

  // Nothing of this is asked.
  sources::ProbeResult probe(const std::stop_token&) override { return {}; }
  std::vector<model::Partition> partitions(const Scope&, const std::stop_token&) override { return {}; }
  model::Page fetch(const sources::FetchRequest&, const std::stop_token&) override { return {}; }
  sources::Abilities abilities(const model::StreamSpec&) const override { return {}; }
  std::string bookmark(const std::string&, UtcTime, const std::string& before) const override { return before; }
  std::string window_position(const std::string&, Duration) const override { return {}; }
  std::string window_position(UtcTime, std::optional<UtcTime>, bool) const override { return {}; }
  std::optional<std::string> count_position(UtcTime) const override { return std::nullopt; }
  Duration date_doubt(UtcTime) const override { return {}; }
  UtcTime vendor_now() const override { return {}; }
  sources::Found find(const model::StreamSpec&, const model::Partition&, const model::Key&, const Scope&,
                      const std::stop_token&) override {
    return {};
  }
  sources::Found find_partition(const std::string&, const Scope&, const std::stop_token&) override { return {}; }
  model::Page reread(const model::StreamSpec&, const model::Partition&, const std::string&) const override {
    return {};
  }
  model::Decode decoder(const model::StreamSpec&) const override { return {}; }
  std::vector<model::Capability> learn(const std::vector<model::Partition>&, const Scope&,
                                       const std::stop_token&) override {
    return {};
  }
  void assume(const std::vector<model::Capability>&) override {}
  std::vector<std::string> learnable() const override { return {}; }
  std::string decoding() const override { return {}; }
  std::int64_t requests() const override { return 0; }
};

class WideTest : public DatabaseTest {
 protected:
  WideTest() {
    open_ = [this](std::stop_token token) {
      return std::make_unique<store::Session>(options(), events_, clock_, std::move(token));
    };
    session_ = open_({});
    survey(1);
  }

  static std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text)
      out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
  }
  /// Everything below belongs to this run until another begins.
  void begin_run() { ++run_; }
  void note(const char* stream) {
    run_sql(
        fmt::format("INSERT INTO surveysync.run_stream (run_id, stream, partition, source, started_at, inserted) "
                    "VALUES ({}, '{}', '{}', 'us', now(), 1) ON CONFLICT DO NOTHING",
                    run_, stream, survey_));
  }
  std::string standard() const { return fmt::format("'{{}}', '\\x00', now(), now(), {}", run_); }
  static constexpr const char* kStandard = "payload, payload_hash, first_seen_at, changed_at, run_id";

  void survey(std::int64_t id) {
    survey_ = id;
    run_sql(fmt::format("INSERT INTO alchemer.survey (source, survey_id, title, {}) VALUES ('us', {}, 'A', {})",
                        kStandard, id, standard()));
    note("survey");
  }
  struct Question {
    std::int64_t id;
    std::string type = "TEXTBOX", title = "T", shortname = {};
    std::int64_t parent = 0;
    std::string properties = "{}";
    bool comment = false;
  };
  void question(const Question& q) {
    run_sql(fmt::format(
        "INSERT INTO alchemer.question (source, survey_id, question_id, parent_question_id, position, base_type, type, "
        "title, shortname, properties, {}) VALUES ('us', {}, {}, {}, {}, 'Question', '{}', {}, {}, '{}', "
        "'{{\"comment\":{}}}', '\\x00', now(), now(), {})",
        kStandard, survey_, q.id, q.parent == 0 ? "NULL" : std::to_string(q.parent), ++position_, q.type,
        quoted(q.title), quoted(q.shortname), q.properties, q.comment, run_));
    note("survey");
  }
  void option(std::int64_t question, std::int64_t id, const std::string& title, const std::string& value,
              bool other = false) {
    run_sql(
        fmt::format("INSERT INTO alchemer.option (source, survey_id, question_id, option_id, position, title, value, "
                    "{}) VALUES ('us', {}, {}, {}, {}, {}, {}, '{{\"properties\":{{\"other\":{}}}}}', '\\x00', now(), "
                    "now(), {})",
                    kStandard, survey_, question, id, ++position_, quoted(title), quoted(value), other, run_));
    note("survey");
  }
  void response(std::int64_t id, const std::string& status = "Complete") {
    run_sql(
        fmt::format("INSERT INTO alchemer.response (source, survey_id, response_id, status, is_test_data, "
                    "date_submitted, {}) VALUES ('us', {}, {}, '{}', false, '2026-01-02 03:04:05Z', {}) ON CONFLICT "
                    "(source, survey_id, response_id) DO UPDATE SET status = excluded.status, run_id = "
                    "excluded.run_id",
                    kStandard, survey_, id, status, standard()));
    note("response");
  }
  struct Answer {
    std::int64_t question;
    std::string answer = {}, item = {};
    std::int64_t option = 0;
    bool other = false;
    int rank = 0;
    std::string comment = {};
  };
  void answer(std::int64_t response, const Answer& a) {
    const auto maybe = [](const std::string& text) { return text.empty() ? std::string("NULL") : quoted(text); };
    const auto number = [](std::int64_t value) { return value == 0 ? std::string("NULL") : std::to_string(value); };
    run_sql(
        fmt::format("INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, answer, "
                    "option_id, is_other, rank, comment, run_id) VALUES ('us', {}, {}, {}, '{}', {}, {}, {}, {}, {}, "
                    "{}) ON CONFLICT (source, survey_id, response_id, question_id, item) DO UPDATE SET answer = "
                    "excluded.answer",
                    survey_, response, a.question, a.item, maybe(a.answer), number(a.option), a.other, number(a.rank),
                    maybe(a.comment), run_));
  }

  /// What the end of a run does.
  std::vector<sync::WideOutcome> update() {
    return with_lease([](const sync::WideRun& run) { return update_wide(run); });
  }
  std::vector<sync::WideOutcome> rebuild(const std::set<std::string>& partitions = {}) {
    return with_lease([&](const sync::WideRun& run) { return rebuild_wide(run, partitions); });
  }
  template <class Act>
  std::vector<sync::WideOutcome> with_lease(const Act& act) {
    const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
    auto outcomes = act({source_, open_, fence, {"us", run_, "", ""}, events_, clock_, {}, 2});
    session_->release_lease(fence);
    return outcomes;
  }
  /// One column over all rows, "a|b|NULL".
  std::string column(const std::string& name, const std::string& table = "us_1") {
    return query(
        fmt::format("SELECT string_agg(coalesce(\"{}\"::text, 'NULL'), '|' ORDER BY response_id) FROM "
                    "alchemer_wide.\"{}\"",
                    name, table));
  }
  /// Where rows are stored: changes with every write.
  std::vector<std::string> places(const std::string& table = "us_1") {
    return rows("SELECT response_id, ctid, xmin FROM alchemer_wide.\"" + table + "\" ORDER BY 1");
  }

  Events events_;
  WideSource source_;
  store::OpenSession open_;
  std::unique_ptr<store::Session> session_;
  std::int64_t run_ = 1, survey_ = 1;
  int position_ = 0;
};

}  // namespace surveysync::test
