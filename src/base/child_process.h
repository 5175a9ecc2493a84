#pragma once
// Starts a program without a shell of ours, in its own process group, and reads what it writes. The child gets an empty
// signal mask (our threads block the signals they wait for), the default for SIGPIPE, and what it is given as input.
// Killed with its group and reaped when this goes, unless it has ended by then. Used by base/secret_command and by
// hooks. One thread.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace surveysync {

/// What to start.
struct ChildOptions {
  std::vector<std::string> words;        ///< program first, looked up in PATH
  std::vector<std::string> environment;  ///< "NAME=value", beside ours and instead of ours
  std::string input = {};                ///< what it reads; empty: /dev/null
  bool errors_too = false;               ///< its error output is read like its output; otherwise it goes to /dev/null
};

class ChildProcess {
 public:
  /// Starts it. Throws Error(unavailable) with the reason when it cannot be started.
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  enum class Reading : std::uint8_t { data, nothing, end };
  /// Appends what it has written to `output`; waits for at most `patience`. `nothing`: it wrote nothing in that time;
  /// `end`: nobody will write any more.
  Reading read(std::string& output, Duration patience);
  /// waitpid's status once it has ended. Does not wait.
  std::optional<int> ended();
  /// Asks its process group to end (SIGTERM). What remains is killed by the destructor.
  void ask_to_end() const;

 private:
  pid_t id_ = 0;
  int output_ = -1;  // descriptor
  std::optional<int> status_;
};

/// "status 3", "signal 9".
std::string describe_ending(int status);

}  // namespace surveysync
