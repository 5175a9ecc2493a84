#pragma once
// Rows a day as inline SVG with its table: bars in units of the drawing, so that they fill any width; every word is
// HTML, so that it keeps its size on a phone. Pure; any thread.

#include <string>
#include <vector>

#include "report/web_view.h"

namespace surveysync::report {

/// The least of 1, 2, 5, 10, 20, 50 ... that is not less than `value`; at least 1.
std::int64_t axis_top(std::int64_t value);
/// <figure> with legend, drawing and table; a sentence where nothing was stored on any of the days.
std::string chart_of_days(const std::vector<DayView>& days);

}  // namespace surveysync::report
