#include "store/archive.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "pg/binary.h"
#include "store/archive_sql.h"
#include "store/encode.h"
#include "store/key_params.h"
#include "store/table_sql.h"

namespace surveysync::store {
namespace {

constexpr std::size_t kTextBlock = 512UL * 1024;

// The last version of every object, and when it was found gone, if it was.
constexpr const char* kVersions =
    "SELECT v.object_id, v.payload, v.payload_raw, v.payload_hash, array_to_string(v.flags, E'\\x1f'), v.context, "
    "(SELECT min(d.recorded_at) FROM surveysync.definition_history AS d WHERE d.source = $1 AND d.survey_id = "
    "$2::text::bigint AND d.object = $3 AND d.object_id = v.object_id AND d.payload IS NULL AND d.recorded_at > "
    "v.recorded_at) FROM (SELECT DISTINCT ON (h.object_id) h.object_id, h.payload, h.payload_raw, h.payload_hash, "
    "h.flags, h.context, h.recorded_at FROM surveysync.definition_history AS h WHERE h.source = $1 AND h.survey_id = "
    "$2::text::bigint AND h.object = $3 AND h.payload IS NOT NULL ORDER BY h.object_id, h.recorded_at DESC) AS v";
// Surveys with history, found by skipping from one to the next.
constexpr const char* kHistoryPartitions =
    "WITH RECURSIVE s AS ((SELECT min(h.survey_id) AS p FROM surveysync.definition_history AS h WHERE h.source = $1) "
    "UNION ALL SELECT (SELECT min(h.survey_id) FROM surveysync.definition_history AS h WHERE h.source = $1 AND "
    "h.survey_id > s.p) FROM s WHERE s.p IS NOT NULL) SELECT s.p::text FROM s WHERE s.p IS NOT NULL ORDER BY s.p";

/// Copies `text` into the page's memory, kPadding readable bytes behind it. Blocks never grow beyond what they
/// reserved, so that views stay valid.
std::string_view keep(model::Page& page, std::string_view text) {
  const std::size_t need = text.size() + json::kPadding;
  if (page.texts.empty() || page.texts.back()->capacity() - page.texts.back()->size() < need) {
    page.texts.push_back(std::make_unique<std::string>());
    page.texts.back()->reserve(std::max(need, kTextBlock));
  }
  std::string& block = *page.texts.back();
  const std::size_t at = block.size();
  block.append(text).append(json::kPadding, '\0');
  return std::string_view(block).substr(at, text.size());
}

model::Hash hash_from(std::string_view bytes) {
  model::Hash hash{};
  if (bytes.size() != hash.size()) throw Error(ErrorKind::bug, "a payload_hash of another length than ours");
  std::ranges::transform(bytes, hash.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return hash;
}

std::vector<std::string> flags_from(const std::string& joined) {
  std::vector<std::string> flags;
  for (std::size_t at = 0; at < joined.size();) {
    const std::size_t end = std::min(joined.find('\x1f', at), joined.size());
    flags.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
  return flags;
}

/// payload_raw, payload_hash and flags, from `column` on.
struct Standard {
  std::optional<std::string> raw;
  std::optional<model::Hash> hash;
  std::vector<std::string> flags;
};
Standard read_standard(const pg::Result& rows, std::size_t row, std::size_t column) {
  Standard standard;
  if (!rows.is_null(row, column)) standard.raw = std::string(rows.bytes(row, column));
  if (!rows.is_null(row, column + 1)) standard.hash = hash_from(rows.bytes(row, column + 1));
  standard.flags = flags_from(rows.text(row, column + 2));
  return standard;
}

/// Adds a record whose payload and standard columns stand from `column` on.
void add_stored(const pg::Result& rows, std::size_t row, std::size_t column, model::Record record, model::Page& page) {
  record.payload = keep(page, rows.bytes(row, column));
  Standard standard = read_standard(rows, row, column + 1);
  record.hash = standard.hash.value_or(model::Hash{});
  if (standard.raw) record.original = keep(page, *standard.raw);
  record.flags = std::move(standard.flags);
  page.records.push_back(std::move(record));
}

std::optional<model::KeyPart> part_from(std::string_view text, const model::Column& column) {
  if (column.type != model::ColumnType::int64) return std::string(text);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The key parts that name the partition.
model::Key partition_key(const model::Table& table, const std::string& partition) {
  if (table.scope == 0) return {};
  const auto part = part_from(partition, table.key[0]);
  if (!part) throw Error(ErrorKind::bug, "partition \"" + pg::storable(partition) + "\" names no key");
  return {*part};
}

/// `text` as key parts, for the table's last columns: "5/7" names the option 7 of question 5; nothing if it does not.
std::optional<model::Key> key_from(const model::Table& table, std::size_t own, std::string_view text) {
  model::Key key(own);
  for (std::size_t i = own; i-- > 0;) {
    const std::size_t slash = text.rfind('/');
    const auto part = part_from(slash == std::string_view::npos ? text : text.substr(slash + 1),
                                table.key[table.key.size() - own + i]);
    if (!part) return std::nullopt;
    key[i] = *part;
    text = slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
  }
  return key;
}

model::Key read_key(const pg::Result& rows, std::size_t row, const model::Table& table, model::Key key) {
  for (std::size_t i = table.scope; i < table.key.size(); ++i)
    key.push_back(key_part(rows, row, i - table.scope, table.key[i]));
  return key;
}

std::vector<pg::Param> where(const std::string& source, const model::Table& table, const std::string& partition) {
  std::vector<pg::Param> params = {pg::text(source)};
  if (table.scope > 0) params.push_back(pg::text(partition));
  return params;
}

void append_own(std::vector<pg::Param>& params, const model::Table& table, const model::Key& key) {
  for (std::size_t i = table.scope; i < table.key.size(); ++i)
    params.push_back(key_param(key.at(i)));
}

std::vector<pg::Param> all_keys(const std::string& source, const model::Key& key) {
  std::vector<pg::Param> params = {pg::text(source)};
  for (const model::KeyPart& part : key)
    params.push_back(key_param(part));
  return params;
}

/// Statements under the fence, in one transaction; their results.
std::vector<pg::Result> write(pg::Connection& connection, const Fence& fence, std::vector<pg::Statement> statements) {
  pg::Transaction transaction(connection);
  statements.insert(statements.begin(), Lease::check_statement(fence));
  std::vector<pg::Result> results = transaction.execute_all(statements);
  Lease::judge(results[0], fence);
  transaction.commit();
  return results;
}

}  // namespace

// --- records and definitions ---

std::vector<model::Partition> Archive::partitions(const std::string& source, const model::StreamSpec& stream,
                                                  bool live) {
  const std::vector<pg::Param> params = {pg::text(source)};
  std::set<model::KeyPart> found;
  const auto add = [&](const pg::Result& rows) {
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      const model::Table& table = stream.tables.at(0);
      const std::string name = rows.text(row, 0);
      found.insert(table.scope == 0 ? model::KeyPart(name) : part_from(name, table.key[0]).value_or(name));
    }
  };
  add(connection_.execute(ArchiveSql(stream.tables.at(0)).partitions(live), params));
  const bool kept = std::ranges::any_of(stream.tables, [](const model::Table& table) { return table.history; });
  if (kept && !live) add(connection_.execute(kHistoryPartitions, params));
  std::vector<pg::Param> of_stream = params;
  of_stream.push_back(pg::text(stream.name));
  const pg::Result titles = connection_.execute(
      "SELECT partition, title, coalesce(total, 0) FROM surveysync.checkpoint WHERE source = $1 AND stream = $2",
      of_stream);
  std::map<std::string, std::pair<std::string, std::int64_t>> known;
  for (std::size_t row = 0; row < titles.rows(); ++row)
    known[titles.text(row, 0)] = {titles.text(row, 1), std::max<std::int64_t>(0, titles.integer(row, 2))};
  std::vector<model::Partition> partitions;
  for (const model::KeyPart& part : found) {
    std::string name = model::key_text({part});
    const auto [title, expected] = known[name];
    partitions.push_back({std::move(name), title, expected, "", std::nullopt});
  }
  return partitions;
}

model::Page Archive::records(const std::string& source, const model::StreamSpec& stream, const std::string& partition,
                             const std::optional<model::Key>& after, std::size_t limit) {
  const model::Table& table = stream.tables.at(0);
  const ArchiveSql sql(table);
  model::Page page;
  page.keep_marks = page.decode_again = true;
  const bool above = after && sql.own_keys() > 0;
  if (after && !above) return page;  // one row a partition
  std::vector<pg::Param> params = where(source, table, partition);
  if (above) append_own(params, table, *after);
  params.push_back(pg::int8(static_cast<std::int64_t>(limit)));
  const pg::Result rows = connection_.execute(sql.records(above), params);
  const model::Key prefix = partition_key(table, partition);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Record record;
    record.key = read_key(rows, row, table, prefix);
    add_stored(rows, row, sql.own_keys(), std::move(record), page);
  }
  return page;
}

namespace {

/// Each once, in order.
void sort_keys(std::vector<model::Key>& keys) {
  std::ranges::sort(keys);
  const auto again = std::ranges::unique(keys);
  keys.erase(again.begin(), again.end());
}

}  // namespace

model::Page Archive::live_records(const std::string& source, const model::StreamSpec& stream,
                                  std::vector<model::Key> keys) {
  const model::Table& table = stream.tables.at(0);
  const std::size_t fixed = TableSql(table).fixed(), rest = table.key.size() - fixed;
  model::Page page;
  if (keys.empty()) return page;
  sort_keys(keys);
  const auto params =
      key_params(source, table, fixed, keys.size(), [&](std::size_t i) -> const model::Key& { return keys[i]; });
  const pg::Result rows = connection_.execute(ArchiveSql(table).live_records(), params);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Record record;
    record.key.assign(keys.front().begin(), keys.front().begin() + static_cast<std::ptrdiff_t>(fixed));
    for (std::size_t i = 0; i < rest; ++i)
      record.key.push_back(key_part(rows, row, i, table.key[fixed + i]));
    add_stored(rows, row, rest, std::move(record), page);
  }
  return page;
}

namespace {

/// A row as it stands, without its payload.
struct Outline {
  Standard standard;
  std::optional<UtcTime> deleted_at;
  bool replayed = false;
};

std::map<model::Key, Outline> read_outlines(pg::Connection& connection, const std::string& source,
                                            const model::Table& table, const std::string& partition) {
  const ArchiveSql sql(table);
  const std::vector<pg::Param> params = where(source, table, partition);
  const pg::Result rows = connection.execute(sql.outlines(), params);
  const model::Key prefix = partition_key(table, partition);
  std::map<model::Key, Outline> outlines;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::size_t at = sql.own_keys();
    outlines[read_key(rows, row, table, prefix)] = {read_standard(rows, row, at), rows.time(row, at + 3),
                                                    rows.boolean(row, at + 4)};
  }
  return outlines;
}

/// Adds the definitions of one table. `partition_gone`: when the whole partition was marked deleted.
void add_versions(const pg::Result& versions, const model::Table& table, std::size_t index, const model::Key& prefix,
                  const std::map<model::Key, Outline>& outlines, const std::optional<UtcTime>& partition_gone,
                  Archive::Definitions& into) {
  for (std::size_t row = 0; row < versions.rows(); ++row) {
    const auto own = key_from(table, ArchiveSql(table).own_keys(), versions.text(row, 0));
    if (!own) continue;
    model::Record record;
    record.table = index;
    record.key = prefix;
    record.key.insert(record.key.end(), own->begin(), own->end());
    Standard standard = read_standard(versions, row, 2);
    const std::string_view vendor = standard.raw ? std::string_view(*standard.raw) : versions.bytes(row, 1);
    record.hash = standard.hash.value_or(model::hash_of(vendor));
    const std::optional<UtcTime> gone = versions.time(row, 6);
    const auto stored = outlines.find(record.key);
    if (stored != outlines.end()) {
      if (stored->second.standard.hash != record.hash) continue;
      standard = stored->second.standard;
    }
    record.payload = keep(into.page, versions.bytes(row, 1));
    if (standard.raw) record.original = keep(into.page, *standard.raw);
    record.flags = std::move(standard.flags);
    record.context = versions.text(row, 5);
    // A live row that a replay made may be one that was cut off before it was marked.
    const bool unmarked = stored == outlines.end() || (!stored->second.deleted_at && stored->second.replayed);
    if (const auto at = gone ? gone : partition_gone; at && unmarked) into.marks.push_back({index, record.key, *at});
    into.page.records.push_back(std::move(record));
  }
}

}  // namespace

