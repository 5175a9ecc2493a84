// Keys whose form alone says that they are none: refused without a request, until the file holds another.
#include "client_fixture.h"

namespace surveysync::http {
namespace {

class KeyForm : public ClientFixture {
 protected:
  KeyForm() {
    options.keys.mistake = [](const Credential& key) {
      return key.lines[0].expose().starts_with("token") ? std::string() : std::string("it does not begin with token");
    };
    options.keys.warning = [](const Credential& key) {
      return key.lines[0].expose() == "token-test" ? std::string("a test key") : std::string();
    };
    transport.otherwise([](const Request&) { return test::answer(200, R"({"ok":1})"); });
  }
  ErrorKind failure() {
    try {
      client().get({"/v5/survey", {}, {}, 0}, {});
    } catch (const Error& error) {
      last = error.full_text();
      return error.kind();
    }
    return ErrorKind::bug;
  }
  std::string last;
};

TEST_F(KeyForm, AKeyThatIsNoneIsRefusedWithoutARequest) {
  write_key("wrong-one\nsecret-one\n");
  EXPECT_EQ(failure(), ErrorKind::unauthorized);
  EXPECT_EQ(failure(), ErrorKind::unauthorized);
  EXPECT_EQ(client().key_state().verdict, "mistyped");
  EXPECT_NE(last.find("it does not begin with token"), std::string::npos) << last;
  EXPECT_FALSE(client().probe_refused_key({}));
  for (const KeyState& state : client().test_keys({}))
    EXPECT_EQ(state.verdict, "mistyped");
  EXPECT_EQ(transport.count(), 0U);
  write_key("token-two\nsecret-two\n");
  EXPECT_TRUE(client().refresh_keys({}));
  EXPECT_GE(transport.count(), 0U);
  client().get({"/v5/survey", {}, {}, 0}, {});
  EXPECT_TRUE(client().key_state().usable);
}

TEST_F(KeyForm, AGoodKeyStaysWhereItsFileGetsOneThatIsNone) {
  client().get({"/v5/survey", {}, {}, 0}, {});
  const std::size_t asked = transport.count();
  write_key("wrong-one\nsecret-one\n");
  EXPECT_TRUE(client().refresh_keys({}));
  EXPECT_TRUE(client().key_state().usable);
  EXPECT_EQ(transport.count(), asked);
}

TEST_F(KeyForm, WhatPeopleShouldKnowIsToldOnce) {
  write_key("token-test\nsecret-one\n");
  client().get({"/v5/survey", {}, {}, 0}, {});
  client().refresh_keys({});
  int told = 0;
  for (const Event& event : observer.events())
    if (const auto* warned = std::get_if<event::SecretWarned>(&event)) told += warned->what.ends_with("a test key");
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace surveysync::http
