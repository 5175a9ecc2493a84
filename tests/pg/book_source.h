#pragma once
// A vendor in memory with definitions and responses over the real tables, that can be asked for everything the Source
// contract has: for tests of replay, verify and the quarantine. Records say in JSON what they become:
// {"id":5,"v":3,"status":"x","answers":{"10":"a","11":"b"}}, {"id":10,"title":"Wording","options":{"1":"Yes"}}.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "base/json.h"
#include "sources/source.h"

namespace surveysync::test {

class BookSource final : public sources::Source {
 public:
  struct Survey {
    std::string title = "A survey";
    std::map<std::int64_t, std::string> questions;  ///< bytes, in the vendor's order
    std::map<std::int64_t, std::string> responses;
  };
  std::map<std::int64_t, Survey> surveys;
  std::set<std::int64_t> hidden;   ///< response ids that lists leave out although totals count them
  std::set<std::int64_t> refused;  ///< response ids that are not for us alone
  bool descending = false;         ///< lists come by descending id
  bool newest_first = true;
  bool understands_letters = false;  ///< a decoder that knows {"letter":...}
  std::function<void(const std::string& position)> before_fetch;
  std::function<void(std::int64_t id)> before_find;
  std::atomic<int> finds = 0;

  BookSource() {
    using enum model::ColumnType;
    model::Table survey{"alchemer", "survey", {{"survey_id", int64}}, {{"title", text}}};
    model::Table question{
        "alchemer", "question", {{"survey_id", int64}, {"question_id", int64}}, {{"title", text}, {"position", int32}}};
    model::Table option{"alchemer",
                        "option",
                        {{"survey_id", int64}, {"question_id", int64}, {"option_id", int64}},
                        {{"title", text}, {"position", int32}}};
    survey.history = question.history = option.history = true;
    model::Table response{"alchemer",
                          "response",
                          {{"survey_id", int64}, {"response_id", int64}},
                          {{"status", text}, {"date_updated", timestamp}, {"url_variables", jsonb}}};
    response.version = 1;
    model::Table answer{"alchemer",
                        "answer",
                        {{"survey_id", int64}, {"response_id", int64}, {"question_id", int64}, {"item", text}},
                        {{"answer", text}, {"is_other", boolean}},
                        true};
    streams_ = {{"survey", {survey, question, option}, false}, {"response", {response, answer}, true}};
  }

  static std::string response_text(std::int64_t id, int version, const std::string& status) {
    return "{\"id\":" + std::to_string(id) + ",\"v\":" + std::to_string(version) +
           ",\"status\":" + json::quote(status) + ",\"answers\":{\"10\":\"a" + std::to_string(id) + "\",\"11\":\"b\"}}";
  }
  static std::string question_text(std::int64_t id, const std::string& title) {
    return "{\"id\":" + std::to_string(id) + ",\"title\":" + json::quote(title) +
           ",\"options\":{\"1\":\"Yes\",\"2\":\"No\"}}";
  }
  void fill(std::int64_t survey, std::int64_t responses) {
    for (std::int64_t id = 1; id <= responses; ++id)
      surveys[survey].responses[id] = response_text(id, 1, "Complete");
    surveys[survey].questions = {{10, question_text(10, "How are you?")}, {11, question_text(11, "Why?")}};
  }

  const std::vector<model::StreamSpec>& streams() const override { return streams_; }
  sources::ProbeResult probe(const std::stop_token&) override { return {"book", std::nullopt}; }
  std::int64_t requests() const override { return requests_; }
  std::vector<model::Capability> learn(const std::vector<model::Partition>&, const Scope&,
                                       const std::stop_token&) override {
    return {};
  }
  std::vector<std::string> learnable() const override { return {}; }
  std::string decoding() const override { return "book"; }
  void assume(const std::vector<model::Capability>&) override {}
  sources::Abilities abilities(const model::StreamSpec&) const override {
    return {newest_first, false, false, "it is a book"};
  }
  std::string bookmark(const std::string&, UtcTime, const std::string& before) const override { return before; }
  std::string window_position(const std::string&, Duration) const override { return {}; }
  std::string window_position(UtcTime, std::optional<UtcTime>, bool) const override { return {}; }
  std::optional<std::string> count_position(UtcTime) const override { return std::nullopt; }
  Duration date_doubt(UtcTime) const override { return {}; }
  UtcTime vendor_now() const override { return {}; }