Archive::Definitions Archive::definitions(const std::string& source, const model::StreamSpec& stream,
                                          const std::string& partition) {
  Definitions found;
  found.page.keep_marks = found.page.decode_again = true;
  std::optional<UtcTime> partition_gone;
  const model::Table& first = stream.tables.at(0);
  if (ArchiveSql(first).own_keys() == 0) {
    for (const auto& [key, outline] : read_outlines(connection_, source, first, partition))
      partition_gone = outline.deleted_at;
  }
  for (std::size_t index = 0; index < stream.tables.size(); ++index) {
    const model::Table& table = stream.tables[index];
    if (!table.history || table.scope == 0) continue;
    const std::vector<pg::Param> params = {pg::text(source), pg::text(partition), pg::text(table.name)};
    const pg::Result versions = connection_.execute(kVersions, params);
    add_versions(versions, table, index, partition_key(table, partition),
                 read_outlines(connection_, source, table, partition), partition_gone, found);
  }
  return found;
}

void Archive::mark(const Fence& fence, const model::StreamSpec& stream, const std::vector<Mark>& marks) {
  std::vector<pg::Statement> statements;
  for (const Mark& mark : marks) {
    std::vector<pg::Param> params = all_keys(fence.source, mark.key);
    params.push_back(pg::timestamptz(mark.deleted_at));
    statements.push_back({ArchiveSql(stream.tables.at(mark.table)).mark(), std::move(params)});
  }
  if (!statements.empty()) write(connection_, fence, std::move(statements));
}

