#include "store/migrate.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "pg/binary.h"

namespace surveysync::store {
namespace {

constexpr const char* kStep = "run `surveysync migrate`";
/// The row that serialises migrations; its name sorts before all others and is none of a file.
constexpr const char* kLockRow = "";
constexpr int kAttempts = 20;

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::bug, "SHA-256 is not available");
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i)
    text += fmt::format("{:02x}", digest[i]);
  return text;
}

struct Applied {
  std::string name, sha256;
};

bool has_history(pg::Connection& connection) {
  return connection.execute("SELECT 1 WHERE pg_catalog.to_regclass('surveysync.schema_migration') IS NOT NULL").rows() >
         0;
}

std::vector<Applied> read_applied(pg::Connection& connection) {
  std::vector<Applied> applied;
  const pg::Result rows =
      connection.execute("SELECT name, sha256 FROM surveysync.schema_migration WHERE name <> '' ORDER BY name");
  for (std::size_t row = 0; row < rows.rows(); ++row)
    applied.push_back({rows.text(row, 0), rows.text(row, 1)});
  return applied;
}

/// How many of ours are applied. Throws when the database has others, or others under the same name.
std::size_t compare(const std::vector<Applied>& applied) {
  const std::span<const Migration> ours = embedded_migrations();
  for (std::size_t index = 0; index < applied.size(); ++index) {
    const Applied& theirs = applied[index];
    if (index >= ours.size() || theirs.name != ours[index].name) {
      throw Error(ErrorKind::config,
                  "the database's schema is newer than this program: it has migration " + theirs.name,
                  "install the newer surveysync, or use another database");
    }
    if (theirs.sha256 != sha256(ours[index].sql)) {
      throw Error(ErrorKind::config, "migration " + theirs.name + " was applied with another text than this program's",
                  "the database was made by a development version: use a fresh database, or the program that made it");
    }
  }
  return applied.size();
}

/// Makes the history table. Several processes at once: all but one are refused by the catalogue, and look again.
void make_history(pg::Connection& connection) {
  for (int attempt = 1; !has_history(connection); ++attempt) {
    try {
      pg::Transaction transaction(connection);
      connection.execute_script(
          "CREATE SCHEMA IF NOT EXISTS surveysync; "
          "CREATE TABLE surveysync.schema_migration (name text COLLATE \"C\" PRIMARY KEY, sha256 text NOT NULL, "
          "applied_at timestamptz NOT NULL); "
          "INSERT INTO surveysync.schema_migration (name, sha256, applied_at) VALUES ('', '', pg_catalog.now()); "
          "COMMENT ON SCHEMA surveysync IS 'Operation of surveysync: runs, checkpoints, certificates, quarantine.'; "
          "COMMENT ON TABLE surveysync.schema_migration IS 'Which migrations were applied; the row without a name is "
          "their lock.'");
      transaction.commit();
    } catch (const Error& error) {
      const bool race = error.sqlstate() == "23505" || error.sqlstate() == "42P07" || error.sqlstate() == "42P06" ||
                        error.kind() == ErrorKind::conflict;
      if (!race || attempt >= kAttempts) throw;
    }
  }
}

/// Waits for the lock that all who change the schema take; it is held until the transaction ends.
void take_lock(pg::Transaction& transaction) {
  const std::vector<pg::Param> lock = {pg::text(kLockRow)};
  transaction.execute("SELECT name FROM surveysync.schema_migration WHERE name = $1 FOR UPDATE", lock);
}

/// Applies the next pending one, if any; its name.
std::optional<std::string> apply_next(pg::Connection& connection) {
  pg::Transaction transaction(connection);
  take_lock(transaction);
  const std::size_t done = compare(read_applied(connection));
  if (done == embedded_migrations().size()) return std::nullopt;
  const Migration& next = embedded_migrations()[done];
  try {
    connection.execute_script(std::string(next.sql));
  } catch (Error& error) {
    error.with_context("migration " + std::string(next.name));
    throw;
  }
  const std::vector<pg::Param> row = {pg::text(next.name), pg::text(sha256(next.sql))};
  transaction.execute(
      "INSERT INTO surveysync.schema_migration (name, sha256, applied_at) VALUES ($1, $2, pg_catalog.now())", row);
  transaction.commit();
  return std::string(next.name);
}

/// Documents compressed by LZ4 load in a third of the time, where the server was built with it (reliability.md 5.1).
/// What somebody chose for a column stays.
void compress_payloads(pg::Connection& connection) {
  if (connection.server_version() < 140'000) return;
  const pg::Result columns = connection.execute(
      "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_attribute a "
      "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE a.attname = 'payload' AND c.relkind IN ('r', 'p') AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute h "
      "WHERE h.attrelid = c.oid AND h.attname IN ('payload_hash', 'recorded_at')) AND "
      "pg_catalog.pg_has_role(c.relowner, "
      "'USAGE') "
      "AND a.attcompression = '' AND EXISTS (SELECT 1 FROM pg_catalog.pg_settings s "
      "WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)) ORDER BY 1, 2");
  for (std::size_t row = 0; row < columns.rows(); ++row) {
    connection.execute("ALTER TABLE " + columns.text(row, 0) + "." + columns.text(row, 1) +
                       " ALTER COLUMN payload SET COMPRESSION lz4");
  }
}

}  // namespace

MigrationStatus migration_status(pg::Connection& connection) {
  MigrationStatus status;
  const std::size_t done = has_history(connection) ? compare(read_applied(connection)) : 0;
  const std::span<const Migration> ours = embedded_migrations();
  for (std::size_t index = 0; index < ours.size(); ++index) {
    (index < done ? status.applied : status.pending).emplace_back(ours[index].name);
  }
  return status;
}

std::vector<std::string> migrate(pg::Connection& connection) {
  make_history(connection);
  std::vector<std::string> names;
  for (int attempt = 1;;) {
    try {
      std::optional<std::string> name = apply_next(connection);
      if (!name) break;
      names.push_back(std::move(*name));
    } catch (const Error& error) {
      // Another process holds the lock for longer than one lock timeout.
      if (error.kind() != ErrorKind::conflict || ++attempt > kAttempts) throw;
    }
  }
  // Not inside the migration: an engine without this clause still gets its tables. Also when nothing was pending: the
  // process that applied the last one may have died before it came here.
  compress_payloads(connection);
  if (!names.empty()) {
    // Catalogue rows that two sessions change at once are an error.
    pg::Transaction transaction(connection);
    take_lock(transaction);
    grant_to_roles(connection);
    transaction.commit();
  }
  return names;
}

void require_version(pg::Connection& connection) {
  if (!has_history(connection)) throw Error(ErrorKind::config, "the database has no surveysync tables yet", kStep);
  const std::size_t done = compare(read_applied(connection));
  if (done < embedded_migrations().size()) {
    throw Error(ErrorKind::config,
                fmt::format("the database's schema is older than this program: {} of {} migrations are missing",
                            embedded_migrations().size() - done, embedded_migrations().size()),
                kStep);
  }
}

std::vector<std::string> schemas() {
  constexpr std::string_view kCreate = "CREATE SCHEMA ";
  std::vector<std::string> names = {"surveysync"};
  for (const Migration& migration : embedded_migrations()) {
    const std::string_view sql = migration.sql;
    for (std::size_t at = sql.find(kCreate); at != std::string_view::npos; at = sql.find(kCreate, at)) {
      at += kCreate.size();
      names.emplace_back(sql.substr(at, sql.find_first_of("; \n", at) - at));
    }
  }
  return names;
}

}  // namespace surveysync::store
