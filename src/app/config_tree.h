#pragma once
// The raw configuration: TOML files and environment variables merged into one tree whose every node knows where it
// stands. Hides toml++. Knows nothing about the meaning of keys; config_reader.h reads it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync::app {

/// Where a value was written.
struct ConfigOrigin {
  std::string place;                   ///< a file's path, or "environment SURVEYSYNC__..."
  int order = 0;                       ///< of reading: later places have higher numbers
  std::uint32_t line = 0, column = 0;  ///< from 1; 0 for the environment
  /// "surveysync.toml:12:3".
  std::string text() const;
};

struct ConfigMember;

struct ConfigNode {
  enum class Kind : std::uint8_t { table, array, text, integer, real, boolean, date, raw };
  Kind kind = Kind::table;  ///< raw: text from the environment whose type its reader decides
  std::string text;         ///< of text and raw
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<ConfigMember> members;  ///< of a table, in the order of their places
  std::vector<ConfigNode> items;      ///< of an array
  ConfigOrigin origin;

  /// Null when there is none.
  const ConfigNode* find(std::string_view key) const;
};

struct ConfigMember {
  std::string key;
  ConfigNode value;
};

struct ConfigMistake {
  ConfigOrigin origin;
  std::string text;
};

/// Reads `file`, then conf.d/*.toml beside it in the order of their names; later values win, tables are merged. Files
/// that are not TOML become mistakes. Throws Error(config) when `file` itself cannot be read.
ConfigNode read_files(const std::string& file, std::vector<ConfigMistake>& mistakes);

/// Lays SURVEYSYNC__SECTION__KEY variables of the process environment over `root`.
void overlay_environment(ConfigNode& root, std::vector<ConfigMistake>& mistakes);

/// The array that a TOML text like `["a", 1]` is; a text without brackets is split at commas.
std::vector<ConfigNode> parse_list(const ConfigNode& raw);

}  // namespace surveysync::app
