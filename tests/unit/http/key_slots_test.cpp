// The second key, verdicts that more than one probe decides, and many threads with one dead key.
#include <atomic>
#include <latch>
#include <thread>

#include "key_story_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::answer;

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
  EXPECT_EQ(observer.count<event::KeyRotated>(), 3U) << "to the second, again by the next process, and back: once each";
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
    return KeyOptions::Elsewhere{"eu", 2};
  };
  now_good({});
  fails(ask());
  clock.advance(71s);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(the_refusal().verdict, "wrong_region");
  EXPECT_EQ(client().key_state().verdict, "wrong_region");
  EXPECT_EQ(asked_elsewhere, 1);
  EXPECT_EQ(memory->refusals(), 5) << "here three times, and two regions that refused it";
}

TEST_F(KeyStory, OtherRegionsAreNotAskedForAKeyThatWorked) {
  options.keys.accepted_elsewhere = [&](const Credential&, const std::stop_token&) {
    ADD_FAILURE();
    return KeyOptions::Elsewhere{"eu", 0};
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
  EXPECT_EQ(client().key_state().verdict, "permission_denied");
  EXPECT_EQ(transport.count(), 4U) << "in the first hour the account is asked once";
  EXPECT_EQ(memory->refusals(), 3);
  clock.advance(61min);
  EXPECT_FALSE(probe_again());
  EXPECT_EQ(client().key_state().verdict, "access_disabled");
  EXPECT_EQ(transport.count(), 6U);
  EXPECT_EQ(memory->refusals(), 5) << "a claim, and the account";
}

TEST_F(KeyStory, EveryRequestThatIsDeniedIsCounted) {
  get(ask());
  transport.otherwise([](const Request&) { return answer(403, "no access"); });
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::denied);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::denied);
  EXPECT_EQ(memory->refusals(), 0) << "two records may be forbidden for their own sake";
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(the_refusal().verdict, "access_disabled");
  EXPECT_EQ(transport.count(), 6U) << "one that was good, three that were denied, the list, the account";
  EXPECT_EQ(memory->refusals(), 5);
}

TEST_F(KeyStory, AGoodAnswerThatWasUnderWayTakesNoRefusalBack) {
  now_good({"token-one"});
  get(ask());
  transport.then([&](const Request&) {  // a long page; meanwhile the key dies
    now_good({});
    EXPECT_EQ(fails(call("/v5/meanwhile")).kind(), ErrorKind::unavailable);
    return ok();
  });
  transport.then(answer(401, "login")).then(answer(502, "{}"));
  EXPECT_EQ(get(ask()).status, 200);
  clock.advance(1s);
  EXPECT_EQ(fails(ask()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(memory->refusals(), 4) << "two calls, and a probe for each";
}

TEST_F(KeyStory, PeopleSeeWhenAKeyWorkedLast) {
  for (int minute = 0; minute < 200; ++minute) {
    get(ask());
    clock.advance(1min);
  }
  EXPECT_EQ(memory->count("accepted"), 1);
  EXPECT_EQ(memory->count("still good secret " + print("one")), 3) << "once an hour";
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
  EXPECT_EQ(memory->refusals(), 12) << "six calls, and a probe for each: what it answered says nothing of the key";
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
