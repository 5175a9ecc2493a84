#include "app/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "app/config_values.h"
#include "app/suggest.h"
#include "base/error.h"
#include "base/secret.h"

namespace surveysync::app {
namespace {

using Kind = ConfigNode::Kind;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::table:
      return "a table";
    case Kind::array:
      return "a list";
    case Kind::text:
      return "a text";
    case Kind::integer:
      return "a number without a unit";
    case Kind::real:
      return "a number with a fraction";
    case Kind::boolean:
      return "true or false";
    case Kind::date:
      return "a date";
    case Kind::raw:
      return "a text";
  }
  return "";
}

bool is_text(const ConfigNode& node) {
  return node.kind == Kind::text || node.kind == Kind::raw;
}

std::optional<std::int64_t> as_integer(const ConfigNode& node) {
  if (node.kind == Kind::integer) return node.integer;
  if (node.kind != Kind::raw) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, failure] = std::from_chars(node.text.data(), end, number);
  return failure == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

/// A text or an integer as text.
std::optional<std::string> as_word(const ConfigNode& node) {
  if (is_text(node)) return node.text;
  if (node.kind == Kind::integer) return fmt::format("{}", node.integer);
  return std::nullopt;
}

std::vector<ConfigNode> items_of(const ConfigNode& node) {
  return node.kind == Kind::raw ? parse_list(node) : node.items;
}

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

std::string listed(const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (const std::string& word : words)
    result.push_back(quoted(word));
  return fmt::format("[{}]", fmt::join(result, ", "));
}

}  // namespace

void ConfigReading::raise() const {
  if (mistakes.empty()) return;
  std::vector<ConfigMistake> sorted = mistakes;
  std::stable_sort(sorted.begin(), sorted.end(), [](const ConfigMistake& one, const ConfigMistake& two) {
    return std::tie(one.origin.order, one.origin.line, one.origin.column) <
           std::tie(two.origin.order, two.origin.line, two.origin.column);
  });
  std::string text = sorted.size() == 1 ? "the configuration has a mistake:"
                                        : fmt::format("the configuration has {} mistakes:", sorted.size());
  for (const ConfigMistake& mistake : sorted)
    text += fmt::format("\n  {}: {}", mistake.origin.text(), mistake.text);
  throw Error(ErrorKind::config, text,
              "surveysync.example.toml shows every setting; `surveysync config check` reads it again");
}

ConfigSection::ConfigSection(const ConfigNode* node, std::string path, const ConfigOrigin& parent,
                             ConfigReading& reading)
    : node_(node), path_(std::move(path)), origin_(node == nullptr ? parent : node->origin), reading_(reading) {
  if (node_ != nullptr && node_->kind != Kind::table) {
    reading_.add(node_->origin, fmt::format("{} must be a table, not {}", path_, name_of(node_->kind)));
    node_ = nullptr;
  }
}

const ConfigNode* ConfigSection::ask(std::string_view key) {
  asked_.emplace_back(key);
  return node_ == nullptr ? nullptr : node_->find(key);
}

const ConfigOrigin& ConfigSection::origin_of(std::string_view key) const {
  const ConfigNode* const found = node_ == nullptr ? nullptr : node_->find(key);
  return found == nullptr ? origin_ : found->origin;
}

void ConfigSection::mistake(std::string_view key, const std::string& text) {
  reading_.add(origin_of(key), fmt::format("{}: {}", full(key), text));
}

void ConfigSection::note(std::string_view key, std::string shown) {
  std::string origin = has(key) ? origin_of(key).text() : "default";
  reading_.settings.push_back({full(key), std::move(shown), std::move(origin)});
}

void ConfigSection::text(std::string_view key, std::string& value, const TextCheck& check) {
  if (const ConfigNode* const node = ask(key)) {
    if (!is_text(*node)) {
      mistake(key, fmt::format("a text in quotes is expected, not {}", name_of(node->kind)));
      return;
    }
    value = node->text;
    if (const std::string wrong = check && !value.empty() ? check(value) : std::string(); !wrong.empty())
      mistake(key, wrong);
  }
  note(key, quoted(value));
}

void ConfigSection::masked_text(std::string_view key, std::string& value,
                                const std::function<std::string(std::string_view)>& show) {
  text(key, value);
  if (!reading_.settings.empty() && reading_.settings.back().key == full(key)) {
    reading_.settings.back().value = quoted(show(value));
  }
}

void ConfigSection::one_of(std::string_view key, std::string& value, const std::vector<std::string>& allowed) {
  text(key, value, [&](std::string_view given) {
    if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return std::string();
    return fmt::format("\"{}\" is none of {}{}", given, fmt::join(allowed, ", "), did_you_mean(given, allowed));
  });
}

void ConfigSection::reference(std::string_view key, std::string& value) {
  bool sound = true;
  const ConfigNode* const node = node_ == nullptr ? nullptr : node_->find(key);
  std::string shown;
  if (node != nullptr && is_text(*node) && !node->text.empty()) {
    try {
      shown = SecretReference::parse(node->text).display();
    } catch (const Error& failure) {
      sound = false;
      mistake(key, failure.message() + (failure.hint().empty() ? "" : " (" + failure.hint() + ")"));
    }
  }
  // A text that is no reference may be the secret itself: it is not shown.
  masked_text(key, value, [&](std::string_view) { return sound ? shown : std::string("***"); });
}