// --- hashes and keys ---

std::vector<Archive::Stored> Archive::lookup(const std::string& source, const model::StreamSpec& stream,
                                             std::vector<model::Key> keys) {
  const model::Table& table = stream.tables.at(0);
  const std::size_t fixed = TableSql(table).fixed(), rest = table.key.size() - fixed;
  std::vector<Stored> found;
  if (keys.empty()) return found;
  sort_keys(keys);
  const auto params =
      key_params(source, table, fixed, keys.size(), [&](std::size_t i) -> const model::Key& { return keys[i]; });
  const pg::Result rows = connection_.execute(TableSql(table).lookup(), params);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Key key(keys.front().begin(), keys.front().begin() + static_cast<std::ptrdiff_t>(fixed));
    for (std::size_t i = 0; i < rest; ++i)
      key.push_back(key_part(rows, row, i, table.key[fixed + i]));
    found.push_back({std::move(key), hash_from(rows.bytes(row, rest)), rows.boolean(row, rest + 1)});
  }
  std::ranges::sort(found, {}, &Stored::key);
  return found;
}

std::vector<Archive::Stored> Archive::rows(const std::string& source, const model::Table& table,
                                           const std::string& partition) {
  std::vector<Stored> all;
  for (const auto& [key, outline] : read_outlines(connection_, source, table, partition))
    all.push_back({key, outline.standard.hash.value_or(model::Hash{}), outline.deleted_at.has_value()});
  return all;
}

