// What becomes of a refused key between processes, slots and files; every request with a dead key is counted.
#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include "client_fixture.h"
#include "support/fake_key_memory.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::answer;

class KeyStory : public ClientFixture {
 protected:
  KeyStory() {
    options.keys.memory = memory = std::make_shared<test::FakeKeyMemory>(clock);
    probe = {"/v5/survey", {{"page", "1"}, {"resultsperpage", "4"}}, {}, 1, 0, nullptr, "resultsperpage"};
    account_probe = {"/v5/account", {}, {}, 1};
    options.limiter.requests = 1'000'000;
    transport.otherwise([this](const Request& request) {
      const std::string token = token_of(request);
      const std::lock_guard lock(mutex);
      ++sent[token];
      if (good.count(token) > 0) return ok();
      return answer(401, words);
    });
  }
  static std::string token_of(const Request& request) {
    const std::string mark = "api_token=";
    const std::size_t at = request.target.find(mark) + mark.size();
    return request.target.substr(at, request.target.find('&', at) - at);
  }
  void write_next(const std::string& text) {
    const std::string file = directory + "/next.key";
    std::ofstream(file) << text;
    ::chmod(file.c_str(), 0600);
    options.keys.next = SecretReference::parse("file:" + file);
  }
  void now_good(std::set<std::string> tokens) {
    const std::lock_guard lock(mutex);
    good = std::move(tokens);
  }
  static std::string print(const std::string& token) { return fingerprint("token-" + token + "\nsecret-" + token); }
  bool refresh() { return client().refresh_keys(stop.get_token()); }
  bool probe_again() { return client().probe_refused_key(stop.get_token()); }
  /// A fresh question each time.
  Call ask() { return call("/v5/x/" + std::to_string(++asked)); }
  event::KeyRefused the_refusal() {
    const auto all = observer.all<event::KeyRefused>();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? event::KeyRefused{} : all.back();
  }
  KeyPast refused_before(Duration until_probe) {
    KeyPast past;
    past.worked = true;
    past.refused = KeyPast::Refusal{"rotated", "it was said", "write a new key", clock.utc_now() - 1min, until_probe};
    return past;
  }

  std::shared_ptr<test::FakeKeyMemory> memory;
  std::mutex mutex;
  std::set<std::string> good{"token-one"};
  std::map<std::string, int> sent;
  std::string words = "login";
  int asked = 0;
};

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

// --- the second key ---

TEST_F(KeyStory, TheSecondKeyIsPromotedAndTheCallGoesOn) {
  write_next("token-next\nsecret-next\n");
  get(ask());
  now_good({"token-next"});
  EXPECT_EQ(get(ask()).status, 200);
  EXPECT_EQ(sent["token-one"], 3) << "the good call, the refused one, the probe";
  EXPECT_EQ(sent["token-next"], 2) << "its probe, the call";
  ASSERT_EQ(observer.count<event::KeyRotated>(), 1U);
  EXPECT_EQ(observer.all<event::KeyRotated>()[0].slot, "next");
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U) << "nobody is bothered";
  EXPECT_EQ(client().key_state().slot, "next");
  EXPECT_EQ(memory->count("refused secret " + print("one") + " rotated 2"), 1) << "but it is remembered";
  restart();
  EXPECT_EQ(get(ask()).status, 200);
  EXPECT_EQ(sent["token-one"], 3) << "also by the next process";
  now_good({"token-two", "token-next"});
  write_key("token-two\nsecret-two\n");
  EXPECT_TRUE(refresh());
  EXPECT_EQ(client().key_state().slot, "secret") << "the first key is the first again";
}

TEST_F(KeyStory, WhenBothAreDeadOneRefusalIsTold) {
  write_next("token-next\nsecret-next\n");
  get(ask());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(the_refusal().slot, "secret");
  EXPECT_EQ(sent["token-next"], 1);
  EXPECT_EQ(memory->count("refused next " + print("next") + " mistyped 1"), 1);
}

