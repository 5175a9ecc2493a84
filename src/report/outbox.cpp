#include "report/outbox.h"

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/state_file.h"
#include "report/outbox_rows.h"

namespace surveysync::report {
namespace {

using Poco::Data::RecordSet;
using Poco::Data::Statement;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;
using Poco::Data::Keywords::use;

// Another process of the host may be writing; it never takes long.
constexpr std::size_t kBusySeconds = 5;
constexpr std::int64_t kVersion = 1;

constexpr const char* kSchema[] = {
    "CREATE TABLE IF NOT EXISTS incident (key TEXT PRIMARY KEY, state TEXT, rule TEXT, source TEXT, severity TEXT, "
    "verdict TEXT, evidence TEXT, affected TEXT, next_step TEXT, message TEXT, host TEXT, since BIGINT, at BIGINT, "
    "resolved_at BIGINT, open BIGINT, in_database BIGINT, told BIGINT, told_at BIGINT)",
    "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, state TEXT, rule TEXT, source "
    "TEXT, severity TEXT, verdict TEXT, evidence TEXT, affected TEXT, next_step TEXT, message TEXT, host TEXT, since "
    "BIGINT, at BIGINT, resolved_at BIGINT, channel TEXT, attempts BIGINT, due BIGINT, claimed_until BIGINT)",
    "CREATE TABLE IF NOT EXISTS channel (name TEXT PRIMARY KEY, sent BIGINT, failed BIGINT, given_up BIGINT, failures "
    "BIGINT, failing_since BIGINT, last_error TEXT)",
    "CREATE INDEX IF NOT EXISTS message_by_channel ON message (channel, key, id)"};

/// Makes the file before SQLite does, so that nobody else can ever read it.
void make_file(const std::string& directory, const std::string& path) {
  make_state_directory(directory);
  if (open_state_file(path, O_RDWR | O_CREAT).get() < 0) {
    throw Error(ErrorKind::unavailable, fmt::format("opening {}: {}", path, std::strerror(errno)),
                "state.dir must be writable by the user that runs surveysync");
  }
}

}  // namespace

struct Outbox::Impl {
  explicit Impl(const std::string& directory) : memory(directory.empty()), path(directory + "/outbox.db") {
    static const bool registered = [] {
      Poco::Data::SQLite::Connector::registerConnector();
      return true;
    }();
    static_cast<void>(registered);
    if (!memory) make_file(directory, path);
    try {
      begin();
    } catch (const Poco::Data::DataException& failure) {
      if (memory || (failure.displayText().find("not a database") == std::string::npos &&
                     failure.displayText().find("malformed") == std::string::npos && !is_damage(failure))) {
        throw refused(failure);
      }
      session.reset();
      const std::string aside = fmt::format("{}.damaged-{}", path, ::getpid());
      trouble = fmt::format("{} is damaged ({}) and was put aside as {}", path, failure.displayText(), aside);
      ::rename(path.c_str(), aside.c_str());
      make_file(directory, path);
      again();
    }
  }

  static bool is_damage(const Poco::Exception& failure) {
    const std::string name = failure.name();
    return name.find("orrupt") != std::string::npos || name.find("otADB") != std::string::npos ||
           failure.displayText().find("file is encrypted") != std::string::npos;
  }

  void begin() {
    session.emplace("SQLite", memory ? ":memory:" : path, kBusySeconds);
    session->setConnectionTimeout(kBusySeconds);
    // A message that was queued survives a power cut; one that was erased leaves nothing behind.
    for (const char* const setting : {"PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON"})
      *session << setting, now;
    Poco::Int64 version = 0;
    *session << "PRAGMA user_version", into(version), now;
    if (version > kVersion)
      throw Error(ErrorKind::unavailable, fmt::format("{} was written by a newer version of surveysync", path));
    if (version == kVersion) {
      Poco::Int64 count = 0;
      *session << "SELECT count(*) FROM message", into(count), now;
      return;
    }
    const Act act(*session);
    for (const char* const statement : kSchema)
      *session << statement, now;
    *session << fmt::format("PRAGMA user_version = {}", kVersion), now;
    act.commit();
  }

