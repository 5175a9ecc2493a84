#pragma once
// What `plan` prints: the next run's requests, minutes and rows, by source. Pure.

#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "http/limiter.h"
#include "sync/plan.h"

namespace surveysync::app {

/// One source's forecast, or why there is none.
struct SourceForecast {
  std::string source;
  sync::Forecast forecast;
  Duration takes{};  ///< at the account's pace
  std::optional<Error> error;
};

/// How long `requests` take at this pace.
Duration time_for(std::int64_t requests, const http::LimiterOptions& pace);
std::string forecast_text(std::span<const SourceForecast> forecasts);
std::string forecast_json(std::span<const SourceForecast> forecasts);

}  // namespace surveysync::app
