#pragma once
// /metrics: the snapshot and the counters in Prometheus' text format (prometheus-cpp writes and escapes it). Names are
// in base units, counters end in _total. Series by survey are bounded, so that a large account does not drown the
// database of whoever scrapes. Pure; any thread.

#include <string>

#include "report/web_meters.h"
#include "report/web_process.h"
#include "report/web_view.h"

namespace surveysync::report {

/// Surveys with series of their own, over all sources: those that changed last. The others are counted in
/// surveysync_survey_series_left_out.
inline constexpr std::size_t kSurveySeries = 500;
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// What the page's own server counted: its connections now, requests by path and status, connections closed early.
struct ServerReading {
  std::int64_t connections = 0, dropped = 0;
  Tally requests;  ///< by path ("other": none of ours) and status
};

std::string metrics_text(const StatusView& view, const MeterReading& meters, const ServerReading& server,
                         const ProcessUse& process);

}  // namespace surveysync::report
