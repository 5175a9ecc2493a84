#pragma once
// What happened since the process began, counted from events: requests, rows, throttling, retries, verdicts, runs,
// certificates, alerts; and how far each run under way has come. An Observer; thread-safe; nothing waits for it longer
// than for a counter. Never throws from on_event.

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/event.h"
#include "base/time.h"
#include "report/web_view.h"

namespace surveysync::report {

/// One number by two labels, the first mostly the source.
using Tally = std::map<std::pair<std::string, std::string>, std::int64_t>;

/// How long runs took: how many within each bound, and in all.
struct RunTimes {
  static constexpr std::array<double, 9> kBounds = {1, 10, 60, 300, 900, 1800, 3600, 10800, 43200};  ///< seconds
  std::array<std::int64_t, kBounds.size() + 1> counts{};  ///< not cumulated; the last: longer than all bounds
  double seconds = 0;
  bool operator==(const RunTimes&) const = default;
};

/// All counters at one moment.
struct MeterReading {
  Tally requests;      ///< by source and status ("0": no answer)
  Tally bytes;         ///< received, by source and ""
  Tally rows;          ///< by source and inserted | updated | unchanged | tombstoned | quarantined
  Tally throttled;     ///< by source and ""
  Tally retries;       ///< by source and kind of error
  Tally key_verdicts;  ///< by source and verdict ("accepted" too)
  Tally key_probes;    ///< the same of single probes of a key that is refused, new or in reserve
  Tally runs;          ///< by source and outcome
  Tally certificates;  ///< by source and balanced | unbalanced
  Tally incidents;     ///< opened, by rule and severity
  Tally alerts;        ///< by channel and delivered | failed
  std::map<std::string, RunTimes> run_times;  ///< by source
};

class Meters final : public Observer {
 public:
  /// `clock` outlives it.
  explicit Meters(const Clock& clock) : clock_(clock) {}
  void on_event(const Event& event) noexcept override;

  /// From here on the source has all its counters, at zero where nothing happened yet.
  void know(const std::string& source);

  MeterReading reading() const;
  std::vector<ProgressView> progress() const;
  /// Requests in the last minute, by source.
  std::map<std::string, std::int64_t> recent_calls() const;

 private:
  /// A minute of calls in one-second slots.
  struct Minute {
    std::array<std::int64_t, 60> calls{};
    std::int64_t newest = 0;  // second of the last call
    void advance(std::int64_t second);
  };
  void count(const Event& event);
  void count_run(const Event& event, const Scope& scope);
  std::int64_t second() const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  MeterReading reading_;
  std::map<std::string, Minute> minutes_;
  /// A run under way: what was done, by stream. What was planned are the parts and records of the stream that carries
  /// the mass, and whole lists.
  struct UnderWay {
    ProgressView view;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> streams;  // records and parts
    std::int64_t lists = 0;
    bool whole = true;  // each part that counts ends with a certificate
  };
  std::map<std::string, UnderWay> runs_;
  std::map<std::string, std::string> certified_;  // by source: the stream whose parts are certified
};

}  // namespace surveysync::report
