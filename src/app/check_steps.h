#pragma once
// What `check` looks at, one function a subject. Each adds its results to the report; only a stop is thrown (Error
// cancelled). They change nothing: the database write is rolled back, the vendor is asked for single rows.

#include "app/check_report.h"
#include "app/program.h"

namespace surveysync::app {

/// Warnings of the configuration, the state folder and its disk.
void check_local(CheckReport& report, Program& program);
/// Connection, version, schema, privileges, a rolled-back write. The connection, if the schema is usable.
std::unique_ptr<pg::Connection> check_database(CheckReport& report, Program& program);
/// Secret, reach, clock, and one row of every stream of one source; capabilities as learned when there is a database.
void check_source(CheckReport& report, Program& program, const SourceConfig& source, pg::Connection* database);

}  // namespace surveysync::app
