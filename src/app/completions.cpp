#include "app/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace surveysync::app {
namespace {

constexpr std::string_view kFile = "FILE";

/// The list in "TEXT:{debug,info}"; empty when there is none.
std::vector<std::string> choices_in(const std::string& type) {
  const std::size_t from = type.find('{'), to = type.find('}');
  std::vector<std::string> choices;
  if (from == std::string::npos || to == std::string::npos) return choices;
  for (std::size_t at = from + 1; at < to;) {
    const std::size_t end = std::min(type.find(',', at), to);
    choices.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return choices;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void add_option(CompletedVerb& verb, const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.nonpositional()) {
    for (const bool is_long : {true, false}) {
      for (const std::string& name : is_long ? option.get_lnames() : option.get_snames()) {
        verb.options.push_back({(is_long ? "--" : "-") + name, first_line(option.get_description()), choices_in(type),
                                option.get_items_expected_max() > 0, type.find(kFile) != std::string::npos});
      }
    }
    return;
  }
  for (std::string& word : choices_in(type))
    verb.words.push_back(std::move(word));
}

CompletedVerb completed_below(const CLI::App& app, const std::string& path) {
  CompletedVerb verb{path, first_line(app.get_description()), {}, {}, {}};
  for (const CLI::Option* const option : app.get_options()) {
    if (!option->get_group().empty()) add_option(verb, *option);
  }
  for (const CLI::App* const below : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    verb.below.push_back(completed_below(*below, path.empty() ? below->get_name() : path + " " + below->get_name()));
  return verb;
}

/// The verb itself and all below it, each before those below it.
void flatten(const CompletedVerb& verb, std::vector<const CompletedVerb*>& all) {
  all.push_back(&verb);
  for (const CompletedVerb& below : verb.below)
    flatten(below, all);
}

std::string last_word(const std::string& path) {
  return path.substr(path.rfind(' ') + 1);
}

/// Text inside single quotes of a POSIX shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::vector<CompletedOption> options_at(const CompletedVerb& root, const CompletedVerb& verb) {
  std::vector<CompletedOption> all = verb.options;
  if (&verb == &root) return all;
  for (const CompletedOption& option : root.options) {
    const bool own = std::ranges::any_of(all, [&](const CompletedOption& one) { return one.name == option.name; });
    if (!own) all.push_back(option);
  }
  return all;
}

/// "'keys') ..." for each verb that has verbs below it: how the words that were written become a path.
std::string known_paths(const std::vector<const CompletedVerb*>& all, std::string_view separator) {
  std::vector<std::string> paths;
  for (const CompletedVerb* const verb : all)
    if (!verb->path.empty()) paths.push_back(in_quotes(verb->path));
  return fmt::format("{}", fmt::join(paths, separator));
}

std::string bash_script(const CompletedVerb& root, const std::vector<const CompletedVerb*>& all) {
  std::string out =
      "# bash completion of surveysync; made by `surveysync completions bash`\n_surveysync() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path= words= i\n"
      "  [ \"$cur\" = = ] && cur=\n"
      "  [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"${path:+$path }${COMP_WORDS[i]}\" in\n      ";
  out += known_paths(all, "|") + ") path=\"${path:+$path }${COMP_WORDS[i]}\" ;;\n    esac\n  done\n";
  out += "  case \"$path:$before\" in\n";
  for (const CompletedVerb* const verb : all) {
    for (const CompletedOption& option : options_at(root, *verb)) {
      if (!option.takes_value) continue;
      const std::string what =
          option.takes_file        ? "COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null"
          : option.choices.empty() ? "COMPREPLY=()"
                                   : fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))",
                                                 in_quotes(fmt::format("{}", fmt::join(option.choices, " "))));
      out += fmt::format("    {}) {}; return ;;\n", in_quotes(verb->path + ":" + option.name), what);
    }
  }
  out += "  esac\n  case \"$path\" in\n";
  for (const CompletedVerb* const verb : all) {
    std::vector<std::string> words = verb->words;
    for (const CompletedVerb& below : verb->below)
      words.push_back(last_word(below.path));
    for (const CompletedOption& option : options_at(root, *verb))
      words.push_back(option.name);
    out += fmt::format("    {}) words={} ;;\n", in_quotes(verb->path),
                       in_quotes(fmt::format("{}", fmt::join(words, " "))));
  }
  out += "  esac\n";
  // Flags are offered when they are asked for, or where nothing else can stand.
  out += "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n";
  out +=
      "  if [ -z \"$cur\" ]; then\n    local word; local -a verbs=()\n    for word in \"${COMPREPLY[@]}\"; do\n"
      "      [[ $word == -* ]] || verbs+=(\"$word\")\n    done\n"
      "    [ ${#verbs[@]} -eq 0 ] || COMPREPLY=(\"${verbs[@]}\")\n  fi\n}\n";
  return out + "complete -F _surveysync surveysync\n";
}

