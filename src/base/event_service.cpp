// The words for what happens around the runs: keys, the daemon, incidents.
#include "base/event_text.h"

namespace surveysync {

EventText DescribeService::operator()(const event::KeyRefused& e) const {
  return Text("key_refused", Severity::error, e.scope,
              fmt::format("the key of {} is refused ({}): {}", e.scope.source, e.verdict, e.evidence))
      .add("slot", e.slot)
      .add("fingerprint", e.fingerprint)
      .add("verdict", e.verdict)
      .add_text("next_step", e.next_step)
      .done();
}
EventText DescribeService::operator()(const event::KeyRotated& e) const {
  return Text("key_rotated", Severity::info, e.scope, fmt::format("{} goes on with another key", e.scope.source))
      .add("slot", e.slot)
      .add("fingerprint", e.fingerprint)
      .done();
}
EventText DescribeService::operator()(const event::KeyAccepted& e) const {
  return Text("key_accepted", Severity::info, e.scope, fmt::format("the key of {} is accepted", e.scope.source))
      .add("slot", e.slot)
      .add("fingerprint", e.fingerprint)
      .done();
}
EventText DescribeService::operator()(const event::KeyTried& e) const {
  const std::string verdict = e.verdict.empty() ? "accepted" : e.verdict;
  return Text("key_tried", Severity::info, e.scope, fmt::format("a key of {} was tried: {}", e.scope.source, verdict))
      .add("slot", e.slot)
      .add("fingerprint", e.fingerprint)
      .add("verdict", verdict)
      .done();
}
EventText DescribeService::operator()(const event::ClockCorrected& e) const {
  const auto seconds = std::chrono::round<std::chrono::seconds>(e.wrong);
  const bool agrees = std::chrono::abs(seconds) <= std::chrono::seconds(2);
  const std::string how = fmt::format("{} {}", format_duration(std::chrono::abs(seconds)),
                                      seconds.count() > 0 ? "behind the vendor's" : "ahead of the vendor's");
  return Text("clock_corrected", Severity::warning, e.scope,
              agrees ? std::string("the host clock agrees with the vendor's again; signatures carry its own time")
                     : fmt::format("the host clock is wrong by {}; signatures carry the vendor's time", how))
      .add("wrong_seconds", seconds.count())
      .done();
}
EventText DescribeService::operator()(const event::DaemonStarted& e) const {
  return Text("daemon_started", Severity::info, e.scope, fmt::format("looking after {} sources", e.sources))
      .add("sources", e.sources)
      .done();
}
EventText DescribeService::operator()(const event::DaemonStopping& e) const {
  return Text("daemon_stopping", Severity::info, e.scope, fmt::format("stopping: {}", e.reason)).done();
}
EventText DescribeService::operator()(const event::DaemonStopped& e) const {
  const bool clean = e.abandoned == 0;
  return Text("daemon_stopped", clean ? Severity::info : Severity::warning, e.scope,
              clean ? "stopped"
                    : "the time to stop is over: what is still under way is left to the next start, nothing is lost")
      .add("abandoned", e.abandoned)
      .done();
}
EventText DescribeService::operator()(const event::UncleanExitFound& e) const {
  return Text("unclean_exit_found", Severity::warning, e.scope,
              "an earlier daemon ended without saying so: it was killed, or it crashed, or the host went down")
      .add("identity", e.identity)
      .done();
}
EventText DescribeService::operator()(const event::ConfigReloaded& e) const {
  return Text("config_reloaded", Severity::info, e.scope, "the configuration was read again: " + e.changes)
      .add("changes", e.changes)
      .done();
}
EventText DescribeService::operator()(const event::ConfigRefused& e) const {
  return Text("config_refused", Severity::error, e.scope,
              "the new configuration is refused, the old one stays in force: " + e.reason)
      .done();
}
EventText DescribeService::operator()(const event::RunScheduled& e) const {
  return Text("run_scheduled", Severity::debug, e.scope,
              fmt::format("{} runs next at {} ({})", e.scope.source, format_utc(e.at), e.reason))
      .add("at", format_utc(e.at))
      .add("reason", e.reason)
      .done();
}
EventText DescribeService::operator()(const event::SourceHeld& e) const {
  return Text("source_held", Severity::error, e.scope,
              fmt::format("{} is held ({}): {}", e.scope.source, e.verdict, e.next_step))
      .add("verdict", e.verdict)
      .done();
}
EventText DescribeService::operator()(const event::SourceReleased& e) const {
  return Text("source_released", Severity::info, e.scope,
              fmt::format("{} is no longer held: {}", e.scope.source, e.reason))
      .done();
}
EventText DescribeService::operator()(const event::RequestTaken& e) const {
  const bool ended = !e.outcome.empty();
  return Text("request_taken", Severity::info, e.scope,
              ended ? fmt::format("the {} that {} asked for {}", e.kind, e.requested_by, e.outcome)
                    : fmt::format("{} asked for a {} of {}", e.requested_by, e.kind, e.scope.source))
      .add("request_id", e.request_id)
      .add("kind", e.kind)
      .add("requested_by", e.requested_by)
      .add_text("outcome", e.outcome)
      .done();
}
EventText DescribeService::operator()(const event::IncidentOpened& e) const {
  const Severity severity = e.severity == "critical" ? Severity::error : Severity::warning;
  return Text("incident_opened", severity, e.scope, fmt::format("incident {}: {}", e.key, e.evidence))
      .add("key", e.key)
      .add("rule", e.rule)
      .add("severity", e.severity)
      .add_text("verdict", e.verdict)
      .add_text("next_step", e.next_step)
      .done();
}
EventText DescribeService::operator()(const event::IncidentResolved& e) const {
  return Text("incident_resolved", Severity::info, e.scope, fmt::format("incident {} is over: {}", e.key, e.message))
      .add("key", e.key)
      .add("rule", e.rule)
      .done();
}
EventText DescribeService::operator()(const event::AlertSent& e) const {
  const bool well = e.error.empty();
  return Text("alert_sent", well ? Severity::debug : Severity::error, e.scope,
              well ? fmt::format("alert {} was told to {}", e.key, e.channel)
                   : fmt::format("alert {} could not be told to {}: {}", e.key, e.channel, e.error))
      .add("channel", e.channel)
      .add("key", e.key)
      .add_text("error", e.error)
      .done();
}
EventText DescribeService::operator()(const event::StatusPageOffered& e) const {
  const bool off = e.address.empty();
  return Text("status_page_offered", e.error.empty() ? Severity::info : Severity::error, e.scope,
              !e.error.empty() ? fmt::format("the status page cannot be offered: {}", e.error)
              : off            ? std::string("the status page is switched off")
                               : fmt::format("the status page is at http://{}/", e.address))
      .add_text("address", e.address)
      .add_text("error", e.error)
      .done();
}
EventText DescribeService::operator()(const event::SecretWarned& e) const {
  return Text("secret_warned", Severity::warning, e.scope, fmt::format("secret of {}: {}", e.scope.source, e.what))
      .done();
}

}  // namespace surveysync
