#include "app/daemon.h"

#include <Poco/Util/ServerApplication.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>

#include "base/secret_watch.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

constexpr Duration kLookAround = std::chrono::seconds(1);
constexpr Duration kRequestPoll = std::chrono::seconds(2);
// A lane that waits says something every minute; a run may be silent for as long as the vendor may advise a rest.
constexpr Duration kIdleSilence = std::chrono::minutes(5), kRunSilence = std::chrono::minutes(20);
constexpr Duration kFlush = std::chrono::milliseconds(500);

/// What is the same for all lanes: when it changes all of them begin anew.
bool same_frame(const Config& a, const Config& b) {
  return a.database_uri == b.database_uri && a.lease_ttl == b.lease_ttl && a.state_dir == b.state_dir;
}

/// All references to secrets of the configuration that may be files.
std::vector<SecretReference> references_of(const Config& config) {
  std::vector<SecretReference> references;
  for (const SourceConfig& source : config.sources)
    for (const std::string& text : {source.auth.secret, source.auth.next, source.auth.consumer, source.auth.token})
      if (!text.empty()) references.push_back(SecretReference::parse(text));
  return references;
}

}  // namespace

void Daemon::Pulse::on_event(const Event& event) noexcept {
  const std::string& source = scope_of(event).source;
  if (source.empty()) return;
  const std::lock_guard lock(daemon_.mutex_);
  const auto lane = daemon_.lanes_.find(source);
  if (lane != daemon_.lanes_.end()) lane->second->show_life();
}

Daemon::Daemon(Program& program)
    : program_(program),
      pulse_(*this),
      systemd_(program.clock()),
      bell_(program.clock()),
      page_(program.observers(), program.clock()) {}

Daemon::~Daemon() {
  stop_all();
}

int Daemon::run() {
  config_ = sound(program_.config());  // mistakes end the program before anything starts
  const report::WebOptions page = web_options(*config_, program_.masker());
  program_.start_log();
  const std::stop_token stop = program_.stop_of_daemon(
      [this] {
        reload_asked_ = true;
        bell_.ring();
      },
      [this] {
        program_.observers().on_event(event::DaemonStopped{{}, 1});
        if (marker_) marker_->remove();  // we were asked to end, and do
      });
  for (const std::string& warning : config_->warnings)
    program_.observers().on_event(event::Note{{}, Severity::warning, warning});
  check_schema(stop);
  desk_ = std::make_unique<IncidentDesk>(desk_options(*config_, true), program_.masker(), program_.observers(),
                                         program_.clock());
  program_.observers().add(*desk_);
  program_.observers().add(pulse_);
  program_.observers().add(page_);
  leave_mark();
  start(config_);
  page_.use(config_, page);
  systemd_.ready();
  while (!stop.stop_requested()) {
    if (reload_asked_.exchange(false)) reload();
    look_around();
    bell_.wait(kLookAround, stop);
  }
  systemd_.stopping();
  program_.observers().on_event(event::DaemonStopping{{}, fmt::format("signal {}", program_.signal())});
  stop_all();
  program_.observers().on_event(event::DaemonStopped{{}, 0});
  desk_->flush(kFlush);
  if (marker_) marker_->remove();
  return program_.signal() == SIGTERM ? 0 : 128 + program_.signal();
}

/// The configuration with its secrets, sound in every part that can be judged without asking anybody.
std::shared_ptr<const Config> Daemon::sound(Config config) {
  config = program_.with_secrets(std::move(config));
  std::string mistakes, hint;
  for (const SourceConfig& source : config.sources) {
    try {
      require_sound(source);
    } catch (const Error& mistake) {
      mistakes += (mistakes.empty() ? "" : "\n  ") + std::string(mistake.what());
      hint = mistake.hint();
    }
  }
  if (!mistakes.empty()) throw Error(ErrorKind::config, mistakes, hint);
  if (config.sources.empty())
    throw Error(ErrorKind::config, "no source is configured", "add [source.NAME] to the configuration");
  return std::make_shared<const Config>(std::move(config));
}

