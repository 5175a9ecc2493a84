#include "app/rehearsal_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace surveysync::app {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// The child's side: only calls that are safe after a fork of a program with threads.
[[noreturn]] void become(const RehearsalCommand& command, int output, pid_t parent, char* const* words,
                         char* const* variables) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (command.run_as) {
    const auto [user, group] = *command.run_as;
    if (::setgroups(1, &group) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0) ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, command.death_signal);  // behind setuid, which forgets it
  if (::getppid() != parent) ::_exit(125);
  ::setpgid(0, 0);  // Ctrl-C is for us; we tell our children ourselves
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (::chdir("/") != 0) ::_exit(125);
  ::execve(command.program.c_str(), words, variables);
  ::_exit(127);
}

}  // namespace

RehearsalProcess::RehearsalProcess(const RehearsalCommand& command)
    : file_(command.output), death_signal_(command.death_signal) {
  std::vector<std::string> words = {command.program == "/proc/self/exe" ? "surveysync" : command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables = command.environment;
  const std::vector<char*> arguments = pointers(words), environment = pointers(variables);
  const int output = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) {
    throw Error(ErrorKind::unavailable,
                fmt::format("the output of a rehearsal cannot be kept in {}: {}", file_, std::strerror(errno)));
  }
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ == 0) become(command, output, parent, arguments.data(), environment.data());
  const int reason = errno;
  ::close(output);
  if (id_ < 0) {
    throw Error(ErrorKind::unavailable, fmt::format("{} cannot be started: {}", words.front(), std::strerror(reason)));
  }
  ::setpgid(id_, id_);  // whoever comes first
}

RehearsalProcess::~RehearsalProcess() {
  if (ended()) return;
  send(death_signal_);
  reap();
}

std::optional<int> RehearsalProcess::ended() {
  if (code_) return code_;
  int status = 0;
  const pid_t got = ::waitpid(id_, &status, WNOHANG);
  if (got == id_) code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

int RehearsalProcess::reap() {
  int status = 0;
  while (!code_) {
    const pid_t got = ::waitpid(id_, &status, 0);
    if (got < 0 && errno == EINTR) continue;
    code_ = got == id_ && WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return *code_;
}

void RehearsalProcess::send(int signal) const {
  if (!code_) ::kill(id_, signal);
}

std::string RehearsalProcess::output() const {
  std::ifstream file(file_);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace surveysync::app
