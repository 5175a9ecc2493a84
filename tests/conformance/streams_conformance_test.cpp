// Streams beside the main one: what their lists show can be asked for alone, and what stored rows name is found.
#include <algorithm>
#include <optional>

#include "app/providers.h"
#include "suite.h"

namespace surveysync::test {
namespace {

using sources::Presence;

class StreamsConformance : public SourceConformance {
 protected:
  static constexpr std::size_t kSample = 3;

  /// Keys that the rows of this provider's records name for `stream`, a few.
  std::vector<std::pair<Partition, model::Key>> named(const StreamSpec& stream) {
    std::vector<std::pair<Partition, model::Key>> keys;
    for (const StreamSpec& other : source().streams()) {
      const auto table = std::ranges::find(other.tables, stream.naming->table, &model::Table::name);
      if (table == other.tables.end()) continue;
      for (const Partition& partition : partitions_of(other))
        collect(stream, other, *table, partition, keys);
    }
    return keys;
  }

 private:
  void collect(const StreamSpec& stream, const StreamSpec& other, const model::Table& table, const Partition& partition,
               std::vector<std::pair<Partition, model::Key>>& keys) {
    std::vector<model::Column> columns = table.key;
    columns.insert(columns.end(), table.columns.begin(), table.columns.end());
    const auto at = [&](const std::string& name) {
      return static_cast<std::size_t>(std::ranges::find(columns, name, &model::Column::name) - columns.begin());
    };
    const model::Decode decode = source().decoder(other);
    model::RowBatch rows;
    std::string position;
    for (int calls = 0; calls < 200 && keys.size() < kSample; ++calls) {
      const Page page = fetch(other, partition, position, 60);
      for (const model::Record& record : page.records) {
        rows.clear();
        decode(record, rows);
        for (const model::RowBatch::Row& row : rows.rows()) {
          if (other.tables[row.table].name != table.name) continue;
          if (row.cells[at(stream.naming->column)].text() != stream.naming->value) continue;
          model::Key key;
          for (const std::string& name : stream.naming->key) {
            const model::Cell& cell = row.cells[at(name)];
            if (cell.type() == model::Cell::Type::integer) key.emplace_back(cell.integer());
            if (cell.type() == model::Cell::Type::text) key.emplace_back(std::string(cell.text()));
          }
          if (key.size() == stream.naming->key.size()) keys.emplace_back(partition, std::move(key));
        }
      }
      if (!page.next) return;
      position = *page.next;
    }
  }
};

TEST_P(StreamsConformance, WhatAListShowsIsFoundAlone) {
  start();
  for (const StreamSpec& stream : source().streams()) {
    if (stream.reading != model::Reading::whole) continue;
    const Partition partition = partitions_of(stream).front();
    const Page page = fetch(stream, partition, "", 60);
    for (std::size_t i = 0; i < std::min(kSample, page.records.size()); ++i) {
      const model::Key& key = page.records[i].key;
      const sources::Found found = source().find(stream, partition, key, {}, {});
      ASSERT_EQ(found.presence, Presence::present) << stream.name << " " << model::key_text(key) << found.evidence;
      ASSERT_EQ(found.page.records.size(), 1U) << stream.name;
      EXPECT_EQ(found.page.records[0].key, key) << stream.name;
      model::RowBatch rows;
      source().decoder(stream)(found.page.records[0], rows);
      EXPECT_EQ(rows.rows().size(), 1U) << stream.name;
    }
  }
}

TEST_P(StreamsConformance, WhatRowsNameIsFound) {
  start();
  for (const StreamSpec& stream : source().streams()) {
    if (stream.reading != model::Reading::named) continue;
    const auto keys = named(stream);
    EXPECT_FALSE(keys.empty()) << stream.name;
    for (const auto& [partition, key] : keys) {
      const sources::Found found = source().find(stream, partition, key, {}, {});
      ASSERT_EQ(found.presence, Presence::present) << model::key_text(key) << found.evidence;
      EXPECT_EQ(found.page.records.at(0).key, key);
      model::RowBatch rows;
      source().decoder(stream)(found.page.records[0], rows);
      EXPECT_EQ(rows.rows().size(), 1U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Providers, StreamsConformance, testing::ValuesIn(app::providers()), name_of_provider);

}  // namespace
}  // namespace surveysync::test
