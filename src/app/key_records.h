#pragma once
// The key memory of a source, kept in surveysync.credential (store/key_book). Its own database connection, opened when
// first needed; while the database is away the notes in the state directory stand in, and it is not tried again for a
// few seconds. Thread-safe. Never throws.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/key_notes.h"
#include "http/own_memory.h"
#include "pg/connection.h"
#include "store/key_book.h"

namespace surveysync::app {

/// Who asks: a daemon waits for a refused key's next probe, a person has perhaps mended the key just now.
enum class KeyPatience : std::uint8_t { daemon, person };

class KeyRecords final : public http::KeyMemory {
 public:
  /// `waits`: limits.hold_probe. `notes`: what is known without the database; may be null.
  KeyRecords(pg::ConnectOptions options, std::string source, std::vector<Duration> waits, KeyPatience patience,
             Clock& clock, std::shared_ptr<KeyNotes> notes = nullptr);
  ~KeyRecords() override;

  http::KeyPast begin(const http::KeyId& key) override;
  http::KeyPast recall(const http::KeyId& key) override;
  void accepted(const http::KeyId& key) override;
  void refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
               const std::string& next_step, int requests) override;
  void still_good(const http::KeyId& key) override;
  void sent_in_vain(const http::KeyId& key, int requests) override;
  bool claim_probe(const http::KeyId& key) override;

  /// How many of a dead key's requests in an hour may come before a probe is due, where a person asks.
  static constexpr int kMostEarly = 6;
  /// Uses that may end without an answer (the process was killed) before the next one waits.
  static constexpr int kUsesWithoutAnswer = 3;

 private:
  template <class Act>
  bool with_book(const Act& act) noexcept;
  store::KeyRecord record_of(const http::KeyId& key) const;
  http::KeyPast past_of(const store::KeyRecord& record) const;
  http::KeyPast told_by_notes(const http::KeyId& key) const;
  void catch_up(store::KeyBook& book, const http::KeyId& key, store::KeyRecord& known) const;
  Duration rest_of(const store::KeyRecord& record) const;
  void begin_use(store::KeyBook& book, const store::KeyRecord& key);
  void answered(const store::KeyRecord& key);

  const pg::ConnectOptions options_;
  const std::string source_;
  const std::vector<Duration> waits_;
  const KeyPatience patience_;
  Clock& clock_;
  const std::shared_ptr<KeyNotes> notes_;
  std::mutex mutex_;
  std::unique_ptr<pg::Connection> connection_;
  /// What this process learned itself, for when the database knows another key in the slot: two hosts need not have the
  /// same file at the same time.
  http::OwnMemory own_;
  std::vector<store::KeyRecord> unanswered_;  // uses that we began and that nobody answered yet
  std::optional<SteadyTime> failed_at_;
};

}  // namespace surveysync::app
