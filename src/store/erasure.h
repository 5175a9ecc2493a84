#pragma once
// Erases what is stored of a record or a person, remembers them by keyed digests, and proves that nothing is left. What
// identifies a person is declared by the tables (model::Table::contact_columns), so every provider's streams are
// searched alike. Works with all tables of the source's schemas that carry a record's key, whoever declares them. One
// thread. Throws what pg throws, and Error(locked) from the fence.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/keyed_digest.h"
#include "model/stream.h"
#include "pg/connection.h"
#include "store/exclusions.h"
#include "store/lease.h"

namespace surveysync::store {

/// A record to be erased, stored or not.
struct ErasedRecord {
  std::string stream, partition, record_key;  ///< record_key: as in quarantine
  const model::Table* table = nullptr;        ///< null where no key can be read
  model::Key key = {};
  bool present = false;  ///< the vendor has it, as far as we know
};

/// What an erasure is about.
struct ErasureWish {
  std::vector<ErasedRecord> records;
  std::set<PersonName> persons;
};

/// Where something was deleted, or is left.
struct ErasureCount {
  std::string place;  ///< "alchemer.response"
  std::int64_t rows = 0;
  std::int64_t redacted = 0;  ///< rows of others that stay, without what described the person
};

/// Where an erased person's address still stands: in what people wrote. Whose it is cannot be told.
struct Mention {
  std::string place;
  std::string response;  ///< key of a record of the certified stream ("77/5") that it belongs to, else empty
  std::int64_t rows = 1;
};

/// A table as the catalog shows it.
struct PlainTable {
  std::string schema, name;
  std::map<std::string, std::string> columns;  ///< name to type

  std::string place() const { return schema + "." + name; }
  std::string qualified() const;
  bool has(const std::string& column) const { return columns.contains(column); }
};

class Erasure {
 public:
  Erasure(pg::Connection& connection, std::string source, const std::vector<model::StreamSpec>& streams,
          std::shared_ptr<const KeyedDigest> digest);

  /// The record of the source's certified stream with this key ("77/5"). Throws Error(config) when the text is no key.
  void add_record(const std::string& key, ErasureWish& wish);
  /// A person by e-mail address or contact id, with all records that name them, or name what those say they are called.
  /// Throws Error(config) for an id that means different persons in different lists; "KIND:ID" names one.
  void add_person(const std::string& name, ErasureWish& wish);

  /// Files that go with the records, as stored_path columns name them.
  std::vector<std::string> files_of(const ErasureWish& wish);
  /// Deletes everything that is stored of them and writes the ledger, in one transaction. Where others' records
  /// describe a person in a part of their own (erasure_redact.h), that part becomes null, and stays so.
  std::vector<ErasureCount> erase(const Fence& fence, const ErasureWish& wish);

  /// Searches every table of the source's schemas and of surveysync for them; empty: nothing is left.
  std::vector<ErasureCount> left_of(const ErasureWish& wish);
  /// Where the persons' addresses stand in what is stored; at most 1,000 records of the certified stream.
  std::vector<Mention> mentions(const ErasureWish& wish);
  /// Compares all that is stored with the whole ledger: rows that must not be there.
  std::vector<ErasureCount> left_of_all();

 private:
  std::vector<PlainTable> tables();
  void find_persons(ErasureWish& wish);
  bool read_rows(const model::StreamSpec& stream, const model::Table& table, ErasureWish& wish,
                 std::set<std::string>& kinds);
  void find_quarantined(ErasureWish& wish);
  /// How a person may be written in a column: as given, or hashed.
  std::vector<std::string> texts_of(const PersonName& person) const;
  std::vector<pg::Statement> deletions(const ErasedRecord& record, const std::vector<PlainTable>& tables) const;
  std::vector<pg::Statement> ledger_rows(const ErasureWish& wish) const;
  std::vector<pg::Statement> redactions(const ErasureWish& wish) const;
  void redact_parts(const ErasureWish& wish, const std::vector<PlainTable>& known,
                    std::vector<pg::Statement>& statements);
  void count_left(const model::StreamSpec& stream, const model::Table& table, std::vector<ErasureCount>& left);
  void count_left_wide(const model::StreamSpec& stream, const PlainTable& wide, std::vector<ErasureCount>& left);

  pg::Connection& connection_;
  const std::string source_;
  const std::vector<model::StreamSpec>& streams_;
  const std::shared_ptr<const KeyedDigest> digest_;
};

}  // namespace surveysync::store
