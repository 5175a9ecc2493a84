#pragma once
// The fixture of the conformance suite: a provider's source over real TLS against its simulated vendor.

#include <gtest/gtest.h>

#include <functional>
#include <map>
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

  /// The certified stream that holds most: what the vendor is about.
  const StreamSpec& certified_stream() {
    for (const StreamSpec& stream : source().streams())
      if (stream.name == main_of(*GetParam()).stream) return stream;
    throw std::logic_error("no certified stream");
  }
  /// Its first partition that the vendor lists, or the account.
  Partition main_partition() {
    return certified_stream().of_account ? Partition{} : source().partitions({}, {}).front();
  }
  /// `kind` as a fault of that stream's lists only.
  std::string of_lists(const std::string& kind) {
    return kind + (kind.find(':') == std::string::npos ? ":" : ",") + "path=" + main_of(*GetParam()).path;
  }
  /// What a stream is read by: every partition that the vendor lists, or the account.
  std::vector<Partition> partitions_of(const StreamSpec& stream) {
    return stream.of_account ? std::vector<Partition>{{}} : source().partitions({}, {});
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
  /// The last parts of their records' keys.
  static std::set<std::string> ids(const std::vector<Page>& pages) {
    std::set<std::string> met;
    for (const Page& page : pages)
      for (const model::Record& record : page.records)
        met.insert(model::key_text({record.key.back()}));
    return met;
  }

  std::unique_ptr<VendorUnderTest> vendor_;
  std::string unreliable_;
  std::string last_error_;

 private:
  /// What a provider is about, and how the paths of its lists end.
  struct Main {
    std::string stream, path;
    std::int64_t total = -1;
  };
  /// Found out once, from a vendor that behaves.
  static const Main& main_of(const sources::SourceType& type) {
    static std::map<std::string_view, Main> known;
    const auto [found, fresh] = known.try_emplace(type.name);
    if (!fresh) return found->second;
    VendorUnderTest vendor(type, {});
    const Partition listed = vendor.source().partitions({}, {}).front();
    for (const StreamSpec& stream : vendor.source().streams()) {
      if (!stream.certified) continue;
      const Partition partition = stream.of_account ? Partition{} : listed;
      const auto total = vendor.source().fetch({stream, partition, "", 500, true, {}}, {}).total.value_or(0);
      if (total > found->second.total) found->second = {stream.name, last_list(vendor.events()), total};
    }
    return found->second;
  }
  static std::string last_list(RecordingObserver& events) {
    std::string path;
    for (const Event& event : events.events())
      if (const auto* call = std::get_if<event::CallFinished>(&event)) path = call->path;
    return path.substr(path.rfind('/') + 1);
  }
};

inline std::string name_of_provider(const testing::TestParamInfo<const sources::SourceType*>& info) {
  return std::string(info.param->name);
}

}  // namespace surveysync::test
