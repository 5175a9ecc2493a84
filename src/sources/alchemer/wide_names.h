#pragma once
// Names for columns: from what authors and respondents read, made so that SQL, SPSS, Stata and R take them without
// quotes, unique, and below PostgreSQL's limit by construction. Pure; one thread.

#include <set>
#include <string>
#include <string_view>

namespace surveysync::sources::alchemer {

/// The longest name in bytes: PostgreSQL cuts at 63.
inline constexpr std::size_t kLongestName = 62;

/// `text` as part of a name, at most `most` bytes: ASCII letters small, letters and digits of all scripts kept,
/// anything else one underscore between them. Never cut within a character; no underscore at its ends. Empty when
/// nothing is left.
std::string name_part(std::string_view text, std::size_t most);

/// Whether a program that reads the tables means something else by the word.
bool is_reserved(std::string_view name);

/// The names of one wide table, all different.
class WideNames {
 public:
  /// `taken`: names that are used already.
  explicit WideNames(std::set<std::string> taken) : taken_(std::move(taken)) {}
  /// `stem` if it is free and may be used alone, else with `mark` (an id) behind it, else with a number more.
  std::string take(const std::string& stem, const std::string& mark);
  /// `stem_mark`, the stem cut where it has to be.
  static std::string marked(std::string_view stem, const std::string& mark);

 private:
  bool claim(const std::string& name);
  std::set<std::string> taken_;  // in small letters
};

}  // namespace surveysync::sources::alchemer
