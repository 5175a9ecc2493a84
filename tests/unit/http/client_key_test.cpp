// What happens to a refused key: read again, confirmed once for everyone, then silence until the secret changes.
#include <atomic>
#include <latch>
#include <thread>

#include "client_fixture.h"
#include "http/key_alarm.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::answer;

bool is_probe(const Request& request) {
  return request.display == "/v5/account";
}
bool signed_with(const Request& request, std::string_view token) {
  return request.target.find("api_token=" + std::string(token)) != std::string::npos;
}

TEST_F(ClientFixture, ARotatedKeyIsPickedUpWithoutBotheringAnybody) {
  transport.otherwise(
      [&](const Request& request) { return signed_with(request, "token-two") ? ok() : answer(401, "login"); });
  transport.then(ok());
  get(call("/v5/first"));
  observer.clear();
  const std::string before = client().fingerprint();
  write_key("token-two\nsecret-two\n");
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_EQ(transport.count(), 3U);
  EXPECT_NE(client().fingerprint(), before);
  EXPECT_EQ(observer.count<event::KeyRotated>(), 1U);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U);
  EXPECT_EQ(masker.mask("x token-two y"), "x *** y");
}

TEST_F(ClientFixture, WhatTheVendorEchoesIsMaskedBeforeItIsCut) {
  // The cut would fall into the key, and half a key is one that the masker does not know.
  for (std::size_t before = 270; before < 310; ++before) {
    transport.then(answer(422, "echo " + std::string(before, '.') + "token-one and secret-one and more"));
    const std::string told = fails(call("/v5/" + std::to_string(before))).full_text();
    EXPECT_EQ(told.find("toke"), std::string::npos) << told;
    EXPECT_EQ(told.find("secr"), std::string::npos) << told;
    EXPECT_LT(told.size(), 400U);
  }
}

TEST_F(ClientFixture, ARefusalThatTheProbeDoesNotConfirmIsADenial) {
  transport.otherwise([&](const Request& request) { return is_probe(request) ? ok() : answer(401, "login"); });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::denied);
  EXPECT_EQ(transport.count(), 4U) << "asked once more, in case it was a slip";
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
}

TEST_F(ClientFixture, OneRefusalThatTheProbeDoesNotConfirmCostsNothing) {
  transport.then(answer(401, "login")).then(ok()).then(ok());
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_EQ(transport.count(), 3U);
}

TEST_F(ClientFixture, ADeadKeyIsNeverSentAgain) {
  transport.then(ok());
  transport.otherwise([](const Request&) { return answer(200, "login"); });
  get(call("/v5/first"));
  const Error error = fails(call());
  EXPECT_EQ(error.kind(), ErrorKind::unauthorized);
  EXPECT_NE(error.hint().find(key_file()), std::string::npos);
  for (int i = 0; i < 10'000; ++i) {
    clock.advance(500ms);
    EXPECT_EQ(fails(call("/v5/" + std::to_string(i))).kind(), ErrorKind::unauthorized);
  }
  EXPECT_EQ(transport.count(), 3U) << "the good call, the refused one, the probe";
  ASSERT_EQ(observer.count<event::KeyRefused>(), 1U);
  EXPECT_EQ(observer.all<event::KeyRefused>()[0].verdict, "rotated") << "it worked before";
}

TEST_F(ClientFixture, ANewKeyEndsTheHold) {
  transport.otherwise(
      [&](const Request& request) { return signed_with(request, "token-two") ? ok() : answer(401, "login"); });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(observer.all<event::KeyRefused>().at(0).verdict, "mistyped") << "it never worked";
  write_key("half");
  clock.advance(3s);
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized) << "a half-written file changes nothing";
  clock.advance(3s);
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized) << "and is told of once";
  EXPECT_EQ(observer.count<event::SecretWarned>(), 1U);
  write_key("token-two\nsecret-two\n");
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized) << "it is read again every two seconds at most";
  clock.advance(3s);
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_EQ(transport.count(), 3U);
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U);
}

TEST_F(ClientFixture, AProbeThatSaysNothingLeavesTheKeyAlone) {
  options.retry.attempts = 2;
  transport.otherwise(
      [&](const Request& request) { return is_probe(request) ? answer(502, "{}") : answer(401, "login"); });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unavailable);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
  clock.advance(1min);
  transport.otherwise([](const Request&) { return ok(); });
  EXPECT_EQ(get(call()).status, 200);
}

TEST_F(ClientFixture, AKeptAnswerIsNoProof) {
  transport.otherwise([&](const Request& request) {
    return is_probe(request) ? ok("{}", {{"X-SG-Cached", "true"}}) : answer(401, "login");
  });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unavailable);
}

TEST_F(ClientFixture, AProbeThatIsDeniedConfirmsTheRefusal) {
  transport.otherwise([&](const Request& request) { return answer(is_probe(request) ? 403 : 401, "{}"); });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized);
}

TEST_F(ClientFixture, TheProbeItselfIsConfirmedToo) {
  transport.then(answer(401, "login")).then(ok()).then(ok()).then(ok());
  EXPECT_EQ(get(call("/v5/account")).status, 200) << "a single glitch does not hold the source";
  EXPECT_EQ(get(call("/v5/x")).status, 200);
}

