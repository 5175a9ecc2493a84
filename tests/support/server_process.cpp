#include "support/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace surveysync::test {

const passwd* server_user() {
  static const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  return user;
}

int spawn_server(const std::vector<std::string>& words, const std::string& log, int death_signal) {
  std::vector<char*> arguments;
  for (const std::string& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const passwd* user = server_user();
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid != 0) return pid;
  // Only async-signal-safe calls from here on: the parent may have threads.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (user != nullptr && (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, death_signal);
  if (::getppid() != parent) ::_exit(125);
  ::setpgid(0, 0);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file >= 0) {
    ::dup2(file, 1);
    ::dup2(file, 2);
  }
  ::chdir("/");
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace surveysync::test
