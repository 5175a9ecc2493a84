// R: base R alone, in any locale.
#include <fmt/format.h>

#include "app/dictionary_script.h"

namespace surveysync::app {
namespace {

constexpr std::size_t kLongest = 4000;

/// All but ASCII escaped, so that the script means the same in every locale.
std::string literal(std::string_view text) {
  std::string out = "\"";
  const std::string line = one_line(text, kLongest);
  for (std::size_t at = 0; at < line.size();) {
    const auto lead = static_cast<unsigned char>(line[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (size == 1) {
      if (line[at] == '"' || line[at] == '\\') out += '\\';
      out += line[at];
    } else {
      std::uint32_t code = lead & (0x7FU >> size);
      for (std::size_t i = 1; i < size && at + i < line.size(); ++i)
        code = code << 6U | (static_cast<unsigned char>(line[at + i]) & 0x3FU);
      out += fmt::format("\\U{{{:x}}}", code);
    }
    at += size;
  }
  return out + "\"";
}

std::string column_class(const ScriptColumn& column) {
  if (column.is_number() || column.type == "boolean") return "numeric";
  return column.type == "date" ? "Date" : "character";
}

std::string joined(const std::string& before, const std::string& next) {
  return before.empty() ? next : before + ", " + next;
}

std::string labelled(const ScriptColumn& column) {
  std::string values, texts;
  for (const ScriptLabel& label : column.labels) {
    values = joined(values, column.is_number() ? label.value : literal(label.value));
    texts = joined(texts, literal(label.text));
  }
  return fmt::format("data[[{0}]] <- coded(data[[{0}]], c({1}),\n  c({2}))\n", literal(column.name), values, texts);
}

}  // namespace

std::string r_script(const std::string& table, const std::vector<ScriptColumn>& columns) {
  std::string classes, names, body;
  for (const ScriptColumn& column : columns) {
    const std::string name = literal(column.name);
    classes += fmt::format("{}\"{}\"", classes.empty() ? "" : ", ", column_class(column));
    names = joined(names, name);
    if (column.type == "boolean") body += fmt::format("data[[{0}]] <- data[[{0}]] == 1\n", name);
    if (column.type == "timestamptz")
      body +=
          fmt::format("data[[{0}]] <- as.POSIXct(data[[{0}]], format = \"%Y-%m-%d %H:%M:%S\", tz = \"UTC\")\n", name);
    if (column.type != "boolean" && !column.labels.empty()) body += labelled(column);
    body += fmt::format("attr(data[[{}]], \"label\") <- {}\n", name, literal(column.title));
  }
  return fmt::format(
      "# Reads {0}.csv with its labels into `data`: Rscript {0}.R, or source(\"{0}.R\") in the folder of both files.\n"
      "here <- sub(\"^--file=\", \"\", grep(\"^--file=\", commandArgs(FALSE), value = TRUE))\n"
      "here <- if (length(here) > 0) dirname(here[1]) else \".\"\n"
      "# A factor in the order of the options; a value that is none of them keeps its text.\n"
      "coded <- function(x, values, labels) {{\n"
      "  more <- setdiff(unique(x[!is.na(x)]), values)\n"
      "  factor(x, levels = c(values, more), labels = make.unique(c(labels, as.character(more))))\n"
      "}}\n"
      "data <- read.csv(file.path(here, \"{0}.csv\"), na.strings = \"\", encoding = \"UTF-8\", check.names = FALSE,\n"
      "  colClasses = c({1}))\n"
      "names(data) <- c({2})\n"
      "{3}"
      "saveRDS(data, file.path(here, \"{0}.rds\"))\n",
      table, classes, names, body);
}

}  // namespace surveysync::app
