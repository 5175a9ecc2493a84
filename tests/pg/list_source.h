#pragma once
// A vendor in memory behind the Source contract: surveys with responses in ascending id order, and a hook before every
// fetch that may insert, edit, delete, or throw. For tests of the run against a real PostgreSQL.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "sources/numbered_pages.h"
#include "sources/source.h"

namespace surveysync::test {

class ListSource final : public sources::Source {
 public:
  /// survey id -> response id -> status text.
  std::map<std::int64_t, std::map<std::int64_t, std::string>> surveys;
  /// Called under the lock before each fetch with its ordinal (1-based), survey and position.
  std::function<void(int, std::int64_t, const std::string&)> before_fetch;
  std::function<void()> before_list;  ///< called before the list of surveys is given
  /// Called with each survey that is asked for what can be learned.
  std::function<void(const std::string&)> on_learn;
  /// What rows depend on beyond the bytes.
  std::string decoded_with = "first";
  /// Ids whose records cannot be decoded.
  std::function<bool(std::int64_t)> bad;
  /// Ids that the lists leave out although the totals count them.
  std::set<std::int64_t> hidden;
  /// Changes are dated, ordered and filtered by: survey -> response -> vendor's second. Missing ones count as 0.
  bool dated = false;
  std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> stamps;
  /// The vendor's clock, in seconds.
  std::int64_t now = 1'000'000;
  /// Single records that may not be read, and surveys that exist although the list does not show them.
  std::set<std::int64_t> refused, unlisted;
  /// Surveys that the vendor says were deleted.
  std::set<std::int64_t> deleted_surveys;
  int finds = 0;

  void put(std::int64_t survey, std::int64_t id, const std::string& status) {
    surveys[survey][id] = status;
    stamps[survey][id] = now;
  }

