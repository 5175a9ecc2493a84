#pragma once
// What `status` prints for people: everything of every source, or one line a source for those who follow it. Pure.

#include <string>
#include <vector>

#include "app/history_json.h"

namespace surveysync::app {

/// Several sources in a table first, what is wrong on top; incidents with what to do; then clocks, service, what was
/// learned, lists and surveys of each source; the request budgets.
std::string status_text(const Status& status, UtcTime now);
/// `text` with the words that mean trouble in colours, for terminals.
std::string with_colours(std::string text);
/// How one source stands, in one line without anything that changes by itself: "us: run 7 succeeded, certified
/// 2026-11-22 02:20:11, balanced, next run 2026-11-23 02:15:00 (scheduled)".
std::string status_line(const StatusSource& source);
/// The first lines of `text` that fit on a screen, none wider than it: rows of tables are cut, what to do is not. How
/// many are left out, in the last one.
std::string fitting(const std::string& text, std::size_t columns, std::size_t rows);

}  // namespace surveysync::app
