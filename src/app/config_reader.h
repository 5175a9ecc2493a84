#pragma once
// Reads one table of the configuration tree key by key: type, unit and range are checked, mistakes are collected with
// their place, every effective value is noted with its origin. What was never asked for is an unknown key. Used by
// config.cpp and config_source.cpp only. Nothing throws but `raise`.

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/config_tree.h"

namespace surveysync::app {

/// What all sections of one reading share.
struct ConfigReading {
  std::vector<ConfigMistake> mistakes;
  std::vector<Config::Setting> settings;

  void add(const ConfigOrigin& origin, std::string text) { mistakes.push_back({origin, std::move(text)}); }
  /// Throws Error(config) with every mistake in the order of their places; returns when there are none.
  void raise() const;
};

class ConfigSection {
 public:
  /// `node` null: the table is absent, all defaults. `parent` is where a missing key is reported then.
  ConfigSection(const ConfigNode* node, std::string path, const ConfigOrigin& parent, ConfigReading& reading);

  bool has(std::string_view key) const { return node_ != nullptr && node_->find(key) != nullptr; }
  const ConfigOrigin& origin() const { return origin_; }
  const ConfigOrigin& origin_of(std::string_view key) const;
  const std::string& path() const { return path_; }
  /// Reports a mistake at `key`, or at the section where the key is absent.
  void mistake(std::string_view key, const std::string& text);

  /// Says what is wrong with a text; empty when nothing is.
  using TextCheck = std::function<std::string(std::string_view)>;
  void text(std::string_view key, std::string& value, const TextCheck& check = {});
  /// A text that settings show otherwise than it is.
  void masked_text(std::string_view key, std::string& value, const std::function<std::string(std::string_view)>& show);
  void one_of(std::string_view key, std::string& value, const std::vector<std::string>& allowed);
  /// A reference to a secret.
  void reference(std::string_view key, std::string& value);
  void integer(std::string_view key, int& value, int least, int most);
  void truth(std::string_view key, bool& value);
  void duration(std::string_view key, Duration& value, Duration least, Duration most);
  void durations(std::string_view key, std::vector<Duration>& value);
  void size(std::string_view key, std::size_t& value, std::size_t least, std::size_t most);
  /// A list of texts or integers, as texts.
  void texts(std::string_view key, std::vector<std::string>& value, const TextCheck& check = {});
  /// Text, number or list of any key (free settings), as text.
  std::string scalar(std::string_view key);

  ConfigSection table(std::string_view key);
  /// All keys of the section, in the order of their places.
  std::vector<std::string> keys() const;
  /// Reports keys that were not asked for.
  void finish();

 private:
  const ConfigNode* ask(std::string_view key);
  void note(std::string_view key, std::string shown);
  std::string full(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }

  const ConfigNode* node_;
  std::string path_;
  ConfigOrigin origin_;
  ConfigReading& reading_;
  std::vector<std::string> asked_;
};

}  // namespace surveysync::app
