#include "app/rehearsal_server.h"

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "app/config_environment.h"
#include "base/error.h"
#include "store/scratch_database.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPrefix = "surveysync_rehearsal_";
constexpr std::int64_t kLeftBehind = 3600;  // seconds
constexpr const char* kDebian = "/usr/lib/postgresql";
constexpr const char* kUseYours =
    "install PostgreSQL's server here (apt-get install postgresql), or name one with --database URI, whose role may "
    "create databases";

/// The newest server's programs. Throws Error(config) where there is none.
std::string find_programs() {
  int newest = 0;
  std::string found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(kDebian, ignored)) {
    const std::string name = entry.path().filename().string();
    const fs::path programs = entry.path() / "bin";
    int version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    const bool complete = fs::exists(programs / "initdb", ignored) && fs::exists(programs / "postgres", ignored);
    if (!complete || version <= newest) continue;
    newest = version;
    found = programs.string();
  }
  if (found.empty()) {
    throw Error(ErrorKind::config, fmt::format("no PostgreSQL server is installed below {}", kDebian), kUseYours);
  }
  return found;
}

/// PostgreSQL does not run as root: whom it runs as instead.
std::optional<RehearsalCommand::User> unprivileged_user() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* const name : {"postgres", "nobody"}) {
    if (const passwd* const user = ::getpwnam(name)) return RehearsalCommand::User{user->pw_uid, user->pw_gid};
  }
  throw Error(ErrorKind::config, "PostgreSQL does not run as root, and there is no user postgres", kUseYours);
}

/// Of rehearsals that were killed: a rehearsal takes a minute, and its databases have its time in their names.
void drop_left_behind(pg::Connection& server, std::int64_t now) {
  for (const std::string& name : store::scratch_databases(server, kPrefix)) {
    std::int64_t made = 0;
    const char* const begin = name.data() + std::string_view(kPrefix).size();
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), made);
    if (error == std::errc() && *end == '_' && now - made > kLeftBehind) store::drop_scratch_database(server, name);
  }
}

}  // namespace

RehearsalServer::RehearsalServer(const std::string& directory, std::string uri, Clock& clock, std::stop_token stop)
    : directory_(uri.empty() ? directory : std::string()),
      given_uri_(std::move(uri)),
      clock_(clock),
      stop_(std::move(stop)) {
  if (given_uri_.empty()) {
    make_cluster();
    start();
  } else {
    connect(given_uri_);
  }
}

RehearsalServer::~RehearsalServer() {
  if (!given_uri_.empty()) drop_databases();
}

void RehearsalServer::make_cluster() {
  programs_ = find_programs();
  user_ = unprivileged_user();
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::perms::owner_all);
  if (user_ && ::chown(directory_.c_str(), user_->user, user_->group) != 0) {
    throw Error(ErrorKind::unavailable, fmt::format("{} cannot be given to the database's user", directory_));
  }
  RehearsalCommand command;
  command.program = programs_ + "/initdb";
  command.arguments = {"-D",         directory_ + "/data", "-U", "rehearsal", "-A", "trust", "-N", "-E", "UTF8",
                       "--locale=C", "--no-instructions"};
  command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
  command.output = directory_ + ".initdb.log";
  command.run_as = user_;
  RehearsalProcess initdb(command);
  while (!initdb.ended()) {
    if (!clock_.wait_for(milliseconds(20), stop_)) throw Error(ErrorKind::cancelled, "stopped");
  }
  if (initdb.reap() != 0) {
    throw Error(ErrorKind::unavailable, "a scratch PostgreSQL cannot be made: " + initdb.output(), kUseYours);
  }
}

void RehearsalServer::start() {
  RehearsalCommand command;
  command.program = programs_ + "/postgres";
  command.arguments = {"-D", directory_ + "/data"};
  for (const std::string& setting :
       {"unix_socket_directories=" + directory_, std::string("unix_socket_permissions=0700"),
        std::string("listen_addresses="), std::string("fsync=off"), std::string("full_page_writes=off"),
        std::string("synchronous_commit=off"), std::string("max_connections=40"), std::string("shared_buffers=32MB"),
        std::string("lc_messages=C"), std::string("timezone=UTC")}) {
    command.arguments.emplace_back("-c");
    command.arguments.push_back(setting);
  }
  command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
  command.output = directory_ + ".server.log";
  command.death_signal = SIGQUIT;  // at once, with all its children
  command.run_as = user_;
  server_ = std::make_unique<RehearsalProcess>(command);
  const Deadline deadline(clock_, seconds(30));
  for (;;) {
    try {
      connect(uri_of("postgres"));
      return;
    } catch (const Error& failure) {
      if (failure.kind() == ErrorKind::cancelled) throw;
      if (server_->ended() || deadline.passed()) {
        throw Error(ErrorKind::unavailable, "the scratch PostgreSQL does not start: " + server_->output(), kUseYours);
      }
    }
    if (!clock_.wait_for(milliseconds(50), stop_)) throw Error(ErrorKind::cancelled, "stopped");
  }
}

std::string RehearsalServer::uri_of(const std::string& database) const {
  if (given_uri_.empty()) return fmt::format("host={} port=5432 dbname={} user=rehearsal", directory_, database);
  if (given_uri_.find("://") == std::string::npos) return fmt::format("{} dbname={}", given_uri_, database);
  return fmt::format("{}{}dbname={}", given_uri_, given_uri_.find('?') == std::string::npos ? '?' : '&', database);
}

pg::Connection RehearsalServer::connect(const std::string& uri) const {
  pg::ConnectOptions options;
  options.uri = uri;
  options.application_name = "surveysync rehearse";
  return pg::Connection(options, clock_, stop_);
}

std::string RehearsalServer::create_database() {
  const auto now = std::chrono::duration_cast<seconds>(clock_.utc_now().time_since_epoch()).count();
  const std::string name = fmt::format("{}{}_{:08x}", kPrefix, now, random_u64() & 0xffffffffU);
  pg::Connection server = connect(given_uri_.empty() ? uri_of("postgres") : given_uri_);
  drop_left_behind(server, now);
  store::create_scratch_database(server, name);
  databases_.push_back(name);
  return uri_of(name);
}

void RehearsalServer::take_away() {
  if (server_) {
    server_->send(SIGQUIT);
    server_->reap();
    return;
  }
  pg::Connection server = connect(given_uri_);
  for (const std::string& name : databases_)
    store::close_scratch_database(server, name);
}

void RehearsalServer::restore() {
  if (server_) return start();
  pg::Connection server = connect(given_uri_);
  for (const std::string& name : databases_)
    store::open_scratch_database(server, name);
}

/// Also when we were asked to stop: on a connection that does not heed it.
void RehearsalServer::drop_databases() noexcept {
  try {
    pg::ConnectOptions options;
    options.uri = given_uri_;
    pg::Connection server(options, clock_, std::stop_token());
    for (const std::string& name : databases_)
      store::drop_scratch_database(server, name);
  } catch (...) {  // nobody is left to hear it; their names say what they were
  }
}

std::string RehearsalServer::describe() {
  const int version = connect(given_uri_.empty() ? uri_of("postgres") : given_uri_).server_version();
  const std::string name = fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000);
  return given_uri_.empty() ? "a private " + name : "a scratch database on your " + name;
}

}  // namespace surveysync::app