TEST_F(KeyStory, TheSecondKeyIsTriedWithoutTouchingTheFirst) {
  EXPECT_FALSE(client().try_next_key(stop.get_token()).has_value());
  restart();
  write_next("token-next\nsecret-next\n");
  now_good({"token-one", "token-next"});
  get(ask());
  const auto state = client().try_next_key(stop.get_token());
  ASSERT_TRUE(state.has_value());
  EXPECT_TRUE(state->usable);
  EXPECT_EQ(state->slot, "next");
  EXPECT_EQ(sent["token-next"], 1);
  EXPECT_EQ(observer.count<event::KeyTried>(), 1U);
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U) << "only the one in use";
  EXPECT_EQ(client().key_state().slot, "secret");
  now_good({"token-one"});
  clock.advance(70s);
  EXPECT_EQ(client().try_next_key(stop.get_token())->verdict, "rotated");
  EXPECT_EQ(client().try_next_key(stop.get_token())->verdict, "rotated");
  EXPECT_EQ(sent["token-next"], 2) << "a refused one is asked only with leave";
  EXPECT_EQ(get(ask()).status, 200);
}

TEST_F(KeyStory, AllKeysAreTested) {
  write_next("token-next\nsecret-next\n");
  const auto states = client().test_keys(stop.get_token());
  ASSERT_EQ(states.size(), 2U);
  EXPECT_TRUE(states[0].usable);
  EXPECT_FALSE(states[1].usable);
  EXPECT_EQ(states[1].verdict, "mistyped");
  EXPECT_EQ(transport.count(), 2U);
  clock.advance(70s);
  transport.then(Error(ErrorKind::unavailable, "no route"));
  memory->allow_probes(false);
  const auto again = client().test_keys(stop.get_token());
  EXPECT_TRUE(again[0].usable);
  EXPECT_EQ(again[0].verdict, "indeterminate");
  EXPECT_EQ(again[1].verdict, "mistyped");
}

// --- verdicts that more than the probe decides ---

TEST_F(KeyStory, OtherRegionsAreAskedOnceForAKeyThatNeverWorked) {
  int asked_elsewhere = 0;
  options.keys.accepted_elsewhere = [&](const Credential& credential, const std::stop_token&) {
    ++asked_elsewhere;
    EXPECT_EQ(credential.fingerprint, print("one"));
    return std::string("eu");
  };
  now_good({});
  fails(ask());
  clock.advance(71s);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(the_refusal().verdict, "wrong_region");
  EXPECT_EQ(client().key_state().verdict, "wrong_region");
  EXPECT_EQ(asked_elsewhere, 1);
}

TEST_F(KeyStory, OtherRegionsAreNotAskedForAKeyThatWorked) {
  options.keys.accepted_elsewhere = [&](const Credential&, const std::stop_token&) {
    ADD_FAILURE();
    return std::string("eu");
  };
  get(ask());
  now_good({});
  fails(ask());
  EXPECT_EQ(the_refusal().verdict, "rotated");
}

TEST_F(KeyStory, TheAccountTellsALostPermissionFromAccessSwitchedOff) {
  bool account_too = false;
  transport.otherwise([&](const Request& request) {
    return request.display == "/v5/account" && !account_too ? ok() : answer(403, "no access");
  });
  EXPECT_EQ(fails(call("/v5/survey")).kind(), ErrorKind::unauthorized) << "the list itself is refused";
  EXPECT_EQ(the_refusal().verdict, "permission_denied");
  EXPECT_EQ(transport.count(), 3U);
  EXPECT_EQ(memory->refusals(), 2);
  account_too = true;
  clock.advance(71s);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(client().key_state().verdict, "access_disabled");
  EXPECT_EQ(memory->refusals(), 4) << "a claim, and the account";
}

TEST_F(KeyStory, OneForbiddenSurveyIsItsOwnBusiness) {
  transport.otherwise(
      [&](const Request& request) { return request.display == "/v5/survey/7" ? answer(403, "no access") : ok(); });
  EXPECT_EQ(fails(call("/v5/survey/7")).kind(), ErrorKind::denied);
  EXPECT_EQ(transport.count(), 1U) << "no probe";
  EXPECT_EQ(get(ask()).status, 200);
}

