// What becomes of a refused key between processes and files; every request with a dead key is counted.
#include "key_story_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

// --- between processes ---

TEST_F(KeyStory, AGoodKeyIsToldOnce) {
  for (int i = 0; i < 5; ++i)
    get(ask());
  EXPECT_EQ(memory->told(),
            (std::vector<std::string>{"begin secret " + print("one"), "accepted secret " + print("one")}));
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U);
  EXPECT_TRUE(client().key_state().last_good_at.has_value());
}

TEST_F(KeyStory, ARestartLoopWithADeadKeySendsNothing) {
  get(ask());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(sent["token-one"], 3) << "the good call, the refused one, the probe";
  EXPECT_EQ(memory->refusals(), 2);
  for (int i = 0; i < 50; ++i) {
    restart();
    const Error error = fails(ask());
    EXPECT_EQ(error.kind(), ErrorKind::unauthorized);
    EXPECT_NE(std::string(error.what()).find("rotated"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("since 20"), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find(key_file()), std::string::npos);
    EXPECT_FALSE(refresh());
    EXPECT_FALSE(probe_again());
  }
  EXPECT_EQ(sent["token-one"], 3);
}

TEST_F(KeyStory, ADueProbeIsSentAtTheStartByTheOneProcessThatMay) {
  memory->set(print("one"), refused_before(0s));
  memory->allow_probes(false);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(sent["token-one"], 0);
  restart();
  memory->allow_probes(true);
  EXPECT_EQ(get(ask()).status, 200) << "the vendor takes it again";
  EXPECT_EQ(memory->count("accepted"), 1);
}

TEST_F(KeyStory, ADueProbeThatIsRefusedIsAllThatIsSent) {
  now_good({});
  memory->set(print("one"), refused_before(0s));
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(sent["token-one"], 1);
  EXPECT_EQ(memory->refusals(), 1) << "the claim counted it";
  EXPECT_EQ(the_refusal().verdict, "rotated");
}

TEST_F(KeyStory, AKeyThatKillsProcessesIsLeftAloneForAWhile) {
  KeyPast past;
  past.rest = 5min;
  memory->set(print("one"), past);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(client().key_state().verdict, "indeterminate");
  EXPECT_FALSE(client().key_state().usable);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(sent["token-one"], 0);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U) << "it is not refused";
  memory->set(print("one"), {});
  clock.advance(6min);
  EXPECT_TRUE(probe_again());
  EXPECT_EQ(get(ask()).status, 200);
}

TEST_F(KeyStory, WhatAnotherProcessKnowsNeedsNoProbe) {
  get(ask());
  auto other = another_process();
  other->get(ask(), stop.get_token());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(sent["token-one"], 4);
  EXPECT_THROW(other->get(ask(), stop.get_token()), Error);
  EXPECT_EQ(sent["token-one"], 5) << "the refused call, no probe";
  EXPECT_EQ(memory->refusals(), 3);
  EXPECT_EQ(other->key_state().verdict, "rotated");
}

TEST_F(KeyStory, AHoldEndsWithAProbeThatIsAccepted) {
  get(ask());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  for (int i = 0; i < 30; ++i) {
    clock.advance(2s);
    EXPECT_FALSE(probe_again());
  }
  EXPECT_EQ(sent["token-one"], 3) << "not one without leave";
  clock.advance(20s);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(sent["token-one"], 4);
  EXPECT_EQ(memory->refusals(), 3);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 1U);
  now_good({"token-one"});
  clock.advance(70s);
  EXPECT_TRUE(probe_again());
  EXPECT_EQ(get(ask()).status, 200);
  EXPECT_EQ(memory->count("accepted"), 2) << "once for the process, once after the hold";
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 2U);
  now_good({});
  clock.advance(1min);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 2U) << "it was accepted in between: that is news";
}

