#pragma once
// Numbers, times and tables as people read them. Pure, but for the width that a terminal reports.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace surveysync::app {

/// "1,234,567".
std::string grouped(std::int64_t number);
/// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "9 d 3 h".
std::string spoken(Duration time);
/// "3 min ago", "in 5 s" for a time ahead, "never" for none.
std::string ago(const std::optional<UtcTime>& time, UtcTime now);
/// "2026-11-21 18:57:00".
std::string moment(const std::optional<UtcTime>& time);
/// "process 25453 on vm": a process as it stands in leases and markers; another text stays as it is.
std::string spoken_process(const std::string& identity);
/// `text` as one word of a shell.
std::string shell_word(const std::string& text);
/// How many columns a text takes on a terminal (UTF-8 characters; wide ones count two).
std::size_t columns_of(std::string_view text);
/// Cut to `columns` with an ellipsis.
std::string shortened(std::string_view text, std::size_t columns);

/// Rows under headings, columns aligned, two blanks between them.
class TextTable {
 public:
  enum class Align { left, right };
  struct Heading {
    std::string title;
    Align align = Align::left;
  };
  explicit TextTable(std::vector<Heading> headings) : headings_(std::move(headings)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// Lines with a newline each; `indent` blanks before each.
  std::string text(std::size_t indent = 0) const;

 private:
  std::vector<Heading> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace surveysync::app