void Daemon::leave_mark() {
  try {
    marker_ = std::make_unique<StateMarker>(config_->state_dir, store::process_identity());
    for (const std::string& identity : marker_->unclean())
      program_.observers().on_event(event::UncleanExitFound{{}, identity});
  } catch (const Error& failure) {
    program_.observers().on_event(
        event::Note{{}, Severity::warning, failure.full_text() + "; an unclean end will not be noticed"});
  }
}

/// A schema that does not fit ends us, since waiting does not mend it; a database that is away is waited for.
void Daemon::check_schema(const std::stop_token& stop) {
  try {
    pg::Connection connection(connect_options(*config_), program_.clock(), stop);
    store::require_version(connection);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) return;  // stopped while it was asked: an end like any other
    if (failure.kind() != ErrorKind::unavailable) throw;
    program_.observers().on_event(event::StoreUnavailable{{}, failure.what()});
  }
}

void Daemon::start(std::shared_ptr<const Config> config) {
  program_.observers().on_event(event::DaemonStarted{{}, static_cast<std::int64_t>(config->sources.size())});
  accounts_ = std::make_unique<Accounts>(program_.clock(), connect_options(*config), &program_.observers());
  change_lanes(std::move(config));
  requests_ = std::jthread([this](const std::stop_token& stop) { watch_requests(stop); });
}

/// A bad new file is refused, and the old one stays in force.
void Daemon::reload() {
  systemd_.reloading();
  try {
    std::shared_ptr<const Config> config = sound(program_.read_config());
    report::WebOptions page = web_options(*config, program_.masker());
    const bool frame = same_frame(*config, *config_);
    if (!frame) {
      pg::Connection connection(connect_options(*config), program_.clock(), program_.stop());
      store::require_version(connection);
    }
    program_.set_log_level(config->log_level);
    desk_->use(desk_options(*config, true));
    program_.observers().on_event(event::ConfigReloaded{{}, change_lanes(std::move(config))});
    page_.use(config_, std::move(page));
  } catch (const Error& mistake) {
    if (mistake.kind() == ErrorKind::cancelled) return;  // stopped meanwhile: that is no mistake of the file
    program_.observers().on_event(event::ConfigRefused{{}, mistake.full_text()});
  }
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, lane] : lanes_)
      lane->keys_changed();  // a reload reads the secrets again, whatever changed
  }
  systemd_.ready();
}

/// Ends the lanes whose source changed or is gone, and begins the new ones. A run that is under way in one of them goes
/// on in the new lane where its last page was stored. What changed, in words.
std::string Daemon::change_lanes(std::shared_ptr<const Config> config) {
  const bool frame = config_ && same_frame(*config, *config_);
  std::map<std::string, std::shared_ptr<SourceLane>> kept, ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, lane] : lanes_) {
      const SourceConfig* const source = config->find(name);
      (frame && source != nullptr && *source == lane->config() ? kept : ended).insert({name, lane});
    }
    lanes_ = kept;
  }
  for (const auto& [name, lane] : ended)
    lane->request_stop();
  std::string changes;
  for (const auto& [name, lane] : ended)
    changes += fmt::format("{}{} {}", changes.empty() ? "" : ", ", name, config->find(name) ? "begins anew" : "ended");
  ended.clear();  // waits for them
  secrets_ = std::jthread();
  if (config_ && !frame)
    accounts_ = std::make_unique<Accounts>(program_.clock(), connect_options(*config), &program_.observers());
  {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
  }
  for (const SourceConfig& source : config_->sources) {
    if (kept.contains(source.name)) continue;
    if (changes.find(source.name + " ") == std::string::npos)
      changes += fmt::format("{}{} begins", changes.empty() ? "" : ", ", source.name);
    auto lane = std::make_shared<SourceLane>(
        LaneSettings{config_, *accounts_, program_.masker(), program_.observers(), program_.clock()}, source);
    const std::lock_guard lock(mutex_);
    lanes_.emplace(source.name, std::move(lane));
  }
  secrets_ = std::jthread([this](const std::stop_token& stop) { watch_secrets(stop); });
  return changes.empty() ? "nothing changed" : changes;
}

