// SPSS syntax, in the part of it that PSPP runs too.
#include <fmt/format.h>

#include <algorithm>

#include "app/dictionary_script.h"

namespace surveysync::app {
namespace {

// SPSS's own limits, in bytes.
// Lines longer than 256 bytes are cut by some versions: long literals have lines of their own.
constexpr std::size_t kLabel = 240, kValueLabel = 120, kText = 32767;

std::string literal(std::string_view text, std::size_t most) {
  std::string out = "'";
  for (const char c : one_line(text, most)) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::size_t width_of(const ScriptColumn& column) {
  std::size_t width = std::max<std::size_t>(1, column.width);
  for (const ScriptLabel& label : column.labels)
    width = std::max(width, label.value.size());
  return std::min(width, kText);
}

std::string format_of(const ScriptColumn& column) {
  if (column.is_number()) return "F20.0";
  if (column.type == "boolean") return "F1.0";
  if (column.type == "timestamptz") return "YMDHMS19";
  if (column.type == "date") return "SDATE10";
  return fmt::format("A{}", width_of(column));
}

std::string value_labels(const ScriptColumn& column) {
  std::string text = " " + column.name;
  if (column.type == "boolean")
    return fmt::format("{} 0 'no' 1 {}", text, literal(column.labels.front().text, kValueLabel));
  for (const ScriptLabel& label : column.labels) {
    const std::string value = column.is_number() ? label.value : literal(label.value, kText);
    text += fmt::format("\n    {} {}", value, literal(label.text, kValueLabel));
  }
  return text;
}

}  // namespace

std::string spss_script(const std::string& table, const std::vector<ScriptColumn>& columns) {
  std::string text = fmt::format(
      "* Reads {0}.csv with its labels: SPSS, or pspp {0}.sps in the folder of both files.\n"
      "GET DATA /TYPE=TXT /FILE='{0}.csv' /ENCODING='UTF8' /ARRANGEMENT=DELIMITED /DELIMITERS=\",\"\n"
      "  /QUALIFIER='\"' /FIRSTCASE=2 /VARIABLES=\n",
      table);
  std::string variables, values, numbers;
  for (const ScriptColumn& column : columns) {
    text += fmt::format("  {} {}\n", column.name, format_of(column));
    variables +=
        fmt::format("{}{}\n    {}", variables.empty() ? " " : "\n  /", column.name, literal(column.title, kLabel));
    if (!column.labels.empty()) values += fmt::format("{}{}", values.empty() ? "" : "\n  /", value_labels(column));
    if (column.type == "numeric") numbers += " " + column.name;
  }
  text += ".\nVARIABLE LABELS" + variables + ".\n";
  if (!values.empty()) text += "VALUE LABELS" + values + ".\n";
  if (!numbers.empty()) text += "FORMATS" + numbers + " (F20.4).\n";
  return text + fmt::format("EXECUTE.\nSAVE OUTFILE='{}.sav'.\n", table);
}

}  // namespace surveysync::app
