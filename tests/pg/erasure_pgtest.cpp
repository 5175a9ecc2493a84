// store/erasure: what is erased is gone, stays away, counts as excluded, and is found when it is not.
#include "store/erasure.h"

#include <fmt/format.h>

#include "book_fixture.h"
#include "sync/replay.h"
#include "sync/verify.h"

namespace surveysync::test {
namespace {

using store::Erasure;
using store::ErasureCount;
using store::ErasureWish;

std::shared_ptr<const KeyedDigest> digest_of(const char* key) {
  return std::make_shared<const KeyedDigest>(Secret(key));
}

class ErasureTest : public BookTest {
 protected:
  ErasureTest() {
    open_ = [this](std::stop_token token) {
      return std::make_unique<store::Session>(options(), events_, clock_, std::move(token), [this] { return digest_; });
    };
    streams_ = vendor_.streams();
    for (model::StreamSpec& stream : streams_) {
      for (model::Table& table : stream.tables) {
        for (const model::Column& column : table.columns)
          if (table.name == "response" && column.name == "status") table.contact_columns = {{"status", "contact"}};
      }
    }
    session_ = open_({});
  }
  Erasure erasure() { return Erasure(session_->connection(), "us", streams_, digest_); }
  ErasureWish response(const std::string& key) {
    ErasureWish wish;
    erasure().add_record(key, wish);
    return wish;
  }
  std::vector<ErasureCount> erase(const ErasureWish& wish) {
    const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
    auto counts = erasure().erase(fence, wish);
    session_->release_lease(fence);
    return counts;
  }
  store::Ledger::Holdings holdings(const char* survey) {
    return session_->ledger().holdings("us", streams_[1], survey, session_->ledger().now());
  }
  std::string left(const ErasureWish& wish) {
    std::string text;
    for (const ErasureCount& count : erasure().left_of(wish))
      text += count.place + " " + std::to_string(count.rows) + "\n";
    return text;
  }

  std::shared_ptr<const KeyedDigest> digest_ = digest_of("0123456789abcdef0123456789abcdef");
  std::vector<model::StreamSpec> streams_;
  std::unique_ptr<store::Session> session_;
};

TEST_F(ErasureTest, AResponseGoesWithItsAnswersAndStaysAway) {
  vendor_.fill(1, 5);
  load();
  const ErasureWish wish = response("1/3");
  EXPECT_NE(left(wish), "");
  erase(wish);
  EXPECT_EQ(left(wish), "");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE response_id = 3"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer WHERE response_id = 3"), "0");
  EXPECT_EQ(holdings("1").stored_live, 4);
  EXPECT_EQ(holdings("1").excluded, 1);
  load();
  EXPECT_EQ(holdings("1").stored_live, 4) << "no load brings it back";
  sync::replay(job_, vendor_, open_, events_, clock_, {});
  EXPECT_EQ(left(wish), "");
  EXPECT_TRUE(erasure().left_of_all().empty());
}

TEST_F(ErasureTest, TheLedgerHoldsNeitherIdsNorPlainHashes) {
  vendor_.fill(1, 3);
  load();
  erase(response("1/3"));
  const model::Hash plain = store::exclusion_digest("response", "1", "1/3");
  std::string hex;
  for (const std::uint8_t byte : plain)
    hex += fmt::format("{:02x}", byte);
  EXPECT_EQ(query("SELECT encode(digest, 'hex') = '" + hex + "' FROM surveysync.erasure"), "f");
  EXPECT_EQ(query("SELECT kind || ' ' || present || ' ' || key_fingerprint FROM surveysync.erasure"),
            "erasure true " + digest_->fingerprint());
}

TEST_F(ErasureTest, WhatIsNotStoredIsKeptOutAllTheSame) {
  vendor_.fill(1, 2);
  const ErasureWish wish = response("1/2");
  erase(wish);
  EXPECT_EQ(holdings("1").excluded, 0) << "nobody knows that the vendor has it";
  load();
  EXPECT_EQ(holdings("1").stored_live, 1);
  erase(wish);
  EXPECT_EQ(rows("SELECT kind FROM surveysync.erasure").size(), 1U) << "twice is once";
}

TEST_F(ErasureTest, QuarantineAndSightingsGoToo) {
  vendor_.fill(1, 2);
  load();
  run_sql(
      "INSERT INTO surveysync.quarantine (source, stream, partition, record_key, reason, raw, run_id, first_seen_at, "
      "last_seen_at) VALUES ('us', 'response', '1', '1/9', 'bad 1/9', 'x', 1, now(), now())");
  run_sql(
      "INSERT INTO surveysync.sighting (source, stream, partition, record_keys) VALUES ('us', 'response', '1', "
      "'{1,9,19}')");
  const ErasureWish wish = response("1/9");
  erase(wish);
  EXPECT_EQ(left(wish), "");
  EXPECT_EQ(query("SELECT record_keys FROM surveysync.sighting"), "{1,19}");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
  EXPECT_EQ(holdings("1").excluded, 1) << "it was met at the vendor";
}

TEST_F(ErasureTest, ARecordDroppedBeforeCountsOnce) {
  vendor_.fill(1, 2);
  load();
  std::string hex;
  for (const std::uint8_t byte : store::exclusion_digest("response", "1", "1/2"))
    hex += fmt::format("{:02x}", byte);
  run_sql("INSERT INTO surveysync.erasure VALUES ('us', 'response', '1', decode('" + hex + "', 'hex'), 'drop', now())");
  erase(response("1/2"));
  EXPECT_EQ(holdings("1").excluded, 1);
}