  ListSource() {
    model::Table response{"alchemer",
                          "response",
                          {{"survey_id", model::ColumnType::int64}, {"response_id", model::ColumnType::int64}},
                          {{"status", model::ColumnType::text}, {"date_updated", model::ColumnType::timestamp}}};
    response.version = 1;
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
  sources::Abilities abilities(const model::StreamSpec&) const override {
    return {dated, dated, dated, dated ? "" : "changes are not dated"};
  }
  std::string bookmark(const std::string& newest, UtcTime not_after, const std::string& before) const override {
    return std::max(before, std::min(newest, stamp_text(seconds(not_after))));
  }
  std::string window_position(const std::string& bookmark, Duration lookback) const override {
    const std::int64_t from = bookmark.empty() ? 0 : std::stoll(bookmark) - seconds_of(lookback);
    return "win:" + std::to_string(std::max<std::int64_t>(0, from)) + ":";
  }
  std::string window_position(UtcTime from, std::optional<UtcTime> until, bool) const override {
    return "win:" + std::to_string(seconds(from)) + ":" + (until ? std::to_string(seconds(*until)) : "");
  }
  std::optional<std::string> count_position(UtcTime as_of) const override {
    return "until:" + std::to_string(seconds(as_of));
  }
  Duration date_doubt(UtcTime) const override { return {}; }
  UtcTime vendor_now() const override { return UtcTime(std::chrono::seconds(now)); }
  sources::Found find(const model::StreamSpec&, const model::Partition& partition, const model::Key& key, const Scope&,
                      const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++fetches_;
    ++finds;
    const std::int64_t survey = std::stoll(partition.name), id = std::get<std::int64_t>(key.back());
    sources::Found found;
    found.page.requests = 1;
    found.evidence = "asked";
    if (refused.contains(id)) return found;
    found.presence = sources::Presence::gone;
    if (!surveys[survey].contains(id)) return found;
    found.presence = sources::Presence::present;
    add(found.page, survey, id);
    return found;
  }
  sources::Found find_partition(const std::string& name, const Scope&, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++fetches_;
    const std::int64_t survey = std::stoll(name);
    if (surveys.contains(survey)) return {sources::Presence::present, {}, "asked", false};
    return {refused.contains(survey) ? sources::Presence::refused : sources::Presence::gone,
            {},
            "asked",
            deleted_surveys.contains(survey)};
  }
  model::Page reread(const model::StreamSpec&, const model::Partition&, const std::string&) const override {
    return {};
  }
  void assume(const std::vector<model::Capability>&) override {}

  std::vector<model::Partition> partitions(const Scope&, const std::stop_token&) override {
    if (before_list) before_list();
    const std::lock_guard lock(mutex_);
    std::vector<model::Partition> all;
    for (const auto& [id, responses] : surveys) {
      if (unlisted.contains(id)) continue;
      all.push_back({std::to_string(id), "survey", static_cast<std::int64_t>(responses.size()), ""});
    }
    return all;
  }

  model::Page fetch(const sources::FetchRequest& request, const std::stop_token&) override {
    using sources::PagePosition;
    const std::lock_guard lock(mutex_);
    const std::int64_t survey = std::stoll(request.partition.name);
    const int ordinal = ++fetches_;
    if (before_fetch) before_fetch(ordinal, survey, request.position);
    const auto total = static_cast<std::int64_t>(surveys[survey].size());
    model::Page page;
    page.requests = 1;
    page.total = total;
    if (request.position.empty()) {
      note_newest(page, survey);
      if (total > 0) page.next = PagePosition{total}.text();
      return page;
    }
    if (request.position.starts_with("newest:"))
      return newest_page(std::move(page), survey, request.position.substr(7));
    if (request.position.starts_with("win:")) return window_page(std::move(page), survey, request);
    if (request.position.starts_with("until:")) {
      const std::int64_t until = std::stoll(request.position.substr(6));
      page.total =
          std::ranges::count_if(surveys[survey], [&](const auto& r) { return stamp(survey, r.first) <= until; });
      return page;
    }
    const bool tail = request.position.starts_with("tail:");
    const std::int64_t known = tail ? std::stoll(request.position.substr(5)) : 0;
    const PagePosition position = tail ? PagePosition{known} : *PagePosition::parse(request.position);
    const auto number = sources::next_page(position, tail ? 5 : request.page_size);
    const std::int64_t rows = fill(page, survey, number.first_row(), number.first_row() + number.size);
    if (tail) {
      if (total > known)
        page.next = PagePosition{total, number.first_row()}.text();
      else if (number.first_row() > 0)
        page.next = PagePosition{std::min(number.first_row(), total)}.text();
      return page;
    }
    const auto id_of = [](const model::Record& record) { return std::get<std::int64_t>(record.key.back()); };
    const sources::PageSeen seen{number,
                                 total,
                                 rows,
                                 page.records.empty() ? -1 : id_of(page.records.front()),
                                 page.records.empty() ? -1 : id_of(page.records.back()),
                                 true};
    if (const auto left = sources::after_page(position, seen)) page.next = left->text();
    return page;
  }

  model::Decode decoder(const model::StreamSpec&) const override {
    return [this](const model::Record& record, model::RowBatch& rows) {
      if (bad && bad(std::get<std::int64_t>(record.key[1]))) throw Error(ErrorKind::malformed, "bad record");
      const std::span<model::Cell> cells = rows.add_row(0, 4);
      cells[0] = model::Cell::of(std::get<std::int64_t>(record.key[0]));
      cells[1] = model::Cell::of(std::get<std::int64_t>(record.key[1]));
      cells[2] = model::Cell::of(decoded_with == "first" ? record.payload
                                                         : rows.keep(std::string(record.payload) + " " + decoded_with));
      if (!dated) return;
      const std::lock_guard lock(mutex_);
      const std::int64_t at = stamp(std::get<std::int64_t>(record.key[0]), std::get<std::int64_t>(record.key[1]));
      cells[3] = model::Cell::of(UtcTime(std::chrono::seconds(at)));
    };
  }

 private:
  static std::int64_t seconds(UtcTime at) { return at.time_since_epoch().count() / 1'000'000; }
  static std::int64_t seconds_of(Duration time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
  }
  static std::string stamp_text(std::int64_t at) {
    const std::string digits = std::to_string(at);
    return std::string(12 - std::min<std::size_t>(12, digits.size()), '0') + digits;
  }
  std::int64_t stamp(std::int64_t survey, std::int64_t id) const {
    const auto responses = stamps.find(survey);
    if (responses == stamps.end()) return 0;
    const auto found = responses->second.find(id);
    return found == responses->second.end() ? 0 : found->second;
  }
  void note(model::Page& page, std::int64_t at) {
    const UtcTime instant{std::chrono::seconds(at)};
    page.newest = std::max(page.newest, stamp_text(at));
    if (!page.newest_at || instant > *page.newest_at) page.newest_at = instant;
    if (!page.oldest_at || instant < *page.oldest_at) page.oldest_at = instant;
  }
  void note_newest(model::Page& page, std::int64_t survey) {
    if (!dated) return;
    for (const auto& [id, status] : surveys[survey]) {
      if (page.newest < stamp_text(stamp(survey, id))) {
        page = model::Page{};
        page.requests = 1;
        page.total = static_cast<std::int64_t>(surveys[survey].size());
        note(page, stamp(survey, id));
      }
    }
  }
  /// Ids by their second, then by id.
  std::vector<std::pair<std::int64_t, std::int64_t>> by_change(std::int64_t survey) {
    std::vector<std::pair<std::int64_t, std::int64_t>> order;
    for (const auto& [id, status] : surveys[survey])
      if (!hidden.contains(id)) order.emplace_back(stamp(survey, id), id);
    std::ranges::sort(order);
    return order;
  }
  model::Page newest_page(model::Page page, std::int64_t survey, const std::string& count) {
    auto order = by_change(survey);
    std::ranges::reverse(order);
    order.resize(std::min<std::size_t>(order.size(), std::stoul(count)));
    for (const auto& [at, id] : order) {
      add(page, survey, id);
      note(page, at);
    }
    return page;
  }
  model::Page window_page(model::Page page, std::int64_t survey, const sources::FetchRequest& request) {
    const std::string& text = request.position;
    const std::size_t colon = text.find(':', 4);
    const std::int64_t from = std::stoll(text.substr(4, colon - 4));
    const std::string until = text.substr(colon + 1);
    std::vector<std::pair<std::int64_t, std::int64_t>> inside;
    for (const auto& one : by_change(survey))
      if (one.first >= from && (until.empty() || one.first < std::stoll(until))) inside.push_back(one);
    page.total = static_cast<std::int64_t>(inside.size());
    const auto size = static_cast<std::size_t>(request.page_size);
    const bool more = inside.size() > size;
    inside.resize(std::min(inside.size(), size));
    for (const auto& [at, id] : inside) {
      add(page, survey, id);
      note(page, at);
    }
    if (!more) return page;
    if (inside.back().first == from)
      page.unreliable = "more changes in one second than a page holds";
    else
      page.next = "win:" + std::to_string(inside.back().first) + ":" + until;
    return page;
  }
  std::int64_t fill(model::Page& page, std::int64_t survey, std::int64_t from, std::int64_t until) {
    std::int64_t row = 0, rows = 0;
    for (const auto& [id, status] : surveys[survey]) {
      const std::int64_t at = row++;
      if (at < from || at >= until) continue;
      ++rows;
      if (hidden.contains(id)) continue;
      add(page, survey, id);
      if (dated) note(page, stamp(survey, id));
    }
    return rows;
  }
  void add(model::Page& page, std::int64_t survey, std::int64_t id) {
    page.texts.push_back(std::make_unique<std::string>("\"" + surveys[survey][id] + "\""));
    page.texts.back()->reserve(page.texts.back()->size() + 64);
    model::Record record;
    record.key = {survey, id};
    record.payload = *page.texts.back();
    record.hash = model::hash_of(record.payload);
    page.records.push_back(std::move(record));
  }

  mutable std::mutex mutex_;
  std::atomic<int> fetches_ = 0;
  std::vector<model::StreamSpec> streams_;
};

}  // namespace surveysync::test
