#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "sources/alchemer/dates.h"

namespace surveysync::sources::alchemer {

namespace {

constexpr std::chrono::minutes kUnedited{
    2};  // date_updated of a response nobody edited is this close to its submission
constexpr std::chrono::seconds kSessionSlack{60}, kBefore{5};
constexpr int kClear = 4;  // a winner has so many times the votes of the next
// Where two zones read the same responses differently, the right one explains this many of them at least, and this part
// (the others were edited). One edit an exact number of hours after the submission proves nothing.
constexpr int kLeastVotes = 3, kLeastShare = 5;

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
// Each with rules of its own: of zones that always agree one is enough. Whole hours are the rivals that only a change
// of the clock refutes.
constexpr std::array<std::string_view, 40> kCandidates = {"UTC",
                                                          "America/New_York",
                                                          "America/Chicago",
                                                          "America/Denver",
                                                          "America/Los_Angeles",
                                                          "America/Anchorage",
                                                          "America/Halifax",
                                                          "Europe/London",
                                                          "Europe/Berlin",
                                                          "Europe/Helsinki",
                                                          "Australia/Sydney",
                                                          "Asia/Kolkata",
                                                          "Australia/Adelaide",
                                                          "Pacific/Auckland",
                                                          "Etc/GMT+12",
                                                          "Etc/GMT+11",
                                                          "Etc/GMT+10",
                                                          "Etc/GMT+9",
                                                          "Etc/GMT+8",
                                                          "Etc/GMT+7",
                                                          "Etc/GMT+6",
                                                          "Etc/GMT+5",
                                                          "Etc/GMT+4",
                                                          "Etc/GMT+2",
                                                          "Etc/GMT+1",
                                                          "Etc/GMT-1",
                                                          "Etc/GMT-2",
                                                          "Etc/GMT-3",
                                                          "Etc/GMT-4",
                                                          "Etc/GMT-5",
                                                          "Etc/GMT-6",
                                                          "Etc/GMT-7",
                                                          "Etc/GMT-8",
                                                          "Etc/GMT-9",
                                                          "Etc/GMT-10",
                                                          "Etc/GMT-11",
                                                          "Etc/GMT-12",
                                                          "Etc/GMT-13",
                                                          "Etc/GMT-14",
                                                          "Etc/GMT+3"};

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

std::optional<model::Capability> account_zone_by_suffix(std::span<const ClockEvidence> sample) {
  Votes votes;
  std::map<std::string, int> suffixes;
  int dated = 0;
  for (const ClockEvidence& one : sample) {
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

/// One response as every candidate reads it.
struct Reading {
  std::array<std::chrono::seconds, kCandidates.size()> offset{};
  std::array<bool, kCandidates.size()> explains{};
};

/// Reads `wall` in every candidate: it explains a response when the time comes out within [-before, after] of `truth`.
Reading read_everywhere(const Stamp& wall, UtcTime truth, Duration before, Duration after) {
  static const std::vector<Zone> zones(kCandidates.begin(), kCandidates.end());
  Reading reading;
  const date::sys_seconds second(std::chrono::floor<std::chrono::seconds>(truth).time_since_epoch());
  for (std::size_t i = 0; i < zones.size(); ++i) {
    reading.offset[i] = zones[i].get()->get_info(second).offset;
    const auto at = to_utc(wall, zones[i], truth);
    reading.explains[i] = at && *at - truth >= -before && *at - truth <= after;
  }
  return reading;
}

struct Verdict {
  std::string zone;      // empty: ambiguous
  std::string evidence;  // "140 of 200 read in UTC", or what is between the zones
};

int votes_of(std::span<const Reading> readings, std::size_t zone) {
  return static_cast<int>(std::ranges::count_if(readings, [&](const Reading& one) { return one.explains[zone]; }));
}

/// Whether the responses that two zones read differently speak for `one` and against `other`.
bool refutes(std::span<const Reading> readings, std::size_t one, std::size_t other) {
  int for_one = 0, for_other = 0, differ = 0;
  for (const Reading& reading : readings) {
    if (reading.offset[one] == reading.offset[other]) continue;
    ++differ;
    for_one += reading.explains[one] ? 1 : 0;
    for_other += reading.explains[other] ? 1 : 0;
  }
  return for_one >= kLeastVotes && for_one >= kClear * for_other && for_one * kLeastShare >= differ;
}

/// The one zone that refutes all others; `known` stays when nothing refutes it. Where several are left, the only one of
/// the `likely` among them.
Verdict judge(std::span<const Reading> readings, const Zone& known, std::span<const std::string> likely) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < kCandidates.size(); ++i)
    if (votes_of(readings, i) > votes_of(readings, best)) best = i;
  const auto told = std::ranges::find(kCandidates, known.name());
  std::vector<std::string_view> rivals;
  for (std::size_t i = 0; i < kCandidates.size(); ++i)
    if (i != best && !refutes(readings, best, i)) rivals.push_back(kCandidates[i]);
  const std::string counted =
      fmt::format("{} of {} responses read in {}", votes_of(readings, best), readings.size(), kCandidates[best]);
  if (rivals.empty()) return {std::string(kCandidates[best]), counted};
  if (told != kCandidates.end()) {
    const auto index = static_cast<std::size_t>(told - kCandidates.begin());
    bool refuted = false;
    for (std::size_t i = 0; i < kCandidates.size(); ++i)
      refuted = refuted || (i != index && refutes(readings, i, index));
    if (!refuted) return {known.name(), "calibrated before, and nothing speaks against it: " + counted};
  }
  std::vector<std::string_view> left;
  for (const std::string& name : likely) {
    const bool open = kCandidates[best] == name || std::ranges::find(rivals, name) != rivals.end();
    const auto index = static_cast<std::size_t>(std::ranges::find(kCandidates, name) - kCandidates.begin());
    const bool equal = open && votes_of(readings, index) == votes_of(readings, best);
    if (equal && std::ranges::find(left, name) == left.end()) left.push_back(name);
  }
  if (left.size() == 1 && votes_of(readings, best) >= kLeastVotes) {
    return {std::string(left.front()),
            fmt::format("{}, {} among them is what the vendor documents", counted, left.front())};
  }
  if (votes_of(readings, best) == 0) return {{}, fmt::format("0 of {} responses in any zone", readings.size())};
  return {{},
          fmt::format("{}, but {} could be it as well: no responses from both sides of a change of the clock", counted,
                      fmt::join(std::span(rivals).first(std::min<std::size_t>(rivals.size(), 3)), ", "))};
}

model::Capability account_zone_by_session(std::span<const ClockEvidence> sample) {
  std::vector<Reading> readings;
  for (const ClockEvidence& one : sample) {
    if (one.session && one.started && !one.started->offset_seconds)
      readings.push_back(read_everywhere(*one.started, *one.session, kSessionSlack, kSessionSlack));
  }
  // Some reading there must be: of zones that tell the same so far, UTC comes first.
  const std::string first = "UTC";
  const Verdict verdict = judge(readings, Zone(), {&first, 1});
  return {"account_zone", verdict.zone.empty() ? std::string(kUnknown) : verdict.zone,
          "date_started agrees with session_id in " + verdict.evidence};
}

/// When a response was submitted: by its suffix, by the session's second, else by the account's clock.
std::optional<UtcTime> submission(const ClockEvidence& one, const Zone& account) {
  if (one.submitted->offset_seconds) return to_utc(*one.submitted, account);
  if (one.session && one.started && !one.started->offset_seconds) {
    return *one.session + std::chrono::seconds(one.submitted->local_seconds - one.started->local_seconds);
  }
  return to_utc(*one.submitted, account, one.session);
}

model::Capability updated_zone(std::span<const ClockEvidence> sample, const Zone& account, const Zone& known,
                               ZoneProof proof) {
  std::vector<Reading> readings;
  for (const ClockEvidence& one : sample) {
    if (!one.submitted || !one.updated || one.updated->offset_seconds) continue;
    if (const auto submitted = submission(one, account))
      readings.push_back(read_everywhere(*one.updated, *submitted, kBefore, kUnedited));
  }
  // "Usually UTC, may follow the account's configuration" (vendor-api.md 1.10).
  // London's winter time cannot be told from UTC by its suffix.
  const bool by_gmt =
      std::ranges::any_of(sample, [](const ClockEvidence& one) { return one.submitted_suffix == "GMT"; });
  const std::array<std::string, 3> documented{"UTC", account.name(), by_gmt ? "Europe/London" : account.name()};
  const Verdict verdict = judge(readings, known, std::span(documented).first(proof == ZoneProof::strict ? 0 : 3));
  return {"updated_zone", verdict.zone.empty() ? std::string(kUnknown) : verdict.zone,
          fmt::format("date_updated follows date_submitted within {} min in {}", kUnedited.count(), verdict.evidence)};
}

}  // namespace

std::span<const std::string_view> zone_candidates() {
  return kCandidates;
}

std::vector<ClockEvidence> clock_evidence(std::span<const std::string_view> raw_responses) {
  std::vector<ClockEvidence> all;
  json::Document document;
  for (const std::string_view raw : raw_responses) {
    try {
      const json::Value response = document.parse_copy(raw);
      ClockEvidence one;
      one.submitted = parse_stamp(response["date_submitted"].text());
      one.started = parse_stamp(response["date_started"].text());
      one.updated = parse_stamp(response["date_updated"].text());
      if (one.submitted) one.submitted_suffix = one.submitted->suffix;
      for (std::optional<Stamp>* stamp : {&one.submitted, &one.started, &one.updated})
        if (*stamp) (*stamp)->suffix = {};  // views the document
      one.session = session_second(response["session_id"].text());
      all.push_back(std::move(one));
    } catch (const Error&) {
      continue;  // a record that cannot be read is quarantined elsewhere; it is no evidence
    }
  }
  return all;
}

std::vector<model::Capability> learn_zones(std::span<const ClockEvidence> evidence, const Zone& known,
                                           ZoneProof proof) {
  const std::optional<model::Capability> by_suffix = account_zone_by_suffix(evidence);
  const model::Capability account = by_suffix ? *by_suffix : account_zone_by_session(evidence);
  const Zone account_zone(account.value == kUnknown ? std::string() : account.value);
  return {account, updated_zone(evidence, account_zone, known, proof)};
}

}  // namespace surveysync::sources::alchemer
