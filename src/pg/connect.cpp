#include <poll.h>

#include <algorithm>
#include <array>
#include <map>

#include "pg/libpq.h"

namespace surveysync::pg {
namespace {

using Options = std::map<std::string, std::string>;

/// What the URI itself sets. Its text never appears in a message: it may hold a password.
Options parse(const std::string& uri) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(uri.c_str(), &message),
                                                                            &PQconninfoFree);
  PQfreemem(message);
  if (!parsed) {
    throw Error(ErrorKind::config, "the database URI cannot be read",
                "libpq's syntax: postgresql://user@host:5432/database?sslmode=verify-full or host=… dbname=…");
  }
  Options set;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) set[option->keyword] = option->val;
  }
  return set;
}

std::size_t hosts_of(const Options& set) {
  std::size_t most = 1;
  for (const char* name : {"host", "hostaddr"}) {
    if (const auto it = set.find(name); it != set.end()) {
      most = std::max(most, static_cast<std::size_t>(std::ranges::count(it->second, ',')) + 1);
    }
  }
  return most;
}

/// Verbose connection errors look like "...: FATAL:  28P01: text\nLOCATION: ...": the state and the text.
struct ConnectFailure {
  std::string state, text;
};
ConnectFailure read_failure(const std::string& message) {
  ConnectFailure failure;
  failure.text = message.substr(0, message.find("\nLOCATION"));
  for (const std::string_view mark : {"FATAL:  ", "ERROR:  ", "PANIC:  "}) {
    const std::size_t at = message.find(mark);
    if (at == std::string::npos || message.size() < at + mark.size() + 7 || message[at + mark.size() + 5] != ':')
      continue;
    failure.state = message.substr(at + mark.size(), 5);
    const std::size_t begin = at + mark.size() + 7;
    failure.text = message.substr(begin, message.find('\n', begin) - begin);
    break;
  }
  std::ranges::replace(failure.text, '\n', ' ');
  while (!failure.text.empty() && failure.text.back() == ' ')
    failure.text.pop_back();
  return failure;
}

}  // namespace

ConnectOptions ConnectOptions::impatient(Duration statement) const {
  ConnectOptions options = *this;
  options.connect_timeout = std::min<Duration>(connect_timeout, std::chrono::seconds(5));
  options.statement_timeout = std::min(statement_timeout, statement);
  return options;
}

void Connection::Impl::connect() {
  const Options set = parse(options.uri);
  const std::size_t hosts = hosts_of(set);
  // A dead network must be noticed both while sending (user timeout) and while waiting (keepalives); the URI may say
  // otherwise.
  const std::vector<std::pair<const char*, std::string>> fallbacks = {
      {"application_name", options.application_name},
      {"tcp_user_timeout", "10000"},
      {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "3"},
      {"target_session_attrs", hosts > 1 ? "read-write" : "any"}};
  std::vector<const char*> names, values;
  for (const auto& [name, value] : fallbacks) {
    if (set.contains(name)) continue;
    names.push_back(name);
    values.push_back(value.c_str());
  }
  for (const auto& [name, value] : {std::pair("dbname", options.uri.c_str()), std::pair("client_encoding", "UTF8")}) {
    names.push_back(name);
    values.push_back(value);
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  conn = PQconnectStartParams(names.data(), values.data(), 1);
  if (conn == nullptr) throw Error(ErrorKind::unavailable, "no memory for a database connection");
  PQsetNoticeProcessor(
      conn, [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);  // the only way to learn the SQLSTATE of a refused connection
  const char* database = PQdb(conn);
  const char* user = PQuser(conn);
  const char* host = PQhost(conn);
  const char* port = PQport(conn);
  display = std::string(database == nullptr ? "?" : database) + " on " + (host == nullptr ? "?" : host) + ":" +
            (port == nullptr ? "?" : port) + " as " + (user == nullptr ? "?" : user);
  const Deadline deadline(clock, options.connect_timeout * static_cast<int>(hosts));
  PostgresPollingStatusType state = PQstatus(conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  try {
    while (state == PGRES_POLLING_WRITING || state == PGRES_POLLING_READING) {
      wait(state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, deadline, OnStop::heed);
      state = PQconnectPoll(conn);
    }
  } catch (Error& error) {
    error.with_context("connecting to " + display);
    throw;
  }
  if (state != PGRES_POLLING_OK) {
    const ConnectFailure failure = read_failure(PQerrorMessage(conn));
    Error error(kind_of_sqlstate(failure.state, true), "cannot connect to database " + display + ": " + failure.text,
                "check [database] uri, the server, and pg_hba.conf; psql with the same URI must work");
    error.with_sqlstate(failure.state);
    throw error;
  }
  PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
  if (PQsetnonblocking(conn, 1) != 0) lost("non-blocking mode");
}

}  // namespace surveysync::pg
