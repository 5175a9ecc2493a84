#include "report/web_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/web_table.h"
#include "report/web_words.h"

namespace surveysync::report {
namespace {

constexpr double kHeight = 100, kDay = 10, kBar = 7;

std::string bar(std::string_view kind, std::size_t day, double from, double to) {
  return fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.2f}" width="{:.1f}" height="{:.2f}"/>)", kind,
                     static_cast<double>(day) * kDay + (kDay - kBar) / 2, to, kBar, from - to);
}

/// A stack of new over updated rows with its words; what is not zero is seen, however small.
std::string day_bars(const DayView& day, std::size_t at, std::int64_t top) {
  const auto height = [&](std::int64_t rows) {
    return rows == 0 ? 0.0 : std::max(1.2, kHeight * static_cast<double>(rows) / static_cast<double>(top));
  };
  const double between = kHeight - height(day.inserted), end = std::max(0.0, between - height(day.updated));
  std::string text = fmt::format("<g><title>{}: {} new, {} updated</title>", html(day.day), with_commas(day.inserted),
                                 with_commas(day.updated));
  if (day.inserted > 0) text += bar("new", at, kHeight, between);
  if (day.updated > 0) text += bar("upd", at, between, end);
  return text + "</g>";
}

std::string drawing(const std::vector<DayView>& days, std::int64_t top, std::string_view description) {
  const double width = static_cast<double>(days.size()) * kDay;
  std::string svg = fmt::format(
      R"(<svg class="plot" viewBox="0 0 {:.0f} {:.0f}" preserveAspectRatio="none" role="img" )"
      R"(aria-labelledby="chart-title chart-text"><title id="chart-title">Rows stored a day</title><desc id="chart-text">{}</desc>)",
      width, kHeight, html(description));
  for (const double y : {0.0, kHeight / 2, kHeight})
    svg += fmt::format(R"(<line x1="0" y1="{0:.1f}" x2="{1:.0f}" y2="{0:.1f}"/>)", y, width);
  for (std::size_t at = 0; at < days.size(); ++at)
    svg += day_bars(days[at], at, top);
  return svg + "</svg>";
}

std::string table(const std::vector<DayView>& days) {
  HtmlTable rows("Rows stored a day", "", {{"Day (UTC)"}, {"New", true}, {"Updated", true}});
  for (auto day = days.rbegin(); day != days.rend(); ++day)
    rows.add({html(day->day), with_commas(day->inserted), with_commas(day->updated)});
  return "<details><summary>The same as a table</summary>" + rows.text() + "</details>";
}

}  // namespace

std::int64_t axis_top(std::int64_t value) {
  for (std::int64_t unit = 1; unit <= 1'000'000'000'000'000; unit *= 10)
    for (const std::int64_t step : {1, 2, 5})
      if (unit * step >= value) return unit * step;
  return value;
}

std::string chart_of_days(const std::vector<DayView>& days) {
  std::int64_t most = 0, inserted = 0, updated = 0;
  std::string busiest;
  for (const DayView& day : days) {
    if (day.inserted + day.updated > most) most = day.inserted + day.updated, busiest = day.day;
    inserted += day.inserted;
    updated += day.updated;
  }
  if (most == 0) return R"(<p class="meta">Nothing was stored on these days.</p>)";
  const std::int64_t top = axis_top(most);
  const std::string description = fmt::format(
      "In the {} days from {} to {}, {} rows were new and {} updated. The most were on {}: {}.", days.size(),
      days.front().day, days.back().day, with_commas(inserted), with_commas(updated), busiest, with_commas(most));
  return fmt::format(
      R"(<p class="meta">{} new and {} updated in {} days</p><figure><div class="axis above" aria-hidden="true"><span>{}</span>)"
      R"(<span class="legend"><span><svg viewBox="0 0 12 12"><rect class="new" width="12" height="12" rx="3"/></svg>new</span>)"
      R"(<span><svg viewBox="0 0 12 12"><rect class="upd" width="12" height="12" rx="3"/></svg>updated</span></span></div>{})"
      R"(<div class="axis below" aria-hidden="true"><span>{}</span><span>{}</span></div></figure>{})",
      with_commas(inserted), with_commas(updated), days.size(), rounded(top), drawing(days, top, description),
      html(days.front().day), html(days.back().day), table(days));
}

}  // namespace surveysync::report
