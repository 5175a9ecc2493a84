#include "report/telemetry.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace surveysync::report {
namespace {

spdlog::level::level_enum level_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return spdlog::level::debug;
    case Severity::info:
      return spdlog::level::info;
    case Severity::warning:
      return spdlog::level::warn;
    case Severity::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void write_to_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// The net behind everything: whatever reaches the log is masked here, whoever formatted it.
class MaskingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  MaskingSink(const TelemetryOptions& options, const Masker& masker) : options_(options), masker_(masker) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string line = masker_.mask(std::string(message.payload.data(), message.payload.size())) + "\n";
    if (options_.before_line) options_.before_line();
    options_.write ? options_.write(line) : write_to_stderr(line);
    if (options_.after_line) options_.after_line();
  }
  void flush_() override {}

 private:
  const TelemetryOptions& options_;
  const Masker& masker_;
};

}  // namespace

struct Telemetry::Impl {
  Impl(TelemetryOptions given, const Masker& masker, const Clock& system)
      : options(std::move(given)), clock(system), logger("surveysync", std::make_shared<MaskingSink>(options, masker)) {
    logger.set_level(level_of(options.level));
  }
  TelemetryOptions options;
  const Clock& clock;
  spdlog::logger logger;
};

Telemetry::Telemetry(TelemetryOptions options, const Masker& masker, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), masker, clock)) {}

Telemetry::~Telemetry() = default;

void Telemetry::on_event(const Event& event) noexcept {
  try {
    const EventText text = describe(event);
    if (text.severity < impl_->options.level) return;
    const UtcTime now = impl_->clock.utc_now();
    const std::string line =
        impl_->options.format == LogFormat::json ? json_line(text, now) : text_line(text, now, impl_->options.colours);
    impl_->logger.log(level_of(text.severity), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // Out of memory, say: the run matters more than the line about it.
  }
}

}  // namespace surveysync::report
