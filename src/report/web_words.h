#pragma once
// Words, numbers and times of the status page, and what makes any text safe in it. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace surveysync::report {

/// Safe in text and in quoted attributes of HTML and SVG: & < > " ' become entities, ends of lines blanks; otherwise
/// `printable`.
std::string html(std::string_view text);
/// A JSON string with its quotes of what `printable` makes of it.
std::string json_quoted(std::string_view text);

/// "1,234,567".
std::string with_commas(std::int64_t number);
/// "1.2 k", "3.4 M": for the axis of a chart.
std::string rounded(std::int64_t number);
/// Two units at most: "12 s", "3 min 20 s", "2 h 5 min", "9 d 3 h".
std::string spoken_time(Duration time);
/// "just now", "3 min ago", "in 5 h".
std::string since(UtcTime time, UtcTime now);
/// "2026-11-22 02:15 UTC".
std::string to_minute(UtcTime time);
/// <time> with the words of `since`, the exact time for machines and as a tool tip; `never` for none.
std::string time_element(const std::optional<UtcTime>& time, UtcTime now, std::string_view never = "never");
/// At most `bytes` of it, cut between characters with an ellipsis; the first line only.
std::string first_words(std::string_view text, std::size_t bytes);

}  // namespace surveysync::report
