#pragma once
// One attempt at a page, inside one transaction: looks up what is stored, COPYs the new, upserts the changed, replaces
// children, and at last writes quarantine, notices, checkpoint and counters. Knows nothing about retries: store/writer
// repeats it. One thread; its buffers live in PageMemory and are reused from page to page.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "model/stream.h"
#include "pg/binary.h"
#include "pg/connection.h"
#include "store/table_sql.h"
#include "store/writer.h"

namespace surveysync::store {

/// A record of the page that is to be stored.
struct Item {
  const model::Record* record = nullptr;
  std::size_t order = 0;  ///< in the page
};

/// Records sorted by table and key, each key once (the last wins), without those that `target` excludes.
std::vector<Item> sort_items(const model::Page& page, const WriteTarget& target);
/// How a record is called in quarantine and among the excluded.
std::string quarantine_key(const model::StreamSpec& stream, const model::Record& record);
std::string quarantine_key(const model::Quarantined& record);
/// Kept out by erasure or `quarantine drop`.
bool is_excluded(const WriteTarget& target, const std::string& quarantine_key);
/// Of these: erased on request.
bool is_erased(const WriteTarget& target, const std::string& quarantine_key);

/// What is reused from page to page.
struct PageMemory {
  pg::TupleBuffer main;
  std::vector<pg::TupleBuffer> children;  ///< by table
  std::vector<pg::TupleBuffer> changed;   ///< by table: child rows of changed records, before we know which are taken
  std::vector<const model::RowBatch::Row*> rows;
  model::RowBatch batch;
  std::set<std::string> known_notices;  ///< "source|stream|what" that the database has
};

/// Which records are out, and why.
using Refused = std::map<const model::Record*, std::string>;

class PageWrite {
 public:
  struct Input {
    const model::Page& page;
    const model::Decode& decode;
    const model::Checkpoint& checkpoint;
    const WriteTarget& target;
  };
  /// `upsert_all`: nothing is COPYed into main tables, since another worker stores the same records.
  PageWrite(pg::Connection& connection, PageMemory& memory, const Input& input, bool upsert_all);

  /// Stores `items` but those of `refused`, which are quarantined; commits.
  Counts store(std::span<const Item> items, const Refused& refused);
  /// Tries to store `items` and rolls back. Throws Error(refused_row) when the database refuses one of them.
  void rehearse(std::span<const Item> items);

  /// The records that the attempt had to write (not unchanged), also after it failed: candidates for a refusal. Sorted.
  const std::vector<Item>& written() const { return written_; }
  /// After store(): what to tell.
  const std::vector<event::RecordQuarantined>& quarantined() const { return quarantine_events_; }
  const std::vector<event::ContractChanged>& notices() const { return notice_events_; }

 private:
  enum class State : std::uint8_t { absent, same, other };
  /// Neighbours in the order of keys that share a table and the fixed part of its key.
  using Group = std::span<const Item>;

  void begin(pg::Transaction& transaction, std::span<const Item> items);
  void take_lookup(const pg::Result& found, Group group);
  void write_records(pg::Transaction& transaction, std::span<const Item> items);
  void copy_new(pg::Transaction& transaction, std::span<const Item> items);
  void upsert_changed(pg::Transaction& transaction, std::span<const Item> items);
  void upsert_batch(pg::Transaction& transaction, std::span<const Item> items);
  /// Which stored rows give way to `items`.
  Replace replace_of(std::span<const Item> items) const;
  /// Of the records that the upsert left alone: those whose stored child rows are others than memory.changed has.
  /// `ends` as in upsert_batch.
  void take_other_children(pg::Transaction& transaction, std::span<const Item> sent, std::span<const std::size_t> ends,
                           std::vector<bool>& took);
  void replace_children(pg::Transaction& transaction);
  void copy_children(pg::Transaction& transaction);
  void finish(pg::Transaction& transaction, std::span<const Item> items, const Refused& refused);

  /// Decodes the record into the batch and encodes it: its main row behind memory.main, its child rows behind
  /// `children`. False when it is quarantined instead, or about somebody who was erased; the buffers are then as
  /// before.
  bool encode_record(const Item& item, std::vector<pg::TupleBuffer>& children);
  void encode_main(const model::Record& record, const model::RowBatch::Row& row);
  void encode_children(const model::Record& record, std::size_t table, pg::TupleBuffer& out);
  const model::RowBatch::Row& main_row(const model::Record& record) const;
  std::vector<std::string> flags_of(const model::Record& record) const;
  void note(const std::string& what, const std::string& sample) { notices_.try_emplace(what, sample); }

  struct Quarantine {
    std::string reason;
    std::string_view raw;
  };
  std::map<std::string, Quarantine> quarantine_of(std::span<const Item> items, const Refused& refused) const;
  std::vector<pg::Statement> quarantine_statements(std::span<const Item> items, const Refused& refused);
  std::vector<pg::Statement> missing_statements() const;
  std::vector<pg::Statement> version_statements(std::span<const Item> items, const Refused& refused) const;
  std::vector<pg::Statement> closing_statements() const;
  /// Where the record that is encoded next speaks of an erased person on the side: as it is stored, without.
  void take_persons_out(const model::Record& record);
  /// What is stored of the record that was encoded last.
  const model::Record& stored(const model::Record& record) const { return redacted_ ? *redacted_ : record; }
  bool names_erased_person(const model::Record& record, const model::RowBatch::Row& row) const;
  std::vector<pg::Statement> person_statements() const;
  std::optional<pg::Statement> sighting_statement() const;
  void write_notices(pg::Transaction& transaction);
  std::string record_key(const model::Record& record) const { return quarantine_key(in_.target.stream, record); }
  State& state_of(const Item& item) { return states_.at(item.record); }
  std::string notice_key(const std::string& what) const {
    return in_.target.fence.source + "|" + in_.target.stream.name + "|" + what;
  }
  Scope scope() const;

  pg::Connection& connection_;
  PageMemory& memory_;
  const Input in_;
  const bool upsert_all_;
  const std::vector<model::Table>& tables_;

  UtcTime now_{};
  std::unordered_map<const model::Record*, State> states_;
  std::set<std::string> in_quarantine_;  ///< keys of the page that are in quarantine already
  std::vector<Item> written_;
  std::set<const model::Record*> of_persons_;  ///< who were erased: not stored, in this attempt
  std::string redacted_text_;
  std::optional<model::Record> redacted_;  ///< of the record that was encoded last; its payload is the text
  Refused bad_;                            ///< by the decoder or the encoder, in this attempt
  std::map<std::string, std::string> notices_;
  std::vector<model::Key> taken_;  ///< rows of the first table that the upsert took
  std::optional<UtcTime> newest_;
  Counts counts_;
  std::vector<event::RecordQuarantined> quarantine_events_;
  std::vector<event::ContractChanged> notice_events_;
};

}  // namespace surveysync::store
