#pragma once
// Servers that tests start: as a user that they accept, with their output in a file, and never outliving the test.

#include <pwd.h>

#include <string>
#include <vector>

namespace surveysync::test {

/// PostgreSQL and its poolers refuse to run as root: then the user that the Debian package made is taken; else null.
const passwd* server_user();

/// Runs a program with its output in `log`; the child's pid. `death_signal`: what it gets when this process ends.
int spawn_server(const std::vector<std::string>& words, const std::string& log, int death_signal);

}  // namespace surveysync::test
