#pragma once
// The dictionary: table, stream, partition, record, page, checkpoint. What the reading wing hands to the writing wing.
// Plain values, no behaviour beyond comparison and keeping their own text. A Page or RowBatch belongs to one worker.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace surveysync::model {

enum class ColumnType : std::uint8_t {
  boolean,
  int32,
  int64,
  numeric,
  text,
  timestamp,
  json,
  jsonb,
  text_array,
  int64_array
};

struct Column {
  std::string name;
  ColumnType type;
};

/// A column by which a person is known in a table: rows that name one who was erased are kept out.
struct ContactColumn {
  std::string column;
  std::string kind;  ///< "email", "contact": values of one kind mean the same person wherever they stand
};

/// Which rows of a table the configuration still follows, where one list holds what is followed and what is not: the
/// others stay as they are, neither counted nor marked deleted.
struct FollowedRows {
  std::string column;              ///< a text column that names what is followed
  std::vector<std::string> only;   ///< its values; empty: all
  std::vector<std::string> never;  ///< but these
};

/// A target table as a provider declares it. `source text` leads every key and is not listed. Main tables also carry
/// the standard columns (payload, payload_raw, payload_hash, flags, first_seen_at, changed_at, deleted_at, run_id),
/// which store/writer fills; child tables carry only run_id and are replaced whole with their record.
struct Table {
  std::string schema, name;
  std::vector<Column> key;      ///< after source, outermost first; types int64, text (or uuid as text)
  std::vector<Column> columns;  ///< typed columns, without the standard ones
  bool child = false;
  bool history = false;  ///< every version of a row is also kept in surveysync.definition_history
  /// Index into `columns` of the time that tells versions apart: an older one never replaces a newer one.
  std::optional<std::size_t> version = std::nullopt;
  /// How many leading key columns name the partition: 1 for survey_id.
  std::size_t scope = 1;
  std::vector<ContactColumn> contact_columns = {};
  std::optional<FollowedRows> followed_rows = std::nullopt;

  std::string qualified() const { return schema + "." + name; }
};

/// How a stream is read.
enum class Reading : std::uint8_t {
  by_change,  ///< definitions (not certified) when their partition's entry changed; records (certified) by date of
              ///< change
  whole,      ///< a list that tells nothing of changes: read to its end when it is due
  named,      ///< records that stored rows of another stream name: each is asked for alone, once
};

/// Which stored rows name the records of a stream that is read by name.
struct Naming {
  std::string schema, table;     ///< of the stream's partitions
  std::vector<std::string> key;  ///< its columns that make the key, in the key's order, after source
  std::string column, value;     ///< only rows with this value in this column
  std::string parent;            ///< table whose rows, when marked deleted, take theirs along; it has the first
  std::size_t parent_keys = 0;   ///< of `key` as its own key
};

/// One kind of record of a source.
struct StreamSpec {
  std::string name;
  std::vector<Table> tables;  ///< main tables first; a child (if any) belongs to tables[0]
  bool certified = false;     ///< each partition gets a certificate over tables[0]
  int requests_a_page = 1;    ///< that one fetch takes
  Reading reading = Reading::by_change;
  bool of_account = false;  ///< one partition without a name, instead of one for each that Source::partitions shows
  bool on_request = false;  ///< read only where the configuration names it
  std::optional<Naming> naming = std::nullopt;  ///< for Reading::named
};

/// An independently checkpointed part of a stream: the responses of one survey.
struct Partition {
  std::string name;                                    ///< "8611799"; also the text of the leading key column
  std::string title;                                   ///< for people
  std::int64_t expected_records = 0;                   ///< hint for order and progress, 0 when unknown
  std::string context;                                 ///< what the source wants back when it fetches (its own bytes)
  std::optional<std::int64_t> removed = std::nullopt;  ///< how many deleted records the vendor counts, where it tells
  std::string status = {}, changed = {};               ///< as the vendor writes them, for people (`discover`)
};

/// One part of a key: ids are numbers at one vendor, text at another.
using KeyPart = std::variant<std::int64_t, std::string>;
using Key = std::vector<KeyPart>;
/// "123/456": for quarantine, logs and people.
std::string key_text(const Key& key);

/// XXH3, 128 bit, big-endian (canonical) bytes.
using Hash = std::array<std::uint8_t, 16>;
/// XXH3-128 of `bytes`.
Hash hash_of(std::string_view bytes);

/// One item as the vendor sent it, not yet decoded: enough to tell whether it changed. Views point into Page::texts.
struct Record {
  std::size_t table = 0;     ///< index into StreamSpec::tables: the main table it becomes a row of
  Key key;                   ///< all key columns of that table
  Hash hash{};               ///< of the vendor's bytes
  std::string_view payload;  ///< what is stored: sound for json and text, kPadding readable bytes follow
  std::optional<std::string_view> original;  ///< the vendor's bytes, only where payload had to be altered
  std::vector<std::string> flags;            ///< what was repaired: "nul", "utf8", ...
  /// What the source knows beyond the bytes (position, page), for its decoder. The hash does not cover it: rows of such
  /// records are compared column by column.
  std::string context;
  /// The vendor shows more of it when it is asked for alone: Source::complete.
  bool in_part = false;
};

