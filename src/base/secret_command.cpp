#include "base/secret_command.h"

#include <fmt/format.h>
#include <strings.h>
#include <sys/wait.h>

#include <memory>
#include <optional>

#include "base/child_process.h"
#include "base/error.h"
#include "base/time.h"

namespace surveysync {
namespace {

constexpr Duration kTimeLimit = std::chrono::seconds(10);

[[noreturn]] void refuse(const std::string& program, const std::string& what) {
  throw Error(ErrorKind::config, fmt::format("secret command {} {}", program, what),
              "run it by hand as the user of the service; under systemd it needs ExecPaths= in a drop-in of the unit");
}

/// Its error output is not read: what such tools write there may quote the secret.
std::unique_ptr<ChildProcess> start(const std::vector<std::string>& words) {
  try {
    return std::make_unique<ChildProcess>(ChildOptions{.words = words, .environment = {}});
  } catch (const Error& failure) {
    refuse(words.front(), failure.what());
  }
}

/// Reads to the end. Throws when the deadline or the limit is passed.
std::string read_output(ChildProcess& child, const std::string& program, const Deadline& deadline, std::size_t limit) {
  std::string output;
  while (true) {
    const ChildProcess::Reading reading = child.read(output, deadline.left());
    if (reading == ChildProcess::Reading::nothing) refuse(program, "did not end within 10 s");
    if (reading == ChildProcess::Reading::end) return output;
    if (output.size() > limit) refuse(program, "wrote too much");
  }
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
  const std::unique_ptr<ChildProcess> child = start(words);
  SystemClock clock;
  const Deadline deadline(clock, kTimeLimit);
  std::string output = read_output(*child, program, deadline, limit);
  std::optional<int> status;
  while (!(status = child->ended())) {
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
