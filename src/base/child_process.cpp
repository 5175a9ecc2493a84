#include "base/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/descriptor.h"
#include "base/error.h"

extern char** environ;  // POSIX: declared by nobody

namespace surveysync {
namespace {

/// The attributes of the child.
class SpawnSettings {
 public:
  SpawnSettings(int input, int output, bool errors_too) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (input >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    if (errors_too) {
      posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

std::string_view name_part(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

/// Our environment with `added` laid over it.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const bool replaced =
        std::ranges::any_of(added, [&](const std::string& other) { return name_part(other) == name_part(*variable); });
    if (!replaced) all.emplace_back(*variable);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// What the child is to read, in a file of memory: it may read it when and as far as it likes, and nobody waits for it.
Descriptor input_file(const std::string& input) {
  if (input.empty()) return Descriptor();
  Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  if (file.get() >= 0 && (::write(file.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
                          ::lseek(file.get(), 0, SEEK_SET) != 0)) {
    return Descriptor();
  }
  return file;
}

pid_t wait_for(pid_t id, int flags, int& status) {
  pid_t got = 0;
  do {
    got = ::waitpid(id, &status, flags);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) {
  const auto refuse = [](int number) {
    throw Error(ErrorKind::unavailable, fmt::format("cannot be started: {}", std::strerror(number)));
  };
  const Descriptor input = input_file(options.input);
  if (!options.input.empty() && input.get() < 0) refuse(errno);
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) refuse(errno);
  output_ = ends[0];
  std::vector<std::string> words = options.words, variables = environment_with(options.environment);
  std::vector<char*> arguments = pointers(words), environment = pointers(variables);
  int failure = 0;
  {
    const SpawnSettings settings(input.get(), ends[1], options.errors_too);
    failure = ::posix_spawnp(&id_, arguments.front(), &settings.actions_, &settings.attributes_, arguments.data(),
                             environment.data());
  }
  for (std::string& variable : variables)
    explicit_bzero(variable.data(), variable.size());
  ::close(ends[1]);
  if (failure != 0) {
    ::close(output_);
    refuse(failure);
  }
}

ChildProcess::~ChildProcess() {
  ::close(output_);
  if (status_) return;
  ::kill(-id_, SIGKILL);
  int status = 0;
  wait_for(id_, 0, status);
}

ChildProcess::Reading ChildProcess::read(std::string& output, Duration patience) {
  std::array<char, 4096> part{};
  while (true) {
    pollfd ready{output_, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(patience, Duration::zero())).count();
    const int count = ::poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Reading::nothing;
    const ssize_t got = ::read(output_, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) output.append(part.data(), static_cast<std::size_t>(got));
    explicit_bzero(part.data(), part.size());
    return got > 0 ? Reading::data : Reading::end;
  }
}

std::optional<int> ChildProcess::ended() {
  if (status_) return status_;
  int status = 0;
  const pid_t got = wait_for(id_, WNOHANG, status);
  if (got != 0) status_ = got < 0 ? -1 : status;
  return status_;
}

void ChildProcess::ask_to_end() const {
  if (!status_) ::kill(-id_, SIGTERM);
}

std::string describe_ending(int status) {
  return WIFEXITED(status) ? fmt::format("status {}", WEXITSTATUS(status)) : fmt::format("signal {}", WTERMSIG(status));
}

}  // namespace surveysync
