// One suite for every provider: what sources/source.h promises, over real TLS against the provider's simulated vendor.

#include <gtest/gtest.h>

#include <future>

#include "suite.h"

namespace surveysync::test {
namespace {

TEST_P(SourceConformance, ProbeIsAccepted) {
  start();
  EXPECT_FALSE(source().probe({}).summary.empty());
  EXPECT_EQ(source().requests(), 1);
}

TEST_P(SourceConformance, ARefusedKeyIsToldAndNotRepeated) {
  VendorUnderTest::Options refusing;
  refusing.faults = {"401:wording=rotated"};
  start(refusing);
  EXPECT_EQ(failure_of([&] { source().probe({}); }), ErrorKind::unauthorized);
  const auto asked = source().requests();
  EXPECT_LE(asked, 3);
  EXPECT_EQ(failure_of([&] { source().partitions({}, {}); }), ErrorKind::unauthorized);
  EXPECT_EQ(source().requests(), asked) << "a refused key is not tried again";
}

TEST_P(SourceConformance, RefusalInside200IsARefusal) {
  VendorUnderTest::Options refusing;
  refusing.faults = {"401:inside=200,code=string"};
  start(refusing);
  EXPECT_EQ(failure_of([&] { source().probe({}); }), ErrorKind::unauthorized);
}

TEST_P(SourceConformance, EveryRecordIsRead) {
  start();
  ASSERT_EQ(source().partitions({}, {}).size(), 2U);
  for (const StreamSpec& stream : source().streams()) {
    if (stream.reading == model::Reading::named) continue;  // its pages are records that somebody names
    for (const Partition& partition : partitions_of(stream)) {
      const std::vector<std::string> keys = pass(stream, partition);
      const std::set<std::string> once(keys.begin(), keys.end());
      const bool due = stream.certified || stream.reading == model::Reading::by_change;
      EXPECT_TRUE(!due || !keys.empty()) << stream.name;
      if (stream.certified) {
        EXPECT_EQ(static_cast<std::int64_t>(once.size()), fetch(stream, partition, "").total) << stream.name;
        EXPECT_LT(keys.size(), 2 * once.size()) << "pages overlap, but not more than they must";
      } else {
        EXPECT_EQ(once.size(), keys.size()) << stream.name;
      }
    }
  }
}

TEST_P(SourceConformance, AnyPageSizeReadsTheSame) {
  start();
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  const std::vector<std::string> read = pass(stream, partition);
  const std::set<std::string> keys(read.begin(), read.end());
  for (const int size : {1, 13, 60, 500}) {
    std::set<std::string> again;
    std::string position;
    do {
      const Page page = fetch(stream, partition, position, size);
      for (const model::Record& record : page.records)
        again.insert(stream.tables[0].name + ":" + model::key_text(record.key));
      position = page.next.value_or("");
    } while (!position.empty());
    EXPECT_EQ(again, keys) << "page size " << size;
  }
}

TEST_P(SourceConformance, ResumesFromEveryPosition) {
  start();
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  const std::vector<std::string> whole = pass(stream, partition);
  std::string position;
  std::size_t met = 0;
  while (true) {
    const Page page = fetch(stream, partition, position);
    met += page.records.size();
    if (!page.next) break;
    position = *page.next;
    const std::vector<std::string> rest = pass(stream, partition, position);
    EXPECT_EQ(rest, std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(met), whole.end()));
  }
}

TEST_P(SourceConformance, TheSameQuestionHasTheSameAnswer) {
  start();
  for (const StreamSpec& stream : source().streams()) {
    if (stream.reading == model::Reading::named) continue;
    const Partition partition = partitions_of(stream).front();
    const std::string position = fetch(stream, partition, "").next.value_or("");
    const Page first = fetch(stream, partition, position), second = fetch(stream, partition, position);
    ASSERT_EQ(first.records.size(), second.records.size());
    for (std::size_t i = 0; i < first.records.size(); ++i)
      EXPECT_EQ(first.records[i].hash, second.records[i].hash);
  }
}

TEST_P(SourceConformance, TailShowsTheNewestEnd) {
  start();
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  const auto total = fetch(stream, partition, "").total;
  ASSERT_TRUE(total);
  const std::vector<std::string> whole = pass(stream, partition);
  const Page steady = fetch(stream, partition, sources::tail_position(*total));
  EXPECT_EQ(steady.total, total);
  const Page grown = fetch(stream, partition, sources::tail_position(*total - 30));
  ASSERT_TRUE(grown.next);
  std::set<std::string> met;
  std::string position = *grown.next;
  while (!position.empty()) {
    const Page page = fetch(stream, partition, position);
    for (const model::Record& record : page.records)
      met.insert(model::key_text(record.key));
    position = page.next.value_or("");
  }
  EXPECT_GE(met.size(), 30U) << "the tail leads through everything that was appended";
  EXPECT_LT(met.size(), whole.size()) << "and not through what was known";
}

TEST_P(SourceConformance, AnEmptyPartitionHasNoPages) {
  VendorUnderTest::Options empty;
  empty.responses = 0;
  start(empty);
  const Partition partition = main_partition();
  const Page page = fetch(certified_stream(), partition, "");
  EXPECT_EQ(page.total, 0);
  EXPECT_FALSE(page.next);
  EXPECT_TRUE(fetch(certified_stream(), partition, sources::tail_position(0)).records.empty());
}

TEST_P(SourceConformance, OneBadRecordCostsOnlyItself) {
  VendorUnderTest::Options bad;
  bad.faults = {of_lists("bad-record")};
  start(bad);
  const Partition partition = main_partition();
  const Page first = fetch(certified_stream(), partition, "");
  const Page page = fetch(certified_stream(), partition, *first.next, 60);
  EXPECT_GE(page.quarantined.size(), 1U);
  EXPECT_GE(page.records.size(), 50U);
  for (const model::Quarantined& item : page.quarantined) {
    EXPECT_FALSE(item.reason.empty());
    EXPECT_FALSE(item.raw.empty());
  }
}

TEST_P(SourceConformance, APageThatRepeatsIsAnErrorAndNotALoop) {
  VendorUnderTest::Options lying;
  lying.faults = {of_lists("same-page")};
  start(lying);
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  EXPECT_EQ(failure_of([&] {
              std::string position;
              for (int calls = 0; calls < 100; ++calls) {
                const Page page = fetch(stream, partition, position);
                if (!page.next) return;
                position = *page.next;
              }
            }),
            ErrorKind::malformed);
}

TEST_P(SourceConformance, ARowThatIsCountedButHiddenEndsNoPass) {
  start();
  const Partition partition = main_partition();
  const std::set<std::string> known = ids(pages(partition, "", 60));
  for (const std::string& hidden : {*known.begin(), *std::next(known.begin(), 31), *known.rbegin()}) {
    vendor_->control("/fault", of_lists("hide-row:response=" + hidden));
    if (ids(pages(partition, "", 60)).contains(hidden)) GTEST_SKIP() << "this vendor's sandbox hides no rows";
    for (const int size : {7, 60, 250}) {
      std::set<std::string> met = ids(pages(partition, "", size));
      EXPECT_FALSE(met.contains(hidden)) << size;
      met.insert(hidden);
      EXPECT_EQ(met, known) << size;
    }
    vendor_.reset();
    start();
  }
}

TEST_P(SourceConformance, PassingFaultsAreRetried) {
  for (const char* fault :
       {"status:code=503,n=2", "429:text=limit,retry-after=0,n=2", "html200:n=2", "empty200:n=2", "cut:bytes=40,n=2"}) {
    VendorUnderTest::Options flaky;
    flaky.faults = {fault};
    start(flaky);
    source().probe({});
    EXPECT_NO_THROW(source().partitions({}, {})) << fault;
  }
}

TEST_P(SourceConformance, UnknownFieldsAreNoted) {
  VendorUnderTest::Options drifting;
  drifting.faults = {"new-field"};
  start(drifting);
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  const Page first = fetch(stream, partition, "");
  const Page page = fetch(stream, partition, *first.next);
  const model::Decode decode = source().decoder(stream);
  model::RowBatch rows;
  std::size_t notices = 0;
  for (const model::Record& record : page.records) {
    rows.clear();
    decode(record, rows);
    notices += rows.notices.size();
  }
  EXPECT_GT(notices, 0U);
}

TEST_P(SourceConformance, TheKeyIsInNoEventAndNoError) {
  VendorUnderTest::Options refusing;
  refusing.faults = {"401:from=6"};
  start(refusing);
  std::string all;
  try {
    for (const Partition& partition : partitions_of(certified_stream()))
      pass(certified_stream(), partition);
  } catch (const Error& error) {
    all = error.full_text();
  }
  for (const Event& event : vendor_->events().events()) {
    const EventText text = describe(event);
    all += text.message;
    for (const auto& [name, value] : text.fields)
      all += value;
  }
  EXPECT_FALSE(all.empty());
  for (const std::string& line : vendor_->key_lines())
    EXPECT_EQ(all.find(line), std::string::npos);
}

TEST_P(SourceConformance, OneRecordIsThereOrGone) {
  start();
  const Partition partition = main_partition();
  const StreamSpec& stream = certified_stream();
  std::map<std::string, model::Key> keys;
  for (const Page& page : pages(partition, "", 60))
    for (const model::Record& record : page.records)
      keys.emplace(model::key_text({record.key.back()}), record.key);
  vendor_->control("/change", R"({"op":"delete","count":1})");
  const std::set<std::string> left = ids(pages(partition, "", 60));
  EXPECT_LE(left.size(), keys.size());
  int asked = 0;
  for (const auto& [id, key] : keys) {
    if (left.contains(id) && ++asked > 5) continue;
    const sources::Found found = source().find(stream, partition, key, {}, {});
    EXPECT_EQ(found.presence, left.contains(id) ? sources::Presence::present : sources::Presence::gone)
        << id << found.evidence;
    EXPECT_EQ(found.page.records.size(), left.contains(id) ? 1U : 0U);
  }
  EXPECT_EQ(source().find_partition(source().partitions({}, {}).front().name, {}, {}).presence,
            sources::Presence::present);
}

TEST_P(SourceConformance, StoredBytesAreReadAgainAsTheyWere) {
  start();
  const Partition partition = main_partition();
  const Page page = fetch(certified_stream(), partition, *fetch(certified_stream(), partition, "").next);
  ASSERT_FALSE(page.records.empty());
  for (const model::Record& record : page.records) {
    const std::string stored(record.original.value_or(record.payload));
    const Page again = source().reread(certified_stream(), partition, stored);
    ASSERT_EQ(again.records.size(), 1U);
    EXPECT_EQ(again.records[0].key, record.key);
    EXPECT_EQ(again.records[0].hash, record.hash);
  }
}

TEST_P(SourceConformance, StopEndsACallAtOnce) {
  VendorUnderTest::Options stalling;
  stalling.faults = {"stall:at=headers,ms=8000,from=2", "slow:ms=8000,from=2"};
  start(stalling);
  source().probe({});
  std::stop_source stop;
  auto call =
      std::async(std::launch::async, [&] { return failure_of([&] { source().partitions({}, stop.get_token()); }); });
  while (vendor_->source().requests() < 2 && call.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
  }
  const auto asked = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(call.get(), ErrorKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(3));
}

INSTANTIATE_TEST_SUITE_P(Providers, SourceConformance, testing::ValuesIn(app::providers()), name_of_provider);

}  // namespace
}  // namespace surveysync::test