  void again() {
    try {
      begin();
    } catch (const Poco::Exception& failure) {
      throw refused(failure);
    }
  }

  Error refused(const Poco::Exception& failure) const {
    return Error(ErrorKind::unavailable,
                 fmt::format("the outbox {}: {}", memory ? "in memory" : path, failure.displayText()),
                 "is the disk full, or its directory not writable?");
  }

  /// One transaction, which takes the lock for writing at once: two readers that both begin to write would block each
  /// other.
  class Act {
   public:
    explicit Act(Poco::Data::Session& session) : session_(session) { session_ << "BEGIN IMMEDIATE", now; }
    ~Act() {
      if (done_) return;
      try {
        session_ << "ROLLBACK", now;
      } catch (...) {
        // SQLite has rolled back by itself.
      }
    }
    Act(const Act&) = delete;
    Act& operator=(const Act&) = delete;
    void commit() const {
      session_ << "COMMIT", now;
      done_ = true;
    }

   private:
    Poco::Data::Session& session_;
    mutable bool done_ = false;
  };

  /// Does `work` as one transaction. What SQLite says becomes our Error.
  template <class Work>
  auto perform(const Work& work) {
    const std::lock_guard lock(mutex);
    try {
      const Act act(*session);
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        act.commit();
      } else {
        auto result = work();
        act.commit();
        return result;
      }
    } catch (const Poco::Exception& failure) {
      throw refused(failure);
    }
  }

  void queue(const Alert& alert, const std::vector<std::string>& channels) {
    for (std::string channel : channels) {
      std::string key = alert.key;
      Poco::Int64 waiting = 0;
      *session << "SELECT count(*) FROM message WHERE channel = ? AND key = ?", use(channel), use(key), into(waiting),
          now;
      if (alert.state == AlertState::repeated && waiting > 0) continue;
      put({0, channel, alert, 0});
    }
  }

  void put(OutboxMessage message) {
    OutboxRow row(message.alert);
    std::int64_t due = number_of(message.alert.at);
    Statement statement(*session);
    statement << fmt::format(
        "INSERT INTO message ({}, channel, attempts, due, claimed_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, 0)",
        kAlertColumns);
    row.bind(statement);
    statement, use(message.channel), use(message.attempts), use(due), now;
  }

  void put(const KnownIncident& known) {
    OutboxRow row(known.alert);
    std::int64_t open = known.open ? 1 : 0, in_database = known.in_database ? 1 : 0, told = known.told ? 1 : 0,
                 told_at = number_of(known.told_at);
    Statement statement(*session);
    statement << fmt::format(
        "INSERT OR REPLACE INTO incident ({}, open, in_database, told, told_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?)",
        kAlertColumns);
    row.bind(statement);
    statement, use(open), use(in_database), use(told), use(told_at), now;
  }

  std::vector<KnownIncident> incidents() {
    Statement statement(*session);
    statement << fmt::format("SELECT {}, open, in_database, told, told_at FROM incident ORDER BY since, key",
                             kAlertColumns);
    statement.execute();
    const RecordSet rows(statement);
    std::vector<KnownIncident> all;
    for (std::size_t row = 0; row < rows.rowCount(); ++row)
      all.push_back(known_at(rows, row));
    return all;
  }

  ChannelRecord record(std::string channel) {
    Statement statement(*session);
    statement << "SELECT sent, failed, given_up, failures, failing_since, last_error FROM channel WHERE name = ?",
        use(channel);
    statement.execute();
    const RecordSet rows(statement);
    ChannelRecord record;
    if (rows.rowCount() == 0) return record;
    record.sent = number_at(rows, 0, 0);
    record.failed = number_at(rows, 1, 0);
    record.given_up = number_at(rows, 2, 0);
    record.failures = static_cast<int>(number_at(rows, 3, 0));
    record.failing_since = time_at(rows, 4, 0);
    record.last_error = text_at(rows, 5, 0);
    return record;
  }

