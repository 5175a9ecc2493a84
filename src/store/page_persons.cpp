// PageWrite: records about persons who were erased are kept out, under whatever id they come.
#include <algorithm>

#include "base/json.h"
#include "store/erasure_redact.h"
#include "store/erasure_sql.h"
#include "store/page_write.h"

namespace surveysync::store {
namespace {

std::string text_of(const model::Cell& cell) {
  switch (cell.type()) {
    case model::Cell::Type::text:
      return std::string(cell.text());
    case model::Cell::Type::integer:
      return std::to_string(cell.integer());
    default:
      return {};
  }
}

/// Where `name` stands among a row's cells; nothing if the table has no such column.
std::optional<std::size_t> place_of(const model::Table& table, const std::string& name) {
  const auto in_key = std::ranges::find(table.key, name, &model::Column::name);
  if (in_key != table.key.end()) return static_cast<std::size_t>(in_key - table.key.begin());
  const auto in_columns = std::ranges::find(table.columns, name, &model::Column::name);
  if (in_columns == table.columns.end()) return std::nullopt;
  return table.key.size() + static_cast<std::size_t>(in_columns - table.columns.begin());
}

}  // namespace

bool PageWrite::names_erased_person(const model::Record& record, const model::RowBatch::Row& row) const {
  if (in_.target.excluded == nullptr || !in_.target.excluded->has_persons()) return false;
  const model::Table& table = tables_.at(record.table);
  return std::ranges::any_of(table.contact_columns, [&](const model::ContactColumn& column) {
    const auto place = place_of(table, column.column);
    return place && in_.target.excluded->contains(PersonName{column.kind, text_of(row.cells[*place])});
  });
}

void PageWrite::take_persons_out(const model::Record& record) {
  redacted_.reset();
  const Exclusions* const excluded = in_.target.excluded;
  if (excluded == nullptr || !excluded->has_persons()) return;
  auto altered = without_persons(record.payload, [&](const std::string& address) {
    return excluded->contains(PersonName{std::string(kEmailKind), address});
  });
  if (!altered) return;
  redacted_text_ = std::move(*altered);
  const std::size_t size = redacted_text_.size();
  redacted_text_.append(json::kPadding, '\0');
  redacted_ = record;
  redacted_->payload = std::string_view(redacted_text_).substr(0, size);
  redacted_->original.reset();
}

/// What was stored of them before goes, and the vendor's record counts as excluded.
std::vector<pg::Statement> PageWrite::person_statements() const {
  std::vector<pg::Statement> statements;
  for (const model::Record* record : of_persons_) {
    const model::Hash identity =
        exclusion_digest(in_.target.stream.name, in_.target.partition.name, record_key(*record));
    const KeyedDigest& digest = *in_.target.excluded->digest();
    statements.push_back(erasure_row({in_.target.fence.source, in_.target.stream.name, in_.target.partition.name,
                                      erased_record(digest, identity), "erasure", true, digest.fingerprint()}));
    for (const model::Table& table : tables_) {
      const model::Table& own = tables_.at(record->table);
      if (&table == &own || (table.child && record->table == 0))
        statements.push_back(delete_by_key(in_.target.fence.source, table.qualified(), own, record->key));
    }
  }
  return statements;
}

}  // namespace surveysync::store
