#pragma once
// Who is told when the configuration itself is broken: what can still be read of the file, or else the channels that
// were in force when it was last sound. They are kept in the state directory, since a file that is no TOML says
// nothing at all. Any thread. Nothing throws.

#include <string>
#include <vector>

#include "app/config.h"

namespace surveysync::app {

/// The database, the state directory, [incidents] and the channels of `file`, as far as they can be read; without any
/// channel in it, those that were kept. An empty database.uri: nothing is known of it.
Config salvaged_config(const std::string& file) noexcept;

/// Keeps `channels` in `state_dir` (0600: an address may carry its key), when they are others than before.
void keep_channels(const std::string& state_dir, const std::vector<AlertConfig>& channels) noexcept;
/// Those that were kept there last; none where nothing can be read.
std::vector<AlertConfig> kept_channels(const std::string& state_dir) noexcept;

}  // namespace surveysync::app