std::optional<UtcTime> Archive::changed_at(const std::string& source, const model::StreamSpec& stream,
                                           const model::Key& key) {
  const std::vector<pg::Param> params = all_keys(source, key);
  const pg::Result rows = connection_.execute(ArchiveSql(stream.tables.at(0)).changed_at(), params);
  return rows.rows() == 0 ? std::nullopt : rows.time(0, 0);
}

std::vector<model::Key> Archive::live_keys(const std::string& source, const model::StreamSpec& stream,
                                           const std::string& partition, const KeyRange& range, std::size_t limit) {
  const model::Table& table = stream.tables.at(0);
  const ArchiveSql sql(table);
  if (sql.own_keys() == 0) throw Error(ErrorKind::bug, table.qualified() + " has one row a partition");
  std::vector<pg::Param> params = where(source, table, partition);
  if (range.after) append_own(params, table, *range.after);
  if (range.last) append_own(params, table, *range.last);
  params.push_back(pg::int8(static_cast<std::int64_t>(limit)));
  const pg::Result rows = connection_.execute(sql.live_keys(range.after.has_value(), range.last.has_value()), params);
  const model::Key prefix = partition_key(table, partition);
  std::vector<model::Key> keys;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    keys.push_back(read_key(rows, row, table, prefix));
  return keys;
}

