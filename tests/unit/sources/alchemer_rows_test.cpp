#include "alchemer_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "sources/alchemer/tables.h"

namespace surveysync::sources::alchemer {

namespace {

constexpr std::string_view kPrivateResponsePrefix = R"({"id":"7","survey_data":{"5":)";

std::string cell_text(const model::Cell& cell) {
  switch (cell.type()) {
    case model::Cell::Type::null:
      return "NULL";
    case model::Cell::Type::boolean:
      return cell.boolean() ? "true" : "false";
    case model::Cell::Type::integer:
      return std::to_string(cell.integer());
    case model::Cell::Type::text:
      return fmt::format("'{}'", cell.text());
    case model::Cell::Type::time:
      return format_utc(UtcTime(std::chrono::microseconds(cell.micros())));
    case model::Cell::Type::list: {
      std::string out = "[";
      for (const model::Cell& item : cell.list())
        out += (out.size() > 1 ? ", " : "") + cell_text(item);
      return out + "]";
    }
  }
  return {};
}

std::string rows_text(const model::RowBatch& rows, const model::StreamSpec& stream, std::size_t hidden) {
  std::string out;
  for (const model::RowBatch::Row& row : rows.rows()) {
    const model::Table& table = stream.tables.at(row.table);
    std::vector<model::Column> columns = table.key;
    columns.insert(columns.end(), table.columns.begin(), table.columns.end());
    EXPECT_EQ(columns.size(), row.cells.size());
    out += table.name;
    for (std::size_t i = hidden; i < columns.size(); ++i) {
      const std::string& name = columns[i].name;
      if (row.cells[i].is_null() || (name == "is_other" && !row.cells[i].boolean())) continue;
      out += fmt::format(" {}={}", name, cell_text(row.cells[i]));
    }
    out += '\n';
  }
  for (const std::string& flag : rows.flags)
    out += "flag " + flag + "\n";
  for (const model::RowBatch::Notice& notice : rows.notices)
    out += "notice " + notice.what + " | " + notice.sample + "\n";
  return out;
}

}  // namespace

std::string rows_text(const model::RowBatch& rows, std::size_t stream, bool with_ids) {
  return rows_text(rows, stream_specs().at(stream), stream == 1 && !with_ids ? 2 : 0);
}

std::string rows_text(const model::RowBatch& rows, const model::StreamSpec& stream) {
  return rows_text(rows, stream, 0);
}

Zones us_zones() {
  return {Zone("America/New_York"), Zone("UTC")};
}

std::string decoded_response(std::string_view raw, const Zones& zones, bool with_ids) {
  model::Page page;
  key_response(raw, 100, PrivacyRules(), {}, page);
  if (page.records.empty()) return "quarantined: " + page.quarantined.at(0).reason + "\n";
  json::Document document;
  model::RowBatch rows;
  decode_response(document, page.records[0], zones, rows);
  return rows_text(rows, 1, with_ids);
}

std::string decoded_entry(std::string_view entry) {
  const std::string text =
      decoded_response(std::string(kPrivateResponsePrefix) + std::string(entry) + "}}", us_zones());
  const std::string first = "response\n";
  EXPECT_TRUE(text.starts_with(first)) << text;
  return text.substr(std::min(first.size(), text.size()));
}

std::string decoded_definition(std::string_view detail, const std::vector<std::string>& questions,
                               std::string_view list_item) {
  model::Page page;
  const std::vector<std::string_view> slices(questions.begin(), questions.end());
  split_definition(DetailSlice(detail), QuestionSlices(slices), list_item, page);
  json::Document document;
  std::string out;
  for (const model::Record& record : page.records) {
    model::RowBatch rows;
    decode_definition(document, record, us_zones(), rows);
    out += rows_text(rows, 0, true);
  }
  for (const model::Quarantined& item : page.quarantined)
    out += "quarantined: " + item.reason + " " + item.raw + "\n";
  return out;
}

}  // namespace surveysync::sources::alchemer