void Daemon::watch_secrets(const std::stop_token& stop) {
  try {
    SecretWatch watch(references_of(*config_), config_->secret_poll, program_.clock());
    while (!stop.stop_requested()) {
      if (!watch.wait_for_change(std::chrono::hours(1), stop)) continue;
      const std::lock_guard lock(mutex_);
      for (const auto& [name, lane] : lanes_)
        lane->keys_changed();
    }
  } catch (const std::exception& failure) {
    program_.observers().on_event(
        event::Note{{}, Severity::error, std::string("watching the secrets: ") + failure.what()});
  }
}

/// Rings the lanes whose sources somebody asked something for.
void Daemon::watch_requests(const std::stop_token& stop) {
  std::unique_ptr<pg::Connection> connection;
  std::shared_ptr<const Config> config;
  while (program_.clock().wait_for(kRequestPoll, stop)) {
    try {
      const std::shared_ptr<const Config> current = [this] {
        const std::lock_guard lock(mutex_);
        return config_;
      }();
      if (connection && (!connection->alive() || config != current)) connection.reset();
      config = current;
      if (!connection) connection = std::make_unique<pg::Connection>(connect_options(*config), program_.clock(), stop);
      const std::vector<std::string> waiting = store::Requests(*connection).waiting();
      const std::lock_guard lock(mutex_);
      for (const std::string& source : waiting)
        if (const auto lane = lanes_.find(source); lane != lanes_.end()) lane->second->ring();
    } catch (const Error&) {
      connection.reset();  // the lanes tell that the database is away
      program_.clock().wait_for(kRequestPoll, stop);
    }
  }
}

bool Daemon::all_alive() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(lanes_, [](const auto& entry) {
    const LaneState state = entry.second->state();
    return state.silent < (state.running ? kRunSilence : kIdleSilence);
  });
}

std::string Daemon::status_text() const {
  std::string text;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, lane] : lanes_)
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", name, lane->state().text);
  return text;
}

void Daemon::show_page() {
  std::vector<report::LaneView> lanes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, lane] : lanes_) {
      LaneState state = lane->state();
      lanes.push_back({name, std::move(state.text), state.held, state.running});
    }
  }
  page_.show(std::move(lanes), all_alive());
}

/// Every second: systemd hears that we live only while every lane does.
void Daemon::look_around() {
  if (all_alive()) systemd_.feed();
  show_page();
  std::string status = status_text();
  if (status == told_status_) return;
  told_status_ = status;
  systemd_.status(status);
}

void Daemon::stop_all() {
  page_.stop();
  for (std::jthread* const thread : {&secrets_, &requests_})
    thread->request_stop();
  std::map<std::string, std::shared_ptr<SourceLane>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(lanes_);
  }
  for (const auto& [name, lane] : ended)
    lane->request_stop();
  ended.clear();
  for (std::jthread* const thread : {&secrets_, &requests_})
    if (thread->joinable()) thread->join();
}

namespace {

/// Poco's frame around the daemon: its place in the process's life, without its signal handling (which is not made for
/// threads: architecture.md 13) and without its exit codes.
class Service final : public Poco::Util::ServerApplication {
 public:
  explicit Service(Program& program) : program_(program) {}
  std::exception_ptr failure;

 protected:
  int main(const ArgVec&) override {
    try {
      Daemon daemon(program_);
      return daemon.run();
    } catch (...) {
      failure = std::current_exception();
      return EXIT_SOFTWARE;
    }
  }

 private:
  Program& program_;
};

}  // namespace

int serve(Program& program) {
  std::string name = "surveysync";
  char* arguments[] = {name.data(), nullptr};
  Service service(program);
  const int code = service.run(1, arguments);
  if (service.failure) std::rethrow_exception(service.failure);
  return code;
}

}  // namespace surveysync::app
