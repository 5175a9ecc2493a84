#include "app/program.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>

#include "app/assembly.h"
#include "app/config_environment.h"
#include "app/config_values.h"
#include "http/client.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

Severity severity_of(const std::string& level) {
  if (level == "debug") return Severity::debug;
  if (level == "warning") return Severity::warning;
  return level == "error" ? Severity::error : Severity::info;
}

/// Lays the password of a secret into the URI or keyword string, which libpq reads as it is.
std::string with_password(const std::string& uri, std::string_view password) {
  if (uri.find("://") != std::string::npos) {
    return fmt::format("{}{}password={}", uri, uri.find('?') == std::string::npos ? '?' : '&',
                       http::percent_encode(password));
  }
  std::string quoted;
  for (const char c : password) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("{} password='{}'", uri, quoted);
}

}  // namespace

Program::Program() = default;
Program::~Program() = default;

const Config& Program::config() {
  if (!config_) config_ = read_config();
  return *config_;
}

Config Program::read_config() {
  Config config = load_config(flags.config_file);
  if (!flags.log_format.empty()) config.log_format = flags.log_format;
  if (!flags.log_level.empty()) config.log_level = flags.log_level;
  for (Config::Setting& setting : config.settings) {
    const std::string* const flag = setting.key == "log.format"  ? &flags.log_format
                                    : setting.key == "log.level" ? &flags.log_level
                                                                 : nullptr;
    if (flag != nullptr && !flag->empty()) setting = {setting.key, "\"" + *flag + "\"", "flag"};
  }
  for (const std::string& password : database_passwords(config.database_uri))
    masker_.add(Secret(password));
  return config;
}

const Config& Program::connecting_config() {
  if (!connecting_) connecting_ = with_secrets(config());
  return *connecting_;
}

Config Program::with_secrets(Config config) {
  if (config.database_password.empty()) return config;
  const Credential credential = SecretReference::parse(config.database_password).read(1);
  masker_.add(credential);
  config.database_uri = with_password(config.database_uri, credential.lines.front().expose());
  return config;
}

void Program::start_log(std::function<void()> before_line, std::function<void()> after_line) {
  report::TelemetryOptions options;
  options.format = config().log_format == "json" ? report::LogFormat::json : report::LogFormat::text;
  options.level = severity_of(config().log_level);
  options.colours = live_terminal() && colours_allowed() ? report::Colours::on : report::Colours::off;
  options.journal_stream = journal_stream();
  options.before_line = std::move(before_line);
  options.after_line = std::move(after_line);
  telemetry_ = std::make_unique<report::Telemetry>(std::move(options), masker_, clock_);
  observers_.add(*telemetry_);
}

SignalOptions Program::signal_options() {
  SignalOptions options;
  options.first = [this](int) {
    if (telemetry_) telemetry_->on_event(event::Note{{}, Severity::warning, "stopping; a second signal ends at once"});
  };
  options.stop_deadline = config_ ? config_->stop_deadline : Config().stop_deadline;
  return options;
}

std::stop_token Program::stop() {
  if (!signals_) signals_ = std::make_unique<SignalWatch>(stop_, signal_options());
  return stop_.get_token();
}

std::stop_token Program::stop_of_daemon(std::function<void()> hangup, std::function<void()> late) {
  SignalOptions options = signal_options();
  options.hangup = std::move(hangup);
  options.late = std::move(late);
  options.status = [](int signal) { return signal == SIGTERM ? 0 : 128 + signal; };
  signals_ = std::make_unique<SignalWatch>(stop_, std::move(options));
  return stop_.get_token();
}

void Program::forget_daemon() {
  if (signals_) signals_->forget_listeners();
}

std::unique_ptr<pg::Connection> Program::open_database() {
  auto connection = std::make_unique<pg::Connection>(connect_options(connecting_config()), clock_, stop());
  store::require_version(*connection);
  return connection;
}

void Program::set_log_level(const std::string& level) {
  if (telemetry_) telemetry_->set_level(severity_of(level));
}

void Program::print(std::string_view text) const {
  write_text(STDOUT_FILENO, masker_.mask(std::string(text)));
}

void Program::complain(const Error& error) const {
  complain(error.what(), error.hint());
}

void Program::complain(std::string_view text, std::string_view hint) const {
  std::string shown = fmt::format("surveysync: {}\n", text);
  if (!hint.empty()) shown += fmt::format("  hint: {}\n", hint);
  // What a vendor or a server said must not steer the terminal.
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c != '\n' && std::iscntrl(static_cast<unsigned char>(c)); }, ' ');
  write_text(STDERR_FILENO, masker_.mask(std::move(shown)));
}

bool Program::colours() const {
  return ::isatty(STDOUT_FILENO) == 1 && colours_allowed();
}

bool Program::live_terminal() const {
  return ::isatty(STDERR_FILENO) == 1;
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void write_text(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads any more
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace surveysync::app
