#pragma once
// A child of a rehearsal: the program itself, or a scratch server. It dies when we die, in whatever way, and writes its
// output to a file. Its environment is exactly what it is given: nothing of the operator's configuration reaches it.
// One thread. Throws Error(unavailable).

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace surveysync::app {

/// What to start.
struct RehearsalCommand {
  std::string program;                   ///< a path
  std::vector<std::string> arguments;    ///< without the program's name
  std::vector<std::string> environment;  ///< "NAME=value", nothing beside them
  std::string output;                    ///< file that what it writes is appended to
  int death_signal = 9;                  ///< what it gets when we die, and when this object goes
  /// Who runs it, where that is not us; root only.
  struct User {
    uid_t user = 0;
    gid_t group = 0;
  };
  std::optional<User> run_as = std::nullopt;
};

class RehearsalProcess {
 public:
  explicit RehearsalProcess(const RehearsalCommand& command);
  ~RehearsalProcess();
  RehearsalProcess(const RehearsalProcess&) = delete;
  RehearsalProcess& operator=(const RehearsalProcess&) = delete;

  /// Its exit code once it has ended (128 + signal where one ended it). Does not wait.
  std::optional<int> ended();
  void send(int signal) const;
  /// The code; waits as long as it takes: send a signal that ends it first.
  int reap();
  /// All that it has written so far, with what wrote to the same file before.
  std::string output() const;

 private:
  const std::string file_;
  const int death_signal_;
  pid_t id_ = 0;
  std::optional<int> code_;
};

}  // namespace surveysync::app
