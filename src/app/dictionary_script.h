#pragma once
// Scripts by which statistics programs read a wide table's CSV file with its labels: SPSS (and PSPP), Stata, R. Pure
// text; the data itself is never in it. Titles and labels of vendors are quoted for each language here.

#include <cstddef>
#include <string>
#include <vector>

#include "store/dictionary.h"

namespace surveysync::app {

/// One value and what it means.
struct ScriptLabel {
  std::string value, text;
};

/// A column as a script sees it.
struct ScriptColumn {
  std::string name, type, title;  ///< type: of SQL
  std::vector<ScriptLabel> labels;
  std::size_t width = 1;  ///< bytes of its longest text

  bool is_number() const { return type == "bigint" || type == "integer" || type == "numeric"; }
  bool is_text() const { return type == "text"; }
};

/// `rows` of one table with labels parsed. Throws Error(malformed) for labels that are no JSON.
std::vector<ScriptColumn> script_columns(const std::vector<store::DictionaryRow>& rows);

/// `table`: names the files TABLE.csv, and TABLE.sav, TABLE.dta, TABLE.rds that the script writes.
std::string spss_script(const std::string& table, const std::vector<ScriptColumn>& columns);
std::string stata_script(const std::string& table, const std::vector<ScriptColumn>& columns);
std::string r_script(const std::string& table, const std::vector<ScriptColumn>& columns);

/// One field of a CSV file: quoted where it has to be. Nothing: an empty field; an empty text: "".
std::string csv_field(const std::optional<std::string>& value);

/// At most `most` bytes of UTF-8, never within a character, control characters as blanks.
std::string one_line(std::string_view text, std::size_t most);

}  // namespace surveysync::app
