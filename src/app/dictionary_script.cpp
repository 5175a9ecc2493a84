#include "app/dictionary_script.h"

#include "base/json.h"

namespace surveysync::app {

std::vector<ScriptColumn> script_columns(const std::vector<store::DictionaryRow>& rows) {
  std::vector<ScriptColumn> columns;
  for (const store::DictionaryRow& row : rows) {
    ScriptColumn column{row.variable, row.type, row.title, {}};
    if (!row.labels.empty()) {
      json::Document document;
      const json::Value labels = document.parse_copy(row.labels);
      for (const json::Value& label : labels.items())
        column.labels.push_back({std::string(label["value"].text()), std::string(label["label"].text())});
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

std::string csv_field(const std::optional<std::string>& value) {
  if (!value) return {};
  const bool plain = !value->empty() && value->find_first_of(",\"\r\n") == std::string::npos && value->front() != ' ' &&
                     value->back() != ' ';
  if (plain) return *value;
  std::string quoted = "\"";
  for (const char c : *value) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + "\"";
}

std::string one_line(std::string_view text, std::size_t most) {
  if (text.size() > most) {
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    text = text.substr(0, end);
  }
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

}  // namespace surveysync::app