  std::vector<model::Partition> partitions(const Scope&, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++requests_;
    std::vector<model::Partition> all;
    for (const auto& [id, survey] : surveys)
      all.push_back(partition(id));
    return all;
  }
  model::Partition partition(std::int64_t id) const {
    const auto found = surveys.find(id);
    const auto expected = found == surveys.end() ? 0 : found->second.responses.size();
    return {std::to_string(id), "A survey", static_cast<std::int64_t>(expected), "", std::nullopt};
  }

  model::Page fetch(const sources::FetchRequest& request, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++requests_;
    if (before_fetch) before_fetch(request.position);
    const std::int64_t survey = std::stoll(request.partition.name);
    return request.stream.name == "survey" ? definitions(survey) : responses(survey, request);
  }

  sources::Found find(const model::StreamSpec&, const model::Partition& partition, const model::Key& key, const Scope&,
                      const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++requests_;
    ++finds;
    const std::int64_t id = std::get<std::int64_t>(key.back());
    if (before_find) before_find(id);
    if (refused.contains(id)) return {sources::Presence::refused, {}, "HTTP 403", false};
    const Survey& survey = surveys[std::stoll(partition.name)];
    const auto found = survey.responses.find(id);
    if (found == survey.responses.end()) return {sources::Presence::gone, {}, "HTTP 404", false};
    sources::Found present{sources::Presence::present, {}, "", false};
    add(present.page, 0, key, found->second, "");
    return present;
  }
  sources::Found find_partition(const std::string& name, const Scope&, const std::stop_token&) override {
    ++requests_;
    const bool there = surveys.contains(std::stoll(name));
    return {there ? sources::Presence::present : sources::Presence::gone, {}, "HTTP 404", false};
  }
  model::Page reread(const model::StreamSpec&, const model::Partition& partition,
                     const std::string& raw) const override {
    model::Page page;
    json::Document document;
    const auto id = document.parse_copy(raw)["id"].as_int();
    if (id)
      add(page, 0, {static_cast<std::int64_t>(std::stoll(partition.name)), *id}, raw, "");
    else
      page.quarantined.push_back({"raw:" + std::to_string(raw.size()), "no id", raw});
    return page;
  }

  model::Decode decoder(const model::StreamSpec& stream) const override {
    if (stream.name == "survey") return decode_definition;
    return [this](const model::Record& record, model::RowBatch& batch) { decode_response(record, batch); };
  }

  /// The page of one survey's definitions.
  model::Page definitions(std::int64_t id) {
    model::Page page;
    page.complete = true;
    page.requests = 1;
    const Survey& survey = surveys[id];
    add(page, 0, {id}, "{\"title\":" + json::quote(survey.title) + "}", "");
    std::int64_t position = 0;
    json::Document document;
    for (const auto& [question, text] : survey.questions) {
      add(page, 1, {id, question}, text, std::to_string(++position));
      std::int64_t place = 0;
      for (const json::Member& member : document.parse_copy(text)["options"].members()) {
        const std::int64_t option = std::stoll(std::string(member.key));
        add(page, 2, {id, question, option}, std::string(member.value.raw()), std::to_string(++place));
      }
    }
    return page;
  }

