#pragma once
// Alchemer's dates: local text with a zone suffix, or without one, into instants; and how an account's clocks are
// learned. Facts: vendor-api.md 1.8, 1.10, 1.14. Pure but for the time-zone database, which is read once. Any thread.
// Bad texts give nothing; an unknown zone name from configuration throws Error(config).

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/stream.h"

namespace date {
class time_zone;
}

namespace surveysync::sources::alchemer {

/// A zone of the time-zone database, looked up once. Default: not known.
class Zone {
 public:
  Zone() = default;
  /// Throws Error(config) when the database has no such zone; an empty name makes an unknown zone.
  explicit Zone(std::string_view name);

  bool known() const { return zone_ != nullptr; }
  std::string name() const;
  const date::time_zone* get() const { return zone_; }

 private:
  const date::time_zone* zone_ = nullptr;
};

/// The clocks of one account.
struct Zones {
  Zone account;  ///< dates without a suffix: surveys' created_on and modified_on
  Zone updated;  ///< responses' date_updated; read as UTC until calibrated

  /// Takes "account_zone" and "updated_zone" from what was learned; names that no longer exist are passed over.
  void take_over(std::span<const model::Capability> capabilities);
};

/// What is assumed before anything is learned: account time by region (US and Canada Eastern, EU UTC, Australia
/// Sydney).
Zones zones_of_region(std::string_view region);

/// A date as written: local seconds since 1970, and its offset where the text names one.
struct Stamp {
  std::int64_t local_seconds = 0;
  std::int64_t micros = 0;
  std::optional<std::int32_t> offset_seconds;  ///< east of Greenwich; empty when the text has no zone
  std::string_view suffix;                     ///< "EST"; empty for numeric offsets and none
};

/// "2026-03-19 15:58:55", with "EST", "+01:00", "Z" or nothing behind it, blank or T between, fraction allowed.
/// Years 1970 to 2200. Empty when it is none.
std::optional<Stamp> parse_stamp(std::string_view text);

/// The instant of a stamp; `zone` is used where it has no offset of its own (empty result if that is unknown).
/// A repeated hour takes the first reading that is not before `not_before` (a minute of slack), else the later one;
/// without `not_before` the earlier. A skipped hour is read by the clock before the change.
std::optional<UtcTime> to_utc(const Stamp& stamp, const Zone& zone, std::optional<UtcTime> not_before = std::nullopt);

/// Second of date_started in UTC, from "<unix seconds>_...".
std::optional<UtcTime> session_second(std::string_view session_id);

/// What one response tells about clocks.
struct ClockEvidence {
  std::optional<Stamp> submitted, started, updated;  ///< their `suffix` is not kept here
  std::string submitted_suffix;
  std::optional<UtcTime> session;
};
/// Evidence of raw responses; those that cannot be read are passed over.
std::vector<ClockEvidence> clock_evidence(std::span<const std::string_view> raw_responses);

/// The value of a capability that could not be judged; its evidence says why.
inline constexpr std::string_view kUnknown = "unknown";

/// How sure a zone must be: told apart from all others, or the only one left of those that the vendor documents for
/// date_updated (UTC, or the account's own: vendor-api.md 1.10).
enum class ZoneProof : std::uint8_t { strict, documented };

/// What the evidence tells about the account's clocks: "account_zone" from the suffixes of dates (or, where they have
/// none, from session_id), "updated_zone" from unedited responses. A zone is named only when every other that it could
/// be is refuted, which takes responses from both sides of a change of its clock; else the value is kUnknown. `known`:
/// a zone that was calibrated before stays while nothing speaks against it.
std::vector<model::Capability> learn_zones(std::span<const ClockEvidence> evidence, const Zone& known = Zone(),
                                           ZoneProof proof = ZoneProof::strict);

/// The zones that date_updated may be in.
std::span<const std::string_view> zone_candidates();

}  // namespace surveysync::sources::alchemer
