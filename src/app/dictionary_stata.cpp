// Stata: everything is read as text first, since its guesses of types depend on the data.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "app/dictionary_script.h"

namespace surveysync::app {
namespace {

// Stata's own limits, in bytes.
constexpr std::size_t kName = 32, kLabel = 80, kValueLabel = 2000;
// Numbers that can have a label.
constexpr std::int64_t kLeastCode = -2'147'483'647, kMostCode = 2'147'483'620;
constexpr std::size_t kNamesOnALine = 8;

/// Between `" and "'. Macros are not expanded, and quotes cannot end it.
std::string literal(std::string_view text, std::size_t most) {
  std::string out = "`\"";
  for (const char c : one_line(text, most)) {
    if (c == '"') {
      out += '\'';
      continue;
    }
    if (c == '`' || c == '$' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"'";
}

/// An expression whose value is the text: a quote within quotes would end them.
std::string text_expression(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('"', begin), text.size());
    if (!out.empty()) out += " + char(34) + ";
    out += literal(text.substr(begin, end - begin), kValueLabel);
    begin = end + 1;
  }
  return out;
}

bool can_be_labelled(const std::string& code) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
  return error == std::errc() && end == code.data() + code.size() && number >= kLeastCode && number <= kMostCode;
}

class Names {
 public:
  /// At most 32 bytes, unique.
  std::string take(const std::string& wish) {
    std::string name = one_line(wish, kName);
    for (int number = 2; !taken_.insert(name).second; ++number) {
      const std::string mark = fmt::format("_{}", number);
      name = one_line(wish, kName - mark.size()) + mark;
    }
    return name;
  }

 private:
  std::set<std::string> taken_;
};

std::string typed(const ScriptColumn& column, const std::string& name) {
  if (column.is_number() || column.type == "boolean") return fmt::format("destring {}, replace\n", name);
  const auto dated = [&](const char* function, const char* mask, const char* format) {
    return fmt::format(
        "generate double __new = {1}({0}, \"{2}\")\norder __new, after({0})\ndrop {0}\nrename __new {0}\n"
        "format {0} {3}\n",
        name, function, mask, format);
  };
  if (column.type == "timestamptz") return dated("clock", "YMDhms", "%tc");
  if (column.type == "date") return dated("date", "YMD", "%td");
  return {};
}

std::string labelled(const ScriptColumn& column, const std::string& name, std::size_t number, Names& names) {
  const std::string set = fmt::format("labels_{}", number);
  std::string text;
  if (column.type == "boolean") {
    return fmt::format("label define {} 0 `\"no\"' 1 {}\nlabel values {} {}\n", set,
                       literal(column.labels.front().text, kValueLabel), name, set);
  }
  if (column.is_number()) {
    for (const ScriptLabel& label : column.labels) {
      text +=
          fmt::format("{}label define {} {} {}, add\n", can_be_labelled(label.value) ? "" : "* too large for it: ", set,
                      label.value, literal(label.text, kValueLabel));
    }
    const bool any = std::ranges::any_of(column.labels, can_be_labelled, &ScriptLabel::value);
    return any ? text + fmt::format("label values {} {}\n", name, set) : text;
  }
  // Texts have no value labels: a number beside it has them.
  const std::string coded = names.take(name + "_n");
  text = fmt::format("generate long {} = .\norder {}, after({})\n", coded, coded, name);
  std::size_t code = 0;
  for (const ScriptLabel& label : column.labels) {
    ++code;
    text += fmt::format("replace {} = {} if {} == {}\nlabel define {} {} {}, add\n", coded, code, name,
                        text_expression(label.value), set, code, literal(label.text, kValueLabel));
  }
  return text +
         fmt::format("label values {0} {1}\nlabel variable {0} {2}\n", coded, set, literal(column.title, kLabel));
}

/// All at once: one after the other, a name could be that of a column whose turn comes later.
std::string rename_all(const std::vector<std::string>& names) {
  std::string before, after;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const char* const gap = i == 0 ? "" : i % kNamesOnALine == 0 ? " ///\n  " : " ";
    before += fmt::format("{}v{}", gap, i + 1);
    after += gap + names[i];
  }
  return fmt::format("rename ({}) ///\n  ({})\n", before, after);
}

}  // namespace

std::string stata_script(const std::string& table, const std::vector<ScriptColumn>& columns) {
  std::string text = fmt::format(
      "* Reads {0}.csv with its labels: do {0}.do in the folder of both files. Stata 14 or later.\n"
      "version 14\n"
      "import delimited using \"{0}.csv\", clear varnames(nonames) rowrange(2:) stringcols(_all) bindquote(strict) "
      "encoding(\"utf-8\")\n",
      table);
  Names names;
  std::vector<std::string> taken;
  std::string body;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string name = names.take(columns[i].name);
    taken.push_back(name);
    body += typed(columns[i], name);
    body += fmt::format("label variable {} {}\n", name, literal(columns[i].title, kLabel));
    if (name != columns[i].name)
      body += fmt::format("notes {}: {}\n", name, literal("column " + columns[i].name, kValueLabel));
    if (!columns[i].labels.empty()) body += labelled(columns[i], name, i + 1, names);
  }
  return text + rename_all(taken) + body + fmt::format("save \"{}.dta\", replace\n", table);
}

}  // namespace surveysync::app
