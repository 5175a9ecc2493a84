#pragma once
// The vendor's wall stamps, "2026-03-19 15:58:55": bookmarks and edges of windows are such texts, which order by bytes
// and need no zone to be compared. Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "sources/alchemer/dates.h"

namespace surveysync::sources::alchemer {

/// Doubt about instants while the zone of date_updated is not known: any zone against any other.
inline constexpr std::chrono::hours kZoneDoubt{26};

/// Whether `text` is a stamp of exactly that form, and none of the zero dates.
bool is_wall(std::string_view text);
/// Seconds of that stamp on its own clock; 0 when it is none.
std::int64_t wall_seconds(std::string_view text);
/// The stamp of such seconds.
std::string wall_text(std::int64_t seconds);
/// `text` moved by `by`, rounded down to seconds; not before 1970.
std::string moved(std::string_view text, Duration by);
/// What the clock of a known zone shows at `at`, fractions cut.
std::string wall_at(UtcTime at, const Zone& zone);
/// How far the stamps of `zone` around `at` may be from true instants: 26 h for an unknown zone, the change within two
/// hours of a change of its clock.
Duration doubt_around(UtcTime at, const Zone& zone);
/// Whether `text` lies in an hour that the clock of the zone shows twice; of an unknown zone: of any zone that it may
/// be. Stamps in that hour do not order as the changes did.
bool is_repeated(std::string_view text, const Zone& zone);

}  // namespace surveysync::sources::alchemer
