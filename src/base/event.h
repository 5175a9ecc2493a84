#pragma once
// Everything worth telling. Rooms do not log: they hand one of these structs to an Observer, and the log line, the
// counter and the alert are made from it (report/). Named noun + past participle. Plain values without secrets; texts
// are safe to print. Observers are called on the thread where the event happened and must not throw or block.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace surveysync {

enum class Severity : std::uint8_t { debug, info, warning, error };

/// Row counts of a page, a partition or a run.
struct Counts {
  std::int64_t requests = 0, inserted = 0, updated = 0, unchanged = 0, tombstoned = 0, quarantined = 0;
  Counts& operator+=(const Counts& other);
  bool operator==(const Counts&) const = default;
};

/// Where an event belongs; run_id 0 and empty texts where they do not apply.
struct Scope {
  std::string source;
  std::int64_t run_id = 0;
  std::string stream, partition;
};

namespace event {

struct RunStarted {
  Scope scope;
  std::string kind;
  bool narrowed = false;  ///< only named parts of the source, or a window of time: says nothing of the rest
};
/// The work of a run is known: how many partitions, and how many records the hints promise.
struct RunPlanned {
  Scope scope;
  std::int64_t partitions, expected_records;
};
struct RunFinished {
  Scope scope;
  std::string outcome;
  Counts counts;
  Duration elapsed;
  std::string error;
  std::string cause = {};  ///< the kind of the error that ended the whole run ("unauthorized"); empty when none did
};
/// A run that was open when its process died was closed as failed.
struct RunAbandoned {
  Scope scope;
};
struct PartitionFinished {
  Scope scope;
  std::string outcome;
  Counts counts;
  std::string error;
};
struct PartitionDenied {
  Scope scope;
  std::string reason;
};
struct CallFinished {
  Scope scope;
  std::string path;
  int status;
  std::int64_t bytes;
  Duration elapsed;
  bool cached;
};
struct PageStored {
  Scope scope;
  Counts counts;
  std::int64_t records;
};
struct RetryScheduled {
  Scope scope;
  std::string path;
  int attempt;
  Duration wait;
  ErrorKind kind;
  std::string reason;
};
struct Throttled {
  Scope scope;
  Duration rest;
  std::string reason;
};
struct PageSizeChanged {
  Scope scope;
  int from, to;
  std::string reason;
};
/// A key is refused for good: nothing more is asked with it but the probes of a held source.
struct KeyRefused {
  Scope scope;
  std::string slot, fingerprint;
  std::string verdict;    ///< product.md section 5
  std::string evidence;   ///< the vendor's words, and what the verdict rests on
  std::string next_step;  ///< what a person does about it
};
/// Another key is in use from here on: the file changed, or the next slot was promoted.
struct KeyRotated {
  Scope scope;
  std::string slot, fingerprint;
};
/// The first good answer to a key in this process.
struct KeyAccepted {
  Scope scope;
  std::string slot, fingerprint;
};
/// One probe of a key that is refused, new, or kept in reserve. `verdict` empty: accepted.
struct KeyTried {
  Scope scope;
  std::string slot, fingerprint, verdict;
};
/// A signed call was refused because the host's clock is `wrong` behind the vendor's (negative: ahead); signatures
/// carry the vendor's time from here on.
struct ClockCorrected {
  Scope scope;
  Duration wrong;
};
struct RecordQuarantined {
  Scope scope;
  std::string record_key, reason;
};
/// First sight of a shape that the vendor did not send before.
struct ContractChanged {
  Scope scope;
  std::string what, sample;
};
struct CertificateIssued {
  Scope scope;
  bool balanced;
  std::int64_t total_before, total_after, stored_live, quarantined, excluded;
};
/// Records that the vendor has no more were marked deleted.
struct DeletionsMarked {
  Scope scope;
  std::int64_t records;
};
/// So many records are missing at the vendor that nothing was marked: a lost permission looks the same.
struct DeletionsBraked {
  Scope scope;
  std::int64_t missing, stored;
  std::string reason;
};
/// A permission is missing: nothing of this partition is marked deleted.
struct DeletionsFrozen {
  Scope scope;
  std::string reason;
};
/// A whole partition is gone at the vendor.
struct PartitionDeleted {
  Scope scope;
  std::string evidence;
};
/// A partition is read completely although only its changes were asked for.
struct CompletePassNeeded {
  Scope scope;
  std::string reason;
};
/// The configured hook ended for the certified run of the scope. `error` empty: well; otherwise it is run again after
/// the next run.
struct HookFinished {
  Scope scope;
  Duration elapsed;
  std::string error;
};
/// The wide table of a survey stands where its responses and definitions stand. `rebuilt`: made anew, else `rows` were
/// replaced or removed in it.
struct WideUpdated {
  Scope scope;
  std::string table;
  std::int64_t rows;
  bool rebuilt;
  Duration elapsed;
};
/// A wide table could not be brought up to date; the next run tries again. Nothing else is touched by it.
struct WideFailed {
  Scope scope;
  std::string table, reason, next_step;
};
struct CapabilityLearned {
  Scope scope;
  std::string name, value, evidence;
};
struct StoreUnavailable {
  Scope scope;
  std::string reason;
};
/// A page the database refused as a whole was divided to find the bad record.
struct PageSplit {
  Scope scope;
  std::int64_t records;
  std::string reason;
};
/// The daemon began its work; `sources`: how many it looks after.
struct DaemonStarted {
  Scope scope;
  std::int64_t sources;
};
struct DaemonStopping {
  Scope scope;
  std::string reason;
};
/// `abandoned`: threads that had not ended within the stop deadline. Nothing is lost with them: each page is one
/// transaction.
struct DaemonStopped {
  Scope scope;
  std::int64_t abandoned;
};
/// An earlier daemon on this host ended without saying so: killed, crashed, or the host went down.
struct UncleanExitFound {
  Scope scope;
  std::string identity;
};
/// A changed configuration is in force. `changes`: which sources began, ended or began anew.
struct ConfigReloaded {
  Scope scope;
  std::string changes;
};
/// A new configuration has mistakes; the old one stays in force.
struct ConfigRefused {
  Scope scope;
  std::string reason;
};
/// When a source runs next, and why then.
struct RunScheduled {
  Scope scope;
  UtcTime at;
  std::string reason;
};
/// A source cannot be worked until a person acts; everything else goes on.
struct SourceHeld {
  Scope scope;
  std::string verdict, next_step;
};
struct SourceReleased {
  Scope scope;
  std::string reason;
};
/// A run that another process asked for begins, or has ended (`outcome` not empty).
struct RequestTaken {
  Scope scope;
  std::int64_t request_id;
  std::string kind, requested_by, outcome;
};
/// Something a person must act on, told once until it is resolved.
struct IncidentOpened {
  Scope scope;
  std::string key, rule, severity, verdict, evidence, next_step;
};
struct IncidentResolved {
  Scope scope;
  std::string key, rule, message;
};
/// A message about an incident reached its channel; `error` not empty: it did not, and is sent again.
struct AlertSent {
  Scope scope;
  std::string channel, key, error;
};
/// The status page begins or ends. `address`: where, with the port taken ("127.0.0.1:9187"); empty: it is switched off.
/// `error` not empty: it cannot be offered there, everything else goes on.
struct StatusPageOffered {
  Scope scope;
  std::string address, error;
};
struct SecretWarned {
  Scope scope;
  std::string what;
};
struct Note {
  Scope scope;
  Severity severity;
  std::string text;
};

}  // namespace event

