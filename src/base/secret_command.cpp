#include "base/secret_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/time.h"

extern char** environ;  // POSIX: declared by nobody

namespace surveysync {
namespace {

constexpr Duration kTimeLimit = std::chrono::seconds(10);

[[noreturn]] void refuse(const std::string& program, const std::string& what) {
  throw Error(ErrorKind::config, fmt::format("secret command {} {}", program, what),
              "run it by hand as the user of the service; under systemd it needs ExecPaths= in a drop-in of the unit");
}

/// The attributes of the child: nothing blocked (our threads block the signals they wait for), a process group to kill.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
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
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    // What such tools write to standard error may quote the secret.
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
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

/// The child, killed with its group and reaped whatever happens.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (id_ <= 0) return;
    ::kill(-id_, SIGKILL);
    wait(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// waitpid's status once it has ended.
  std::optional<int> wait(int flags) {
    int status = 0;
    pid_t got = 0;
    do {
      got = ::waitpid(id_, &status, flags);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return std::nullopt;
    id_ = 0;
    return got < 0 ? -1 : status;
  }

 private:
  pid_t id_;
};

/// Reads to the end of `descriptor`. Throws when the deadline or the limit is passed.
std::string read_output(int descriptor, const std::string& program, const Deadline& deadline, std::size_t limit) {
  std::string output;
  std::array<char, 4096> part{};
  while (true) {
    pollfd ready{descriptor, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    const int count = ::poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse(program, "did not end within 10 s");
    const ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    output.append(part.data(), static_cast<std::size_t>(got));
    if (output.size() > limit) refuse(program, "wrote too much");
  }
  explicit_bzero(part.data(), part.size());
  return output;
}

}  // namespace

std::vector<std::string> split_command(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (const char c : text) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        words.back() += c;
      }
      continue;
    }
    if (c == ' ' || c == '\t') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '"' || c == '\'') {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') throw Error(ErrorKind::config, "an exec: reference has an open quote");
  return words;
}

std::string run_secret_command(const std::vector<std::string>& words, std::size_t limit) {
  const std::string& program = words.front();
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) refuse(program, fmt::format("cannot be started: {}", std::strerror(errno)));
  const std::unique_ptr<const int, void (*)(const int*)> reading(&ends[0], [](const int* end) { ::close(*end); });

  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const SpawnSettings settings(ends[1]);
  pid_t id = 0;
  const int failure =
      ::posix_spawnp(&id, program.c_str(), &settings.actions_, &settings.attributes_, arguments.data(), environ);
  ::close(ends[1]);
  if (failure != 0) refuse(program, fmt::format("cannot be started: {}", std::strerror(failure)));

  Child child(id);
  SystemClock clock;
  const Deadline deadline(clock, kTimeLimit);
  std::string output = read_output(ends[0], program, deadline, limit);
  std::optional<int> status;
  while (!(status = child.wait(WNOHANG))) {
    if (deadline.passed()) refuse(program, "did not end within 10 s");
    clock.wait_for(std::chrono::milliseconds(5), {});
  }
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
    explicit_bzero(output.data(), output.size());
    refuse(program,
           WIFEXITED(*status) ? fmt::format("ended with status {}", WEXITSTATUS(*status)) : "was killed by a signal");
  }
  return output;
}

}  // namespace surveysync
