#pragma once
// Events become log lines on standard error. The only user of spdlog. Every line passes the masker as its last step,
// message and fields alike. Thread-safe; nothing waits for it but the write itself. Never throws from on_event: a line
// that cannot be written is lost.

#include <functional>
#include <memory>

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
};

class Telemetry final : public Observer {
 public:
  /// `masker` and `clock` outlive it.
  Telemetry(TelemetryOptions options, const Masker& masker, const Clock& clock);
  ~Telemetry() override;
  void on_event(const Event& event) noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::report