/// A record that could not even be keyed.
struct Quarantined {
  std::string record_key;  ///< key_text, or "raw:<hash>" where no id can be read
  std::string reason;
  std::string raw;  ///< exact bytes
};

/// What one call returned.
struct Page {
  std::vector<std::unique_ptr<std::string>> texts;  ///< owns every byte that the records view
  std::vector<Record> records;
  std::vector<Quarantined> quarantined;
  std::optional<std::string> next;  ///< position of the next call; none at the end of the pass
  /// The vendor's count for the partition, if it sent one; in a window: of what it still holds, where that is counted.
  std::optional<std::int64_t> total;
  std::int64_t requests = 0;  ///< that fetching it took
  Duration elapsed{};         ///< that the vendor took for the last answer
  bool cached = false;        ///< the vendor made this answer for an earlier question
  std::int64_t holes = 0;     ///< null entries where records were due
  bool decode_again = false;  ///< rows of unchanged records are made anew: what decoding depends on has changed
  bool complete = false;      ///< holds the whole partition: rows of its main tables that are missing here are gone
  bool keep_marks = false;    ///< not from the vendor (replay): rows that are marked deleted stay so
  std::string newest;  ///< the newest change on this page as the vendor writes it; ordered by bytes, empty when none
  std::optional<UtcTime> newest_at;  ///< the same as an instant, as well as the vendor's clock is known
  std::optional<UtcTime> oldest_at;  ///< the oldest change on it
  std::string incomplete;            ///< why records lack what the vendor shows of them alone; empty: none does
  std::string unreliable;  ///< why the window cannot be read: filter or order ignored, ...; walk everything instead
};

/// One value of a row. 24 bytes; text and lists live elsewhere (the page, or the RowBatch's memory).
class Cell {
 public:
  enum class Type : std::uint8_t { null, boolean, integer, text, time, list };
  Cell() = default;
  static Cell of(bool value) {
    Cell c(Type::boolean);
    c.number_ = value ? 1 : 0;
    return c;
  }
  static Cell of(std::int64_t value) {
    Cell c(Type::integer);
    c.number_ = value;
    return c;
  }
  static Cell of(std::string_view value) {
    Cell c(Type::text);
    c.data_ = value.data();
    c.size_ = value.size();
    return c;
  }
  static Cell of(UtcTime value) {
    Cell c(Type::time);
    c.number_ = value.time_since_epoch().count();
    return c;
  }
  static Cell of(std::span<const Cell> value) {
    Cell c(Type::list);
    c.data_ = value.data();
    c.size_ = value.size();
    return c;
  }
  template <class T>
  static Cell of(const std::optional<T>& value) {
    return value ? of(*value) : Cell();
  }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::null; }
  bool boolean() const { return number_ != 0; }
  std::int64_t integer() const { return number_; }
  std::int64_t micros() const { return number_; }  ///< since 1970 UTC
  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }
  std::span<const Cell> list() const { return {static_cast<const Cell*>(data_), size_}; }

 private:
  explicit Cell(Type type) : type_(type) {}
  const void* data_ = nullptr;
  union {
    std::int64_t number_ = 0;
    std::size_t size_;
  };
  Type type_ = Type::null;
};

/// The rows one record becomes, and what was noticed on the way. Reused from record to record: `clear` keeps the
/// memory.
class RowBatch {
 public:
  struct Row {
    std::size_t table;            ///< index into StreamSpec::tables
    std::span<const Cell> cells;  ///< key columns, then typed columns, in the table's order
  };
  /// First sight of a shape, for surveysync.contract_change: what ("survey_data.answer: object"), a short scrubbed
  /// sample.
  struct Notice {
    std::string what, sample;
  };

  RowBatch();
  void clear();
  /// A new row of `columns` null cells. The span stays valid until clear().
  std::span<Cell> add_row(std::size_t table, std::size_t columns);
  /// A row of cells that make_cells gave and the caller filled: for those who know only at the end which rows there
  /// are.
  void add_row(std::size_t table, std::span<const Cell> cells) { rows_.push_back({table, cells}); }
  /// Copies text into the batch's memory.
  std::string_view keep(std::string_view text);
  /// Copies a list into the batch's memory.
  std::span<const Cell> keep_list(std::span<const Cell> cells);
  /// Memory for `count` cells, all null.
  std::span<Cell> make_cells(std::size_t count);

  std::span<const Row> rows() const { return rows_; }
  std::vector<std::string> flags;  ///< beyond those of the record: "date"
  std::vector<Notice> notices;

 private:
  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_;
  std::vector<Row> rows_;
};

/// Turns one record into rows: its main row first, then child rows. Throws Error(malformed) when it cannot: quarantine.
using Decode = std::function<void(const Record&, RowBatch&)>;

/// Where a partition stands; committed with the rows.
struct Checkpoint {
  std::string stream, partition;
  std::string bookmark;  ///< everything up to here is stored; empty before the first complete pass
  std::string position;  ///< where the unfinished pass continues; empty when none is open
  int page_size = 0;     ///< learned; 0 when not yet
};

/// A fact about a vendor account that was tested, not assumed.
struct Capability {
  std::string name, value, evidence;
  UtcTime learned_at{};
};

}  // namespace surveysync::model
