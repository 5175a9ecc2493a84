#pragma once
// The fixture of the conformance suite: a provider's source over real TLS against its simulated vendor.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/assembly.h"
#include "provider.h"

namespace surveysync::test {

using model::Page;
using model::Partition;
using model::StreamSpec;

class SourceConformance : public testing::TestWithParam<const sources::SourceType*> {
 protected:
  static constexpr int kPageSize = 7;

  VendorUnderTest& start(const VendorUnderTest::Options& options = {}) {
    vendor_ = std::make_unique<VendorUnderTest>(*GetParam(), options);
    return *vendor_;
  }
  sources::Source& source() { return vendor_->source(); }

  const StreamSpec& certified_stream() {
    for (const StreamSpec& stream : source().streams()) {
      if (stream.certified) return stream;
    }
    throw std::logic_error("no certified stream");
  }

  Page fetch(const StreamSpec& stream, const Partition& partition, const std::string& position, int size = kPageSize) {
    return source().fetch({stream, partition, position, size, true, {}}, {});
  }

  /// Keys of one complete pass that begins at `position`, in the order met; every record decodes into its row.
  std::vector<std::string> pass(const StreamSpec& stream, const Partition& partition, std::string position = "") {
    std::vector<std::string> keys;
    const model::Decode decode = source().decoder(stream);
    model::RowBatch rows;
    for (int calls = 0; calls < 200; ++calls) {
      const Page page = fetch(stream, partition, position);
      for (const model::Record& record : page.records) {
        keys.push_back(stream.tables[record.table].name + ":" + model::key_text(record.key));
        rows.clear();
        decode(record, rows);
        EXPECT_FALSE(rows.rows().empty());
        EXPECT_EQ(rows.rows()[0].cells.size(),
                  stream.tables[record.table].key.size() + stream.tables[record.table].columns.size());
      }
      if (!page.next) return keys;
      position = *page.next;
    }
    ADD_FAILURE() << "the pass does not end";
    return keys;
  }

  ErrorKind failure_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      last_error_ = error.full_text();
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::bug;
  }

  /// What the vendor can, learned and taken over.
  sources::Abilities learn() {
    source().assume(source().learn(source().partitions({}, {}), {}, {}));
    return source().abilities(certified_stream());
  }

  /// Pages from `position` to the end or to the first that cannot be believed, whose reason is kept.
  std::vector<Page> pages(const Partition& partition, std::string position, int size = kPageSize) {
    std::vector<Page> all;
    unreliable_.clear();
    for (int calls = 0; calls < 500; ++calls) {
      all.push_back(fetch(certified_stream(), partition, position, size));
      unreliable_ = all.back().unreliable;
      if (!all.back().next) return all;
      position = *all.back().next;
    }
    ADD_FAILURE() << "the window does not end";
    return all;
  }
  static std::set<std::int64_t> ids(const std::vector<Page>& pages) {
    std::set<std::int64_t> met;
    for (const Page& page : pages)
      for (const model::Record& record : page.records)
        met.insert(std::get<std::int64_t>(record.key.back()));
    return met;
  }

  std::unique_ptr<VendorUnderTest> vendor_;
  std::string unreliable_;
  std::string last_error_;
};

inline std::string name_of_provider(const testing::TestParamInfo<const sources::SourceType*>& info) {
  return std::string(info.param->name);
}

}  // namespace surveysync::test
