#pragma once
// What the environment says about the terminal and the journal: the only place beside the configuration and secrets
// that reads it.

#include <string>

namespace surveysync::app {

/// TERM is not "dumb": lines can be cleared and drawn again.
bool cursor_allowed();
/// The same, and NO_COLOR is not set (https://no-color.org).
bool colours_allowed();
/// "device:inode" of the stream that systemd connected to its journal (JOURNAL_STREAM); empty when there is none.
std::string journal_stream();
/// What systemd tells the unit that OnFailure= starts (MONITOR_...), and the like; empty when it is not set.
std::string environment_text(const std::string& name);

}  // namespace surveysync::app
