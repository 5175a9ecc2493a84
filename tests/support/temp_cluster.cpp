#include "support/temp_cluster.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "support/server_process.h"

namespace surveysync::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBin = "/usr/lib/postgresql/15/bin/";
constexpr const char* kPrefix = "surveysync-pg-";
constexpr int kPort = 5432;  // names the socket only

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Rows = std::unique_ptr<PGresult, decltype(&PQclear)>;

void pause_ms(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Folders of test programs that were killed before they could clean up.
void remove_stale() {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    int pid = 0;
    std::from_chars(name.data() + std::string_view(kPrefix).size(), name.data() + name.size(), pid);
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ::ntohs(address.sin_port);
}

Rows run(const std::string& uri, const std::string& sql) {
  const Connection connection(PQconnectdb(uri.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  Rows result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql.substr(0, 200) + ": " + PQerrorMessage(connection.get()));
  }
  return result;
}

}  // namespace

TempCluster::TempCluster(Options options) : settings_(std::move(options.settings)) {
  remove_stale();
  std::string pattern = (fs::temp_directory_path() / (kPrefix + std::to_string(::getpid()) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
  directory_ = pattern;
  if (const passwd* user = server_user()) {
    if (::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
  }
  fs::permissions(directory_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  if (options.tcp) tcp_port_ = free_port();
  const int pid = spawn_server({std::string(kBin) + "initdb", "-D", directory_ + "/data", "-U", "postgres", "-A",
                                "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"},
                               directory_ + "/initdb.log", SIGQUIT);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + text_of(directory_ + "/initdb.log"));
  start();
}

TempCluster::~TempCluster() {
  if (pid_ != 0) {
    ::kill(pid_, SIGQUIT);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

TempCluster& TempCluster::shared() {
  static TempCluster cluster;
  return cluster;
}

void TempCluster::start() {
  if (pid_ != 0) return;
  std::vector<std::string> words = {std::string(kBin) + "postgres", "-D", directory_ + "/data"};
  std::vector<std::string> settings = {"unix_socket_directories=" + directory_,
                                       "unix_socket_permissions=0777",
                                       "fsync=off",
                                       "synchronous_commit=off",
                                       "full_page_writes=off",
                                       "max_connections=60",
                                       "shared_buffers=64MB",
                                       "autovacuum=off",
                                       "wal_level=minimal",
                                       "max_wal_senders=0",
                                       "lc_messages=C",
                                       "timezone=Asia/Kathmandu"};
  // TCP has a port of its own number; the socket's name carries the same one, so it follows.
  settings.push_back(tcp_port_ != 0 ? "listen_addresses=127.0.0.1" : "listen_addresses=");
  settings.push_back("port=" + std::to_string(tcp_port_ != 0 ? tcp_port_ : kPort));
  settings.insert(settings.end(), settings_.begin(), settings_.end());
  for (const std::string& setting : settings) {
    words.emplace_back("-c");
    words.push_back(setting);
  }
  pid_ = spawn_server(words, directory_ + "/server.log", SIGQUIT);
  await_ready();
}

void TempCluster::await_ready() const {
  for (int turn = 0; turn < 3000; ++turn) {
    if (PQping(uri("postgres").c_str()) == PQPING_OK) return;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) break;
    pause_ms(10);
  }
  throw std::runtime_error("the server did not start: " + text_of(directory_ + "/server.log"));
}

void TempCluster::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGINT);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void TempCluster::kill() {
  if (pid_ == 0) return;
  const std::string children = text_of("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  std::istringstream words(children);
  for (int child = 0; words >> child;) {
    ::kill(child, SIGKILL);
    // Its shared memory must be free before the next start. A zombie has given it back already.
    const std::string stat = "/proc/" + std::to_string(child) + "/stat";
    for (int turn = 0; turn < 1000 && ::kill(child, 0) == 0 && text_of(stat).find(") Z") == std::string::npos; ++turn) {
      pause_ms(1);
    }
  }
}

std::string TempCluster::uri(const std::string& database, const std::string& user) const {
  return "host=" + directory_ + " port=" + std::to_string(tcp_port_ != 0 ? tcp_port_ : kPort) + " dbname=" + database +
         " user=" + user;
}

std::string TempCluster::tcp_uri(const std::string& database, const std::string& user) const {
  return "host=127.0.0.1 port=" + std::to_string(tcp_port_) + " dbname=" + database + " user=" + user;
}

std::string TempCluster::create_database() {
  const std::string name = "test_" + std::to_string(next_database_++);
  run_sql("postgres", "CREATE DATABASE " + name + " STRATEGY file_copy");
  return name;
}

std::string TempCluster::copy_database(const std::function<void(const std::string& uri)>& prepare) {
  if (template_.empty()) {
    const std::string name = create_database();
    prepare(uri(name));
    template_ = name;
  }
  const std::string name = "test_" + std::to_string(next_database_++);
  run_sql("postgres", "CREATE DATABASE " + name + " TEMPLATE " + template_ + " STRATEGY file_copy");
  return name;
}

void TempCluster::run_sql(const std::string& database, const std::string& sql) {
  run(uri(database), sql);
}

std::string TempCluster::query(const std::string& database, const std::string& sql) {
  const Rows result = run(uri(database), sql);
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

std::vector<std::string> TempCluster::rows(const std::string& database, const std::string& sql) {
  const Rows result = run(uri(database), sql);
  std::vector<std::string> lines;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    std::string line;
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      if (column > 0) line += '|';
      line += PQgetisnull(result.get(), row, column) != 0 ? "-" : PQgetvalue(result.get(), row, column);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace surveysync::test
