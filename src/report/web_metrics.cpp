#include "report/web_metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <tuple>

#include "report/web_standing.h"

namespace surveysync::report {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds_of(UtcTime time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1e6;
}

/// The families in the order of the calls.
class Families {
 public:
  Families& gauge(const char* name, const char* help) { return begin(MetricType::Gauge, name, help); }
  Families& counter(const char* name, const char* help) { return begin(MetricType::Counter, name, help); }
  Families& histogram(const char* name, const char* help) { return begin(MetricType::Histogram, name, help); }
  Families& add(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (all_.back().type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    all_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Families& add(Labels labels, std::int64_t value) { return add(std::move(labels), static_cast<double>(value)); }
  Families& add(Labels labels, bool truth) { return add(std::move(labels), truth ? 1.0 : 0.0); }
  /// Nothing where there is none.
  template <class T>
  Families& add(Labels labels, const std::optional<T>& value) {
    return value ? add(std::move(labels), *value) : *this;
  }
  Families& add(Labels labels, UtcTime time) { return add(std::move(labels), seconds_of(time)); }
  void add(Labels labels, const RunTimes& times) {
    ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < times.counts.size(); ++at) {
      sum += static_cast<std::uint64_t>(times.counts[at]);
      const double bound =
          at < RunTimes::kBounds.size() ? RunTimes::kBounds[at] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({sum, bound});
    }
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = times.seconds;
    all_.back().metric.push_back(std::move(metric));
  }
  /// One series for each entry; `second` empty: only the first label.
  void add(const Tally& tally, const char* first, const char* second = "") {
    for (const auto& [key, number] : tally) {
      Labels labels = {{first, key.first}};
      if (*second != '\0') labels.push_back({second, key.second});
      add(std::move(labels), number);
    }
  }

  std::string text() {
    std::erase_if(all_, [](const MetricFamily& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(all_);
  }

 private:
  Families& begin(MetricType type, const char* name, const char* help) {
    all_.push_back({name, help, type, {}});
    return *this;
  }
  std::vector<MetricFamily> all_;
};

void add_process(Families& out, const StatusView& view, const ProcessUse& use) {
  out.gauge("surveysync_build_info", "The version that runs; always 1.").add({{"version", view.version}}, 1.0);
  out.gauge("process_start_time_seconds", "When the process began, in Unix time.").add({}, view.started_at);
  out.counter("process_cpu_seconds_total", "Processor time used, user and system.").add({}, use.cpu_seconds);
  out.gauge("process_resident_memory_bytes", "Memory in use.").add({}, use.resident_bytes);
  out.gauge("process_virtual_memory_bytes", "Address space in use.").add({}, use.virtual_bytes);
  out.gauge("process_open_fds", "Open file descriptors.").add({}, use.open_files);
  out.gauge("process_max_fds", "The limit of open file descriptors.").add({}, use.files_limit);
  out.gauge("process_threads", "Threads of the process.").add({}, use.threads);
}

void add_health(Families& out, const StatusView& view, const ServerReading& server) {
  out.gauge("surveysync_healthy", "1 while every lane shows life.").add({}, view.alive);
  out.gauge("surveysync_database_up", "1 when the newest look into the database succeeded.")
      .add({}, view.database != nullptr && view.trouble.empty());
  out.gauge("surveysync_schema_current", "1 when the schema is that of this version.").add({}, view.schema_current);
  if (view.database) {
    out.gauge("surveysync_snapshot_timestamp_seconds", "When the database was last looked into.")
        .add({}, view.database->taken_at);
    out.gauge("surveysync_snapshot_duration_seconds", "How long that look took.")
        .add({}, std::chrono::duration<double>(view.database->took).count());
  }
  out.gauge("surveysync_http_connections", "Connections to the status page now.").add({}, server.connections);
  out.counter("surveysync_http_dropped_connections_total", "Connections closed because they were slow or too many.")
      .add({}, server.dropped);
  out.counter("surveysync_http_requests_total", "Requests to the status page.").add(server.requests, "path", "code");
}

void add_counters(Families& out, const MeterReading& meters) {
  out.counter("surveysync_requests_total", "Answers of the vendor by HTTP status; 0: none came.")
      .add(meters.requests, "source", "code");
  out.counter("surveysync_received_bytes_total", "Bytes of answers.").add(meters.bytes, "source");
  out.counter("surveysync_rows_total", "Rows by what became of them.").add(meters.rows, "source", "change");
  out.counter("surveysync_throttled_total", "Answers that said we are too fast (429, in whatever dress).")
      .add(meters.throttled, "source");
  out.counter("surveysync_retries_total", "Repeated calls by the kind of error.").add(meters.retries, "source", "kind");
  out.counter("surveysync_key_verdicts_total", "Decisions about keys.").add(meters.key_verdicts, "source", "verdict");
  out.counter("surveysync_key_probes_total", "Single probes of keys.").add(meters.key_probes, "source", "verdict");
  out.counter("surveysync_runs_total", "Ended runs.").add(meters.runs, "source", "outcome");
  out.counter("surveysync_certificates_total", "Certificates issued.").add(meters.certificates, "source", "verdict");
  out.counter("surveysync_incidents_opened_total", "Incidents opened.").add(meters.incidents, "rule", "severity");
  out.counter("surveysync_alerts_total", "Alerts sent.").add(meters.alerts, "channel", "outcome");
  out.histogram("surveysync_run_duration_seconds", "How long runs took.");
  for (const auto& [source, times] : meters.run_times)
    out.add({{"source", source}}, times);
}

/// The four clocks, one family each, of whatever `labelled` yields.
template <class Items, class Name>
void add_clocks(Families& out, const Items& items, const char* const (&names)[4], const Name& labels_of) {
  constexpr const char* kHelp[] = {"When the vendor was last asked.", "When a run last succeeded.",
                                   "When a certificate last balanced.", "The newest change seen at the vendor."};
  constexpr std::optional<UtcTime> FourClocks::*kClocks[] = {&FourClocks::attempt, &FourClocks::success,
                                                             &FourClocks::certified, &FourClocks::newest_change};
  for (std::size_t clock = 0; clock < 4; ++clock) {
    out.gauge(names[clock], kHelp[clock]);
    for (const auto& item : items)
      out.add(labels_of(item), labels_of.clocks(item).*kClocks[clock]);
  }
}

struct OfSource {
  Labels operator()(const SourceView& source) const { return {{"source", source.name}}; }
  static const FourClocks& clocks(const SourceView& source) { return source.clocks; }
};
using NamedSurvey = std::pair<const SourceView*, const SurveyView*>;
struct OfSurvey {
  Labels operator()(const NamedSurvey& survey) const {
    return {{"source", survey.first->name}, {"survey", survey.second->id}};
  }
  static const FourClocks& clocks(const NamedSurvey& survey) { return survey.second->clocks; }
};

void add_sources(Families& out, const StatusView& view) {
  const std::vector<SourceView>& sources = view.database->sources;
  constexpr const char* kNames[4] = {
      "surveysync_source_last_attempt_timestamp_seconds", "surveysync_source_last_success_timestamp_seconds",
      "surveysync_source_last_certified_timestamp_seconds", "surveysync_source_newest_change_timestamp_seconds"};
  add_clocks(out, sources, kNames, OfSource());
  const auto each = [&](const char* name, const char* help, auto value) {
    out.gauge(name, help);
    for (const SourceView& source : sources)
      if (source.configured) out.add({{"source", source.name}}, value(source));
  };
  each("surveysync_source_stale_after_seconds", "How old the last certificate may become, as configured.",
       [](const SourceView& source) { return std::chrono::duration<double>(source.stale_after).count(); });
  each("surveysync_source_balanced", "1 when the newest certificates balance; 0: not, or there are none.",
       [](const SourceView& source) { return source.proof == Proof::balanced; });
  each("surveysync_source_held", "1 while the source waits for a good key.",
       [&](const SourceView& source) { return !refused_verdict(view, source).empty(); });
  each(
      "surveysync_source_running", "1 while the source is worked, here or by another process.",
      [&](const SourceView& source) { return progress_of(view, source.name) != nullptr || !source.worked_by.empty(); });
  each("surveysync_source_records", "Live records that the newest certificates count.",
       [](const SourceView& source) { return source.stored; });
  each("surveysync_source_surveys", "Surveys known.",
       [](const SourceView& source) { return static_cast<std::int64_t>(source.surveys.size()); });
  each("surveysync_source_next_run_timestamp_seconds", "When it runs next.",
       [](const SourceView& source) { return source.next_run; });
}

void add_keys(Families& out, const StatusView& view) {
  out.gauge("surveysync_key_refused", "1 while the key of the slot is refused; the verdict says how.");
  for (const SourceView& source : view.database->sources)
    for (const KeyView& key : source.keys)
      out.add(
          {{"source", source.name}, {"slot", key.slot}, {"verdict", key.verdict.empty() ? "accepted" : key.verdict}},
          !key.verdict.empty());
  out.gauge("surveysync_key_last_good_timestamp_seconds", "When the key of the slot was last accepted.");
  for (const SourceView& source : view.database->sources)
    for (const KeyView& key : source.keys)
      out.add({{"source", source.name}, {"slot", key.slot}}, key.last_good_at);
}

void add_surveys(Families& out, const StatusView& view) {
  std::vector<NamedSurvey> surveys;
  for (const SourceView& source : view.database->sources)
    for (const SurveyView& survey : source.surveys)
      if (survey.proof != Proof::deleted && survey.proof != Proof::not_followed) surveys.emplace_back(&source, &survey);
  const std::size_t shown = std::min(surveys.size(), kSurveySeries);
  std::ranges::stable_sort(surveys, [](const NamedSurvey& a, const NamedSurvey& b) {
    return b.second->clocks.newest_change < a.second->clocks.newest_change;
  });
  out.gauge("surveysync_survey_series_left_out", "Surveys without series of their own: there are too many.")
      .add({}, static_cast<std::int64_t>(surveys.size() - shown));
  surveys.resize(shown);
  constexpr const char* kNames[4] = {
      "surveysync_survey_last_attempt_timestamp_seconds", "surveysync_survey_last_success_timestamp_seconds",
      "surveysync_survey_last_certified_timestamp_seconds", "surveysync_survey_newest_change_timestamp_seconds"};
  add_clocks(out, surveys, kNames, OfSurvey());
  out.gauge("surveysync_survey_balanced", "1 when the newest certificate of the survey balances.");
  for (const NamedSurvey& survey : surveys)
    if (survey.second->proof == Proof::balanced || survey.second->proof == Proof::unbalanced)
      out.add(OfSurvey()(survey), survey.second->proof == Proof::balanced);
}

void add_incidents(Families& out, const StatusView& view) {
  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t> open;
  for (const IncidentView& incident : open_incidents(view))
    ++open[{incident.rule, incident.source, incident.severity}];
  out.gauge("surveysync_open_incidents", "Incidents that are open now.");
  if (open.empty()) out.add({{"rule", ""}, {"source", ""}, {"severity", ""}}, 0.0);  // so that there is always a series
  for (const auto& [key, number] : open)
    out.add({{"rule", std::get<0>(key)}, {"source", std::get<1>(key)}, {"severity", std::get<2>(key)}}, number);
}

void add_budgets(Families& out, const StatusView& view) {
  const auto each = [&](const char* name, const char* help, auto value) {
    out.gauge(name, help);
    for (const BudgetView& budget : view.database->budgets)
      out.add({{"account", budget.account}}, value(budget));
  };
  each("surveysync_budget_requests_per_minute", "Our share of what the account may ask.", [](const BudgetView& budget) {
    return static_cast<double>(budget.share) / std::max(1e-9, std::chrono::duration<double>(budget.window).count()) *
           60;
  });
  each("surveysync_budget_vendor_requests_per_minute", "What the vendor allows the account.",
       [](const BudgetView& budget) {
         return static_cast<double>(budget.vendor_limit) /
                std::max(1e-9, std::chrono::duration<double>(budget.window).count()) * 60;
       });
  each("surveysync_budget_used_requests", "Requests of this process in the last minute.",
       [&](const BudgetView& budget) {
         std::int64_t used = 0;
         for (const std::string& source : budget.sources)
           if (const auto found = view.recent_calls.find(source); found != view.recent_calls.end())
             used += found->second;
         return used;
       });
  each("surveysync_budget_resting_until_timestamp_seconds", "Until when all processes let the account rest.",
       [](const BudgetView& budget) { return budget.resting_until; });
}

}  // namespace

std::string metrics_text(const StatusView& view, const MeterReading& meters, const ServerReading& server,
                         const ProcessUse& process) {
  Families out;
  add_process(out, view, process);
  add_health(out, view, server);
  add_counters(out, meters);
  if (view.database) {
    add_sources(out, view);
    add_keys(out, view);
    add_surveys(out, view);
    add_incidents(out, view);
    add_budgets(out, view);
  }
  return out.text();
}

}  // namespace surveysync::report