void ConfigSection::integer(std::string_view key, int& value, int least, int most) {
  if (const ConfigNode* const node = ask(key)) {
    const std::optional<std::int64_t> number = as_integer(*node);
    if (!number) {
      mistake(key, fmt::format("a whole number is expected, not {}", name_of(node->kind)));
      return;
    }
    if (*number < least || *number > most) {
      mistake(key, fmt::format("{} is not between {} and {}", *number, least, most));
      return;
    }
    value = static_cast<int>(*number);
  }
  note(key, fmt::format("{}", value));
}

void ConfigSection::truth(std::string_view key, bool& value) {
  if (const ConfigNode* const node = ask(key)) {
    const bool is_word = node->kind == Kind::raw && (node->text == "true" || node->text == "false");
    if (node->kind != Kind::boolean && !is_word) {
      mistake(key, fmt::format("true or false is expected, not {}", name_of(node->kind)));
      return;
    }
    value = is_word ? node->text == "true" : node->boolean;
  }
  note(key, value ? "true" : "false");
}

void ConfigSection::duration(std::string_view key, Duration& value, Duration least, Duration most) {
  if (const ConfigNode* const node = ask(key)) {
    if (!is_text(*node)) {
      mistake(key, fmt::format("a duration with its unit is expected, like \"45s\" (ms, s, m, h, d), not {}",
                               name_of(node->kind)));
      return;
    }
    const std::optional<Duration> time = parse_duration(node->text);
    if (!time) {
      mistake(key, fmt::format("\"{}\" is no duration: write a whole number and ms, s, m, h or d, like \"45s\"",
                               node->text));
      return;
    }
    if (*time < least || *time > most) {
      mistake(key, fmt::format("\"{}\" is not between {} and {}", node->text, format_duration(least),
                               format_duration(most)));
      return;
    }
    value = *time;
  }
  note(key, quoted(format_duration(value)));
}

void ConfigSection::durations(std::string_view key, std::vector<Duration>& value) {
  if (const ConfigNode* const node = ask(key)) {
    if (node->kind != Kind::array && node->kind != Kind::raw) {
      mistake(key, fmt::format("a list of durations is expected, not {}", name_of(node->kind)));
      return;
    }
    value.clear();
    for (const ConfigNode& item : items_of(*node)) {
      const std::optional<Duration> time = is_text(item) ? parse_duration(item.text) : std::nullopt;
      if (!time || *time <= Duration::zero()) {
        reading_.add(item.origin,
                     fmt::format("{}: every entry must be a duration above zero, like \"70s\"", full(key)));
        return;
      }
      value.push_back(*time);
    }
    if (value.empty()) mistake(key, "at least one duration is needed");
  }
  std::vector<std::string> shown;
  for (const Duration time : value)
    shown.push_back(format_duration(time));
  note(key, listed(shown));
}

void ConfigSection::size(std::string_view key, std::size_t& value, std::size_t least, std::size_t most) {
  if (const ConfigNode* const node = ask(key)) {
    const std::optional<std::size_t> bytes = is_text(*node) ? parse_size(node->text) : std::nullopt;
    if (!bytes) {
      mistake(key, "a size with its unit is expected, like \"64MiB\" (B, KiB, MiB, GiB, kB, MB, GB)");
      return;
    }
    if (*bytes < least || *bytes > most) {
      mistake(key, fmt::format("\"{}\" is not between {} and {}", node->text, format_size(least), format_size(most)));
      return;
    }
    value = *bytes;
  }
  note(key, quoted(format_size(value)));
}

void ConfigSection::texts(std::string_view key, std::vector<std::string>& value, const TextCheck& check) {
  if (const ConfigNode* const node = ask(key)) {
    if (node->kind != Kind::array && node->kind != Kind::raw) {
      mistake(key, fmt::format("a list is expected, not {}", name_of(node->kind)));
      return;
    }
    value.clear();
    for (const ConfigNode& item : items_of(*node)) {
      const std::optional<std::string> word = as_word(item);
      const std::string wrong = !word   ? fmt::format("a text or a number is expected, not {}", name_of(item.kind))
                                : check ? check(*word)
                                        : std::string();
      if (!wrong.empty()) {
        reading_.add(item.origin, fmt::format("{}: {}", full(key), wrong));
      } else {
        value.push_back(*word);
      }
    }
  }
  note(key, listed(value));
}

std::string ConfigSection::scalar(std::string_view key) {
  const ConfigNode* const node = ask(key);
  if (node == nullptr) return {};
  if (node->kind == Kind::boolean) return node->boolean ? "true" : "false";
  if (const std::optional<std::string> word = as_word(*node)) return *word;
  std::vector<std::string> words;
  for (const ConfigNode& item : node->items) {
    if (const std::optional<std::string> word = as_word(item)) words.push_back(*word);
  }
  if (node->kind != Kind::array || words.size() != node->items.size()) {
    mistake(key, fmt::format("a text, a number or a list of them is expected, not {}", name_of(node->kind)));
  }
  return fmt::format("{}", fmt::join(words, ","));
}

ConfigSection ConfigSection::table(std::string_view key) {
  return {ask(key), full(key), origin_, reading_};
}

std::vector<std::string> ConfigSection::keys() const {
  std::vector<std::string> result;
  if (node_ == nullptr) return result;
  for (const ConfigMember& member : node_->members)
    result.push_back(member.key);
  return result;
}

void ConfigSection::finish() {
  if (node_ == nullptr) return;
  for (const ConfigMember& member : node_->members) {
    if (std::find(asked_.begin(), asked_.end(), member.key) != asked_.end()) continue;
    std::string text = path_.empty() ? fmt::format("unknown section [{}]", member.key)
                                     : fmt::format("unknown key \"{}\" in [{}]", member.key, path_);
    reading_.add(member.value.origin, text + did_you_mean(member.key, asked_));
  }
}

}  // namespace surveysync::app
