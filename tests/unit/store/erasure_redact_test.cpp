// store/erasure_redact: what describes an erased person in another's record goes, and nothing else.
#include "store/erasure_redact.h"

#include <gtest/gtest.h>

namespace surveysync::store {
namespace {

std::optional<std::string> after(std::string_view raw) {
  return without_persons(raw, [](const std::string& address) { return address == "jo@x.org"; });
}

TEST(WithoutPersons, APartThatDescribesOneGoesWhole) {
  EXPECT_EQ(after(R"({"id": 1, "grader" : {"id":7,"name":"Jo","eMail":"jo@x.org"}, "z":2})"),
            R"({"id": 1, "grader" : null, "z":2})");
  EXPECT_EQ(after(R"({"team":[{"email":"a@x.org"},{"email_address":"jo\u0040x.org","sub":{"email":"jo@x.org"}}]})"),
            R"({"team":[{"email":"a@x.org"},null]})");
}

TEST(WithoutPersons, WhatPeopleWroteAndTheRecordItselfStay) {
  EXPECT_EQ(after(R"({"email":"jo@x.org","survey_data":{"5":{"id":5,"answer":"jo@x.org"}}})"), std::nullopt);
  EXPECT_EQ(after(R"({"a":{"email":"other@x.org"},"b":{"email":null},"c":{"email":["jo@x.org"]}})"), std::nullopt);
}

TEST(WithoutPersons, WhatIsNoJsonIsLeftAlone) {
  for (const char* const raw : {"", "@", "jo@x.org", R"({"a":{"email":"jo@x.org")", R"(["jo@x.org)"})
    EXPECT_EQ(after(raw), std::nullopt) << raw;
}

}  // namespace
}  // namespace surveysync::store
