#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "sources/alchemer/dates.h"

namespace surveysync::sources::alchemer {

namespace {

constexpr std::chrono::minutes kUnedited{
    2};  // date_updated of a response nobody edited is this close to its submission
constexpr std::chrono::seconds kSessionSlack{60};
constexpr int kClear = 4;  // a winner has so many times the votes of the next

struct SuffixZone {
  std::string_view suffix, zone;
};
constexpr std::array kSuffixZones = {
    SuffixZone{"EST", "America/New_York"},
    SuffixZone{"EDT", "America/New_York"},
    SuffixZone{"CST", "America/Chicago"},
    SuffixZone{"CDT", "America/Chicago"},
    SuffixZone{"MST", "America/Denver"},
    SuffixZone{"MDT", "America/Denver"},
    SuffixZone{"PST", "America/Los_Angeles"},
    SuffixZone{"PDT", "America/Los_Angeles"},
    SuffixZone{"GMT", "UTC"},
    SuffixZone{"UTC", "UTC"},
    SuffixZone{"BST", "Europe/London"},
    SuffixZone{"CET", "Europe/Berlin"},
    SuffixZone{"CEST", "Europe/Berlin"},
    SuffixZone{"AEST", "Australia/Sydney"},
    SuffixZone{"AEDT", "Australia/Sydney"},
};
constexpr std::array<std::string_view, 6> kCandidates = {"America/New_York", "UTC",           "Europe/London",
                                                         "Australia/Sydney", "Europe/Berlin", "America/Los_Angeles"};

/// What one response says about clocks.
struct Evidence {
  std::optional<Stamp> submitted, started, updated;
  std::string submitted_suffix;
  std::optional<UtcTime> session;
};

std::vector<Evidence> read_evidence(std::span<const std::string_view> raw_responses) {
  std::vector<Evidence> all;
  json::Document document;
  for (const std::string_view raw : raw_responses) {
    try {
      const json::Value response = document.parse_copy(raw);
      Evidence one;
      one.submitted = parse_stamp(response["date_submitted"].text());
      one.started = parse_stamp(response["date_started"].text());
      one.updated = parse_stamp(response["date_updated"].text());
      if (one.submitted) one.submitted_suffix = one.submitted->suffix;
      one.session = session_second(response["session_id"].text());
      all.push_back(std::move(one));
    } catch (const Error&) {
      continue;  // a record that cannot be read is quarantined elsewhere; it is no evidence
    }
  }
  return all;
}

using Votes = std::map<std::string, int, std::less<>>;

/// The clear winner; empty when there is none.
std::string winner(const Votes& votes) {
  std::string best;
  int most = 0, next = 0;
  for (const auto& [name, count] : votes) {
    if (count > most) {
      next = std::exchange(most, count);
      best = name;
    } else {
      next = std::max(next, count);
    }
  }
  return most > 0 && most >= next * kClear ? best : std::string();
}

std::optional<model::Capability> account_zone_by_suffix(const std::vector<Evidence>& sample) {
  Votes votes;
  std::map<std::string, int> suffixes;
  int dated = 0;
  for (const Evidence& one : sample) {
    if (!one.submitted) continue;
    ++dated;
    const auto* known = std::ranges::find(kSuffixZones, one.submitted_suffix, &SuffixZone::suffix);
    if (known == kSuffixZones.end()) continue;
    ++votes[std::string(known->zone)];
    ++suffixes[one.submitted_suffix];
  }
  // London's winter suffix is UTC's: one summer date tells.
  if (votes.contains("Europe/London") && votes.contains("UTC") && !suffixes.contains("UTC")) {
    votes["Europe/London"] += votes["UTC"];
    votes.erase("UTC");
  }
  const std::string zone = winner(votes);
  if (zone.empty()) return std::nullopt;
  std::string seen;
  for (const auto& [suffix, count] : suffixes)
    seen += fmt::format("{}{} {}", seen.empty() ? "" : ", ", count, suffix);
  return model::Capability{"account_zone", zone, fmt::format("suffixes of {} dates: {}", dated, seen)};
}

std::optional<model::Capability> account_zone_by_session(const std::vector<Evidence>& sample) {
  Votes votes;
  int dated = 0;
  for (const Evidence& one : sample) {
    if (!one.session || !one.started || one.started->offset_seconds) continue;
    ++dated;
    for (const std::string_view name : kCandidates) {
      const auto at = to_utc(*one.started, Zone(name), *one.session);
      if (at && std::chrono::abs(*at - *one.session) <= kSessionSlack) ++votes[std::string(name)];
    }
  }
  // Zones that agree all year or half of it tie: the first candidate that explains nearly all of the dates is taken.
  const auto explains = [&](std::string_view name) {
    const auto vote = votes.find(name);
    return vote != votes.end() && vote->second * 10 >= dated * 9;
  };
  const auto found = std::ranges::find_if(kCandidates, explains);
  if (found == std::end(kCandidates)) return std::nullopt;
  const std::string zone(*found);
  const int count = votes.find(zone)->second;
  return model::Capability{"account_zone", zone,
                           fmt::format("date_started agrees with session_id in {} of {} responses", count, dated)};
}

std::optional<model::Capability> updated_zone(const std::vector<Evidence>& sample, const std::string& account) {
  const Zone account_zone(account);
  int in_utc = 0, in_account = 0, dated = 0;
  for (const Evidence& one : sample) {
    if (!one.submitted || !one.updated || one.updated->offset_seconds) continue;
    const auto submitted = to_utc(*one.submitted, account_zone, one.session);
    if (!submitted) continue;
    ++dated;
    const auto unedited = [&](const Zone& zone) {
      const auto updated = to_utc(*one.updated, zone, submitted);
      return updated && *updated - *submitted >= -std::chrono::seconds(5) && *updated - *submitted <= kUnedited;
    };
    in_utc += unedited(Zone("UTC")) ? 1 : 0;
    in_account += account != "UTC" && unedited(account_zone) ? 1 : 0;
  }
  Votes votes{{"UTC", in_utc}};
  if (!account.empty() && account != "UTC") votes[account] = in_account;
  const std::string zone = winner(votes);
  if (zone.empty()) return std::nullopt;
  const std::string other = account.empty() || account == "UTC" ? "" : fmt::format(", {} in {}", in_account, account);
  return model::Capability{
      "updated_zone", zone,
      fmt::format("date_updated follows date_submitted within {} min in {} of {} responses read in "
                  "UTC{}",
                  kUnedited.count(), in_utc, dated, other)};
}

}  // namespace

std::vector<model::Capability> learn_zones(std::span<const std::string_view> raw_responses) {
  const std::vector<Evidence> sample = read_evidence(raw_responses);
  std::vector<model::Capability> learned;
  std::optional<model::Capability> account = account_zone_by_suffix(sample);
  if (!account) account = account_zone_by_session(sample);
  if (account) learned.push_back(*account);
  if (auto updated = updated_zone(sample, account ? account->value : std::string())) {
    learned.push_back(std::move(*updated));
  }
  return learned;
}

}  // namespace surveysync::sources::alchemer
