#pragma once
// The vendor's clocks: instants are whole seconds UTC inside, and become local wall time, with or without a suffix, on
// the wire. Zone is constant after construction and may be used from any thread. Throws Error{config} for an unknown
// zone name.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync::sandbox {

/// Seconds since 1970-01-01 00:00 UTC.
using Seconds = std::int64_t;

class Zone {
 public:
  explicit Zone(const std::string& name);
  /// The wall clock at `instant`, counted like an instant: 1970-01-01 00:00 local is 0.
  Seconds wall(Seconds instant) const;
  /// "2025-11-02 01:30:00".
  std::string local(Seconds instant) const;
  /// "2025-11-02 01:30:00 EST".
  std::string local_with_suffix(Seconds instant) const;
  /// The changes of the clock in [from, until).
  std::vector<Seconds> transitions(Seconds from, Seconds until) const;
  /// True when the wall clock shows this time twice.
  bool repeated(Seconds instant) const;

 private:
  struct Span {
    Seconds begin, end;
    std::int64_t offset;
    std::string suffix;
  };
  const Span& span(Seconds instant) const;
  std::vector<Span> spans_;  // 1990 to 2060, in order
};

/// "2026-01-02T03:04:05Z".
std::string utc_iso(Seconds instant);
/// "2026-01-02 03:04:05", the digits of a wall clock.
std::string wall_text(Seconds wall);

/// A time as a client writes it into a filter.
struct WrittenTime {
  Seconds wall;                    ///< its digits
  std::optional<Seconds> instant;  ///< known when an offset, Z or EST/EDT stood behind them
};
/// "2026-01-02", "2026-01-02 03:04:05[ EST]", "2026-01-02T03:04:05[Z|+01:00]"; empty for anything else.
std::optional<WrittenTime> parse_written_time(std::string_view text);

}  // namespace surveysync::sandbox
