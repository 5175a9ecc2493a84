// What the archive reads back, and what it takes away.

#include "store/archive.h"

#include "book_fixture.h"

namespace surveysync::test {
namespace {

class ArchiveTest : public BookTest {
 protected:
  ArchiveTest() : session_(open_({})), archive_(session_->connection()) {}
  const model::StreamSpec& definitions() const { return vendor_.streams()[0]; }
  const model::StreamSpec& responses() const { return vendor_.streams()[1]; }

  std::unique_ptr<store::Session> session_;
  store::Archive archive_;
};

TEST_F(ArchiveTest, NamesPartitionsOfRowsAndOfHistory) {
  vendor_.fill(30, 3);
  vendor_.fill(4, 2);
  vendor_.fill(5, 0);
  load();
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE survey_id = 4");
  const auto names = [](const std::vector<model::Partition>& partitions) {
    std::string text;
    for (const model::Partition& partition : partitions)
      text += partition.name + " ";
    return text;
  };
  EXPECT_EQ(names(archive_.partitions("us", responses())), "4 30 ");
  EXPECT_EQ(names(archive_.partitions("us", responses(), true)), "30 ");
  EXPECT_EQ(names(archive_.partitions("eu", responses())), "");
  run_sql("TRUNCATE alchemer.survey");
  EXPECT_EQ(names(archive_.partitions("us", definitions())), "4 5 30 ");
  EXPECT_EQ(names(archive_.partitions("us", definitions(), true)), "");
  EXPECT_EQ(archive_.partitions("us", responses())[0].title, "A survey");
}

TEST_F(ArchiveTest, ReadsRecordsInBoundedPages) {
  vendor_.fill(1, 23);
  vendor_.surveys[1].responses[5] = R"({"id":5,"status":"A\u0000B","odd":1})";
  load();
  std::optional<model::Key> after;
  std::vector<std::int64_t> ids;
  for (;;) {
    const model::Page page = archive_.records("us", responses(), "1", after, 10);
    if (page.records.empty()) break;
    EXPECT_LE(page.records.size(), 10U);
    EXPECT_TRUE(page.keep_marks && page.decode_again);
    for (const model::Record& record : page.records) {
      const std::int64_t id = std::get<std::int64_t>(record.key[1]);
      ids.push_back(id);
      EXPECT_EQ(record.hash, model::hash_of(vendor_.surveys[1].responses[id]));
      EXPECT_EQ(record.original.value_or(record.payload), vendor_.surveys[1].responses[id]);
      EXPECT_EQ(record.flags, id == 5 ? (std::vector<std::string>{"nul", "date"}) : std::vector<std::string>());
    }
    after = page.records.back().key;
  }
  EXPECT_EQ(ids.size(), 23U);
  EXPECT_TRUE(std::ranges::is_sorted(ids));
}

TEST_F(ArchiveTest, LooksUpHashesAndRangesOfLiveKeys) {
  vendor_.fill(1, 9);
  load();
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 4");
  using Key = model::Key;
  const std::int64_t one = 1;
  const auto key = [&](std::int64_t id) { return Key{one, id}; };
  const auto found = archive_.lookup("us", responses(), {key(7), key(4), key(99), key(4)});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key, key(4));
  EXPECT_TRUE(found[0].deleted);
  EXPECT_EQ(found[1].hash, model::hash_of(vendor_.surveys[1].responses[7]));
  EXPECT_EQ(archive_.live_keys("us", responses(), "1", {key(2), key(6)}, 10),
            (std::vector<Key>{key(3), key(5), key(6)}));
  EXPECT_EQ(archive_.live_keys("us", responses(), "1", {std::nullopt, key(6)}, 2), (std::vector<Key>{key(1), key(2)}));
  EXPECT_TRUE(archive_.changed_at("us", responses(), key(7)));
  EXPECT_FALSE(archive_.changed_at("us", responses(), key(99)));
}

TEST_F(ArchiveTest, DroppedRecordsStayOut) {
  vendor_.fill(1, 5);
  load();
  vendor_.surveys[1].responses[3] = R"({"id":3,"v":2,"letter":"x"})";
  vendor_.surveys[1].responses[6] = R"({"id":6,"letter":"x"})";
  load();
  const auto items = archive_.quarantined("us", {}, 0, 10);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(archive_.quarantined("us", {items[1].quarantine_id}, 0, 10).size(), 1U);
  EXPECT_TRUE(archive_.quarantined("us", {}, items[1].quarantine_id, 10).empty());
  EXPECT_EQ(archive_.in_quarantine("us", responses(), "1", {"1/3", "1/4"}), std::set<std::string>{"1/3"});
  const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
  archive_.note_retried(fence, {items[0].quarantine_id});
  EXPECT_EQ(query("SELECT count(retried_at) FROM surveysync.quarantine"), "1");
  EXPECT_EQ(archive_.drop(fence, {items[0].quarantine_id, items[1].quarantine_id, 4711}, vendor_.streams()), 2);
  session_->release_lease(fence);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
  load();
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
  const auto held = session_->ledger().holdings("us", responses(), "1", session_->ledger().now());
  EXPECT_EQ(held.excluded, 2);
  EXPECT_EQ(held.stored_live, 4) << "its earlier version counts no more";
  EXPECT_EQ(held.quarantined, 0);
}

TEST_F(ArchiveTest, TheFenceIsChecked) {
  vendor_.fill(1, 1);
  load();
  const store::Fence stranger{"us", "elsewhere/1/1", 99};
  EXPECT_EQ(error_of([&] { archive_.drop(stranger, {1}); }).kind(), ErrorKind::locked);
  EXPECT_EQ(error_of([&] { archive_.release(stranger, {1}); }).kind(), ErrorKind::locked);
  EXPECT_EQ(error_of([&] { archive_.note_retried(stranger, {1}); }).kind(), ErrorKind::locked);
}

}  // namespace
}  // namespace surveysync::test