TEST_F(KeyStory, WhatAnotherProcessFoundEndsTheHoldWithoutAProbe) {
  get(ask());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  auto other = another_process();
  now_good({"token-one"});
  clock.advance(71s);
  EXPECT_TRUE(other->probe_refused_key(stop.get_token()));
  const int before = sent["token-one"];
  EXPECT_TRUE(probe_again());
  EXPECT_EQ(sent["token-one"], before);
  EXPECT_EQ(get(ask()).status, 200);
}

// --- files ---

TEST_F(KeyStory, ANewKeyIsTriedAtOnceAndHeals) {
  get(ask());
  now_good({});
  fails(ask());
  now_good({"token-two"});
  write_key("token-two\nsecret-two\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(sent["token-two"], 1);
  EXPECT_EQ(observer.count<event::KeyRotated>(), 1U);
  EXPECT_EQ(get(ask()).status, 200);
  EXPECT_EQ(memory->count("accepted secret " + print("two")), 1);
  EXPECT_TRUE(client().key_state().usable);
}

TEST_F(KeyStory, ANewKeyIsTriedThoughOnlyAnotherProcessMetTheDeadOne) {
  for (const bool used_before : {false, true}) {
    SCOPED_TRACE(used_before);
    now_good(used_before ? std::set<std::string>{"token-one"} : std::set<std::string>{});
    write_key("token-one\nsecret-one\n");
    restart();
    client();  // reads the file
    if (used_before) get(ask());
    const int before = sent["token-one"];
    memory->set(print("one"), refused_before(std::chrono::hours(1)));
    now_good({"token-two"});
    sent["token-two"] = 0;
    write_key("token-two\nsecret-two\n");
    EXPECT_TRUE(refresh());
    EXPECT_EQ(sent["token-one"], before);
    EXPECT_EQ(sent["token-two"], 1) << "one request, which closes the incident";
    EXPECT_EQ(observer.count<event::KeyAccepted>(), used_before ? 3U : 1U);
    EXPECT_EQ(get(ask()).status, 200);
    memory->set(print("one"), {});
  }
}

TEST_F(KeyStory, ANewKeyBesideAGoodOneIsTakenUpBeforeTheOldOneDies) {
  get(ask());
  write_key("token-two\nsecret-two\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(client().fingerprint(), print("one")) << "it is refused: the good one stays";
  EXPECT_EQ(the_refusal().fingerprint, print("two"));
  EXPECT_EQ(the_refusal().verdict, "mistyped");
  EXPECT_EQ(get(ask()).status, 200);
  for (int i = 0; i < 20; ++i)
    refresh();
  EXPECT_EQ(sent["token-two"], 1) << "and is not tried again and again";
  now_good({"token-three"});
  write_key("token-three\nsecret-three\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(client().fingerprint(), print("three"));
  EXPECT_EQ(observer.count<event::KeyRefused>(), 1U);
}

TEST_F(KeyStory, ARestoredFileEndsTheTroubleOfARefusedOne) {
  get(ask());
  for (int round = 1; round <= 2; ++round) {
    write_key("token-two\nsecret-two\n");
    EXPECT_TRUE(refresh());
    EXPECT_EQ(observer.count<event::KeyRefused>(), static_cast<std::size_t>(round));
    write_key("token-one\nsecret-one\n");
    EXPECT_TRUE(refresh());
    EXPECT_TRUE(refresh());
    EXPECT_EQ(observer.count<event::KeyAccepted>(), static_cast<std::size_t>(round + 1)) << "incidents close with it";
  }
  EXPECT_EQ(sent["token-two"], 1);
  EXPECT_EQ(sent["token-one"], 1);
}

TEST_F(KeyStory, AKeyThatWasRefusedBesideAGoodOneIsNotSentWhenThatDies) {
  get(ask());
  write_key("token-two\nsecret-two\n");
  refresh();
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(sent["token-two"], 1);
  EXPECT_EQ(sent["token-one"], 3);
  EXPECT_EQ(client().fingerprint(), print("two")) << "what the file holds is what must be mended";
}

TEST_F(KeyStory, UnreadableFilesChangeNothingAndAreToldOnce) {
  get(ask());
  const std::vector<std::string> damaged{"token-one\n", "", "a\nb\nc\n"};
  for (int round = 0; round < 3; ++round) {
    for (const std::string& content : damaged) {
      write_key(content);
      EXPECT_TRUE(refresh());
    }
    std::filesystem::remove(key_file());
    EXPECT_TRUE(refresh());
    write_key("token-one\nsecret-two\n");
    ::chmod(key_file().c_str(), 0640);
    EXPECT_TRUE(refresh());
    EXPECT_EQ(observer.count<event::SecretWarned>(), 5U);
    EXPECT_EQ(get(ask()).status, 200);
  }
  write_key("token-one\nsecret-one\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(observer.count<event::KeyRotated>(), 0U) << "the content is what it was";
  EXPECT_EQ(client().fingerprint(), print("one"));
  write_key("");
  refresh();
  EXPECT_EQ(observer.count<event::SecretWarned>(), 6U) << "it was right in between";
}

TEST_F(KeyStory, AnUnreadableFileDoesNotHideADeadKey) {
  get(ask());
  now_good({});
  std::filesystem::remove(key_file());
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(the_refusal().verdict, "rotated");
  write_key("token-one\nsecret-one\n");
  EXPECT_FALSE(refresh()) << "the same content is the same dead key";
  EXPECT_EQ(sent["token-one"], 3);
}

TEST_F(KeyStory, EachNewKeyHasItsOwnVerdict) {
  get(ask());
  now_good({});
  fails(ask());
  words = "never";
  write_key("token-two\nsecret-one\n");
  EXPECT_FALSE(refresh());
  write_key("token-two\nsecret two\n");
  EXPECT_FALSE(refresh());
  const auto told = observer.all<event::KeyRefused>();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].verdict, "rotated");
  EXPECT_EQ(told[1].verdict, "half_rotated");
  EXPECT_EQ(told[2].verdict, "mistyped");
  EXPECT_NE(told[2].evidence.find("blank"), std::string::npos);
  EXPECT_EQ(client().key_state().verdict, "mistyped");
  EXPECT_EQ(sent["token-two"], 2);
}

TEST_F(KeyStory, AHalfRotatedKeyIsKnownAfterARestart) {
  get(ask());
  restart();
  now_good({});
  write_key("token-one\nsecret-two\n");
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(the_refusal().verdict, "half_rotated");
}

TEST_F(KeyStory, AMissingSecretIsAStateThatHeals) {
  std::filesystem::remove(key_file());
  EXPECT_THROW(another_process(), Error);
  options.keys.may_be_missing = true;
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(client().key_state().verdict, "missing");
  EXPECT_NE(client().key_state().evidence.find("No such file"), std::string::npos);
  EXPECT_NE(client().key_state().next_step.find(key_file()), std::string::npos);
  EXPECT_FALSE(refresh());
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(the_refusal().verdict, "missing");
  EXPECT_EQ(client().fingerprint(), "");
  EXPECT_EQ(memory->told().size(), 0U);
  EXPECT_EQ(transport.count(), 0U);
  write_key("token-one\nsecret-one\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(get(ask()).status, 200);
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U);
}

TEST_F(KeyStory, ANewKeyThatCannotBeTriedIsUsedWhereTheOldOneIsDead) {
  options.retry.attempts = 1;
  get(ask());
  now_good({});
  fails(ask());
  write_key("token-two\nsecret-two\n");
  transport.then(Error(ErrorKind::unavailable, "no route"));
  EXPECT_TRUE(refresh()) << "as good as any key that was not used yet";
  now_good({"token-two"});
  EXPECT_EQ(get(ask()).status, 200);
}

}  // namespace
}  // namespace surveysync::http