  void store(std::string channel, ChannelRecord record) {
    std::int64_t failures = record.failures, since = number_of(record.failing_since);
    *session << "INSERT INTO channel (name, sent, failed, given_up, failures, failing_since, last_error) VALUES (?, ?, "
                "?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET sent = excluded.sent, failed = excluded.failed, "
                "given_up = excluded.given_up, failures = excluded.failures, failing_since = excluded.failing_since, "
                "last_error = excluded.last_error",
        use(channel), use(record.sent), use(record.failed), use(record.given_up), use(failures), use(since),
        use(record.last_error), now;
  }

  void erase(std::int64_t id) { *session << "DELETE FROM message WHERE id = ?", use(id), now; }

  const bool memory;
  const std::string path;
  std::string trouble;
  std::mutex mutex;
  std::optional<Poco::Data::Session> session;
};

Outbox::Outbox(const std::string& directory) : impl_(std::make_unique<Impl>(directory)) {}

Outbox::~Outbox() = default;

bool Outbox::in_memory() const {
  return impl_->memory;
}

const std::string& Outbox::trouble() const {
  return impl_->trouble;
}

std::optional<KnownIncident> Outbox::find(const std::string& key) {
  return impl_->perform([&]() -> std::optional<KnownIncident> {
    std::string wanted = key;
    Statement statement(*impl_->session);
    statement << fmt::format("SELECT {}, open, in_database, told, told_at FROM incident WHERE key = ?", kAlertColumns),
        use(wanted);
    statement.execute();
    const RecordSet rows(statement);
    if (rows.rowCount() == 0) return std::nullopt;
    return known_at(rows, 0);
  });
}

std::vector<KnownIncident> Outbox::incidents() {
  return impl_->perform([&] { return impl_->incidents(); });
}

void Outbox::keep(const KnownIncident& known, const std::vector<std::string>& channels) {
  impl_->perform([&] {
    impl_->put(known);
    impl_->queue(known.alert, channels);
  });
}

void Outbox::forget(const std::string& key, const std::optional<Alert>& last,
                    const std::vector<std::string>& channels) {
  impl_->perform([&] {
    std::string gone = key;
    *impl_->session << "DELETE FROM incident WHERE key = ?", use(gone), now;
    if (last) impl_->queue(*last, channels);
  });
}

void Outbox::replace(const Alert& alert, const std::vector<std::string>& channels) {
  impl_->perform([&] {
    std::string key = alert.key;
    *impl_->session << "DELETE FROM message WHERE key = ? AND claimed_until = 0", use(key), now;
    impl_->queue(alert, channels);
  });
}

std::optional<OutboxMessage> Outbox::claim(const std::string& channel, UtcTime now_is, UtcTime until) {
  return impl_->perform([&]() -> std::optional<OutboxMessage> {
    std::string name = channel;
    std::int64_t time = number_of(now_is), end = number_of(until);
    Statement statement(*impl_->session);
    statement << fmt::format(
        "SELECT {}, id, channel, attempts FROM message AS m WHERE channel = ? AND due <= ? AND claimed_until <= ? AND "
        "NOT EXISTS (SELECT 1 FROM message AS o WHERE o.channel = m.channel AND o.key = m.key AND o.id < m.id) ORDER "
        "BY "
        "due, id LIMIT 1",
        kAlertColumns),
        use(name), use(time), use(time);
    statement.execute();
    const RecordSet rows(statement);
    if (rows.rowCount() == 0) return std::nullopt;
    OutboxMessage message = message_at(rows, 0);
    *impl_->session << "UPDATE message SET claimed_until = ? WHERE id = ?", use(end), use(message.id), now;
    return message;
  });
}

void Outbox::delivered(const OutboxMessage& message) {
  impl_->perform([&] {
    impl_->erase(message.id);
    ChannelRecord record = impl_->record(message.channel);
    ++record.sent;
    record.failures = 0;
    record.failing_since.reset();
    record.last_error.clear();
    impl_->store(message.channel, record);
  });
}

