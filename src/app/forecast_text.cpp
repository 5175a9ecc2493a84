#include "app/forecast_text.h"

#include <fmt/format.h>

#include "app/human.h"
#include "app/json_writer.h"

namespace surveysync::app {

using Align = TextTable::Align;

Duration time_for(std::int64_t requests, const http::LimiterOptions& pace) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(
      static_cast<double>(requests) * static_cast<double>(pace.window.count()) / pace.requests));
}

std::string forecast_text(std::span<const SourceForecast> forecasts) {
  TextTable table({{"SOURCE"},
                   {"SURVEYS", Align::right},
                   {"CHANGED", Align::right},
                   {"COMPLETE", Align::right},
                   {"PROBED", Align::right},
                   {"SKIPPED", Align::right},
                   {"ROWS", Align::right},
                   {"REQUESTS", Align::right},
                   {"TAKES ABOUT", Align::right}});
  std::int64_t asked = 0, repeated = 0;
  for (const SourceForecast& source : forecasts) {
    if (source.error) continue;
    const sync::Forecast& next = source.forecast;
    table.add({source.source, grouped(next.surveys), grouped(next.changed), grouped(next.complete),
               grouped(next.probes), grouped(next.skipped), grouped(next.rows), grouped(next.requests),
               spoken(source.takes)});
    asked += next.asked;
    repeated += next.repeated;
  }
  if (table.empty()) return {};
  return table.text() +
         fmt::format("planning made {} request{}; a sync that follows at once {}\n", grouped(asked),
                     asked == 1 ? "" : "s",
                     repeated == 0 ? "does not repeat them" : fmt::format("repeats {} of them", grouped(repeated)));
}

std::string forecast_json(std::span<const SourceForecast> forecasts) {
  JsonWriter writer;
  writer.begin_object().key("sources").begin_array();
  for (const SourceForecast& source : forecasts) {
    const sync::Forecast& next = source.forecast;
    writer.begin_object().field("source", source.source);
    writer.text_or_null("error", source.error ? source.error->full_text() : std::string());
    if (!source.error) {
      writer.field("asked", next.asked)
          .field("requests", next.requests)
          .field("minutes", std::chrono::duration<double, std::ratio<60>>(source.takes).count())
          .field("rows", next.rows)
          .field("surveys", next.surveys)
          .field("changed", next.changed)
          .field("complete", next.complete)
          .field("probes", next.probes)
          .field("skipped", next.skipped);
    }
    writer.end_object();
  }
  return writer.end_array().end_object().done();
}

}  // namespace surveysync::app
