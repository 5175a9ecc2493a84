#include "app/agenda_question.h"

namespace surveysync::app {
namespace {

// More than ever fail in a row before the longest back-off is reached.
constexpr int kRecentRuns = 20;

}  // namespace

sync::AgendaQuestion agenda_question(const SourceConfig& source, store::History& history, UtcTime now) {
  sync::AgendaQuestion question;
  question.source = source.name;
  question.now = now;
  if (source.schedule)
    question.schedule = sync::Schedule{source.schedule->cron, source.schedule->timezone, source.schedule->jitter};
  for (store::RunRow& row : history.recent_runs(source.name, kRecentRuns))
    question.runs.push_back({row.started_at, row.finished_at, std::move(row.kind), std::move(row.outcome)});
  return question;
}

}  // namespace surveysync::app
