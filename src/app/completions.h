#pragma once
// Shell completions made from the command line itself, so that no verb and no flag is ever missing in them. Pure text.

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace surveysync::app {

/// A flag or option that can be written where a verb stands.
struct CompletedOption {
  std::string name;                  ///< "--config", "-h"
  std::string help;                  ///< one line
  std::vector<std::string> choices;  ///< what it takes, where that is a list
  bool takes_value = false, takes_file = false;
};
/// A verb and what may follow it.
struct CompletedVerb {
  std::string path;  ///< "", "keys", "keys status"
  std::string help;
  std::vector<CompletedVerb> below;
  std::vector<CompletedOption> options;  ///< its own; those of the root go everywhere
  std::vector<std::string> words;        ///< what its arguments may be, where that is a list
};

/// The whole command line below `app`, hidden parts left out.
CompletedVerb completed(const CLI::App& app);
/// The script for one shell: bash, zsh or fish. Throws Error(config) for another name.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace surveysync::app
