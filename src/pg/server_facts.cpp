#include "pg/server_facts.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <cstdlib>
#include <ctime>
#include <memory>

#include "base/loopback.h"

namespace surveysync::pg {
namespace {

using Handle = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Rows = std::unique_ptr<PGresult, decltype(&PQclear)>;

Handle connect(const ConnectOptions& options, const Clock& clock, const std::stop_token& stop) {
  const char* const names[] = {"dbname", "application_name", nullptr};
  const char* const values[] = {options.uri.c_str(), "surveysync check", nullptr};
  Handle connection(PQconnectStartParams(names, values, 1), &PQfinish);
  if (!connection) throw Error(ErrorKind::unavailable, "no memory for a database connection");
  const Deadline deadline(clock, options.connect_timeout);
  PostgresPollingStatusType state =
      PQstatus(connection.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_WRITING || state == PGRES_POLLING_READING) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
    if (deadline.passed()) throw Error(ErrorKind::unavailable, "the database does not answer in time");
    constexpr int kSlice = 100;  // milliseconds; a stop is heard as often
    pollfd ready{PQsocket(connection.get()), static_cast<short>(state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN), 0};
    if (::poll(&ready, 1, kSlice) > 0) state = PQconnectPoll(connection.get());
  }
  if (state != PGRES_POLLING_OK) throw Error(ErrorKind::unavailable, "the database cannot be reached a second time");
  return connection;
}

std::string option(PGconn* connection, std::string_view keyword) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all(PQconninfo(connection), &PQconninfoFree);
  for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one) {
    if (one->keyword == keyword) return one->val == nullptr ? "" : one->val;
  }
  return {};
}

std::string attribute(PGconn* connection, const char* name) {
  const char* const value = PQsslAttribute(connection, name);
  return value == nullptr ? "" : value;
}

std::optional<UtcTime> certificate_until(PGconn* connection) {
  SSL* const session = static_cast<SSL*>(PQsslStruct(connection, "OpenSSL"));
  if (session == nullptr) return std::nullopt;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(session), &X509_free);
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return std::nullopt;
  return UtcTime(std::chrono::seconds(::timegm(&end)));
}

/// A pooler gives its clients numbers of its own instead of a backend's.
bool is_pooled(PGconn* connection, const std::string& ask_backend) {
  const Rows row(PQexec(connection, ask_backend.c_str()), &PQclear);
  if (PQresultStatus(row.get()) != PGRES_TUPLES_OK) return false;
  return std::strtol(PQgetvalue(row.get(), 0, 0), nullptr, 10) != PQbackendPID(connection);
}

}  // namespace

ServerFacts look_at_server(const ConnectOptions& options, const std::string& ask_backend, const Clock& clock,
                           const std::stop_token& stop) {
  const Handle connection = connect(options, clock, stop);
  ServerFacts facts;
  const char* const host = PQhost(connection.get());
  facts.host = host == nullptr ? "" : host;
  facts.local =
      facts.host.empty() || facts.host.starts_with('/') || facts.host.starts_with('@') || is_loopback(facts.host);
  facts.ssl_mode = option(connection.get(), "sslmode");
  if (PQsslInUse(connection.get()) != 0) {
    facts.protocol = attribute(connection.get(), "protocol");
    facts.cipher = attribute(connection.get(), "cipher");
    facts.certificate_until = certificate_until(connection.get());
  }
  facts.pooled = is_pooled(connection.get(), ask_backend);
  return facts;
}

}  // namespace surveysync::pg
