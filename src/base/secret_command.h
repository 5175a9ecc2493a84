#pragma once
// Runs the command of an "exec:" secret reference (vault, sops, pass) without a shell, bounded in time and size.
// Part of base/secret; used by nobody else. Throws Error(config); messages name the program, never its arguments or
// output.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync {

/// Words of a command line: blanks separate, single and double quotes group, nothing is expanded. Throws for an open
/// quote.
std::vector<std::string> split_command(std::string_view text);

/// Standard output of `words` (program first, looked up in PATH). Throws when it fails, takes longer than ten seconds,
/// or writes more than `limit` bytes. The child gets an empty signal mask, /dev/null as input and error output, and its
/// own process group.
std::string run_secret_command(const std::vector<std::string>& words, std::size_t limit);

}  // namespace surveysync
