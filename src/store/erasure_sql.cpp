#include "store/erasure_sql.h"

#include <fmt/format.h>

#include "pg/binary.h"
#include "store/key_params.h"
#include "store/sql_text.h"

namespace surveysync::store {

pg::Statement erasure_row(const ErasureRow& row) {
  return {
      "INSERT INTO surveysync.erasure AS e (source, stream, partition, digest, kind, erased_at, present, "
      "key_fingerprint) VALUES ($1, $2, $3, $4, $5, pg_catalog.now(), $6, $7) ON CONFLICT (source, stream, "
      "partition, digest) DO UPDATE SET present = e.present OR excluded.present",
      {pg::text(row.source), pg::text(row.stream), pg::text(row.partition),
       pg::bytea({reinterpret_cast<const char*>(row.digest.data()), row.digest.size()}), pg::text(row.kind),
       pg::boolean(row.present), pg::text(row.key_fingerprint)}};
}

pg::Statement delete_by_key(const std::string& source, const std::string& qualified, const model::Table& table,
                            const model::Key& key) {
  std::string sql = "DELETE FROM " + qualified + " WHERE source = $1";
  std::vector<pg::Param> params = {pg::text(source)};
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    sql += fmt::format(" AND {} = ${}", quoted(table.key[i].name), i + 2);
    params.push_back(key_param(key.at(i)));
  }
  return {std::move(sql), std::move(params)};
}

}  // namespace surveysync::store
