#include "support/event_examples.h"

#include <type_traits>

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

const Scope kProgram{};
const Scope kSource{"us", 0, "", ""};
const Scope kRun{"us", 7, "", ""};
const Scope kSurvey{"us", 7, "response", "1234567"};
const Counts kCounts{.requests = 3, .inserted = 740, .updated = 12, .unchanged = 4, .tombstoned = 1, .quarantined = 0};
const UtcTime kTime{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 7h + 15min};
const std::string kSlot = "secret", kPrint = "1a2b3c4d";
const std::string kNextStep = "write the new key into /etc/surveysync/secrets/us.key";

template <class E>
using For = std::type_identity<E>;

// Runs and their parts.
EventExamples examples(For<event::RunStarted>) {
  return {"a run of a source begins", {{"", event::RunStarted{kRun, "incremental"}}}};
}
EventExamples examples(For<event::RunPlanned>) {
  return {"its work is known", {{"", event::RunPlanned{kRun, 42, 750}}}};
}
EventExamples examples(For<event::RunFinished>) {
  return {"it ended",
          {{"", event::RunFinished{kRun, "succeeded", kCounts, 61s, ""}},
           {"partial", event::RunFinished{kRun, "partial", kCounts, 61s, "1 of 42 parts failed"}},
           {"failed", event::RunFinished{kRun, "failed", kCounts, 61s, "the key is refused", "unauthorized"}}}};
}
EventExamples examples(For<event::RunAbandoned>) {
  return {"a run that was open when its process died was closed as failed", {{"", event::RunAbandoned{kRun}}}};
}
EventExamples examples(For<event::PartitionFinished>) {
  return {"one survey's part of a stream ended",
          {{"", event::PartitionFinished{kSurvey, "succeeded", kCounts, ""}},
           {"failed", event::PartitionFinished{kSurvey, "failed", kCounts, "the vendor answered 500 four times"}}}};
}
EventExamples examples(For<event::PartitionDenied>) {
  return {"the key may not read this one thing",
          {{"", event::PartitionDenied{kSurvey, "403: you do not have permission"}}}};
}
EventExamples examples(For<event::CallFinished>) {
  return {"the vendor answered; `path` never has the query",
          {{"", event::CallFinished{kSurvey, "/v5/survey/1234567/surveyresponse", 200, 81920, 950ms, false}}}};
}
EventExamples examples(For<event::PageStored>) {
  return {"a page's transaction was committed", {{"", event::PageStored{kSurvey, kCounts, 250}}}};
}
EventExamples examples(For<event::RetryScheduled>) {
  return {"a call is made again after a wait",
          {{"", event::RetryScheduled{kSurvey, "/v5/survey/1234567/surveyresponse", 2, 1500ms, ErrorKind::unavailable,
                                      "the vendor answered 502"}}}};
}
EventExamples examples(For<event::Throttled>) {
  return {"the whole account rests", {{"", event::Throttled{kRun, 60s, "the vendor says that we are too fast"}}}};
}
EventExamples examples(For<event::PageSizeChanged>) {
  return {"a survey's pages shrink or grow",
          {{"", event::PageSizeChanged{kSurvey, 250, 125, "the vendor did not answer in time"}}}};
}

// Keys.
EventExamples examples(For<event::KeyRefused>) {
  return {"the vendor refuses the key for good: only probes are made with it",
          {{"", event::KeyRefused{kRun, kSlot, kPrint, "rotated", "Login failed / Invalid auth token", kNextStep}}}};
}
EventExamples examples(For<event::KeyRotated>) {
  return {"another key is in use from here on: its file changed, or the `next` slot was promoted",
          {{"", event::KeyRotated{kRun, kSlot, kPrint}}}};
}
EventExamples examples(For<event::KeyAccepted>) {
  return {"the first good answer to a key in this process", {{"", event::KeyAccepted{kRun, kSlot, kPrint}}}};
}
EventExamples examples(For<event::KeyTried>) {
  return {"one probe of a key that is refused, new, or kept in reserve",
          {{"", event::KeyTried{kSource, kSlot, kPrint, "rotated"}},
           {"accepted", event::KeyTried{kSource, "next", kPrint, ""}}}};
}
EventExamples examples(For<event::ClockCorrected>) {
  return {"OAuth: a call was refused for its time; signatures carry the vendor's time from here on",
          {{"", event::ClockCorrected{kSource, 1200s}}}};
}

