#pragma once
// What `status` prints for people: everything of every source, or one line a source for those who follow it. Pure.

#include <string>
#include <vector>

#include "app/history_json.h"

namespace surveysync::app {

/// Clocks, service, what was learned, lists and surveys of all sources.
std::string status_text(const std::vector<StatusSource>& sources, UtcTime now);
/// How one source stands, in one line without anything that changes by itself: "us: run 7 succeeded, certified
/// 2026-11-22 02:20:11, balanced, next run 2026-11-23 02:15:00 (scheduled)".
std::string status_line(const StatusSource& source);
/// The first lines of `text` that fit on a screen, none wider than it; how many are left out, in the last one.
std::string fitting(const std::string& text, std::size_t columns, std::size_t rows);

}  // namespace surveysync::app
