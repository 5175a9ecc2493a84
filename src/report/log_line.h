#pragma once
// How an event looks as one line of the log: text for people and the journal, JSON for collectors. Pure; not masked yet
// (telemetry.h does that last). One line in every case: control characters are escaped, broken UTF-8 is replaced.

#include <string>
#include <string_view>

#include "base/event.h"

namespace surveysync::report {

enum class LogFormat { text, json };
enum class Colours { off, on };

/// "2026-11-21T18:57:00.123Z info    incremental run of us started  event=run_started source=us run_id=7"
std::string text_line(const EventText& event, UtcTime time, Colours colours);
/// {"time":"...","level":"info","event":"run_started","message":"...","source":"us","run_id":7}
std::string json_line(const EventText& event, UtcTime time);

/// The same without time and level, for the journal, which has its own: "incremental run of us started  source=us ..."
std::string journal_line(const EventText& event);

/// "debug", "info", "warning", "error".
std::string_view name_of(Severity severity);
/// `text` with control characters escaped, broken UTF-8 and what turns the direction of writing replaced by
/// U+FFFD: safe on a terminal and in JSON.
std::string printable(std::string_view text);

}  // namespace surveysync::report