// Records and what vendor and database have.
EventExamples examples(For<event::RecordQuarantined>) {
  return {"a record cannot be decoded or stored",
          {{"", event::RecordQuarantined{kSurvey, "98", "date_submitted is no date"}}}};
}
EventExamples examples(For<event::ContractChanged>) {
  return {"the vendor sent a shape for the first time",
          {{"", event::ContractChanged{kSurvey, "field \"mood\" of a response", "\"sunny\""}}}};
}
EventExamples examples(For<event::CertificateIssued>) {
  return {"vendor and database were compared",
          {{"", event::CertificateIssued{kSurvey, true, 750, 750, 749, 1, 0}},
           {"unbalanced", event::CertificateIssued{kSurvey, false, 750, 750, 740, 1, 0}}}};
}
EventExamples examples(For<event::DeletionsMarked>) {
  return {"records that the vendor confirmed to be gone were marked", {{"", event::DeletionsMarked{kSurvey, 3}}}};
}
EventExamples examples(For<event::DeletionsBraked>) {
  return {"so much is missing that nothing was marked; look, then `resync --yes`",
          {{"", event::DeletionsBraked{kSurvey, 400, 750, "more than 5 %"}}}};
}
EventExamples examples(For<event::DeletionsFrozen>) {
  return {"a permission is missing: nothing of the survey is marked",
          {{"", event::DeletionsFrozen{kSurvey, "the list of ids is denied"}}}};
}
EventExamples examples(For<event::PartitionDeleted>) {
  return {"a whole survey is gone at the vendor",
          {{"", event::PartitionDeleted{{"us", 7, "survey", "1234567"}, "status Deleted"}}}};
}
EventExamples examples(For<event::CompletePassNeeded>) {
  return {"a survey is read completely although only its changes were due",
          {{"", event::CompletePassNeeded{kSurvey, "its answers were decoded by an older version"}}}};
}
EventExamples examples(For<event::WideUpdated>) {
  return {"a survey's wide table follows what changed",
          {{"", event::WideUpdated{kSurvey, "alchemer_wide.us_1234567", 12, false, 250ms}},
           {"made anew", event::WideUpdated{kSurvey, "alchemer_wide.us_1234567", 740, true, 2s}}}};
}
EventExamples examples(For<event::WideFailed>) {
  return {"a wide table could not be brought up to date; the run goes on and the next one tries again",
          {{"", event::WideFailed{kSurvey, "alchemer_wide.us_1234567", "view public.mine depends on it",
                                  "drop that view, or make it from another name"}}}};
}
EventExamples examples(For<event::HookFinished>) {
  return {"the configured hook ended for a certified run; a failed one is run again after the next run",
          {{"", event::HookFinished{kRun, 2s, ""}}, {"failed", event::HookFinished{kRun, 2s, "it exited with 1"}}}};
}
EventExamples examples(For<event::CapabilityLearned>) {
  return {"something about the account was tested",
          {{"", event::CapabilityLearned{kRun, "updated_zone", "UTC", "40 of 40 dates agree"}}}};
}
EventExamples examples(For<event::StoreUnavailable>) {
  return {"the database cannot answer", {{"", event::StoreUnavailable{kRun, "connection refused"}}}};
}
EventExamples examples(For<event::PageSplit>) {
  return {"a page the database refused is divided to find the bad record",
          {{"", event::PageSplit{kSurvey, 250, "value too long"}}}};
}

