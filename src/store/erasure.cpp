// Erasure: what is meant.
#include "store/erasure.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "pg/binary.h"
#include "store/key_params.h"
#include "store/page_write.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

const std::string kEmail(kEmailKind);
// A person is called what their records say, and these may name others: so often is looked again.
constexpr int kMostRounds = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  return out;
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

/// The key that `text` ("77/5") names in the table.
std::optional<model::Key> key_of(const model::Table& table, std::string_view text) {
  model::Key key;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    const bool last = i + 1 == table.key.size();
    const std::size_t slash = last ? std::string_view::npos : text.find('/');
    const std::string_view part = text.substr(0, slash);
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    if (part.empty()) return std::nullopt;
    if (table.key[i].type != model::ColumnType::int64) {
      key.emplace_back(std::string(part));
      continue;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    key.emplace_back(number);
  }
  return key;
}

std::string partition_of(const model::Table& table, const model::Key& key) {
  return table.scope == 0 ? std::string() : model::key_text({key.at(0)});
}

bool is_known(const ErasureWish& wish, const ErasedRecord& record) {
  return std::ranges::any_of(wish.records, [&](const ErasedRecord& known) {
    return known.stream == record.stream && known.partition == record.partition &&
           known.record_key == record.record_key;
  });
}

}  // namespace

std::string PlainTable::qualified() const {
  return quoted(schema) + "." + quoted(name);
}

Erasure::Erasure(pg::Connection& connection, std::string source, const std::vector<model::StreamSpec>& streams,
                 std::shared_ptr<const KeyedDigest> digest)
    : connection_(connection), source_(std::move(source)), streams_(streams), digest_(std::move(digest)) {
  if (digest_ == nullptr) throw Error(ErrorKind::bug, "an erasure needs the privacy key");
}

void Erasure::add_record(const std::string& text, ErasureWish& wish) {
  const auto stream = std::ranges::find(streams_, true, &model::StreamSpec::certified);
  if (stream == streams_.end()) throw Error(ErrorKind::config, "the source has no records that can be named so");
  const model::Table& table = stream->tables.at(0);
  const auto key = key_of(table, text);
  if (!key) {
    std::string form;
    for (const model::Column& column : table.key)
      form += (form.empty() ? "" : "/") + column.name;
    throw Error(ErrorKind::config, fmt::format("\"{}\" names no record of {}", text, stream->name), "write " + form);
  }
  std::vector<pg::Param> params = {pg::text(source_)};
  std::string where;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    where += fmt::format(" AND {} = ${}", quoted(table.key[i].name), i + 2);
    params.push_back(key_param(key->at(i)));
  }
  const pg::Result rows =
      connection_.execute("SELECT deleted_at IS NULL FROM " + qualified(table) + " WHERE source = $1" + where, params);
  ErasedRecord record{stream->name, partition_of(table, *key), model::key_text(*key), &table, *key, false};
  record.present = rows.rows() > 0 && rows.boolean(0, 0);
  if (!is_known(wish, record)) wish.records.push_back(std::move(record));
  find_quarantined(wish);
}

void Erasure::add_person(const std::string& name, ErasureWish& wish) {
  const std::string text = trimmed(name);
  if (text.empty()) throw Error(ErrorKind::config, "--contact needs an e-mail address or an id");
  std::set<std::string> kinds;
  for (const model::StreamSpec& stream : streams_) {
    for (const model::Table& table : stream.tables)
      for (const model::ContactColumn& column : table.contact_columns)
        kinds.insert(column.kind);
  }
  if (kinds.empty()) throw Error(ErrorKind::config, "no table of the source names contacts");
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos && kinds.contains(text.substr(0, colon))) {
    wish.persons.insert({text.substr(0, colon), text.substr(colon + 1)});
  } else if (text.find('@') != std::string::npos) {
    wish.persons.insert({kEmail, text});
  } else {
    kinds.erase(kEmail);
    ErasureWish probe;
    for (const std::string& kind : kinds)
      probe.persons.insert({kind, text});
    std::set<std::string> met;
    for (const model::StreamSpec& stream : streams_) {
      for (const model::Table& table : stream.tables)
        read_rows(stream, table, probe, met);
    }
    if (met.size() > 1) {
      throw Error(ErrorKind::config,
                  fmt::format("id {} means different contacts in different lists: {}", text, fmt::join(met, ", ")),
                  fmt::format("name the e-mail address, or one kind: --contact {}:{}", *met.begin(), text));
    }
    for (const std::string& kind : kinds) {
      if (met.empty() || met.contains(kind)) wish.persons.insert({kind, text});
    }
  }
  find_persons(wish);
  find_quarantined(wish);
}

