#pragma once
// A table of the status page: caption, headings with scope, the first cell of a row as its heading. On a phone a
// stacked table becomes one block a row, each cell under its label; the roles are written out, since that would cost
// them their meaning for screen readers. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace surveysync::report {

class HtmlTable {
 public:
  struct Column {
    std::string_view label;
    bool number = false;  ///< right-aligned
  };
  /// `style`: "stack", "stack three", or "" for a table that is narrow anyway. `caption` is text, read aloud only.
  HtmlTable(std::string_view caption, std::string_view style, std::vector<Column> columns);
  /// HTML, one a column.
  void add(const std::vector<std::string>& cells);
  std::string text() const { return text_ + "</tbody></table>"; }

 private:
  std::vector<Column> columns_;
  std::string text_;
};

}  // namespace surveysync::report
