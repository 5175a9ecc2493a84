#pragma once
// What the environment says about the terminal: the only place beside the configuration and secrets that reads it.

namespace surveysync::app {

/// NO_COLOR is not set (https://no-color.org) and TERM is not "dumb".
bool colours_allowed();

}  // namespace surveysync::app