// --- quarantine ---

std::set<std::string> Archive::in_quarantine(const std::string& source, const model::StreamSpec& stream,
                                             const std::string& partition,
                                             const std::vector<std::string>& record_keys) {
  std::set<std::string> found;
  if (record_keys.empty()) return found;
  const std::vector<pg::Param> params = {pg::text(source), pg::text(stream.name), pg::text(partition),
                                         pg::text_array(record_keys)};
  const pg::Result rows = connection_.execute(
      "SELECT record_key FROM surveysync.quarantine WHERE source = $1 AND stream = $2 AND partition = $3 AND "
      "record_key = ANY ($4::text[])",
      params);
  for (std::size_t row = 0; row < rows.rows(); ++row)
    found.insert(rows.text(row, 0));
  return found;
}

std::vector<QuarantinedItem> Archive::quarantined(const std::string& source, const std::vector<std::int64_t>& ids,
                                                  std::int64_t after, std::size_t limit) {
  std::vector<pg::Param> params = {pg::text(source), pg::int8(after), pg::int8(static_cast<std::int64_t>(limit))};
  if (!ids.empty()) params.push_back(pg::int8_array(ids));
  const pg::Result rows = connection_.execute(
      std::string("SELECT quarantine_id, stream, partition, record_key, raw, last_seen_at FROM surveysync.quarantine "
                  "WHERE source = $1 AND quarantine_id > $2") +
          (ids.empty() ? "" : " AND quarantine_id = ANY ($4::bigint[])") + " ORDER BY quarantine_id LIMIT $3",
      params);
  std::vector<QuarantinedItem> items;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    items.push_back({rows.integer(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3),
                     std::string(rows.bytes(row, 4)), rows.time(row, 5).value_or(UtcTime())});
  }
  return items;
}

void Archive::note_retried(const Fence& fence, const std::vector<std::int64_t>& ids) {
  write(connection_, fence,
        {{"UPDATE surveysync.quarantine SET retried_at = pg_catalog.now() WHERE source = $1 AND quarantine_id = ANY "
          "($2::bigint[])",
          {pg::text(fence.source), pg::int8_array(ids)}}});
}

void Archive::replace_raw(const Fence& fence, std::int64_t id, const std::string& raw) {
  write(connection_, fence,
        {{"UPDATE surveysync.quarantine SET raw = $3 WHERE source = $1 AND quarantine_id = $2",
          {pg::text(fence.source), pg::int8(id), pg::bytea(raw)}}});
}

void Archive::release(const Fence& fence, const std::vector<std::int64_t>& ids) {
  write(connection_, fence,
        {{"DELETE FROM surveysync.quarantine WHERE source = $1 AND quarantine_id = ANY ($2::bigint[])",
          {pg::text(fence.source), pg::int8_array(ids)}}});
}

}  // namespace surveysync::store