// The daemon.
EventExamples examples(For<event::DaemonStarted>) {
  return {"`serve` began its work", {{"", event::DaemonStarted{kProgram, 2}}}};
}
EventExamples examples(For<event::DaemonStopping>) {
  return {"it was asked to stop", {{"", event::DaemonStopping{kProgram, "SIGTERM"}}}};
}
EventExamples examples(For<event::DaemonStopped>) {
  return {"its last words; `abandoned` threads had not ended within `daemon.stop_deadline`",
          {{"", event::DaemonStopped{kProgram, 0}}, {"some abandoned", event::DaemonStopped{kProgram, 1}}}};
}
EventExamples examples(For<event::UncleanExitFound>) {
  return {"at start: an earlier daemon on this host ended without `daemon_stopped`",
          {{"", event::UncleanExitFound{kProgram, "host/4711/2026-11-22T02:00:00Z"}}}};
}
EventExamples examples(For<event::ConfigReloaded>) {
  return {"after SIGHUP: the changed configuration is in force",
          {{"", event::ConfigReloaded{kProgram, "eu begins, us goes on"}}}};
}
EventExamples examples(For<event::ConfigRefused>) {
  return {"after SIGHUP: the file has mistakes, what was in force stays in force",
          {{"", event::ConfigRefused{kProgram, "surveysync.toml:7:1: unknown key \"regoin\""}}}};
}
EventExamples examples(For<event::RunScheduled>) {
  return {"the agenda decided when a source runs next", {{"", event::RunScheduled{kSource, kTime, "scheduled"}}}};
}
EventExamples examples(For<event::SourceHeld>) {
  return {"a source cannot be worked until a person acts; everything else goes on",
          {{"", event::SourceHeld{kSource, "rotated", kNextStep}}}};
}
EventExamples examples(For<event::SourceReleased>) {
  return {"a held source is worked again", {{"", event::SourceReleased{kSource, "the new key is accepted"}}}};
}
EventExamples examples(For<event::RequestTaken>) {
  return {"a run that another process asked for begins, or has ended (`outcome`)",
          {{"", event::RequestTaken{kSource, 12, "resync", "host/4712", ""}},
           {"ended", event::RequestTaken{kRun, 12, "resync", "host/4712", "succeeded"}}}};
}

// Incidents.
EventExamples examples(For<event::IncidentOpened>) {
  return {"something a person must act on, told once until it is resolved",
          {{"", event::IncidentOpened{kSource, "credentials/us", "credentials_refused", "critical", "rotated",
                                      "the vendor refuses the key since 02:15", kNextStep}},
           {"less than critical",
            event::IncidentOpened{kSource, "stale/us", "stale", "warning", "", "no certified run since 26 h", ""}}}};
}
EventExamples examples(For<event::IncidentResolved>) {
  return {"it is over",
          {{"", event::IncidentResolved{kSource, "credentials/us", "credentials_refused", "the new key is accepted"}}}};
}
EventExamples examples(For<event::AlertSent>) {
  return {"a message about an incident reached its channel, or did not and is sent again",
          {{"", event::AlertSent{kSource, "ops", "credentials/us", ""}},
           {"not delivered", event::AlertSent{kSource, "ops", "credentials/us", "the webhook answered 503"}}}};
}
EventExamples examples(For<event::StatusPageOffered>) {
  return {"the status page begins, moves or ends, at start or after a reload",
          {{"", event::StatusPageOffered{{}, "127.0.0.1:9187", ""}},
           {"not offered", event::StatusPageOffered{{}, "127.0.0.1:9187", "the port 9187 is taken"}}}};
}
EventExamples examples(For<event::SecretWarned>) {
  return {"a secret's file or text is odd (byte-order mark, quotes, permissions)",
          {{"", event::SecretWarned{kSource, "byte-order mark trimmed"}}}};
}
EventExamples examples(For<event::Note>) {
  return {"text for people; its level is as given",
          {{"", event::Note{kProgram, Severity::debug, "text of any kind"}},
           {"as given", event::Note{kProgram, Severity::info, "text of any kind"}},
           {"as given", event::Note{kProgram, Severity::warning, "text of any kind"}},
           {"as given", event::Note{kProgram, Severity::error, "text of any kind"}}}};
}

template <class... Alternative>
std::vector<EventExamples> of_all(For<std::variant<Alternative...>>) {
  return {examples(For<Alternative>{})...};
}

}  // namespace

std::vector<EventExamples> all_event_examples() {
  return of_all(For<Event>{});
}

}  // namespace surveysync::test