TEST_F(ErasureTest, LogsOfRunsNameNobody) {
  vendor_.fill(1, 2);
  load();
  run_sql("UPDATE surveysync.run SET error = 'record 1/2 was bad, 1/22 and 11/2 too'");
  const ErasureWish wish = response("1/2");
  EXPECT_NE(left(wish).find("surveysync.run "), std::string::npos);
  erase(wish);
  EXPECT_EQ(query("SELECT error FROM surveysync.run"), "record *** was bad, 1/22 and 11/2 too");
}

TEST_F(ErasureTest, APersonIsFoundByTheColumnsThatNameContacts) {
  vendor_.fill(1, 4);
  vendor_.fill(2, 3);
  vendor_.surveys[1].responses[2] = BookSource::response_text(2, 1, "77");
  vendor_.surveys[2].responses[1] = BookSource::response_text(1, 1, "77");
  vendor_.surveys[2].responses[3] = BookSource::response_text(3, 1, "770");
  load();
  ErasureWish wish;
  erasure().add_person("77", wish);
  EXPECT_EQ(wish.records.size(), 2U);
  erase(wish);
  EXPECT_EQ(left(wish), "");
  EXPECT_EQ(holdings("1").excluded + holdings("2").excluded, 2);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE status = '770'"), "1");
}

TEST_F(ErasureTest, APersonStaysAwayUnderNewIdsToo) {
  vendor_.fill(1, 2);
  load();
  ErasureWish wish;
  erasure().add_person("jane@x.org", wish);
  EXPECT_TRUE(wish.records.empty());
  wish.persons.insert({"contact", "Jane@x.org"});
  erase(wish);
  vendor_.surveys[1].responses[3] = BookSource::response_text(3, 1, " jane@X.org");
  vendor_.surveys[1].responses[2] = BookSource::response_text(2, 2, "jane@x.org");
  const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
  const std::int64_t run = session_->ledger().open_run(fence, "incremental");
  load(*session_, fence, run, streams_[1], vendor_.partition(1));
  EXPECT_EQ(rows("SELECT response_id FROM alchemer.response"), (std::vector<std::string>{"1"}));
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer WHERE response_id <> 1"), "0");
  EXPECT_EQ(holdings("1").excluded, 2);
  EXPECT_TRUE(erasure().left_of_all().empty());
}

TEST_F(ErasureTest, APartOfAnothersRecordGoesAndStaysAway) {
  const auto text = [](const std::string& part) {
    std::string one = BookSource::response_text(2, 1, "x");
    return one.insert(one.size() - 1, ",\"grader\":" + part);
  };
  vendor_.fill(1, 3);
  vendor_.surveys[1].responses[2] = text(R"({"name":"Jo","email":"Jo@x.org"})");
  load();
  ErasureWish wish;
  erasure().add_person("jo@x.org", wish);
  EXPECT_TRUE(wish.records.empty());
  const std::vector<ErasureCount> counts = erase(wish);
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].redacted, 1);
  EXPECT_EQ(left(wish), "");
  EXPECT_TRUE(erasure().mentions(wish).empty());
  EXPECT_EQ(query("SELECT payload->>'grader' IS NULL FROM alchemer.response WHERE response_id = 2"), "t");
  // The vendor changes the record: it comes with the part again.
  vendor_.surveys[1].responses[2] = text(R"({"name":"Joe","email":"jo@x.org"})");
  vendor_.surveys[1].responses[3] = BookSource::response_text(3, 2, "x");
  const store::Fence fence = session_->acquire_lease("us", std::chrono::minutes(5));
  const std::int64_t run = session_->ledger().open_run(fence, "incremental");
  load(*session_, fence, run, streams_[1], vendor_.partition(1));
  EXPECT_EQ(left(wish), "");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "3");
}

TEST_F(ErasureTest, AnAddressInAnAnswerIsToldWithItsResponse) {
  vendor_.fill(1, 3);
  load();
  run_sql("UPDATE alchemer.answer SET answer = 'write to Jo@x.org' WHERE response_id = 2 AND question_id = 10");
  ErasureWish wish;
  erasure().add_person("jo@x.org", wish);
  erase(wish);
  const std::vector<store::Mention> found = erasure().mentions(wish);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].response, "1/2");
  ErasureWish answer = response("1/2");
  erase(answer);
  EXPECT_TRUE(erasure().mentions(wish).empty());
}

TEST_F(ErasureTest, AnotherKeyIsRefusedByName) {
  vendor_.fill(1, 2);
  load();
  erase(response("1/2"));
  digest_ = digest_of("another key of thirty-two letters");
  EXPECT_THROW(session_->ledger().require_privacy_key("us", digest_->fingerprint()), Error);
  try {
    session_->ledger().exclusions("us", "response", "1");
    ADD_FAILURE() << "the erased would come back";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.full_text().find("privacy.key"), std::string::npos);
  }
  EXPECT_TRUE(session_->ledger().exclusions("us", "response", "2").empty());
}

TEST_F(ErasureTest, NamesThatAreNoKeys) {
  for (const char* const key : {"", "1", "1/", "x/1", "1/2/3", "1/2x"}) {
    ErasureWish wish;
    EXPECT_THROW(erasure().add_record(key, wish), Error) << key;
  }
}

}  // namespace
}  // namespace surveysync::test
