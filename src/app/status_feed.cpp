#include "app/status_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/assembly.h"
#include "app/host_name.h"
#include "base/sha256.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

constexpr Duration kLook = std::chrono::seconds(5);      // between two looks
constexpr Duration kLeast = std::chrono::seconds(1);     // between two looks, whatever happens
constexpr int kShare = 20;                               // looking takes at most this part of the time,
constexpr Duration kLongest = std::chrono::seconds(30);  // but a database that hung is looked at again
constexpr Duration kOfferAgain = std::chrono::seconds(5);
constexpr std::size_t kShortestToken = 16;

/// Whether people who look at the page wait for this.
bool changes_the_page(const Event& event) {
  return std::holds_alternative<event::RunStarted>(event) || std::holds_alternative<event::RunFinished>(event) ||
         std::holds_alternative<event::SourceHeld>(event) || std::holds_alternative<event::SourceReleased>(event) ||
         std::holds_alternative<event::IncidentOpened>(event) || std::holds_alternative<event::IncidentResolved>(event);
}

}  // namespace

report::WebOptions web_options(const Config& config, Masker& masker) {
  report::WebOptions options;
  options.listen = config.status_listen;
  if (options.listen.empty() || config.status_token.empty()) return options;
  const Credential token = SecretReference::parse(config.status_token).read(1);
  masker.add(token);
  const std::string_view secret = token.lines.front().expose();
  if (secret.size() < kShortestToken)
    throw Error(ErrorKind::config, "status.token is too short: anybody could guess it",
                "write at least 16 characters, for instance what `openssl rand -hex 32` prints");
  options.token_digest = sha256_hex(secret);
  return options;
}

StatusFeed::StatusFeed(Observer& observer, Clock& clock)
    : observer_(observer), clock_(clock), meters_(clock), bell_(clock) {
  view_.started_at = clock.utc_now();
  view_.version = SURVEYSYNC_VERSION;
  view_.host = host_name();
}

StatusFeed::~StatusFeed() {
  stop();
}

void StatusFeed::on_event(const Event& event) noexcept {
  meters_.on_event(event);
  try {
    keep(event);
  } catch (const std::exception&) {
    // The database has it as well, or will.
  }
  if (changes_the_page(event)) bell_.ring();
}

/// What this process has told is known also while the database is away.
void StatusFeed::keep(const Event& event) {
  constexpr std::size_t kMost = 100;
  const auto forget = [&](const std::string& key) {
    std::erase_if(view_.told, [&](const report::IncidentView& one) { return one.key == key; });
  };
  const std::lock_guard lock(mutex_);
  if (const auto* opened = std::get_if<event::IncidentOpened>(&event)) {
    forget(opened->key);
    if (view_.told.size() < kMost)
      view_.told.push_back({opened->key, opened->rule, opened->scope.source, opened->severity, opened->verdict,
                            opened->evidence, opened->next_step, clock_.utc_now()});
  } else if (const auto* resolved = std::get_if<event::IncidentResolved>(&event)) {
    forget(resolved->key);
  }
}

void StatusFeed::stop() {
  thread_ = std::jthread();
  server_.reset();
}

void StatusFeed::use(std::shared_ptr<const Config> config, report::WebOptions options) {
  for (const SourceConfig& source : config->sources)
    meters_.know(source.name);
  {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
  }
  bell_.ring();
  const bool moved = !(options == options_);
  options_ = std::move(options);
  if (options_.listen.empty()) {
    const bool was_there = server_ != nullptr;
    stop();
    if (was_there) observer_.on_event(event::StatusPageOffered{{}, "", ""});
    return;
  }
  if (moved || !server_) {
    server_.reset();  // its port may be the new one's
    told_trouble_.clear();
    offer();
  }
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

/// What cannot be offered now is no reason not to load: it is tried again.
void StatusFeed::offer() {
  offer_again_ = clock_.now() + kOfferAgain;
  try {
    server_ = std::make_unique<report::StatusServer>(options_, meters_, clock_);
    told_trouble_.clear();
    observer_.on_event(event::StatusPageOffered{{}, server_->address(), ""});
    publish();
  } catch (const Error& failure) {
    if (std::exchange(told_trouble_, failure.what()) != told_trouble_)
      observer_.on_event(event::StatusPageOffered{{}, options_.listen, failure.full_text()});
  }
}

void StatusFeed::show(std::vector<report::LaneView> lanes, bool alive) {
  {
    const std::lock_guard lock(mutex_);
    view_.lanes = std::move(lanes);
    view_.alive = alive;
    view_.progress = meters_.progress();
    view_.recent_calls = meters_.recent_calls();
  }
  if (!options_.listen.empty() && !server_ && clock_.now() >= offer_again_) offer();
  publish();
}

void StatusFeed::publish() {
  if (!server_) return;
  const std::lock_guard lock(mutex_);
  server_->publish(std::make_shared<const report::StatusView>(view_));
}

void StatusFeed::note(std::shared_ptr<const report::DatabaseView> view, const Error* failure) {
  const std::lock_guard lock(mutex_);
  if (failure == nullptr) {
    view_.database = std::move(view);
    view_.trouble.clear();
    view_.trouble_since.reset();
    view_.away = false;
    view_.schema_current = true;
    return;
  }
  view_.trouble = failure->what();
  view_.away = failure->kind() == ErrorKind::unavailable;
  view_.schema_current = view_.schema_current && view_.away;
  if (!view_.trouble_since) view_.trouble_since = clock_.utc_now();
}

/// One look; how long it took.
Duration StatusFeed::look(std::unique_ptr<pg::Connection>& connection, const std::stop_token& stop) {
  const SteadyTime began = clock_.now();
  std::shared_ptr<const Config> config;
  {
    const std::lock_guard lock(mutex_);
    config = config_;
  }
  try {
    if (connection && !connection->alive()) connection.reset();
    if (!connection) connection = std::make_unique<pg::Connection>(connect_options(*config).impatient(), clock_, stop);
    store::require_version(*connection);
    note(look_for_page(*config, *connection, clock_), nullptr);
  } catch (const Error& failure) {
    connection.reset();
    if (!stop.stop_requested()) note(nullptr, &failure);
  } catch (const std::exception& failure) {
    // Whatever it is: a page is no reason to end the daemon.
    connection.reset();
    const Error shown(ErrorKind::bug, fmt::format("looking at the database: {}", failure.what()));
    note(nullptr, &shown);
  }
  return clock_.now() - began;
}

void StatusFeed::work(const std::stop_token& stop) {
  std::unique_ptr<pg::Connection> connection;
  std::shared_ptr<const Config> before;
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      if (before != config_) connection.reset();  // it may name another database
      before = config_;
    }
    const Duration took = look(connection, stop);
    if (!clock_.wait_for(std::clamp<Duration>(took * kShare, kLeast, kLongest), stop)) return;
    bell_.wait(kLook - kLeast, stop);
  }
}

}  // namespace surveysync::app
