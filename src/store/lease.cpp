#include "store/lease.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>

#include "base/secret.h"
#include "pg/binary.h"

namespace surveysync::store {
namespace {

/// When a process started, in clock ticks since boot (field 22 of its stat file); empty when there is none.
std::string start_ticks(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  // The second field is the program's name in parentheses, which may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::size_t at = name_end + 1;
  for (int field = 3; field <= 22; ++field) {
    const std::size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string::npos) return {};
    at = std::min(text.find(' ', begin), text.size());
    if (field == 22) return text.substr(begin, at - begin);
  }
  return {};
}

/// This host in this boot, and the process numbers' own space: cloned machines share a name, containers count processes
/// apart.
const std::string& this_host() {
  static const std::string host = [] {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    std::string text = name.data();
    for (char& c : text) {
      if (c == '/') c = '_';
    }
    std::ifstream boot("/proc/sys/kernel/random/boot_id");
    std::string boot_id;
    if (std::getline(boot, boot_id)) text += ":" + boot_id;
    struct stat space {};
    if (::stat("/proc/self/ns/pid", &space) == 0) text += ":" + std::to_string(space.st_ino);
    return text;
  }();
  return host;
}

/// A holder on this host whose process is gone.
bool is_dead(const std::string& holder) {
  const std::size_t first = holder.find('/'), second = holder.find('/', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos || holder.substr(0, first) != this_host()) return false;
  const std::string pid = holder.substr(first + 1, second - first - 1), ticks = start_ticks(pid);
  if (!ticks.empty()) return ticks != holder.substr(second + 1);
  // No stat file: gone, or hidden from us (hidepid). Only the kernel's word that there is no such process counts.
  pid_t number = 0;
  const bool is_number = std::from_chars(pid.data(), pid.data() + pid.size(), number).ec == std::errc();
  return is_number && number > 0 && ::kill(number, 0) != 0 && errno == ESRCH;
}

struct Row {
  std::string holder;
  std::int64_t epoch = 0;
  std::optional<UtcTime> acquired_at;
  UtcTime now{};
  bool expired = true;

  bool free() const { return holder.empty() || expired || holder == process_identity() || is_dead(holder); }
};

Row read_row(const pg::Result& result) {
  Row row;
  if (result.rows() == 0) return row;
  row.holder = result.text(0, 0);
  row.epoch = result.integer(0, 1);
  row.acquired_at = result.time(0, 2);
  row.now = result.time(0, 3).value_or(UtcTime());
  row.expired = result.boolean(0, 4);
  return row;
}

[[noreturn]] void held(const std::string& source, const Row& row) {
  throw Error(ErrorKind::locked,
              "source " + source + " is worked by " + row.holder + " since " +
                  (row.acquired_at ? format_utc(*row.acquired_at) : "?"),
              "wait for it to finish; a holder that died is replaced when its lease expires");
}

[[noreturn]] void lost(const Fence& fence) {
  throw Error(ErrorKind::locked, "the lease of source " + fence.source + " was lost to another process");
}

constexpr const char* kSelect =
    "SELECT holder, epoch, acquired_at, pg_catalog.clock_timestamp(), expires_at <= pg_catalog.clock_timestamp() "
    "FROM surveysync.lease WHERE source = $1";

std::vector<pg::Param> params_of(const Fence& fence) {
  return {pg::text(fence.source), pg::text(fence.holder), pg::int8(fence.epoch)};
}

UtcTime after(UtcTime now, Duration ttl) {
  return now + std::chrono::duration_cast<std::chrono::microseconds>(ttl);
}

// A holder whose machine vanished, or that was stopped, leaves its transaction open and the row locked: until the
// server ends it for idleness (a minute: pg/transaction.cpp), or for ever in the middle of a COPY. So each wait is
// short, and after the first one the expired holder's connections are ended, where the server lets us.
constexpr const char* kShortWait = "SET LOCAL lock_timeout = '10s'";
constexpr int kLockWaits = 6;
constexpr std::string_view kLockTimeout = "55P03";

Fence take_over(pg::Connection& connection, const std::string& source, Duration ttl) {
  const std::vector<pg::Param> key = {pg::text(source)};
  pg::Transaction transaction(connection);
  transaction.execute(kShortWait);
  transaction.execute(
      "INSERT INTO surveysync.lease (source, holder, epoch, acquired_at, renewed_at, expires_at) "
      "VALUES ($1, '', 0, pg_catalog.now(), pg_catalog.now(), pg_catalog.now()) ON CONFLICT (source) DO NOTHING",
      key);
  // FOR UPDATE waits until pages of the old holder that are under way are committed or rolled back (see check).
  const Row row = read_row(transaction.execute(fmt::format("{} FOR UPDATE", kSelect), key));
  if (!row.free()) held(source, row);
  const std::vector<pg::Param> taken = {pg::text(source), pg::text(process_identity()), pg::int8(row.epoch + 1),
                                        pg::timestamptz(row.now), pg::timestamptz(after(row.now, ttl))};
  transaction.execute(
      "UPDATE surveysync.lease SET holder = $2, epoch = $3, acquired_at = $4, renewed_at = $4, expires_at = $5 "
      "WHERE source = $1",
      taken);
  transaction.commit();
  return {source, process_identity(), row.epoch + 1};
}

/// Ends the connections of a holder whose lease has expired. What the server does not let us do is waited for instead.
void end_expired_holder(pg::Connection& connection, const std::string& source) {
  const std::vector<pg::Param> key = {pg::text(source)};
  const Row row = read_row(connection.execute(kSelect, key));
  if (row.holder.empty() || !row.free() || row.holder == process_identity()) return;
  try {
    const std::vector<pg::Param> name = {pg::text(session_name(row.holder))};
    connection.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE application_name = $1",
        name);
  } catch (const Error& refused) {
    if (!connection.alive()) throw;
  }
}

}  // namespace

