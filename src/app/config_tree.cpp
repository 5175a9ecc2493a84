#include "app/config_tree.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "base/error.h"

extern char** environ;  // POSIX: declared by nobody

namespace surveysync::app {
namespace {

constexpr std::string_view kPrefix = "SURVEYSYNC__";

ConfigOrigin origin_of(const toml::source_region& region, const std::string& place, int order) {
  return {place, order, region.begin.line, region.begin.column};
}

/// Copies what toml++ read, so that nothing beyond this file knows its types.
ConfigNode convert(const toml::node& node, const std::string& place, int order) {
  ConfigNode result;
  result.origin = origin_of(node.source(), place, order);
  if (const auto* table = node.as_table()) {
    for (const auto& [key, value] : *table) {
      ConfigMember member{std::string(key.str()), convert(value, place, order)};
      // Of a setting the place of its key is the place of a mistake; headers of tables keep theirs.
      if (key.source().begin.line != 0) member.value.origin = origin_of(key.source(), place, order);
      result.members.push_back(std::move(member));
    }
    std::sort(result.members.begin(), result.members.end(), [](const ConfigMember& one, const ConfigMember& two) {
      const ConfigOrigin &a = one.value.origin, &b = two.value.origin;
      return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
  } else if (const auto* array = node.as_array()) {
    result.kind = ConfigNode::Kind::array;
    for (const toml::node& item : *array)
      result.items.push_back(convert(item, place, order));
  } else if (const auto* text = node.as_string()) {
    result.kind = ConfigNode::Kind::text;
    result.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    result.kind = ConfigNode::Kind::integer;
    result.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    result.kind = ConfigNode::Kind::real;
    result.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    result.kind = ConfigNode::Kind::boolean;
    result.boolean = boolean->get();
  } else {
    result.kind = ConfigNode::Kind::date;
  }
  return result;
}

std::string read_text(const std::string& file) {
  const std::ifstream stream(file, std::ios::binary);
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) {
    throw Error(ErrorKind::config, fmt::format("configuration file {} cannot be read: it is a directory", file),
                "name the file in it, like surveysync.toml");
  }
  if (!stream) {
    throw Error(ErrorKind::config, fmt::format("configuration file {} cannot be read: {}", file, std::strerror(errno)),
                "name another one with --config FILE; surveysync.example.toml shows every setting");
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The tree of one file; an empty table and a mistake when it is no TOML.
ConfigNode parse_text(const std::string& text, const std::string& place, int order,
                      std::vector<ConfigMistake>& mistakes) {
  try {
    return convert(toml::parse(text, std::string_view(place)), place, order);
  } catch (const toml::parse_error& failure) {
    mistakes.push_back({origin_of(failure.source(), place, order), std::string(failure.description())});
    return {};
  }
}

void merge(ConfigNode& into, ConfigNode&& later) {
  if (into.kind != ConfigNode::Kind::table || later.kind != ConfigNode::Kind::table) {
    into = std::move(later);
    return;
  }
  for (ConfigMember& member : later.members) {
    const auto found = std::find_if(into.members.begin(), into.members.end(),
                                    [&](const ConfigMember& known) { return known.key == member.key; });
    if (found == into.members.end()) {
      into.members.push_back(std::move(member));
    } else {
      merge(found->value, std::move(member.value));
    }
  }
}

std::vector<std::string> split_path(std::string_view text) {
  std::vector<std::string> path;
  while (true) {
    const std::size_t end = text.find("__");
    std::string part(text.substr(0, end));
    std::transform(part.begin(), part.end(), part.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    path.push_back(std::move(part));
    if (end == std::string_view::npos) return path;
    text.remove_prefix(end + 2);
  }
}

}  // namespace

std::string ConfigOrigin::text() const {
  return line == 0 ? place : fmt::format("{}:{}:{}", place, line, column);
}

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const ConfigMember& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

ConfigNode read_files(const std::string& file, std::vector<ConfigMistake>& mistakes) {
  namespace fs = std::filesystem;
  ConfigNode root = parse_text(read_text(file), file, 0, mistakes);
  root.origin = {file, 0, 1, 1};
  std::vector<std::string> more;
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(file).parent_path() / "conf.d", failure)) {
    if (entry.path().extension() == ".toml") more.push_back(entry.path().string());
  }
  std::sort(more.begin(), more.end());
  int order = 0;
  for (const std::string& name : more)
    merge(root, parse_text(read_text(name), name, ++order, mistakes));
  root.origin = {file, 0, 1, 1};
  return root;
}

void overlay_environment(ConfigNode& root, std::vector<ConfigMistake>& mistakes) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).starts_with(kPrefix)) variables.emplace_back(*variable);
  }
  std::sort(variables.begin(), variables.end());
  for (const std::string& variable : variables) {
    const std::size_t equals = variable.find('=');
    const std::string name = variable.substr(0, equals);
    const ConfigOrigin origin{"environment " + name, 1 << 20, 0, 0};
    const std::vector<std::string> path = split_path(std::string_view(name).substr(kPrefix.size()));
    if (std::find(path.begin(), path.end(), "") != path.end()) {
      mistakes.push_back({origin, "the name must be SURVEYSYNC__SECTION__KEY"});
      continue;
    }
    ConfigNode node;
    node.kind = ConfigNode::Kind::raw;
    node.text = variable.substr(equals + 1);
    node.origin = origin;
    for (auto part = path.rbegin(); part != path.rend(); ++part) {
      ConfigNode table;
      table.origin = origin;
      table.members.push_back({*part, std::move(node)});
      node = std::move(table);
    }
    const ConfigOrigin before = root.origin;
    merge(root, std::move(node));
    root.origin = before;
  }
}

std::vector<ConfigNode> parse_list(const ConfigNode& raw) {
  std::vector<ConfigNode> items;
  if (raw.text.starts_with('[')) {
    try {
      ConfigNode table = convert(toml::parse("list = " + raw.text), raw.origin.place, raw.origin.order);
      if (const ConfigNode* list = table.find("list"); list != nullptr) items = list->items;
    } catch (const toml::parse_error&) {
      // An unreadable list is handed on as one text, which its reader refuses by its content.
      items.push_back(raw);
    }
  } else {
    std::string_view rest = raw.text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      ConfigNode item = raw;
      item.text = std::string(rest.substr(0, end));
      items.push_back(std::move(item));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  for (ConfigNode& item : items)
    item.origin = raw.origin;
  return items;
}

}  // namespace surveysync::app