ChannelRecord Outbox::failed(const OutboxMessage& message, const std::string& error, UtcTime now_is, UtcTime due) {
  return impl_->perform([&] {
    std::int64_t id = message.id, time = number_of(due);
    *impl_->session << "UPDATE message SET attempts = attempts + 1, due = ?, claimed_until = 0 WHERE id = ?", use(time),
        use(id), now;
    ChannelRecord record = impl_->record(message.channel);
    ++record.failed;
    ++record.failures;
    if (!record.failing_since) record.failing_since = now_is;
    record.last_error = error;
    impl_->store(message.channel, record);
    return record;
  });
}

void Outbox::release(const OutboxMessage& message) {
  impl_->perform([&] {
    std::int64_t id = message.id;
    *impl_->session << "UPDATE message SET claimed_until = 0 WHERE id = ?", use(id), now;
  });
}

void Outbox::release_all() {
  impl_->perform([&] { *impl_->session << "UPDATE message SET claimed_until = 0 WHERE claimed_until <> 0", now; });
}

std::int64_t Outbox::give_up(const std::string& channel, UtcTime made) {
  return impl_->perform([&]() -> std::int64_t {
    std::string name = channel;
    std::int64_t time = number_of(made);
    Poco::Int64 count = 0;
    *impl_->session << "SELECT count(*) FROM message WHERE channel = ? AND at < ?", use(name), use(time), into(count),
        now;
    if (count == 0) return 0;
    *impl_->session << "DELETE FROM message WHERE channel = ? AND at < ?", use(name), use(time), now;
    ChannelRecord record = impl_->record(channel);
    record.given_up += count;
    impl_->store(channel, record);
    return count;
  });
}

void Outbox::keep_channels(const std::vector<std::string>& channels) {
  impl_->perform([&] {
    std::string known = "\n";
    for (const std::string& channel : channels)
      known += channel + "\n";
    for (const char* const statement : {"DELETE FROM message WHERE instr(?, char(10) || channel || char(10)) = 0",
                                        "DELETE FROM channel WHERE instr(?, char(10) || name || char(10)) = 0"})
      *impl_->session << statement, use(known), now;
  });
}

std::int64_t Outbox::waiting(const std::string& channel, bool untried) {
  return impl_->perform([&]() -> std::int64_t {
    std::string name = channel;
    std::int64_t most = untried ? 0 : INT64_MAX;
    Poco::Int64 count = 0;
    *impl_->session << "SELECT count(*) FROM message WHERE channel = ? AND attempts <= ?", use(name), use(most),
        into(count), now;
    return count;
  });
}

ChannelRecord Outbox::record(const std::string& channel) {
  return impl_->perform([&] { return impl_->record(channel); });
}

OutboxContent Outbox::take() {
  return impl_->perform([&] {
    OutboxContent content;
    content.incidents = impl_->incidents();
    Statement statement(*impl_->session);
    statement << fmt::format("SELECT {}, id, channel, attempts FROM message WHERE claimed_until = 0 ORDER BY id",
                             kAlertColumns);
    statement.execute();
    const RecordSet rows(statement);
    for (std::size_t row = 0; row < rows.rowCount(); ++row)
      content.messages.push_back(message_at(rows, row));
    for (const char* const erase : {"DELETE FROM incident", "DELETE FROM message WHERE claimed_until = 0"})
      *impl_->session << erase, now;
    return content;
  });
}

void Outbox::add(const OutboxContent& content) {
  impl_->perform([&] {
    for (const KnownIncident& known : content.incidents)
      impl_->put(known);
    for (std::string key : content.over) {
      *impl_->session << "DELETE FROM incident WHERE key = ?", use(key), now;
      // Its end has been told already: its beginning would never be taken back.
      if (std::ranges::none_of(content.messages, [&](const auto& message) { return message.alert.key == key; }))
        *impl_->session << "DELETE FROM message WHERE key = ? AND claimed_until = 0", use(key), now;
    }
    for (const OutboxMessage& message : content.messages)
      impl_->put(message);
  });
}

}  // namespace surveysync::report
