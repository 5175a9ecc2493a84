#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

#include "app/completions.h"
#include "app/verbs.h"

namespace surveysync::app {

void add_completions_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("completions", "Print the completions for a shell");
  verb->footer(
      "The Debian package installs them. By hand:\n"
      "  surveysync completions bash > /etc/bash_completion.d/surveysync\n"
      "  surveysync completions zsh > /usr/local/share/zsh/site-functions/_surveysync\n"
      "  surveysync completions fish > ~/.config/fish/completions/surveysync.fish");
  const auto shell = std::make_shared<std::string>();
  verb->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->callback([&app, &program, &action, shell] {
    action = [&app, &program, shell] {
      program.print(completion_script(app, *shell));
      return 0;
    };
  });
}

}  // namespace surveysync::app