TEST_F(KeyStory, ManyForbiddenSurveysInARowAreLookedInto) {
  bool list_too = false;
  transport.otherwise([&](const Request& request) {
    return request.display == "/v5/survey" && !list_too ? ok() : answer(403, "no access");
  });
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(fails(ask()).kind(), ErrorKind::denied);
  EXPECT_LE(transport.count(), 40U + 14U) << "a probe for each three: each good answer begins anew";
  list_too = true;
  restart();
  const std::size_t before = transport.count();
  for (int i = 0; i < 40; ++i)
    fails(ask());
  EXPECT_LE(transport.count() - before, 6U);
  EXPECT_EQ(the_refusal().verdict, "access_disabled");
}

TEST_F(KeyStory, RefusalsThatNoProbeCanConfirmEndAllTheSame) {
  transport.otherwise([&](const Request& request) {
    return request.display == "/v5/survey" ? answer(502, "{}") : answer(401, "login");
  });
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    clock.advance(1s);
    refused += fails(ask()).kind() == ErrorKind::unauthorized ? 1 : 0;
  }
  EXPECT_EQ(refused, 35);
  EXPECT_EQ(memory->refusals(), 6);
}

// --- threads ---

TEST_F(KeyStory, FourWorkersSendAtMostSixRequestsWithADeadKey) {
  get(ask());
  now_good({});
  std::latch all_sent(4);
  std::atomic<int> dead{0};
  transport.otherwise([&](const Request& request) {
    ++dead;
    if (request.display.starts_with("/v5/first/")) all_sent.arrive_and_wait();
    return answer(401, "login");
  });
  std::atomic<int> unauthorized{0};
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&, w] {
        for (int i = 0; i < 20; ++i) {
          try {
            get(call((i == 0 ? "/v5/first/" : "/v5/later/") + std::to_string(w * 100 + i)));
          } catch (const Error& error) {
            unauthorized += error.kind() == ErrorKind::unauthorized ? 1 : 0;
          }
        }
      });
    }
    workers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        (void)client().key_state();
        (void)refresh();
        (void)probe_again();
      }
    });
  }
  EXPECT_EQ(unauthorized, 80);
  EXPECT_LE(dead, 6);
  EXPECT_EQ(memory->refusals(), dead) << "each was counted, also those that were on their way";
  EXPECT_EQ(observer.count<event::KeyRefused>(), 1U);
}

TEST_F(KeyStory, ARotationUnderFullLoadLosesNoCall) {
  now_good({"token-one", "token-two"});
  get(ask());
  std::atomic<int> served{0};
  std::atomic<bool> done{false};
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&, w] {
        for (int i = 0; i < 200; ++i)
          served += get(call("/v5/load/" + std::to_string(w * 1000 + i))).status == 200 ? 1 : 0;
      });
    }
    workers.emplace_back([&] {
      for (int i = 0; !done; ++i) {
        const std::string name = i % 2 ? "one" : "two";
        write_key("token-" + name + "\nsecret-" + name + "\n");
        refresh();
        (void)client().key_state();
        if (served >= 800) done = true;
      }
    });
  }
  EXPECT_EQ(served, 800);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
}

TEST_F(KeyStory, TheStateIsShownWhileTheMemoryIsSlow) {
  struct Slow final : KeyMemory {
    explicit Slow(Client*& its_client) : client(its_client) {}
    KeyPast begin(const KeyId&) override {
      seen = client->key_state();  // would never return if the gate were locked
      return {};
    }
    KeyPast recall(const KeyId&) override { return begin({}); }
    void accepted(const KeyId&) override { begin({}); }
    void refused(const KeyId&, const std::string&, const std::string&, const std::string&, int) override { begin({}); }
    bool claim_probe(const KeyId&) override {
      begin({});
      return true;
    }
    Client*& client;
    KeyState seen;
  };
  Client* made = nullptr;
  options.keys.memory = std::make_shared<Slow>(made);
  made = &client();
  get(ask());
  now_good({});
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_FALSE(probe_again());
}

}  // namespace
}  // namespace surveysync::http
