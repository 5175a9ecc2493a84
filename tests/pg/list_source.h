#pragma once
// A vendor in memory behind the Source contract: surveys with responses in ascending id order, and a hook before every
// fetch that may insert, edit, delete, or throw. For tests of the run against a real PostgreSQL.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "sources/alchemer/pages.h"
#include "sources/source.h"

namespace surveysync::test {

class ListSource final : public sources::Source {
 public:
  /// survey id -> response id -> status text.
  std::map<std::int64_t, std::map<std::int64_t, std::string>> surveys;
  /// Called under the lock before each fetch with its ordinal (1-based), survey and position.
  std::function<void(int, std::int64_t, const std::string&)> before_fetch;
  /// Called with each survey that is asked for what can be learned.
  std::function<void(const std::string&)> on_learn;
  /// What rows depend on beyond the bytes.
  std::string decoded_with = "first";
  /// Ids whose records cannot be decoded.
  std::function<bool(std::int64_t)> bad;
  /// Ids that the lists leave out although the totals count them.
  std::set<std::int64_t> hidden;

  ListSource() {
    model::Table response{"alchemer",
                          "response",
                          {{"survey_id", model::ColumnType::int64}, {"response_id", model::ColumnType::int64}},
                          {{"status", model::ColumnType::text}}};
    streams_ = {{"response", {response}, true}};
  }

  const std::vector<model::StreamSpec>& streams() const override { return streams_; }
  sources::ProbeResult probe(const std::stop_token&) override { return {"list", std::nullopt}; }
  std::int64_t requests() const override { return fetches_; }
  std::vector<model::Capability> learn(const std::vector<model::Partition>& sample, const Scope&,
                                       const std::stop_token&) override {
    for (const model::Partition& partition : sample)
      if (on_learn) on_learn(partition.name);
    return {};
  }
  std::vector<std::string> learnable() const override { return {}; }
  std::string decoding() const override { return decoded_with; }
  void assume(const std::vector<model::Capability>&) override {}

  std::vector<model::Partition> partitions(const Scope&, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    std::vector<model::Partition> all;
    for (const auto& [id, responses] : surveys) {
      all.push_back({std::to_string(id), "survey", static_cast<std::int64_t>(responses.size()), ""});
    }
    return all;
  }

  model::Page fetch(const sources::FetchRequest& request, const std::stop_token&) override {
    using sources::alchemer::PagePosition;
    const std::lock_guard lock(mutex_);
    const std::int64_t survey = std::stoll(request.partition.name);
    const int ordinal = ++fetches_;
    if (before_fetch) before_fetch(ordinal, survey, request.position);
    const auto total = static_cast<std::int64_t>(surveys[survey].size());
    model::Page page;
    page.requests = 1;
    page.total = total;
    if (request.position.empty()) {
      if (total > 0) page.next = PagePosition{total, 0, ""}.text();
      return page;
    }
    const bool tail = request.position.starts_with("tail:");
    const std::int64_t known = tail ? std::stoll(request.position.substr(5)) : 0;
    const PagePosition position = tail ? PagePosition{known, 0, ""} : *PagePosition::parse(request.position);
    const auto number = sources::alchemer::last_unread_page(position, tail ? 5 : request.page_size);
    fill(page, survey, number.first_row(), number.first_row() + number.size);
    if (tail) {
      if (total > known)
        page.next = PagePosition{total, number.first_row(), ""}.text();
      else if (number.first_row() > 0)
        page.next = PagePosition{std::min(number.first_row(), total), 0, ""}.text();
      return page;
    }
    if (const auto left = sources::alchemer::after_page(position, number, total, "")) page.next = left->text();
    return page;
  }

  model::Decode decoder(const model::StreamSpec&) const override {
    return [this](const model::Record& record, model::RowBatch& rows) {
      if (bad && bad(std::get<std::int64_t>(record.key[1]))) throw Error(ErrorKind::malformed, "bad record");
      const std::span<model::Cell> cells = rows.add_row(0, 3);
      cells[0] = model::Cell::of(std::get<std::int64_t>(record.key[0]));
      cells[1] = model::Cell::of(std::get<std::int64_t>(record.key[1]));
      cells[2] = model::Cell::of(record.payload);
    };
  }

 private:
  void fill(model::Page& page, std::int64_t survey, std::int64_t from, std::int64_t until) {
    std::int64_t row = 0;
    for (const auto& [id, status] : surveys[survey]) {
      const std::int64_t at = row++;
      if (at < from || at >= until || hidden.contains(id)) continue;
      page.texts.push_back(std::make_unique<std::string>("\"" + status + "\""));
      page.texts.back()->reserve(page.texts.back()->size() + 64);
      model::Record record;
      record.key = {survey, id};
      record.payload = *page.texts.back();
      record.hash = model::hash_of(record.payload);
      page.records.push_back(std::move(record));
    }
  }

  std::mutex mutex_;
  std::atomic<int> fetches_ = 0;
  std::vector<model::StreamSpec> streams_;
};

}  // namespace surveysync::test