std::string session_name(const std::string& identity) {
  return "surveysync " + fingerprint(identity);
}

std::string process_identity() {
  static const std::string identity = [] {
    const std::string pid = std::to_string(::getpid());
    return this_host() + "/" + pid + "/" + start_ticks(pid);
  }();
  return identity;
}

Fence Lease::acquire(pg::Connection& connection, const std::string& source, Duration ttl) {
  const std::vector<pg::Param> key = {pg::text(source)};
  // Looked at without a lock first: a healthy holder's pages keep the row locked, and we need not wait for them.
  if (const Row row = read_row(connection.execute(kSelect, key)); !row.free()) held(source, row);
  for (int wait = 1;; ++wait) {
    try {
      return take_over(connection, source, ttl);
    } catch (const Error& error) {
      if (error.sqlstate() != kLockTimeout) throw;
      if (wait < kLockWaits) {
        end_expired_holder(connection, source);
        continue;
      }
      throw Error(ErrorKind::locked, "source " + source + ": a transaction of its last holder is still open",
                  "the server ends it after a minute without a word; then try again");
    }
  }
}

void Lease::renew(pg::Connection& connection, const Fence& fence, Duration ttl) {
  std::vector<pg::Param> params = params_of(fence);
  const pg::Result now = connection.execute("SELECT pg_catalog.clock_timestamp()");
  params.push_back(pg::timestamptz(now.time(0, 0)));
  params.push_back(pg::timestamptz(after(now.time(0, 0).value_or(UtcTime()), ttl)));
  const pg::Result result = connection.execute(
      "UPDATE surveysync.lease SET renewed_at = $4, expires_at = $5 WHERE source = $1 AND holder = $2 AND epoch = $3",
      params);
  if (result.affected() == 0) lost(fence);
}

void Lease::release(pg::Connection& connection, const Fence& fence) {
  connection.execute(
      "UPDATE surveysync.lease SET holder = '', expires_at = pg_catalog.now() "
      "WHERE source = $1 AND holder = $2 AND epoch = $3",
      params_of(fence));
}

pg::Statement Lease::check_statement(const Fence& fence) {
  // KEY SHARE and not SHARE: it holds off a takeover (FOR UPDATE) but not the renewals, which would starve among many
  // workers. clock_timestamp(), since now() stands still in a rehearsal.
  return {
      "SELECT pg_catalog.clock_timestamp() FROM surveysync.lease WHERE source = $1 AND holder = $2 AND epoch = $3 FOR "
      "KEY SHARE",
      params_of(fence)};
}

UtcTime Lease::judge(const pg::Result& result, const Fence& fence) {
  if (result.rows() == 0) lost(fence);
  return result.time(0, 0).value_or(UtcTime());
}

void Lease::check(pg::Transaction& transaction, const Fence& fence) {
  const pg::Statement statement = check_statement(fence);
  judge(transaction.execute(statement.sql, statement.params), fence);
}

}  // namespace surveysync::store
