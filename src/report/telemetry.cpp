#include "report/telemetry.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "report/journal.h"

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
  Impl(TelemetryOptions given, const Masker& known, const Clock& system)
      : options(std::move(given)),
        masker(known),
        clock(system),
        level(options.level),
        logger("surveysync", std::make_shared<MaskingSink>(options, masker)) {
    logger.set_level(spdlog::level::trace);  // `level` decides
    if (!options.journal && is_journal(options.journal_stream)) options.journal = send_to_journal;
  }
  std::string line(const EventText& text) const {
    if (options.format == LogFormat::json) return json_line(text, clock.utc_now());
    return text_line(text, clock.utc_now(), options.colours);
  }
  /// Whether the journal took it.
  bool tell_journal(const EventText& text) const {
    if (!options.journal) return false;
    std::vector<std::string> entries =
        journal_entries(text, options.format == LogFormat::json ? line(text) : journal_line(text));
    for (std::string& entry : entries)
      entry = masker.mask(std::move(entry));
    return options.journal(entries);
  }

  /// What happens to a source while one of its runs is open belongs to that run, also where it is told by a part that
  /// knows no runs (keys, incidents).
  void add_run(const Event& event, EventText& text) {
    const Scope& scope = scope_of(event);
    if (scope.source.empty()) return;
    const std::lock_guard lock(mutex);
    if (std::holds_alternative<event::RunStarted>(event)) open_runs[scope.source] = scope.run_id;
    const auto open = open_runs.find(scope.source);
    if (scope.run_id == 0 && open != open_runs.end() && open->second != 0)
      text.fields.insert(text.fields.begin() + 1, {"run_id", std::to_string(open->second)});
    if (std::holds_alternative<event::RunFinished>(event)) open_runs.erase(scope.source);
  }

  TelemetryOptions options;
  std::mutex mutex;
  std::map<std::string, std::int64_t> open_runs;
  const Masker& masker;
  const Clock& clock;
  std::atomic<Severity> level;
  spdlog::logger logger;
};

Telemetry::Telemetry(TelemetryOptions options, const Masker& masker, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), masker, clock)) {}

Telemetry::~Telemetry() = default;

void Telemetry::on_event(const Event& event) noexcept {
  try {
    EventText text = describe(event);
    impl_->add_run(event, text);
    if (text.severity < impl_->level || impl_->tell_journal(text)) return;
    const std::string line = impl_->line(text);
    impl_->logger.log(level_of(text.severity), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // Out of memory, say: the run matters more than the line about it.
  }
}

void Telemetry::set_level(Severity level) noexcept {
  impl_->level = level;
}

}  // namespace surveysync::report
