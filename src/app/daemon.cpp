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
// What failed for want of something that may come back is tried again.
constexpr Duration kTryAgain = std::chrono::seconds(10);
constexpr Duration kFlush = std::chrono::milliseconds(500);

/// What is the same for all lanes: when it changes all of them begin anew.
bool same_frame(const Config& a, const Config& b) {
  return a.database_uri == b.database_uri && a.lease_ttl == b.lease_ttl && a.state_dir == b.state_dir;
}

/// Whether a lane of `source` under `before` is as one that would be made anew under `after`.
bool same_surroundings(const SourceConfig& source, const Config& before, const Config& after) {
  return before.retention_runs == after.retention_runs && before.retention_quarantine == after.retention_quarantine &&
         account_pacing(source, before) == account_pacing(source, after);
}

/// What the keys of the sources are read from.
std::vector<std::string> key_references(const Config& config) {
  std::vector<std::string> references;
  for (const SourceConfig& source : config.sources)
    references.insert(references.end(),
                      {source.auth.secret, source.auth.next, source.auth.consumer, source.auth.token});
  return references;
}

std::string full_text(const std::exception& failure) {
  const auto* const error = dynamic_cast<const Error*>(&failure);
  return error != nullptr ? error->full_text() : std::string("unexpected: ") + failure.what();
}

}  // namespace

Daemon::Daemon(Program& program)
    : program_(program),
      systemd_(program.clock()),
      bell_(program.clock()),
      page_(program.observers(), program.clock()) {}

Daemon::~Daemon() {
  program_.forget_daemon();  // the deadline stays, but nobody calls us about it
  stop_all();
}

int Daemon::run() {
  plain_ = program_.config();
  watch_frame(plain_);
  config_ = sound(plain_);  // mistakes end the program before anything starts
  const report::WebOptions page = web_options(*config_, program_.masker());
  program_.start_log();
  const std::stop_token stop = program_.stop_of_daemon(
      [this] {
        reload_asked_ = true;
        bell_.ring();
      },
      [this] {
        if (marker_) marker_->remove();  // we were asked to end, and do
        program_.observers().on_event(event::DaemonStopped{{}, 1});
      });
  for (const std::string& warning : config_->warnings)
    program_.observers().on_event(event::Note{{}, Severity::warning, warning});
  check_schema(stop);
  desk_ = std::make_unique<IncidentDesk>(desk_options(*config_, true), program_.masker(), program_.observers(),
                                         program_.clock());
  program_.observers().add(page_);
  program_.observers().add(*desk_);
  leave_mark();
  start(config_);
  page_.use(config_, page);
  systemd_.ready();
  while (!stop.stop_requested()) {
    if (reload_asked_.exchange(false)) reload();
    if (secrets_changed_.exchange(false) || (bring_in_again_at_ && program_.clock().now() >= *bring_in_again_at_))
      reload_secrets();
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
    const std::string changes = bring_in(program_.read_config());
    program_.observers().on_event(event::ConfigReloaded{{}, changes});
  } catch (const std::exception& mistake) {
    if (program_.stop().stop_requested()) return;  // stopped meanwhile: that is no mistake of the file
    program_.observers().on_event(event::ConfigRefused{{}, full_text(mistake)});
    // No mistake of the file, and half of it may have been done.
    if (dynamic_cast<const Error*>(&mistake) == nullptr) bring_in_again_at_ = program_.clock().now() + kTryAgain;
  }
  keys_changed();  // a reload reads the secrets again, whatever changed
  systemd_.ready();
}

/// What is in force, with its own secrets read again. Where they cannot be used the old ones stay, and it is tried
/// again: the other side may not know a new password yet.
void Daemon::reload_secrets() {
  try {
    const std::string changes = bring_in(plain_);
    program_.observers().on_event(event::Note{
        {}, Severity::info, fmt::format("the secrets of database and status page were read again: {}", changes)});
  } catch (const std::exception& failure) {
    if (program_.stop().stop_requested()) return;
    bring_in_again_at_ = program_.clock().now() + kTryAgain;
    const std::string text = full_text(failure);
    if (std::exchange(told_refusal_, text) == text) return;
    program_.observers().on_event(event::Note{
        {},
        Severity::warning,
        fmt::format("a changed secret cannot be used yet, the old one stays in force; it is tried every {}: {}",
                    format_duration(kTryAgain), text)});
  }
}