TEST_F(ClientFixture, StopDuringTheProbeLeavesNoVerdict) {
  transport.then(answer(401, "login")).then([&](const Request& request) -> Response {
    EXPECT_TRUE(is_probe(request));
    stop.request_stop();
    throw Error(ErrorKind::cancelled, "stopped");
  });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::cancelled);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
  EXPECT_TRUE(client().key_state().usable);
  EXPECT_EQ(transport.count(), 2U);
  stop = std::stop_source();
  transport.otherwise([](const Request&) { return ok(); });
  EXPECT_EQ(get(call("/v5/again")).status, 200);
}

TEST_F(ClientFixture, AProbesAnswerCountsThoughAStopCameMeanwhile) {
  transport.otherwise([&](const Request& request) -> Response {
    if (is_probe(request)) stop.request_stop();
    return answer(401, "login");
  });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unauthorized);
  EXPECT_EQ(transport.count(), 2U);
}

class ManyWorkers : public ClientFixture {
 protected:
  static constexpr int kWorkers = 8;

  /// Every worker's first call is on its way before any is answered; then each asks ten more times.
  template <typename Answer>
  std::vector<ErrorKind> run(const Answer& answer_probe) {
    options.limiter.requests = 1'000'000;
    std::latch all_sent(kWorkers);
    transport.otherwise([&](const Request& request) {
      if (is_probe(request)) {
        ++probes;
        return answer_probe(request);
      }
      if (signed_with(request, "token-two")) return ok();
      ++refused;
      if (request.display.find("/first/") != std::string::npos) all_sent.arrive_and_wait();
      return answer(401, "login");
    });
    (void)client();
    std::vector<ErrorKind> kinds(kWorkers, ErrorKind::bug);
    {
      std::vector<std::jthread> workers;
      for (int w = 0; w < kWorkers; ++w) {
        workers.emplace_back([&, w] {
          const auto ask = [&](const std::string& path) {
            try {
              get(call(path));
              return ErrorKind::in_doubt;  // stands for success
            } catch (const Error& error) {
              return error.kind();
            }
          };
          kinds[static_cast<std::size_t>(w)] = ask("/first/" + std::to_string(w));
          for (int i = 0; i < 10; ++i)
            later_calls += ask("/later/" + std::to_string(w * 100 + i)) == ErrorKind::unauthorized;
        });
      }
    }
    return kinds;
  }

  std::atomic<int> probes{0}, refused{0}, later_calls{0};
};

TEST_F(ManyWorkers, OneProbeDecidesForAll) {
  transport.then(ok());
  get(call("/v5/before"));
  const auto kinds = run([](const Request&) { return answer(401, "login"); });
  for (const ErrorKind kind : kinds)
    EXPECT_EQ(kind, ErrorKind::unauthorized);
  EXPECT_EQ(probes, 1);
  EXPECT_EQ(refused, kWorkers) << "only what was on its way already";
  EXPECT_EQ(later_calls, kWorkers * 10);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 1U);
}

TEST_F(ManyWorkers, AKeyThatWasNeverAcceptedIsSentOnceAndProbedOnce) {
  transport.otherwise([&](const Request& request) {
    ++(is_probe(request) ? probes : refused);
    return answer(401, "login");
  });
  (void)client();
  std::latch together(kWorkers);
  std::atomic<int> unauthorized{0};
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < kWorkers; ++w) {
      workers.emplace_back([&, w] {
        together.arrive_and_wait();
        try {
          get(call("/v5/" + std::to_string(w)));
        } catch (const Error& error) {
          unauthorized += error.kind() == ErrorKind::unauthorized ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(unauthorized, kWorkers);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(probes, 1);
}

TEST_F(ManyWorkers, ARotatedKeyIsTakenUpOnce) {
  transport.then(ok());
  get(call("/v5/before"));
  write_key("token-two\nsecret-two\n");
  const auto kinds = run([](const Request&) { return ok(); });
  for (const ErrorKind kind : kinds)
    EXPECT_EQ(kind, ErrorKind::in_doubt);
  EXPECT_EQ(probes, 0);
  EXPECT_EQ(observer.count<event::KeyRotated>(), 1U);
}

TEST_F(ClientFixture, SourcesThatShareAKeyFindOutOnceThatItIsDead) {
  options.keys.alarm = std::make_shared<KeyAlarm>();
  const std::unique_ptr<Client> other = another_process();
  transport.otherwise([](const Request&) { return ok(); });
  get(call("/v5/a"));
  other->get(call("/v5/b"), stop.get_token());
  transport.otherwise([](const Request&) { return answer(401, "login"); });
  EXPECT_EQ(fails(call("/v5/c")).kind(), ErrorKind::unauthorized);
  const auto asked = transport.count();
  EXPECT_EQ(asked, 4U) << "the call and one probe";
  EXPECT_THROW(other->get(call("/v5/d"), stop.get_token()), Error);
  EXPECT_EQ(transport.count(), asked);
  EXPECT_EQ(observer.all<event::KeyRefused>().size(), 2U) << "each source is held";
}

}  // namespace
}  // namespace surveysync::http