using Event =
    std::variant<event::RunStarted, event::RunPlanned, event::RunFinished, event::RunAbandoned,
                 event::PartitionFinished, event::PartitionDenied, event::CallFinished, event::PageStored,
                 event::RetryScheduled, event::Throttled, event::PageSizeChanged, event::KeyRefused, event::KeyRotated,
                 event::KeyAccepted, event::KeyTried, event::ClockCorrected, event::RecordQuarantined,
                 event::ContractChanged, event::CertificateIssued, event::DeletionsMarked, event::DeletionsBraked,
                 event::DeletionsFrozen, event::PartitionDeleted, event::CompletePassNeeded, event::HookFinished,
                 event::WideUpdated, event::WideFailed, event::CapabilityLearned, event::StoreUnavailable,
                 event::PageSplit, event::DaemonStarted, event::DaemonStopping, event::DaemonStopped,
                 event::UncleanExitFound, event::ConfigReloaded, event::ConfigRefused, event::RunScheduled,
                 event::SourceHeld, event::SourceReleased, event::RequestTaken, event::IncidentOpened,
                 event::IncidentResolved, event::AlertSent, event::StatusPageOffered, event::SecretWarned, event::Note>;

/// The name, severity, message and fields of an event: what a log line and docs/EVENTS.md are made of.
struct EventText {
  std::string_view name;  ///< "run_finished"
  Severity severity;
  std::string message;  ///< one line, lower case
  std::vector<std::pair<std::string_view, std::string>> fields;
};

/// Renders `event`. Pure.
EventText describe(const Event& event);
/// The scope inside `event`.
const Scope& scope_of(const Event& event);

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const Event& event) noexcept = 0;
};

/// Hands each event to every member, in order. Members outlive everybody who tells it something. Thread-safe.
class Observers final : public Observer {
 public:
  /// From here on `observer` hears, also while others tell something. Throws std::length_error above kMost.
  void add(Observer& observer);
  void on_event(const Event& event) noexcept override;

  static constexpr std::size_t kMost = 8;

 private:
  std::array<std::atomic<Observer*>, kMost> members_{};  // filled from the front; a null ends it
};

}  // namespace surveysync
