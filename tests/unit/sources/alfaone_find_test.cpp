// Single records and assessments: there, gone or refused; what only the record alone shows; and the forms of a key.
#include "alfaone_fixture.h"
#include "sources/alfaone/judge.h"

namespace surveysync::sources::alfaone {
namespace {

class AlfaOneFind : public AlfaOneFixture {};

TEST_F(AlfaOneFind, ARecordAloneIsHashedAsItsListShowsIt) {
  invites(1);
  const std::string id = invite_id(1), item = vendor.lists["/api/v1/invites"].items[0];
  const std::string alone =
      item.substr(0, item.size() - 1) +
      R"(,"assignedGrader":null,"proctoringSettings":{"a":1},"customMessage":"x","revokedAt":null})";
  const model::Page listed = fetch("invite", "");
  for (const std::string& body : {alone, R"({"invite":)" + alone + "}", R"({"data":)" + alone + "}"}) {
    vendor.alone["/api/v1/invites/" + id] = body;
    const Found found = find("invite", id);
    ASSERT_EQ(found.presence, Presence::present);
    ASSERT_EQ(found.page.records.size(), 1U);
    EXPECT_EQ(found.page.records[0].hash, listed.records[0].hash);
    EXPECT_EQ(found.page.records[0].payload, item);
    EXPECT_EQ(found.page.records[0].key, (model::Key{id}));
  }
}

TEST_F(AlfaOneFind, OnlyTheVendorsOwn404IsGone) {
  transport.then(test::answer(404, R"({"error":"Invite not found"})"));
  const Found gone = find("invite", "x");
  EXPECT_EQ(gone.presence, Presence::gone);
  EXPECT_EQ(gone.evidence, "HTTP 404: Invite not found");
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{{403, R"({"error":"Forbidden"})"},
                                                                             {405, R"({"error":"Method not allowed"})"},
                                                                             {404, "<html>nothing here</html>"},
                                                                             {400, R"({"error":"Bad id"})"}}) {
    transport.then(test::answer(status, body));
    EXPECT_EQ(find("invite", "x").presence, Presence::refused) << status << body;
  }
}

TEST_F(AlfaOneFind, AnAnswerAboutAnotherRecordIsNoAnswer) {
  vendor.alone["/api/v1/invites/x"] = R"({"id":"y"})";
  EXPECT_THROW(find("invite", "x"), Error);
}

TEST_F(AlfaOneFind, MembersThatCannotBeAskedForAloneAreLookedUpInTheirList) {
  vendor.lists["/api/v1/members"] = {"members", {R"({"id":"m-1","email":"a@example.org"})"}};
  for (const std::string& body : {std::string("<html></html>"), std::string(R"({"error":"Not found"})")}) {
    transport.then(test::answer(404, body));
    const Found there = find("member", "m-1");
    EXPECT_EQ(there.presence, Presence::present) << body;
    EXPECT_EQ(there.page.records.size(), 1U);
    const std::size_t asked = vendor.asked.size();
    transport.then(test::answer(404, body));
    EXPECT_EQ(find("member", "m-2").presence, Presence::gone);
    EXPECT_EQ(vendor.asked.size(), asked) << "the list was read a moment ago";
    begin();
  }
  transport.then(test::answer(405, "")).then(test::answer(403, R"({"error":"Forbidden"})"));
  EXPECT_EQ(find("member", "m-1").presence, Presence::refused);
}

TEST_F(AlfaOneFind, StoredBytesAreReadAgainAsTheyWere) {
  invites(1);
  const model::Page page = fetch("invite", "");
  const model::Page again = source->reread(stream("invite"), {}, std::string(page.records[0].payload));
  ASSERT_EQ(again.records.size(), 1U);
  EXPECT_EQ(again.records[0].hash, page.records[0].hash);
  EXPECT_EQ(source->reread(stream("invite"), {}, "{]").quarantined.size(), 1U);
}

TEST_F(AlfaOneFind, ChangesOfATimeCannotBeAskedFor) {
  EXPECT_FALSE(source->abilities(stream("invite")).windows);
  EXPECT_FALSE(source->abilities(stream("invite")).reason.empty());
  EXPECT_THROW(static_cast<void>(source->window_position(UtcTime{}, std::nullopt, true)), Error);
  EXPECT_EQ(source->bookmark("x", UtcTime{}, "before"), "before");
}

// --- how the vendor says no ---

http::Judgement judged(int status, const std::string& body) {
  return judge(test::answer(status, body));
}

TEST(AlfaOneJudge, TheFourWordsAboutAKey) {
  using http::Refusal;
  const std::pair<const char*, Refusal> kWords[] = {{"API key is required", Refusal::absent},
                                                    {"Invalid API key", Refusal::invalid},
                                                    {"API key has expired", Refusal::expired},
                                                    {"API key has been revoked", Refusal::revoked}};
  for (const auto& [words, refusal] : kWords) {
    for (const int status : {401, 403, 200}) {
      const http::Judgement no = judged(status, fmt::format(R"({{"error":"{}"}})", words));
      EXPECT_EQ(no.kind, ErrorKind::unauthorized) << words;
      EXPECT_EQ(no.refusal, refusal) << words;
      EXPECT_EQ(no.message, words);
    }
  }
}

TEST(AlfaOneJudge, OtherAnswers) {
  for (const int status : {429, 400, 503, 200})
    EXPECT_EQ(judged(status, R"({"error":"Rate limit exceeded. Please try again later."})").kind, ErrorKind::throttled);
  EXPECT_EQ(judged(403, R"({"error":"Forbidden"})").kind, ErrorKind::denied);
  EXPECT_EQ(judged(403, R"({"error":"Forbidden"})").refusal, http::Refusal::access);
  EXPECT_EQ(judged(404, R"({"error":"Invite not found"})").kind, ErrorKind::denied);
  EXPECT_EQ(judged(400, R"({"error":"Bad"})").kind, ErrorKind::rejected);
  EXPECT_EQ(judged(409, R"({"error":"Conflict"})").kind, ErrorKind::rejected);
  EXPECT_EQ(judged(500, R"({"error":"Internal"})").kind, ErrorKind::unavailable);
  EXPECT_EQ(judged(401, "<html>").kind, ErrorKind::unavailable);
  EXPECT_EQ(judged(200, "<html>").kind, ErrorKind::unavailable);
  EXPECT_EQ(judged(200, "").kind, ErrorKind::unavailable);
  EXPECT_EQ(judged(200, R"({"invites":[)").kind, ErrorKind::malformed);
  EXPECT_TRUE(judged(200, R"({"invites":[],"error":null})").ok);
  EXPECT_TRUE(judged(200, "[]").ok);
}

TEST(AlfaOneKey, IsKnownByItsForm) {
  const auto mistake = [](const std::string& text, const std::string& environment) {
    Credential key;
    key.lines.emplace_back(text);
    return key_mistake(key, environment);
  };
  const std::string rest(32, 'a');
  EXPECT_EQ(mistake("ak_live_" + rest, ""), "");
  EXPECT_EQ(mistake("ak_live_" + rest, "live"), "");
  EXPECT_EQ(mistake("ak_test_" + rest, "test"), "");
  for (const auto& [key, environment] :
       std::vector<std::pair<std::string, std::string>>{{"ak_test_" + rest, "live"},
                                                        {"ak_live_" + rest, "test"},
                                                        {"sk_live_" + rest, ""},
                                                        {"ak_live_" + rest + "a", ""},
                                                        {"ak_live_" + rest.substr(1), ""},
                                                        {"ak_live_" + rest.substr(1) + " ", ""},
                                                        {"", ""}}) {
    const std::string text = mistake(key, environment);
    EXPECT_FALSE(text.empty()) << key;
    EXPECT_EQ(text.find(rest.substr(2)), std::string::npos) << "the key is not shown";
  }
}

TEST(AlfaOneKey, ATestKeyIsWarnedAboutUnlessItIsATest) {
  Credential key;
  key.lines.emplace_back("ak_test_" + std::string(32, 'a'));
  EXPECT_FALSE(key_warning(key, "").empty());
  EXPECT_EQ(key_warning(key, "test"), "");
  Credential live;
  live.lines.emplace_back("ak_live_" + std::string(32, 'a'));
  EXPECT_EQ(key_warning(live, ""), "");
}

TEST(AlfaOneType, LeavesOthersTheirShareOfTheLimit) {
  const Customs& customs = source_type().customs;
  EXPECT_EQ(customs.vendor_limit, 100);
  const auto share = [&](int limit) { return std::min(limit * customs.share_percent / 100, customs.share_most); };
  EXPECT_EQ(share(100), 80);
  EXPECT_EQ(share(1000), 800);
  EXPECT_EQ(source_type().hosts(""), (std::vector<std::string>{"https://api.alfaone.com", "https://alfaone.app"}));
  EXPECT_EQ(source_type().credential_lines, 1U);
}

}  // namespace
}  // namespace surveysync::sources::alfaone