std::vector<std::string> Erasure::texts_of(const PersonName& person) const {
  const std::string folded = lower(trimmed(person.text));
  return {folded, digest_->hex(person.text), digest_->hex(folded)};
}

void Erasure::find_persons(ErasureWish& wish) {
  for (int round = 0; round < kMostRounds; ++round) {
    bool grew = false;
    std::set<std::string> kinds;
    for (const model::StreamSpec& stream : streams_) {
      for (const model::Table& table : stream.tables)
        grew = read_rows(stream, table, wish, kinds) || grew;
    }
    if (!grew) return;
  }
}

/// Adds the rows of the table that name one of the persons, and what else these rows call them. `kinds`: by which kinds
/// rows were found. Whether anything was new.
bool Erasure::read_rows(const model::StreamSpec& stream, const model::Table& table, ErasureWish& wish,
                        std::set<std::string>& kinds) {
  bool grew = false;
  if (table.child) return grew;
  std::string columns;
  for (const model::Column& column : table.key)
    columns += quoted(column.name) + ", ";
  for (const model::ContactColumn& column : table.contact_columns)
    columns += fmt::format("coalesce({}::text, ''), ", quoted(column.column));
  const std::size_t keys = table.key.size();
  for (const model::ContactColumn& column : table.contact_columns) {
    std::vector<std::string> texts;
    for (const PersonName& person : wish.persons) {
      if (person.kind != column.kind) continue;
      for (std::string& text : texts_of(person))
        texts.push_back(std::move(text));
    }
    if (texts.empty()) continue;
    const std::vector<pg::Param> params = {pg::text(source_), pg::text_array(texts)};
    const pg::Result rows = connection_.execute(
        fmt::format("SELECT {}deleted_at IS NULL FROM {} WHERE source = $1 AND lower(btrim({}::text)) = ANY "
                    "($2::text[])",
                    columns, qualified(table), quoted(column.column)),
        params);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      kinds.insert(column.kind);
      model::Record named;
      named.table = static_cast<std::size_t>(&table - stream.tables.data());
      for (std::size_t i = 0; i < keys; ++i)
        named.key.push_back(key_part(rows, row, i, table.key[i]));
      ErasedRecord record{stream.name,
                          partition_of(table, named.key),
                          quarantine_key(stream, named),
                          &table,
                          named.key,
                          rows.boolean(row, keys + table.contact_columns.size())};
      if (!is_known(wish, record)) {
        wish.records.push_back(std::move(record));
        grew = true;
      }
      for (std::size_t i = 0; i < table.contact_columns.size(); ++i) {
        const std::string called = trimmed(rows.text(row, keys + i));
        if (called.empty() || called == "0") continue;
        grew = wish.persons.insert({table.contact_columns[i].kind, called}).second || grew;
      }
    }
  }
  return grew;
}

/// Quarantined records of the wish, and those whose bytes show an address.
void Erasure::find_quarantined(ErasureWish& wish) {
  std::vector<std::string> addresses;
  for (const PersonName& person : wish.persons) {
    if (person.kind == kEmail) addresses.push_back(lower(trimmed(person.text)));
  }
  const std::vector<pg::Param> params = {pg::text(source_), pg::text_array(addresses)};
  const pg::Result rows = connection_.execute(
      "SELECT stream, partition, record_key, EXISTS (SELECT 1 FROM unnest($2::text[]) AS a (t) WHERE position(a.t IN "
      "lower(encode(raw, 'escape'))) > 0) FROM surveysync.quarantine WHERE source = $1",
      params);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    ErasedRecord record{rows.text(row, 0), rows.text(row, 1), rows.text(row, 2)};
    const auto known = std::ranges::find_if(wish.records, [&](const ErasedRecord& one) {
      return one.stream == record.stream && one.partition == record.partition && one.record_key == record.record_key;
    });
    if (known != wish.records.end()) {
      known->present = true;
    } else if (rows.boolean(row, 3)) {
      record.present = true;
      wish.records.push_back(std::move(record));
    }
  }
}

}  // namespace surveysync::store
