#pragma once
// What the environment says about the terminal and the journal: the only place beside the configuration and secrets
// that reads it.

#include <string>
#include <vector>

namespace surveysync::app {

/// TERM is not "dumb": lines can be cleared and drawn again.
bool cursor_allowed();
/// The same, and NO_COLOR is not set (https://no-color.org).
bool colours_allowed();
/// "device:inode" of the stream that systemd connected to its journal (JOURNAL_STREAM); empty when there is none.
std::string journal_stream();
/// What systemd tells the unit that OnFailure= starts (MONITOR_...), and the like; empty when it is not set.
std::string environment_text(const std::string& name);
/// All of the environment as "NAME=value" but what configures us or belongs to our service: for a child that shall know
/// nothing of it.
std::vector<std::string> environment_without_settings();

}  // namespace surveysync::app
