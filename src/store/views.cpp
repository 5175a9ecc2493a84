#include "store/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "pg/binary.h"
#include "store/fenced.h"
#include "store/sql_text.h"
#include "store/table_sql.h"
#include "store/views_sql.h"

namespace surveysync::store {
namespace {

// A slice is sorted in memory, by one process: several surveys are worked at once already.
const std::vector<pg::Statement> kPivoting = {{"SET LOCAL work_mem = '32MB'", {}},
                                              {"SET LOCAL max_parallel_workers_per_gather = 0", {}}};

std::optional<model::Hash> hash_at(const pg::Result& rows, std::size_t row, std::size_t column) {
  if (rows.is_null(row, column)) return std::nullopt;
  const std::string_view bytes = rows.bytes(row, column);
  model::Hash hash{};
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

pg::Param hash_param(const std::optional<model::Hash>& hash) {
  if (!hash) return pg::null_of(pg::oid::kBytea);
  return pg::bytea({reinterpret_cast<const char*>(hash->data()), hash->size()});
}

pg::Statement save_statement(const std::string& source, const std::string& partition, const WideState& state) {
  return {
      "INSERT INTO surveysync.wide AS w (source, partition, run_id, version, columns_hash, words_hash, table_names, "
      "most_columns, swept, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7::text[], $8, $9, pg_catalog.now()) ON "
      "CONFLICT (source, partition) DO UPDATE SET run_id = excluded.run_id, version = excluded.version, columns_hash = "
      "excluded.columns_hash, words_hash = excluded.words_hash, table_names = excluded.table_names, most_columns = "
      "excluded.most_columns, swept = excluded.swept, updated_at = excluded.updated_at",
      {pg::text(source), pg::text(partition), pg::int8(state.run_id), pg::int4(state.version),
       hash_param(state.columns), hash_param(state.words), pg::text_array(state.tables), pg::int4(state.most_columns),
       pg::boolean(state.swept)}};
}

void append(std::vector<pg::Statement>& to, std::vector<pg::Statement> more) {
  std::ranges::move(more, std::back_inserter(to));
}

WidePart while_made(const WidePart& part) {
  WidePart made = part;
  made.table = name_while_made(part.table);
  return made;
}

}  // namespace

std::vector<std::string> Views::partitions(const std::string& sql, std::vector<pg::Param> params) {
  const pg::Result rows = connection_.execute(sql, params);
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    names.push_back(rows.text(row, 0));
  return names;
}

std::vector<std::string> Views::due(const std::string& source) {
  const model::Table& root = streams_.definitions.tables.at(0);
  const std::vector<std::string> streams = {streams_.definitions.name, streams_.records.name};
  return partitions(
      fmt::format("SELECT d.{0}::text FROM {1} AS d LEFT JOIN surveysync.wide AS w ON w.source = d.source AND "
                  "w.partition = d.{0}::text WHERE d.source = $1 AND (w.source IS NULL OR w.version <> $2 OR NOT "
                  "w.swept OR w.columns_hash IS NULL OR EXISTS (SELECT 1 FROM surveysync.run_stream AS n WHERE "
                  "n.source = $1 AND n.stream = ANY ($3::text[]) AND n.partition = d.{0}::text AND n.run_id > w.run_id "
                  "AND n.inserted + n.updated + n.tombstoned > 0)) ORDER BY d.{0}",
                  quoted(root.key.at(0).name), qualified(root)),
      {pg::text(source), pg::int4(streams_.spec.version), pg::text_array(streams)});
}

std::vector<std::string> Views::all(const std::string& source) {
  const model::Table& root = streams_.definitions.tables.at(0);
  return partitions(fmt::format("SELECT d.{0}::text FROM {1} AS d WHERE d.source = $1 ORDER BY d.{0}",
                                quoted(root.key.at(0).name), qualified(root)),
                    {pg::text(source)});
}

std::optional<WideState> Views::state(const std::string& source, const std::string& partition) {
  const std::vector<pg::Param> params = {pg::text(source), pg::text(partition)};
  const pg::Result rows = connection_.execute(
      "SELECT run_id, version, most_columns, columns_hash, words_hash, swept, array_to_string(table_names, ',') FROM "
      "surveysync.wide WHERE source = $1 AND partition = $2",
      params);
  if (rows.rows() == 0) return std::nullopt;
  WideState state;
  state.run_id = rows.integer(0, 0);
  state.version = static_cast<int>(rows.integer(0, 1));
  state.most_columns = static_cast<int>(rows.integer(0, 2));
  state.columns = hash_at(rows, 0, 3);
  state.words = hash_at(rows, 0, 4);
  state.swept = rows.boolean(0, 5);
  const std::string names = rows.text(0, 6);
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    state.tables.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return state;
}

std::vector<model::WideDefinition> Views::definitions(const std::string& source, const std::string& partition) {
  std::vector<model::WideDefinition> found;
  const std::vector<pg::Param> params = {pg::text(source), pg::text(partition)};
  for (const model::Table& table : streams_.definitions.tables) {
    if (!table.history) continue;
    std::string columns = "payload, deleted_at";
    for (const std::vector<model::Column>* some : {&table.key, &table.columns}) {
      for (const model::Column& column : *some)
        columns += ", " + quoted(column.name);
    }
    const pg::Result rows = connection_.execute(
        fmt::format("SELECT row_to_json(t)::text FROM (SELECT {} FROM {} AS d WHERE d.source = $1 AND d.{} = "
                    "$2::text::bigint) AS t",
                    columns, qualified(table), quoted(table.key.at(0).name)),
        params);
    for (std::size_t row = 0; row < rows.rows(); ++row)
      found.push_back({table.name, rows.text(row, 0)});
  }
  return found;
}

void Views::begin_rebuild(const Fence& fence, const Target& target) {
  const WideSql sql(streams_, {fence.source, target.partition});
  std::vector<pg::Statement> statements;
  for (const WidePart& part : target.layout.parts) {
    const WidePart made = while_made(part);
    statements.push_back(sql.drop_table(made.table));
    append(statements, sql.create(made));
    append(statements, sql.describe(made, false));
  }
  write_fenced(connection_, fence, std::move(statements));
}

std::optional<std::int64_t> Views::fill(const Fence& fence, const Target& target, std::int64_t after) {
  const WideSql sql(streams_, {fence.source, target.partition});
  pg::Transaction transaction(connection_);
  transaction.execute_all(kPivoting);
  Lease::check(transaction, fence);
  const pg::Statement asking = sql.next_live(after, kSlice);
  const pg::Result next = transaction.execute(asking.sql, asking.params);
  if (next.is_null(0, 0)) return std::nullopt;
  const std::int64_t last = next.integer(0, 0);
  for (const WidePart& part : target.layout.parts) {
    const pg::Statement filling = sql.fill(part, target.plan, name_while_made(part.table), after, last);
    transaction.execute(filling.sql, filling.params);
  }
  transaction.commit();
  return last;
}

void Views::finish_rebuild(const Fence& fence, const Target& target, const WideState& old, const WideState& state) {
  const WideSql sql(streams_, {fence.source, target.partition});
  std::vector<pg::Statement> statements = {{fmt::format("SET LOCAL lock_timeout = '{}'", kLockWait), {}}};
  std::vector<std::string> tables = old.tables;
  for (const WidePart& part : target.layout.parts) {
    if (std::ranges::find(tables, part.table) == tables.end()) tables.push_back(part.table);
  }
  // Views are named after the survey's first table, with the same number behind.
  const std::string name = wide_name(fence.source, target.partition);
  for (const std::string& table : tables)
    statements.push_back(sql.drop_view(name + "_labels" + table.substr(std::min(table.size(), name.size()))));
  for (const std::string& table : tables)
    statements.push_back(sql.drop_table(table));
  std::vector<std::string> made;
  for (const WidePart& part : target.layout.parts) {
    statements.push_back(sql.rename(name_while_made(part.table), part.table));
    statements.push_back(sql.create_labels(part));
    append(statements, sql.describe(part, true));
    made.insert(made.end(), {part.table, part.labels});
  }
  append(statements, grants(made));
  append(statements, sql.dictionary(target.layout));
  statements.push_back(save_statement(fence.source, target.partition, state));
  write_fenced(connection_, fence, std::move(statements));
}

std::vector<pg::Statement> Views::grants(const std::vector<std::string>& names) {
  const std::vector<pg::Param> params = {pg::text(streams_.spec.schema), pg::text_array(names)};
  std::vector<pg::Statement> statements;
  for (std::string& sql : partitions(
           "SELECT 'GRANT ' || p.privilege_type || ' ON ' || quote_ident(p.table_schema) || '.' || "
           "quote_ident(p.table_name) || ' TO ' || CASE p.grantee WHEN 'PUBLIC' THEN 'PUBLIC' ELSE "
           "quote_ident(p.grantee) END FROM information_schema.table_privileges AS p WHERE p.table_schema = $1 AND "
           "p.table_name = ANY ($2::text[]) AND p.grantee <> current_user ORDER BY 1",
           params))
    statements.push_back({std::move(sql), {}});
  return statements;
}

std::int64_t Views::count(const Target& target) {
  const std::string table = name_while_made(target.layout.parts.front().table);
  return connection_.execute("SELECT count(*) FROM " + quoted(streams_.spec.schema) + "." + quoted(table))
      .integer(0, 0);
}

void Views::abandon_rebuild(const Fence& fence, const Target& target) {
  const WideSql sql(streams_, {fence.source, target.partition});
  std::vector<pg::Statement> statements;
  for (const WidePart& part : target.layout.parts)
    statements.push_back(sql.drop_table(name_while_made(part.table)));
  write_fenced(connection_, fence, std::move(statements));
}

std::optional<std::int64_t> Views::update(const Fence& fence, const Target& target, const WideState& state,
                                          std::int64_t after, std::int64_t& rows) {
  const WideSql sql(streams_, {fence.source, target.partition});
  pg::Transaction transaction(connection_);
  transaction.execute_all(kPivoting);
  Lease::check(transaction, fence);
  const pg::Statement asking = sql.changed(state.run_id, after, kSlice);
  const pg::Result next = transaction.execute(asking.sql, asking.params);
  if (next.rows() == 0) return std::nullopt;
  std::vector<std::int64_t> records;
  for (std::size_t row = 0; row < next.rows(); ++row)
    records.push_back(next.integer(row, 0));
  std::int64_t written = 0;
  for (const WidePart& part : target.layout.parts) {
    for (const pg::Statement& statement : {sql.remove(part, records), sql.replace(part, target.plan, records)}) {
      const std::int64_t affected = transaction.execute(statement.sql, statement.params).affected();
      if (part.first) written += affected;
    }
  }
  transaction.commit();
  rows += written;
  return records.back();
}

std::int64_t Views::sweep(const Fence& fence, const Target& target) {
  const WideSql sql(streams_, {fence.source, target.partition});
  std::vector<pg::Statement> statements;
  for (const WidePart& part : target.layout.parts)
    statements.push_back(sql.sweep(part));
  return write_fenced(connection_, fence, std::move(statements)).front().affected();
}

void Views::describe(const Fence& fence, const Target& target, bool view_anew) {
  const WideSql sql(streams_, {fence.source, target.partition});
  std::vector<pg::Statement> statements = {{fmt::format("SET LOCAL lock_timeout = '{}'", kLockWait), {}}};
  for (const WidePart& part : target.layout.parts) {
    append(statements, sql.describe(part, false));
    if (view_anew) statements.push_back(sql.drop_view(part.labels));
    statements.push_back(sql.create_labels(part));
    append(statements, sql.describe(part, true));
  }
  append(statements, sql.dictionary(target.layout));
  write_fenced(connection_, fence, std::move(statements));
}

void Views::save(const Fence& fence, const std::string& partition, const WideState& state) {
  write_fenced(connection_, fence, {save_statement(fence.source, partition, state)});
}

WideLayout Views::within_tables(const WideLayout& layout, const std::vector<std::string>& tables) {
  const std::vector<pg::Param> params = {pg::text(streams_.spec.schema), pg::text_array(tables)};
  const pg::Result rows = connection_.execute(
      "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns AS c WHERE "
      "c.table_schema = $1 AND c.table_name = ANY ($2::text[]) ORDER BY 1, c.ordinal_position",
      params);
  WideLayout kept;
  kept.columns = layout.columns;
  kept.words = layout.words;
  for (const std::string& table : tables) {
    WidePart part;
    part.table = table;
    part.first = kept.parts.empty();
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      if (rows.text(row, 0) != table) continue;
      for (const WidePart& wanted : layout.parts) {
        for (const model::WideColumn* column : wanted.columns) {
          if (column->name == rows.text(row, 1) && sql_type(column->type) == rows.text(row, 2))
            part.columns.push_back(column);
        }
      }
    }
    kept.parts.push_back(std::move(part));
  }
  return kept;
}

std::string Views::other_owner(const std::string& source, const std::string& partition, const WideLayout& layout) {
  std::vector<std::string> names;
  for (const WidePart& part : layout.parts) {
    names.push_back(part.table);
    names.push_back(part.labels);
  }
  const std::vector<pg::Param> params = {pg::text(source), pg::text(partition), pg::text_array(names)};
  const pg::Result rows = connection_.execute(
      "SELECT w.source || '/' || w.partition FROM surveysync.wide AS w WHERE (w.source <> $1 OR w.partition <> $2) AND "
      "w.table_names && $3::text[] ORDER BY 1 LIMIT 1",
      params);
  return rows.rows() == 0 ? std::string() : rows.text(0, 0);
}

std::vector<std::string> Views::dependents(const std::vector<std::string>& tables) {
  const std::string schema = streams_.spec.schema;
  const std::vector<pg::Param> params = {pg::text(schema), pg::text_array(tables)};
  return partitions(
      "WITH RECURSIVE d (id) AS (SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid "
      "= c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) UNION SELECT w.ev_class FROM d JOIN "
      "pg_catalog.pg_depend AS p ON p.refobjid = d.id AND p.classid = 'pg_catalog.pg_rewrite'::regclass JOIN "
      "pg_catalog.pg_rewrite AS w ON w.oid = p.objid WHERE w.ev_class <> d.id) SELECT DISTINCT n.nspname::text || '.' "
      "|| c.relname::text FROM d JOIN pg_catalog.pg_class AS c ON c.oid = d.id JOIN pg_catalog.pg_namespace AS n ON "
      "n.oid = c.relnamespace WHERE n.nspname <> $1 ORDER BY 1",
      params);
}

}  // namespace surveysync::store
