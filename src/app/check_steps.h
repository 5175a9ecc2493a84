#pragma once
// What `check` looks at, one function a subject. Each adds its results to the report; only a stop is thrown (Error
// cancelled). They change nothing: the database write is rolled back, the vendor is asked for single rows, and nobody
// is alerted unless that is asked for.

#include "app/check_report.h"
#include "app/program.h"

namespace surveysync::app {

/// The configuration's warnings, secrets, the state folder and its disk, time zones, the status page's port, the unit,
/// and when the chosen sources run next.
void check_local(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen);
/// Files and directories of the secrets, and whether the unit lets the service run what it is told to.
void check_secrets(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen);
/// Whether this host has the privacy key by which hashed values and erased persons of the sources are known.
void check_privacy_key(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen,
                       pg::Connection& database);
/// Connection, encryption, version, schema, privileges, a rolled-back write. The connection, if the schema is usable.
std::unique_ptr<pg::Connection> check_database(CheckReport& report, Program& program);
/// Secret, reach, clock, and one row of every stream of one source; capabilities as learned when there is a database.
void check_source(CheckReport& report, Program& program, const SourceConfig& source, pg::Connection* database);
/// One row of every stream that the source reads. Used by check_source.
class SourceParts;
void check_streams(CheckReport& report, Program& program, const SourceConfig& source, SourceParts& parts,
                   pg::Connection* database);

enum class SendAlerts : bool { no, yes };
/// The alert channels.
void check_alerts(CheckReport& report, Program& program, SendAlerts send);

}  // namespace surveysync::app