 private:
  static void add(model::Page& page, std::size_t table, model::Key key, const std::string& text, std::string context) {
    page.texts.push_back(std::make_unique<std::string>(text + std::string(json::kPadding, '\0')));
    model::Record record;
    record.table = table;
    record.key = std::move(key);
    record.hash = model::hash_of(text);
    record.payload = std::string_view(*page.texts.back()).substr(0, text.size());
    // A text with a NUL in its title was altered before it was stored.
    if (text.find("\\u0000") != std::string::npos) {
      page.texts.push_back(std::make_unique<std::string>(text));
      record.original = std::string_view(*page.texts.back());
      std::string sound = text;
      for (std::size_t at = sound.find("\\u0000"); at != std::string::npos; at = sound.find("\\u0000"))
        sound.replace(at, 6, "\\u2400");
      page.texts.push_back(std::make_unique<std::string>(sound + std::string(json::kPadding, '\0')));
      record.payload = std::string_view(*page.texts.back()).substr(0, sound.size());
      record.flags = {"nul"};
    }
    record.context = std::move(context);
    page.records.push_back(std::move(record));
  }

  model::Page responses(std::int64_t survey, const sources::FetchRequest& request) {
    std::vector<std::pair<std::int64_t, std::string>> all(surveys[survey].responses.begin(),
                                                          surveys[survey].responses.end());
    if (descending) std::ranges::reverse(all);
    const auto total = static_cast<std::int64_t>(all.size());
    model::Page page;
    page.requests = 1;
    page.total = total;
    if (request.position.empty()) {
      if (total > 0) page.next = "rows:" + std::to_string(total);
      return page;
    }
    if (request.position.starts_with("newest:")) return page;
    const std::int64_t until = std::min(total, static_cast<std::int64_t>(std::stoll(request.position.substr(5))));
    const std::int64_t from = std::max<std::int64_t>(0, until - request.page_size);
    for (std::int64_t row = from; row < until; ++row) {
      const auto& [id, text] = all[static_cast<std::size_t>(row)];
      if (!hidden.contains(id)) add(page, 0, {survey, id}, text, "");
    }
    if (from > 0) page.next = "rows:" + std::to_string(from);
    return page;
  }

  static void decode_definition(const model::Record& record, model::RowBatch& batch) {
    json::Document document;
    const json::Value root = document.parse_copy(record.payload);
    const bool survey = record.table == 0;
    const auto row = batch.add_row(record.table, record.key.size() + (survey ? 1 : 2));
    for (std::size_t i = 0; i < record.key.size(); ++i)
      row[i] = model::Cell::of(std::get<std::int64_t>(record.key[i]));
    const json::Value title = root.is_object() ? root["title"] : root;
    row[record.key.size()] = model::Cell::of(batch.keep(title.text()));
    if (!survey) row.back() = model::Cell::of(static_cast<std::int64_t>(std::stoll(record.context)));
  }

  void decode_response(const model::Record& record, model::RowBatch& batch) const {
    json::Document document;
    const json::Value root = document.parse_copy(record.payload);
    if (!root["letter"].is_absent() && !understands_letters) throw Error(ErrorKind::malformed, "no such answer type");
    using model::Cell;
    const Cell survey = Cell::of(std::get<std::int64_t>(record.key[0])),
               id = Cell::of(std::get<std::int64_t>(record.key[1]));
    const auto row = batch.add_row(0, 5);
    row[0] = survey;
    row[1] = id;
    row[2] = Cell::of(batch.keep(root["status"].text()));
    row[3] = Cell::of(UtcTime(std::chrono::seconds(1'767'225'600 + root["v"].as_int().value_or(0))));
    if (!root["variables"].is_absent()) row[4] = Cell::of(batch.keep(root["variables"].raw()));
    if (!root["odd"].is_absent()) batch.flags.emplace_back("date");
    for (const json::Member& member : root["answers"].members()) {
      const auto answer = batch.add_row(1, 6);
      answer[0] = survey;
      answer[1] = id;
      answer[2] = Cell::of(static_cast<std::int64_t>(std::stoll(std::string(member.key))));
      answer[3] = Cell::of(std::string_view(""));
      answer[4] = Cell::of(batch.keep(member.value.text()));
      answer[5] = Cell::of(false);
    }
  }

  mutable std::mutex mutex_;
  std::atomic<std::int64_t> requests_ = 0;
  std::vector<model::StreamSpec> streams_;
};

}  // namespace surveysync::test
