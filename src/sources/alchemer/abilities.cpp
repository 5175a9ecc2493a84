#include "sources/alchemer/abilities.h"

#include <fmt/format.h>

#include <algorithm>

#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

// Nothing changes after this.
constexpr std::string_view kFarFuture = "2199-01-01 00:00:00";
constexpr std::int64_t kNothing = 3, kLargest = 500, kSmaller = 100, kFew = 10;
constexpr std::chrono::hours kHalfYear{24 * 183};

std::string text_or_unknown(const std::map<std::string, std::string, std::less<>>& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string(kUnknown) : found->second;
}

http::Query from_stamp(std::string_view stamp, std::int64_t rows) {
  http::Query query = filter_updated({{">=", std::string(stamp)}});
  query.emplace_back("order_by", "date_updated");
  for (auto& item : paging(1, rows))
    query.push_back(std::move(item));
  return query;
}

std::vector<std::string_view> stamps_of(const List& list) {
  std::vector<std::string_view> stamps;
  for (const std::string_view raw : list.records)
    if (const std::string_view stamp = stamp_of(raw); !stamp.empty()) stamps.push_back(stamp);
  return stamps;
}

}  // namespace

std::vector<std::string> capability::names() {
  return {std::string(kField),   std::string(kOrder),       std::string(kFilter),     std::string(kTotal),
          std::string(kPageCap), std::string(kAccountZone), std::string(kUpdatedZone)};
}

Abilities abilities_of(const std::map<std::string, std::string, std::less<>>& values) {
  const std::string field = text_or_unknown(values, capability::kField),
                    order = text_or_unknown(values, capability::kOrder),
                    filter = text_or_unknown(values, capability::kFilter),
                    total = text_or_unknown(values, capability::kTotal);
  Abilities able;
  able.newest_first = field == "present" && order == "kept";
  able.windows = able.newest_first && filter == "kept";
  able.windows_counted = able.windows && total == "counted";
  if (field != "present") {
    able.reason =
        field == "absent" ? "responses have no date_updated" : "whether responses have date_updated is not known";
  } else if (order != "kept") {
    able.reason =
        order == "ignored" ? "the order by date_updated is ignored" : "the order by date_updated is not tested yet";
  } else if (filter != "kept") {
    able.reason = filter == "ignored"   ? "the filter by date_updated is ignored"
                  : filter == "refused" ? "the filter by date_updated is refused"
                  : filter == "shifted" ? "the filter compares with another clock than date_updated shows"
                                        : "the filter by date_updated is not tested yet";
  } else if (total != "counted") {
    able.reason =
        total == "ignored" ? "totals count what the filter leaves out" : "totals of filtered lists are not tested yet";
  }
  return able;
}

bool Learner::knows(std::string_view name) const {
  const auto known = found_.find(name);
  return known != found_.end() && known->second.value != kUnknown;
}

std::string_view Learner::value(std::string_view name) const {
  const auto known = found_.find(name);
  return known == found_.end() ? kUnknown : std::string_view(known->second.value);
}

void Learner::found(std::string_view name, std::string_view value, std::string evidence) {
  // A survey whose responses are all older than the field says nothing against it.
  if (knows(name) && this->value(name) != "absent") return;
  found_[std::string(name)] = {std::string(name), std::string(value), std::move(evidence), {}};
}

bool Learner::done() const {
  // The largest page is met during walks as well.
  return std::ranges::all_of(capability::names(),
                             [&](const std::string& name) { return name == capability::kPageCap || knows(name); }) &&
         value(capability::kField) == "present";
}

void Learner::sample(const model::Partition& survey) {
  std::int64_t asked = 0;
  stamps_.clear();
  more_ = false;
  const std::optional<List> newest = ask_newest(survey, asked);
  if (!newest || newest->records.empty()) return;
  judge_newest(survey, *newest, asked);
  if (value(capability::kField) == "present" && !stamps_.empty()) {
    if (!knows(capability::kFilter) || !knows(capability::kTotal)) match_nothing(survey);
    if (value(capability::kOrder) != "ignored" && value(capability::kFilter) != "ignored" &&
        value(capability::kFilter) != "refused") {
      match_from_the_middle(survey);
    }
  }
  judge_zones(ZoneProof::strict);
  if (!knows(capability::kUpdatedZone) && more_ && value(capability::kFilter) == "kept") look_at_another_season(survey);
  if (!knows(capability::kUpdatedZone)) judge_zones(ZoneProof::documented);
}

std::optional<List> Learner::ask_newest(const model::Partition& survey, std::int64_t& asked) {
  http::Query query{{"order_by", "-date_updated"}};
  for (const std::int64_t size : {kLargest, kSmaller}) {
    asked = size;
    http::Query sized = query;
    for (auto& item : paging(1, size))
      sized.push_back(std::move(item));
    try {
      return ask_(survey, sized, size == kLargest);
    } catch (const Error& error) {
      if (size == kLargest && error.asks_for_less()) continue;
      if (error.kind() != ErrorKind::rejected) throw;
      found(capability::kOrder, "ignored", fmt::format("order_by is refused: {}", error.message()));
      asked = kSmaller;
      return ask_(survey, paging(1, asked), false);
    }
  }
  return std::nullopt;
}

