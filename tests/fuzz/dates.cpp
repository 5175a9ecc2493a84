// Dates, durations and session ids from any text: read or not, within their ranges, and what is written out reads the
// same again. Lines of JSON are also taken as responses from which an account's clocks are learned.
#include <date/tz.h>
#include <fmt/format.h>

#include <array>
#include <cctype>

#include "base/time.h"
#include "fuzz/support/check.h"
#include "http/advice.h"
#include "sources/alchemer/dates.h"

namespace surveysync::fuzz {
namespace {

using namespace sources::alchemer;
using std::chrono::seconds;

constexpr std::int64_t kEndOfYears = 7'289'654'400;  // 2201-01-01, the first that is no date to us

const std::array<Zone, 5>& zones() {
  static const std::array<Zone, 5> kZones = {Zone("America/New_York"), Zone("UTC"), Zone("Australia/Sydney"),
                                             Zone("Europe/London"), Zone()};
  return kZones;
}

/// The stamp as text of another form than it may have come in.
std::string written(const Stamp& stamp) {
  const date::sys_time<std::chrono::microseconds> local{seconds(stamp.local_seconds) +
                                                        std::chrono::microseconds(stamp.micros)};
  std::string text = date::format("%Y-%m-%dT%H:%M:%S", local);
  if (!stamp.offset_seconds) return text;
  const int minutes = std::abs(*stamp.offset_seconds) / 60;
  return text + fmt::format("{}{:02}:{:02}", *stamp.offset_seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void check_instant(const Stamp& stamp, const Zone& zone) {
  const auto time = to_utc(stamp, zone);
  SURVEYSYNC_PROMISE(time.has_value() == (stamp.offset_seconds.has_value() || zone.known()));
  if (!time) return;
  const UtcTime local{seconds(stamp.local_seconds) + std::chrono::microseconds(stamp.micros)};
  SURVEYSYNC_PROMISE(std::chrono::abs(*time - local) <= std::chrono::hours(26));
  const auto again = parse_stamp(format_utc(*time));
  const std::int64_t at = time->time_since_epoch().count();
  if (at >= 0 && at < kEndOfYears * 1'000'000) SURVEYSYNC_PROMISE(again && to_utc(*again, Zone()) == time);
  if (stamp.offset_seconds) return;
  // By the zone's own clock the instant reads as the text does, but for hours that were skipped; of a repeated hour the
  // earlier instant is taken unless it lies before what must come first.
  const auto sys = date::sys_time<std::chrono::microseconds>(time->time_since_epoch());
  const auto info = zone.get()->get_info(date::local_seconds(seconds(stamp.local_seconds)));
  const auto shown = zone.get()->to_local(sys).time_since_epoch();
  if (info.result != date::local_info::nonexistent) SURVEYSYNC_PROMISE(shown == local.time_since_epoch());
  const auto later = to_utc(stamp, zone, *time + std::chrono::minutes(2));
  SURVEYSYNC_PROMISE(later && (info.result == date::local_info::ambiguous ? *later > *time : *later == *time));
  SURVEYSYNC_PROMISE(to_utc(stamp, zone, *time) == time);
}

void check_stamp(std::string_view text) {
  const auto stamp = parse_stamp(text);
  if (!stamp) return;
  SURVEYSYNC_PROMISE(stamp->micros >= 0 && stamp->micros < 1'000'000);
  SURVEYSYNC_PROMISE(stamp->local_seconds >= 0 && stamp->local_seconds < kEndOfYears);
  SURVEYSYNC_PROMISE(std::abs(stamp->offset_seconds.value_or(0)) < 16 * 3'600);
  const std::string shown = written(*stamp);
  const auto again = parse_stamp(shown);
  SURVEYSYNC_PROMISE(again.has_value(), shown);
  SURVEYSYNC_PROMISE(again->local_seconds == stamp->local_seconds && again->micros == stamp->micros, shown);
  SURVEYSYNC_PROMISE(again->offset_seconds == stamp->offset_seconds, shown);
  for (const Zone& zone : zones())
    check_instant(*stamp, zone);
}

void check_others(std::string_view text) {
  if (const auto session = session_second(text)) SURVEYSYNC_PROMISE(session->time_since_epoch() > seconds(0));
  if (const auto time = parse_duration(text)) {
    SURVEYSYNC_PROMISE(*time >= Duration::zero());
    SURVEYSYNC_PROMISE(parse_duration(format_duration(*time)) == time, format_duration(*time));
  }
  if (const auto time = http::parse_http_date(text)) format_utc(*time);
}

void check_learning(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < 50) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const std::vector<ClockEvidence> evidence = clock_evidence(lines);
  SURVEYSYNC_PROMISE(evidence.size() <= lines.size());
  for (const Zone& known : {Zone(), Zone("America/New_York")}) {
    for (const model::Capability& learned : learn_zones(evidence, known)) {
      SURVEYSYNC_PROMISE(learned.name == "account_zone" || learned.name == "updated_zone");
      SURVEYSYNC_PROMISE(learned.value == kUnknown || Zone(learned.value).known(), learned.value);
      SURVEYSYNC_PROMISE(!learned.evidence.empty());
    }
  }
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  const std::string text(view_of(data, size));  // of its exact size: nothing may be read behind it
  const std::string_view line = std::string_view(text).substr(0, text.find('\n'));
  check_stamp(line);
  check_others(line);
  if (text.starts_with('{')) check_learning(text);
  return 0;
}
