#include "support/pgbouncer.h"

#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/server_process.h"

namespace surveysync::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "/usr/sbin/pgbouncer";
constexpr int kPort = 6432;  // names the socket only

}  // namespace

PgBouncer::PgBouncer(const TempCluster& cluster, const std::vector<std::string>& users, int server_connections) {
  std::string pattern = (fs::temp_directory_path() / "surveysync-pool-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
  directory_ = pattern;
  write_configuration(cluster, users, server_connections);
  if (const passwd* user = server_user()) {
    if (::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
  }
  fs::permissions(directory_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  pid_ = spawn_server({kProgram, directory_ + "/pgbouncer.ini"}, directory_ + "/log", SIGKILL);
  await_ready(users.at(0));
}

PgBouncer::~PgBouncer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void PgBouncer::write_configuration(const TempCluster& cluster, const std::vector<std::string>& users,
                                    int server_connections) const {
  std::ofstream file(directory_ + "/users.txt");
  for (const std::string& user : users)
    file << '"' << user << "\" \"\"\n";
  std::ofstream text(directory_ + "/pgbouncer.ini");
  text << "[databases]\n* = host=" << cluster.directory() << " port=5432\n"
       << "[pgbouncer]\npool_mode = transaction\nserver_reset_query =\nmax_client_conn = 200\n"
       << "default_pool_size = " << server_connections << "\nauth_type = trust\nauth_file = " << directory_
       << "/users.txt\nunix_socket_dir = " << directory_ << "\nlisten_addr =\nlisten_port = " << kPort
       << "\nignore_startup_parameters = extra_float_digits\n";
}

void PgBouncer::await_ready(const std::string& user) const {
  for (int turn = 0; turn < 1000; ++turn) {
    if (PQping(uri("postgres", user).c_str()) == PQPING_OK) return;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) break;
    ::poll(nullptr, 0, 10);
  }
  throw std::runtime_error("pgbouncer did not start (scripts/setup test installs it): " + log());
}

std::string PgBouncer::uri(const std::string& database, const std::string& user) const {
  return "host=" + directory_ + " port=" + std::to_string(kPort) + " dbname=" + database + " user=" + user;
}

std::string PgBouncer::log() const {
  std::ifstream file(directory_ + "/log");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace surveysync::test