void Learner::judge_newest(const model::Partition& survey, const List& list, std::int64_t asked) {
  const std::vector<std::string_view> stamps = stamps_of(list);
  const std::size_t records = list.records.size();
  const std::string dated = fmt::format("{} of {} responses of survey {} have it", stamps.size(), records, survey.name);
  found(capability::kField, stamps.empty() ? "absent" : "present", dated);
  for (const std::string_view stamp : stamps)
    if (stamps_.empty() || stamps_.back() != stamp) stamps_.emplace_back(stamp);
  more_ = list.total && *list.total > list.rows();
  for (ClockEvidence& one : clock_evidence(list.records))
    clocks_.push_back(std::move(one));
  const bool descending = std::ranges::is_sorted(stamps, std::greater{});
  if (!descending) {
    found(capability::kOrder, "ignored",
          fmt::format("newest first was asked of survey {}, and came otherwise", survey.name));
  } else if (stamps_.size() < 2) {
    found(capability::kOrder, kUnknown,
          fmt::format("survey {} has no two responses that changed at different times", survey.name));
  }
  if (!knows(capability::kPageCap)) judge_cap(survey, list, asked);
}

void Learner::judge_cap(const model::Partition& survey, const List& list, std::int64_t asked) {
  const std::int64_t rows = list.rows();
  if (rows >= kLargest) return found(capability::kPageCap, "none", fmt::format("{} rows came at once", rows));
  if (rows >= asked || !more_) {
    return found(capability::kPageCap, kUnknown, fmt::format("survey {} has {} responses", survey.name, rows));
  }
  // Fewer than it counts: either the vendor's pages are that small, then there is another, or it hides rows.
  http::Query second;
  if (value(capability::kOrder) != "ignored") second.emplace_back("order_by", "-date_updated");
  for (auto& item : paging(2, rows))
    second.push_back(std::move(item));
  const bool another = ask_(survey, second, false).rows() > 0;
  found(capability::kPageCap, another ? std::to_string(rows) : std::string(kUnknown),
        fmt::format("asked for {} rows, got {} of {}; {}", asked, rows, list.total.value_or(0),
                    another ? "the next page goes on behind them" : "there is no next page"));
}

void Learner::match_nothing(const model::Partition& survey) {
  http::Query query = filter_updated({{">", std::string(kFarFuture)}});
  for (auto& item : paging(1, kNothing))
    query.push_back(std::move(item));
  try {
    const List list = ask_(survey, query, false);
    if (list.rows() > 0) {
      found(capability::kFilter, "ignored",
            fmt::format("changes after {} were asked for, and {} came", kFarFuture.substr(0, 4), list.rows()));
      found(capability::kTotal, "ignored", "the filter itself is ignored");
    } else if (list.total) {
      found(capability::kTotal, *list.total == 0 ? "counted" : "ignored",
            fmt::format("an empty list has total_count {}", *list.total));
    } else {
      found(capability::kTotal, "ignored", "a filtered list has no total_count");
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::rejected) throw;
    found(capability::kFilter, "refused", error.message());
    found(capability::kTotal, "ignored", "the filter itself is refused");
  }
}

void Learner::match_from_the_middle(const model::Partition& survey) {
  if (knows(capability::kFilter) && knows(capability::kOrder)) return;
  std::string why;
  // Twice with another edge: the response at the first may have changed since.
  for (const std::size_t part : {2U, 3U}) {
    const std::string& edge = stamps_[stamps_.size() / part];
    const List list = ask_(survey, from_stamp(edge, kFew + static_cast<std::int64_t>(part)), false);
    const std::vector<std::string_view> stamps = stamps_of(list);
    if (!std::ranges::is_sorted(stamps)) {
      return found(capability::kOrder, "ignored",
                   fmt::format("oldest first was asked of survey {}, and came otherwise", survey.name));
    }
    const std::string_view first = stamps.empty() ? std::string_view("none") : stamps.front();
    if (first == edge) {
      found(capability::kFilter, "kept", fmt::format("changes since {} begin with {}", edge, first));
      if (stamps_.size() > 1) {
        found(capability::kOrder, "kept",
              fmt::format("{} different times came newest first, {} oldest first", stamps_.size(), stamps.size()));
      }
      return;
    }
    why = fmt::format("changes since {} were asked for, the first to come is {}", edge, first);
  }
  found(capability::kFilter, "shifted", why);
}

void Learner::look_at_another_season(const model::Partition& survey) {
  const std::string edge = moved(stamps_.front(), -kHalfYear);
  const List list = ask_(survey, from_stamp(edge, kSmaller), false);
  for (ClockEvidence& one : clock_evidence(list.records))
    clocks_.push_back(std::move(one));
}

void Learner::judge_zones(ZoneProof proof) {
  for (model::Capability& zone : learn_zones(clocks_, known_zone_, proof)) {
    found_[zone.name] = std::move(zone);
  }
}

std::vector<model::Capability> Learner::learned(UtcTime now) const {
  std::vector<model::Capability> all;
  for (const std::string& name : capability::names()) {
    const auto one = found_.find(name);
    all.push_back(one != found_.end() ? one->second
                                      : model::Capability{name, std::string(kUnknown), "no survey could tell", {}});
    all.back().learned_at = now;
  }
  return all;
}

}  // namespace surveysync::sources::alchemer