/// Puts a configuration in force. Which lanes changed, in words.
std::string Daemon::bring_in(const Config& plain) {
  watch_frame(plain);
  std::shared_ptr<const Config> config = sound(plain);
  report::WebOptions page = web_options(*config, program_.masker());
  if (!same_frame(*config, *config_)) {
    pg::Connection connection(connect_options(*config), program_.clock(), program_.stop());
    store::require_version(connection);
  }
  program_.set_log_level(config->log_level);
  desk_->use(desk_options(*config, true));
  std::string changes = change_lanes(std::move(config));
  page_.use(config_, std::move(page));
  plain_ = plain;
  bring_in_again_at_.reset();
  told_refusal_.clear();
  return changes;
}

void Daemon::keys_changed() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, lane] : lanes_)
    lane->keys_changed();
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
      const bool same =
          frame && source != nullptr && *source == lane->config() && same_surroundings(*source, *config_, *config);
      (same ? kept : ended).insert({name, lane});
    }
    lanes_ = kept;
  }
  for (const auto& [name, lane] : ended)
    lane->request_stop();
  std::string changes;
  for (const auto& [name, lane] : ended)
    changes += fmt::format("{}{} {}", changes.empty() ? "" : ", ", name, config->find(name) ? "begins anew" : "ended");
  ended.clear();  // waits for them
  key_watch_ = std::jthread();
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
  watch_keys();
  return changes.empty() ? "nothing changed" : changes;
}

void Daemon::watch_keys() {
  key_watch_ = std::jthread([this, config = config_](const std::stop_token& stop) {
    const auto changed = [this] { keys_changed(); };
    watch(key_references(*config), config->secret_poll, changed, stop);
  });
}

/// Watches the secrets that are read with the configuration: of the one that was read last, in force or not.
void Daemon::watch_frame(const Config& plain) {
  std::vector<std::string> secrets = {plain.database_password, plain.status_token};
  std::erase(secrets, "");
  if (std::exchange(frame_secrets_, secrets) == secrets) return;
  frame_watch_ = std::jthread();
  if (secrets.empty()) return;
  frame_watch_ =
      std::jthread([this, secrets = std::move(secrets), poll = plain.secret_poll](const std::stop_token& stop) {
        const auto changed = [this] {
          secrets_changed_ = true;
          bell_.ring();
        };
        watch(secrets, poll, changed, stop);
      });
}

/// Calls `changed` when one of the references may read otherwise, until stop. Where watching fails for a while, what
/// changed meanwhile is not known: then it may have.
void Daemon::watch(const std::vector<std::string>& secrets, Duration poll, const std::function<void()>& changed,
                   const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      std::vector<SecretReference> references;
      for (const std::string& text : secrets)
        if (!text.empty()) references.push_back(SecretReference::parse(text));
      SecretWatch watch(references, poll, program_.clock());
      while (!stop.stop_requested())
        if (watch.wait_for_change(std::chrono::hours(1), stop)) changed();
    } catch (const std::exception& failure) {
      program_.observers().on_event(
          event::Note{{}, Severity::error, std::string("watching the secrets: ") + failure.what()});
      if (program_.clock().wait_for(kTryAgain, stop)) changed();
    }
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
    } catch (const std::exception&) {
      connection.reset();  // the lanes tell that the database is away
      program_.clock().wait_for(kRequestPoll, stop);
    }
  }
}

bool Daemon::all_alive() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(lanes_, [](const auto& entry) { return entry.second->state().alive; });
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
  for (std::jthread* const thread : {&key_watch_, &frame_watch_, &requests_})
    thread->request_stop();
  std::map<std::string, std::shared_ptr<SourceLane>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(lanes_);
  }
  for (const auto& [name, lane] : ended)
    lane->request_stop();
  ended.clear();
  for (std::jthread* const thread : {&key_watch_, &frame_watch_, &requests_})
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
