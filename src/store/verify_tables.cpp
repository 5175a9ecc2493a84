#include <map>
#include <set>

#include "pg/binary.h"
#include "store/table_sql.h"
#include "store/writer.h"

namespace surveysync::store {
namespace {

using Catalog = std::map<std::string, std::string>;  // column name -> type as SQL names it

[[noreturn]] void differs(const std::string& what) {
  throw Error(ErrorKind::refused_schema, "the database's tables are not those of this program: " + what,
              "run `surveysync migrate`");
}

/// format_type's names for the types that we declare.
std::string catalog_type(model::ColumnType type) {
  return type == model::ColumnType::timestamp ? "timestamp with time zone" : sql_type(type);
}

void require_column(const model::Table& table, const Catalog& catalog, const std::string& name,
                    const std::string& type) {
  const auto found = catalog.find(name);
  if (found == catalog.end()) differs(table.qualified() + " has no column " + name);
  if (found->second == type) return;
  differs(table.qualified() + "." + name + " is " + found->second + " and not " + type);
}

void verify_columns(const model::Table& table, const Catalog& catalog) {
  require_column(table, catalog, "source", "text");
  for (const model::Column& column : table.key)
    require_column(table, catalog, column.name, catalog_type(column.type));
  for (const model::Column& column : table.columns)
    require_column(table, catalog, column.name, catalog_type(column.type));
  require_column(table, catalog, "run_id", "bigint");
  if (table.child) return;
  for (const auto& [name, type] :
       {std::pair("payload", "json"), std::pair("payload_raw", "bytea"), std::pair("payload_hash", "bytea"),
        std::pair("flags", "text[]"), std::pair("first_seen_at", "timestamp with time zone"),
        std::pair("changed_at", "timestamp with time zone"), std::pair("deleted_at", "timestamp with time zone")}) {
    require_column(table, catalog, name, type);
  }
}

/// The key's columns, in order, of every unique index, joined by commas.
std::set<std::string> unique_keys(pg::Connection& connection, std::span<const pg::Param> table) {
  const pg::Result rows = connection.execute(
      "SELECT string_agg(a.attname::text, ',' ORDER BY k.place) FROM pg_catalog.pg_index i "
      "JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum "
      "WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indpred IS NULL GROUP BY i.indexrelid",
      table);
  std::set<std::string> keys;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    keys.insert(rows.text(row, 0));
  return keys;
}

}  // namespace

void verify_tables(pg::Connection& connection, const model::StreamSpec& stream) {
  for (const model::Table& table : stream.tables) {
    const std::vector<pg::Param> name = {pg::text(table.schema), pg::text(table.name)};
    const pg::Result rows = connection.execute(
        "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a "
        "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped",
        name);
    Catalog catalog;
    for (std::size_t row = 0; row < rows.rows(); ++row)
      catalog[rows.text(row, 0)] = rows.text(row, 1);
    if (catalog.empty()) differs("there is no table " + table.qualified());
    verify_columns(table, catalog);
    std::string key = "source";
    for (const model::Column& column : table.key)
      key += "," + column.name;
    if (!unique_keys(connection, name).contains(key)) differs(table.qualified() + " has no unique key (" + key + ")");
  }
}

}  // namespace surveysync::store
