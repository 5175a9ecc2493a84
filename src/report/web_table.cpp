#include "report/web_table.h"

#include <fmt/format.h>

#include "report/web_words.h"

namespace surveysync::report {

HtmlTable::HtmlTable(std::string_view caption, std::string_view style, std::vector<Column> columns)
    : columns_(std::move(columns)) {
  text_ = fmt::format(
      R"(<table class="{}" role="table"><caption class="hidden">{}</caption><thead role="rowgroup"><tr role="row">)",
      style, html(caption));
  for (const Column& column : columns_)
    text_ += fmt::format(R"(<th scope="col" role="columnheader"{}>{}</th>)", column.number ? R"( class="num")" : "",
                         column.label);
  text_ += R"(</tr></thead><tbody role="rowgroup">)";
}

void HtmlTable::add(const std::vector<std::string>& cells) {
  text_ += R"(<tr role="row">)";
  for (std::size_t at = 0; at < cells.size() && at < columns_.size(); ++at) {
    const Column& column = columns_[at];
    text_ += at == 0 ? fmt::format(R"(<th scope="row" role="rowheader">{}</th>)", cells[at])
                     : fmt::format(R"(<td role="cell" data-label="{}"{}>{}</td>)", column.label,
                                   column.number ? R"( class="num")" : "", cells[at]);
  }
  text_ += "</tr>\n";
}

}  // namespace surveysync::report
