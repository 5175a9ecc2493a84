// The database: the way there, its version, its schema, what we may do, and a write that is rolled back.
#include <fmt/format.h>

#include "app/assembly.h"
#include "app/check_judge.h"
#include "app/check_steps.h"
#include "app/human.h"
#include "pg/server_facts.h"
#include "store/history.h"
#include "store/migrate.h"
#include "store/server_view.h"

namespace surveysync::app {
namespace {

constexpr int kOldestServer = 130000;
constexpr std::string_view kNoPrivilege = "42501";  // PostgreSQL's insufficient_privilege

std::string server_name(int version) {
  return fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000);
}

/// Encryption, certificate, pooler.
void check_way(CheckReport& report, Program& program) {
  pg::ServerFacts facts;
  try {
    facts = pg::look_at_server(connect_options(program.connecting_config()), store::kAskBackend, program.clock(),
                               program.stop());
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return report.warn("database TLS", fmt::format("cannot be looked at: {}", failure.what()));
  }
  report.add(judge_database_tls("database TLS", {facts.local, facts.ssl_mode, facts.protocol}));
  if (facts.certificate_until) {
    report.add(judge_certificate("database certificate", "the server's certificate", *facts.certificate_until,
                                 program.clock().utc_now()));
  }
  if (facts.pooled)
    report.pass("database pooler", "one stands between; nothing of ours outlives a transaction, so any mode will do");
}

/// The statements that would give what is missing, one a line.
std::string grants_of(const std::vector<store::History::Privilege>& missing) {
  std::string grants;
  for (const store::History::Privilege& privilege : missing)
    grants += fmt::format("{}{};", grants.empty() ? "as the owner of the tables:\n" : "\n", privilege.grant);
  return grants;
}

void check_rights(CheckReport& report, pg::Connection& connection) {
  std::vector<store::History::Privilege> missing;
  report.run("database privileges", [&]() -> std::string {
    missing = store::History(connection).missing_privileges();
    if (missing.empty()) return "all that writing needs";
    std::string what;
    for (const store::History::Privilege& privilege : missing)
      what += fmt::format("{}{} on {}", what.empty() ? "" : ", ", privilege.missing, privilege.object);
    throw Error(ErrorKind::refused_schema, "missing: " + what, grants_of(missing));
  });
  report.run("database write", [&]() -> std::string {
    try {
      store::History(connection).rehearse_write();
    } catch (const Error& refusal) {
      if (refusal.hint().empty() && !missing.empty()) throw Error(refusal.kind(), refusal.what(), grants_of(missing));
      throw;
    }
    return "a row was written and rolled back";
  });
}

}  // namespace

std::unique_ptr<pg::Connection> check_database(CheckReport& report, Program& program) {
  std::unique_ptr<pg::Connection> connection;
  const bool connected = report.run("database", [&] {
    connection =
        std::make_unique<pg::Connection>(connect_options(program.connecting_config()), program.clock(), program.stop());
    return fmt::format("{}, {}", connection->display(), server_name(connection->server_version()));
  });
  if (!connected) return nullptr;
  if (connection->server_version() < kOldestServer) {
    report.warn("database version",
                fmt::format("{} is older than what we test with (13)", server_name(connection->server_version())),
                "upgrade the server");
  }
  check_way(report, program);
  const bool usable = report.run("database schema", [&] {
    try {
      store::require_version(*connection);
    } catch (const Error& refusal) {
      if (refusal.sqlstate() != kNoPrivilege) throw;
      throw Error(refusal.kind(), refusal.what(), grants_of(store::History(*connection).missing_privileges()));
    }
    return fmt::format("at this version ({} migrations)", store::embedded_migrations().size());
  });
  if (!usable) return nullptr;
  check_rights(report, *connection);
  report.run("database size", [&]() -> std::string {
    const auto bytes = store::database_size(*connection);
    if (!bytes) return "this role may not know";
    return fmt::format("{} MB on the server; its disk cannot be seen from here", grouped(*bytes >> 20));
  });
  return connection->alive() ? std::move(connection) : nullptr;
}

}  // namespace surveysync::app
