#pragma once
// Everything worth telling. Rooms do not log: they hand one of these structs to an Observer, and the log line, the
// counter and the alert are made from it (report/). Named noun + past participle. Plain values without secrets; texts
// are safe to print. Observers are called on the thread where the event happened and must not throw or block.

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
struct KeyRefused {
  Scope scope;
  std::string fingerprint, verdict, reason;
};
struct KeyRotated {
  Scope scope;
  std::string fingerprint;
};
struct KeyAccepted {
  Scope scope;
  std::string fingerprint;
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
                 event::KeyAccepted, event::RecordQuarantined, event::ContractChanged, event::CertificateIssued,
                 event::DeletionsMarked, event::DeletionsBraked, event::DeletionsFrozen, event::PartitionDeleted,
                 event::CompletePassNeeded, event::HookFinished, event::CapabilityLearned, event::StoreUnavailable,
                 event::PageSplit, event::SecretWarned, event::Note>;

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

/// Hands each event to every member, in order. Members outlive it. Thread-safe once assembled.
class Observers final : public Observer {
 public:
  void add(Observer& observer) { members_.push_back(&observer); }
  void on_event(const Event& event) noexcept override;

 private:
  std::vector<Observer*> members_;
};

}  // namespace surveysync
