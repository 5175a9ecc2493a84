#include "store/dictionary.h"

#include <fmt/format.h>

#include "base/error.h"
#include "pg/binary.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

std::optional<std::int64_t> id_at(const pg::Result& rows, std::size_t row, std::size_t column) {
  return rows.is_null(row, column) ? std::nullopt : std::optional(rows.integer(row, column));
}

std::string as_text(const DictionaryRow& column) {
  const std::string name = "t." + quoted(column.variable);
  if (column.type == "boolean") return name + "::int::text";
  if (column.type == "timestamptz") return "to_char(" + name + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')";
  if (column.type == "date") return "to_char(" + name + ", 'YYYY-MM-DD')";
  if (column.type == "text") return "regexp_replace(" + name + ", '[[:cntrl:]]+', ' ', 'g')";
  return name + "::text";
}

}  // namespace

std::vector<DictionaryRow> Dictionary::rows(const std::set<std::string>& sources,
                                            const std::set<std::string>& partitions) {
  const pg::Result schemas = connection_.execute(
      "SELECT table_schema::text FROM information_schema.tables WHERE table_name = 'dictionary' AND table_schema LIKE "
      "'%\\_wide' ORDER BY 1");
  const std::vector<pg::Param> params = {
      pg::text_array(std::vector<std::string>(sources.begin(), sources.end())),
      pg::text_array(std::vector<std::string>(partitions.begin(), partitions.end()))};
  std::vector<DictionaryRow> found;
  for (std::size_t i = 0; i < schemas.rows(); ++i) {
    const std::string schema = schemas.text(i, 0);
    const pg::Result rows = connection_.execute(
        "SELECT d.source, d.survey_id::text, d.table_name, d.variable, d.type, coalesce(d.question_type, ''), "
        "coalesce(d.title, ''), d.position::bigint, d.question_id, d.row_id, d.option_id, coalesce(d.labels::text, '') "
        "FROM " +
            quoted(schema) +
            ".dictionary AS d WHERE (d.source = ANY ($1::text[]) OR cardinality($1::text[]) = 0) AND "
            "(d.survey_id::text = ANY ($2::text[]) OR cardinality($2::text[]) = 0) ORDER BY d.source, d.survey_id, "
            "length(d.table_name), d.table_name, d.position",
        params);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      found.push_back({schema, rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3),
                       rows.text(row, 4), rows.text(row, 5), rows.text(row, 6), rows.integer(row, 7),
                       id_at(rows, row, 8), id_at(rows, row, 9), id_at(rows, row, 10), rows.text(row, 11)});
    }
  }
  return found;
}

std::vector<Dictionary::Values> Dictionary::data(const std::vector<DictionaryRow>& columns, std::int64_t after,
                                                 std::int64_t limit) {
  if (columns.empty()) throw Error(ErrorKind::bug, "rows of a table without columns were asked for");
  const std::string key = quoted(columns.front().variable);
  const std::vector<pg::Param> params = {pg::int8(after), pg::int8(limit)};
  const pg::Result rows =
      connection_.execute(fmt::format("SELECT {0} FROM {1}.{2} AS t WHERE t.{3} > $1 ORDER BY t.{3} LIMIT $2",
                                      list(columns.size(), [&](std::size_t i) { return as_text(columns[i]); }),
                                      quoted(columns.front().schema), quoted(columns.front().table), key),
                          params);
  std::vector<Values> found(rows.rows());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      found[row].push_back(rows.is_null(row, i) ? std::nullopt : std::optional(rows.text(row, i)));
  }
  return found;
}

}  // namespace surveysync::store