/// name:help for zsh's _describe.
std::string described(std::string_view name, std::string_view help) {
  std::string text;
  for (const char c : name)
    text += c == ':' ? "\\:" : std::string(1, c);
  return in_quotes(text + ":" + std::string(help));
}

std::string zsh_script(const CompletedVerb& root, const std::vector<const CompletedVerb*>& all) {
  std::string out =
      "#compdef surveysync\n# zsh completion of surveysync; made by `surveysync completions zsh`\n_surveysync() {\n"
      "  local at= before=${words[CURRENT-1]} i\n  local -a verbs flags values\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n    case \"${at:+$at }${words[i]}\" in\n      ";
  out += known_paths(all, "|") + ") at=\"${at:+$at }${words[i]}\" ;;\n    esac\n  done\n";
  out += "  case \"$at:$before\" in\n";
  for (const CompletedVerb* const verb : all) {
    for (const CompletedOption& option : options_at(root, *verb)) {
      if (!option.takes_value) continue;
      const std::string what = option.takes_file        ? "_files"
                               : option.choices.empty() ? "_message " + in_quotes(option.help)
                                                        : fmt::format("compadd -- {}", fmt::join(option.choices, " "));
      out += fmt::format("    {}) {}; return ;;\n", in_quotes(verb->path + ":" + option.name), what);
    }
  }
  out += "  esac\n  case \"$at\" in\n";
  for (const CompletedVerb* const verb : all) {
    out += fmt::format("    {})\n      verbs=(", in_quotes(verb->path));
    for (const std::string& word : verb->words)
      out += " " + in_quotes(word);
    for (const CompletedVerb& below : verb->below)
      out += " " + described(last_word(below.path), below.help);
    out += ")\n      flags=(";
    for (const CompletedOption& option : options_at(root, *verb))
      out += " " + described(option.name, option.help);
    out += ") ;;\n";
  }
  out += "  esac\n  (( ${#verbs} )) && _describe -t commands verb verbs\n  _describe -t options -o flag flags\n}\n";
  // Both as a file of $fpath and sourced.
  return out +
         "if [ \"${funcstack[1]}\" = _surveysync ]; then _surveysync \"$@\"; else compdef _surveysync surveysync; fi\n";
}

std::string fish_script(const CompletedVerb& root, const std::vector<const CompletedVerb*>& all) {
  std::string out =
      "# fish completion of surveysync; made by `surveysync completions fish`\nfunction __surveysync_at\n"
      "  set -l at ''\n  for word in (commandline -opc)[2..-1]\n    switch (string trim -- \"$at $word\")\n      case ";
  out += known_paths(all, " ") +
         "\n        set at (string trim -- \"$at $word\")\n    end\n  end\n"
         "  test \"$at\" = \"$argv[1]\"\nend\ncomplete -c surveysync -f\n";
  for (const CompletedVerb* const verb : all) {
    const std::string here =
        fmt::format("complete -c surveysync -n {}", in_quotes(fmt::format("__surveysync_at \"{}\"", verb->path)));
    for (const CompletedVerb& below : verb->below)
      out += fmt::format("{} -a {} -d {}\n", here, in_quotes(last_word(below.path)), in_quotes(below.help));
    for (const std::string& word : verb->words)
      out += fmt::format("{} -a {}\n", here, in_quotes(word));
    for (const CompletedOption& option : options_at(root, *verb)) {
      const bool is_long = option.name.starts_with("--");
      std::string line = fmt::format("{} -{} {} -d {}", here, is_long ? "l" : "s", option.name.substr(is_long ? 2 : 1),
                                     in_quotes(option.help));
      if (option.takes_file)
        line += " -r -F";
      else if (option.takes_value)
        line += option.choices.empty()
                    ? " -x"
                    : fmt::format(" -x -a {}", in_quotes(fmt::format("{}", fmt::join(option.choices, " "))));
      out += line + "\n";
    }
  }
  return out;
}

}  // namespace

CompletedVerb completed(const CLI::App& app) {
  return completed_below(app, "");
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const CompletedVerb root = completed(app);
  std::vector<const CompletedVerb*> all;
  flatten(root, all);
  if (shell == "bash") return bash_script(root, all);
  if (shell == "zsh") return zsh_script(root, all);
  if (shell == "fish") return fish_script(root, all);
  throw Error(ErrorKind::config, fmt::format("there are no completions for \"{}\"", shell), "bash, zsh or fish");
}

}  // namespace surveysync::app
