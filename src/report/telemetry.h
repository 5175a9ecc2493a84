#pragma once
// Events become log lines on standard error, or in the journal where that is the same. The only user of spdlog. Every
// line passes the masker as its last step, message and fields alike. Thread-safe; nothing waits for it but the write
// itself. Never throws from on_event: a line that cannot be written is lost.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/secret.h"
#include "base/time.h"
#include "report/log_line.h"

namespace surveysync::report {

struct TelemetryOptions {
  LogFormat format = LogFormat::text;
  Severity level = Severity::info;  ///< lines below it are dropped
  Colours colours = Colours::off;
  /// Called around each line, under the lock that keeps lines whole: a progress bar clears itself before and comes back
  /// after.
  std::function<void()> before_line, after_line;
  /// Where lines go; standard error when empty.
  std::function<void(std::string_view line)> write;
  /// The value of JOURNAL_STREAM. When it means our standard error, lines go to the journal with their fields, and to
  /// standard error only when the journal does not take one.
  std::string journal_stream;
  /// Where entries for the journal go (report/journal.h), false when they are not taken; used when set, whatever
  /// journal_stream says.
  std::function<bool(const std::vector<std::string>& entries)> journal;
};

class Telemetry final : public Observer {
 public:
  /// `masker` and `clock` outlive it.
  Telemetry(TelemetryOptions options, const Masker& masker, const Clock& clock);
  ~Telemetry() override;
  void on_event(const Event& event) noexcept override;
  /// From the next line on.
  void set_level(Severity level) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::report
