#pragma once
// A small stream over the real tables alchemer.response and alchemer.answer, with records that say in JSON what they
// become:
// {"id":5,"v":3,"title":"x","answers":{"10":"a","11":"b"}}. "v" is the version in seconds since 2026-01-01.

#include <atomic>

#include "base/json.h"
#include "fixture.h"
#include "model/stream.h"
#include "store/history.h"
#include "store/lease.h"
#include "store/ledger.h"
#include "store/writer.h"

namespace surveysync::test {

inline constexpr std::int64_t kSurvey = 77;

inline model::StreamSpec response_stream() {
  using enum model::ColumnType;
  model::Table response{"alchemer",
                        "response",
                        {{"survey_id", int64}, {"response_id", int64}},
                        {{"status", text},
                         {"date_updated", timestamp},
                         {"response_time_seconds", int32},
                         {"latitude", numeric},
                         {"url_variables", jsonb},
                         {"is_test_data", boolean}}};
  response.version = 1;
  model::Table answer{"alchemer",
                      "answer",
                      {{"survey_id", int64}, {"response_id", int64}, {"question_id", int64}, {"item", text}},
                      {{"answer", text}, {"is_other", boolean}},
                      true};
  return {"response", {response, answer}, true};
}

class WriterTest : public DatabaseTest {
 protected:
  WriterTest() : connection_(connect()), writer_(*connection_, events_, clock_), stream_(response_stream()) {
    fence_ = store::Lease::acquire(*connection_, "us", std::chrono::minutes(5));
    run_ = store::Ledger(*connection_).open_run(fence_, "incremental");
  }

  static std::string record_text(std::int64_t id, int version, const std::string& status,
                                 const std::vector<std::string>& answers = {}) {
    std::string text = "{\"id\":" + std::to_string(id) + ",\"v\":" + std::to_string(version) +
                       ",\"status\":" + json::quote(status) + ",\"answers\":{";
    for (std::size_t i = 0; i < answers.size(); ++i) {
      text += (i > 0 ? "," : "") + json::quote(std::to_string(10 + i)) + ":" + json::quote(answers[i]);
    }
    return text + "}}";
  }
  static model::Record& add(model::Page& page, std::int64_t id, const std::string& text) {
    page.texts.push_back(std::make_unique<std::string>(text + std::string(json::kPadding, '\0')));
    model::Record record;
    record.key = {kSurvey, id};
    record.payload = std::string_view(*page.texts.back()).substr(0, text.size());
    record.hash = model::hash_of(record.payload);
    page.records.push_back(std::move(record));
    return page.records.back();
  }
  static model::Page page_of(const std::vector<std::string>& texts) {
    model::Page page;
    json::Document document;
    for (const std::string& text : texts)
      add(page, document.parse_copy(text)["id"].as_int().value_or(0), text);
    return page;
  }
  static model::Page numbered(std::int64_t from, std::int64_t to, int version = 1,
                              const std::string& status = "Complete") {
    std::vector<std::string> texts;
    for (std::int64_t id = from; id <= to; ++id)
      texts.push_back(record_text(id, version, status, {"a" + std::to_string(id), "b"}));
    return page_of(texts);
  }

  static void decode(const model::Record& record, model::RowBatch& batch) {
    json::Document document;
    const json::Value root = document.parse_copy(record.payload);
    if (!root["malformed"].is_absent()) throw Error(ErrorKind::malformed, "no such answer type");
    using model::Cell;
    const Cell survey = Cell::of(kSurvey), id = Cell::of(std::get<std::int64_t>(record.key[1]));
    const auto row = batch.add_row(0, 8);
    row[0] = survey;
    row[1] = id;
    row[2] = Cell::of(batch.keep(root["status"].text()));
    row[3] = Cell::of(UtcTime(std::chrono::seconds(1'767'225'600 + root["v"].as_int().value_or(0))));
    row[4] = Cell::of(root["seconds"].as_int());
    if (!root["latitude"].is_absent()) row[5] = Cell::of(batch.keep(root["latitude"].text()));
    if (!root["variables"].is_absent()) row[6] = Cell::of(batch.keep(root["variables"].raw()));
    row[7] = Cell::of(root["test"].as_bool());
    for (const json::Member& member : root["answers"].members()) {
      const auto answer = batch.add_row(1, 6);
      answer[0] = survey;
      answer[1] = id;
      answer[2] = Cell::of(static_cast<std::int64_t>(std::stoll(std::string(member.key))));
      answer[3] = Cell::of(std::string_view(""));
      answer[4] = Cell::of(batch.keep(member.value.text()));
      answer[5] = Cell::of(false);
    }
    if (!root["notice"].is_absent()) batch.notices.push_back({std::string(root["notice"].text()), "sample"});
  }

  store::WriteTarget target(std::int64_t run = 0) const {
    return {stream_, {std::to_string(kSurvey), "A survey", 0, ""}, run == 0 ? run_ : run, fence_};
  }
  model::Checkpoint checkpoint(const std::string& position = "") const {
    return {"response", std::to_string(kSurvey), "bookmark", position, 250};
  }
  Counts apply(const model::Page& page, const std::string& position = "") {
    return writer_.apply(page, decode, checkpoint(position), target());
  }
  /// Key, status, version and mark of every response; then its answers.
  std::vector<std::string> responses() {
    return rows(
        "SELECT response_id, status, extract(epoch from date_updated)::bigint - 1767225600, deleted_at IS NOT NULL, "
        "(SELECT string_agg(question_id || '=' || answer, ',' ORDER BY question_id) FROM alchemer.answer a WHERE "
        "a.source = "
        "r.source AND a.survey_id = r.survey_id AND a.response_id = r.response_id) FROM alchemer.response r ORDER BY "
        "1");
  }
  /// Where each row is and which transaction wrote it: equal before and after when nothing was written.
  std::vector<std::string> versions() {
    std::vector<std::string> all = rows("SELECT ctid, xmin, xmax FROM alchemer.response ORDER BY response_id");
    for (std::string& row : rows("SELECT ctid, xmin, xmax FROM alchemer.answer ORDER BY response_id, question_id"))
      all.push_back(std::move(row));
    return all;
  }

  Events events_;
  std::unique_ptr<pg::Connection> connection_;
  store::Writer writer_;
  model::StreamSpec stream_;
  store::Fence fence_;
  std::int64_t run_ = 0;
};

}  // namespace surveysync::test
