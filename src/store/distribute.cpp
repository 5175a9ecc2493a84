// Spreads the large tables over the nodes of a Citus cluster (docs.citusdata.com, "Creating and Modifying Distributed
// Objects"): all that has a survey in its key, by survey, so that a page of a survey is written to one node and the
// joins of a survey's tables stay on it.
#include <fmt/format.h>

#include "pg/binary.h"
#include "store/migrate.h"

namespace surveysync::store {
namespace {

constexpr const char* kColumn = "survey_id";

void require_citus(pg::Connection& connection) {
  if (connection.execute("SELECT 1 WHERE pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL").rows() >
      0) {
    return;
  }
  throw Error(
      ErrorKind::config, "distribute the tables of " + connection.display() + ": Citus is not there",
      "on the coordinator: add citus to shared_preload_libraries, restart PostgreSQL, CREATE EXTENSION citus in "
      "this database, add the workers, and repeat; or leave --distributed out");
}

}  // namespace

std::vector<std::string> undistributed_tables(pg::Connection& connection) {
  require_citus(connection);
  std::string places;
  for (const std::string& schema : schemas()) {
    if (schema != "surveysync") places += (places.empty() ? "" : ",") + schema;
  }
  const std::vector<pg::Param> params = {pg::text(kColumn), pg::text("{" + places + "}")};
  // A unique key must contain the column by which a table is distributed.
  const pg::Result rows = connection.execute(
      "SELECT n.nspname::text || '.' || c.relname::text FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) "
      "WHERE c.relkind = 'r' AND a.attname = $1 AND n.nspname = ANY ($2::text[]) "
      "AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute h WHERE h.attrelid = c.oid AND h.attname = 'run_id') "
      "AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_dist_partition d WHERE d.logicalrelid::oid = c.oid) ORDER BY 1",
      params);
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    names.push_back(rows.text(row, 0));
  return names;
}

std::vector<std::string> distribute_tables(pg::Connection& connection) {
  const std::vector<std::string> names = undistributed_tables(connection);
  for (const std::string& name : names) {
    pg::Transaction transaction(connection);
    const std::vector<pg::Param> params = {pg::text(name), pg::text(kColumn)};
    // Tables of one distribution type are placed together by default ("colocate_with => 'default'").
    transaction.execute("SELECT create_distributed_table($1::text::regclass, $2::text)::text", params);
    transaction.commit();
  }
  return names;
}

}  // namespace surveysync::store
