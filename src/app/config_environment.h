#pragma once
// What the environment says about the terminal: the only place beside the configuration and secrets that reads it.

namespace surveysync::app {

/// TERM is not "dumb": lines can be cleared and drawn again.
bool cursor_allowed();
/// The same, and NO_COLOR is not set (https://no-color.org).
bool colours_allowed();

}  // namespace surveysync::app
