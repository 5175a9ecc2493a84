#pragma once
// Open incidents and messages that have not reached their channel, in a SQLite file of the state directory (0600), so
// that they survive a restart, kill -9, and a warehouse that is away. Shared by all processes of the host: a message is
// claimed before it is sent, and whoever dies with it loses it when the claim runs out. Without a directory that can be
// written everything is kept in memory and ends with the process. Thread-safe. Throws Error(unavailable).

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "report/alert.h"

namespace surveysync::report {

/// What this host knows of one incident.
struct KnownIncident {
  Alert alert;               ///< as it was opened, or last brought up to date
  bool open = true;          ///< false: it is over, and the database does not know that yet
  bool in_database = false;  ///< the database has it as it is here
  bool told = false;         ///< messages about it were queued by this host
  UtcTime told_at{};         ///< when, the last time, by whomever
};

/// One message on its way to one channel.
struct OutboxMessage {
  std::int64_t id = 0;
  std::string channel;
  Alert alert;
  int attempts = 0;  ///< so far
};

/// What an outbox that is given up hands to the next one.
struct OutboxContent {
  std::vector<KnownIncident> incidents;
  std::vector<OutboxMessage> messages;  ///< in the order in which they were queued
  std::set<std::string> over;           ///< incidents that ended meanwhile: the next one forgets them
};

/// How a channel has fared, over all processes of the host.
struct ChannelRecord {
  std::int64_t sent = 0, failed = 0, given_up = 0;
  int failures = 0;  ///< in a row, until now
  std::optional<UtcTime> failing_since;
  std::string last_error;
};

class Outbox {
 public:
  /// `directory` empty: in memory. A file that is damaged is put aside under another name, and a new one begun.
  explicit Outbox(const std::string& directory);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  bool in_memory() const;
  /// What was put aside when it was opened; empty when nothing was.
  const std::string& trouble() const;

  std::optional<KnownIncident> find(const std::string& key);
  std::vector<KnownIncident> incidents();
  /// Stores what is known and queues the alert for each of `channels`: both or neither. A repetition is not queued
  /// behind a message of the same incident that has not arrived yet.
  void keep(const KnownIncident& known, const std::vector<std::string>& channels);
  /// Forgets the incident and queues what is said at its end.
  void forget(const std::string& key, const std::optional<Alert>& last, const std::vector<std::string>& channels);
  /// Queues a message that belongs to no incident; older ones of its key that have not been sent are replaced.
  void replace(const Alert& alert, const std::vector<std::string>& channels);

  /// The channel's next message that is due and whose incident has no older one waiting; nobody else gets it before
  /// `until`.
  std::optional<OutboxMessage> claim(const std::string& channel, UtcTime now, UtcTime until);
  /// It has arrived.
  void delivered(const OutboxMessage& message);
  /// It is due again at `due`. What the channel's record is now.
  ChannelRecord failed(const OutboxMessage& message, const std::string& error, UtcTime now, UtcTime due);
  /// The send was broken off, nobody failed: due at once.
  void release(const OutboxMessage& message);
  /// Nobody's claim counts any more: whoever made one is dead, or sends once more.
  void release_all();
  /// Drops messages made before `made`; their number.
  std::int64_t give_up(const std::string& channel, UtcTime made);
  /// Drops messages for channels that are none of these.
  void keep_channels(const std::vector<std::string>& channels);
  /// Messages on their way; `untried`: only those that nobody has tried to send.
  std::int64_t waiting(const std::string& channel, bool untried = false);
  ChannelRecord record(const std::string& channel);

  /// Hands over all incidents, and the messages that nobody has claimed.
  OutboxContent take();
  /// Puts them in; the messages are due at once. All or nothing.
  void add(const OutboxContent& content);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::report
