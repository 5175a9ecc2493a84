#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace surveysync {
namespace {

TEST(ErrorTest, ShowsContextBeforeTheMessageAndTheHintBelow) {
  Error error(ErrorKind::unavailable, "no route to host", "check the network");
  error.with_context("page 3").with_context("survey 12").with_http_status(503).with_sqlstate("08006");
  EXPECT_STREQ(error.what(), "survey 12: page 3: no route to host");
  EXPECT_EQ(error.full_text(), "survey 12: page 3: no route to host\n  hint: check the network");
  EXPECT_EQ(error.message(), "no route to host");
  EXPECT_EQ(error.http_status(), 503);
  EXPECT_EQ(error.sqlstate(), "08006");
}

TEST(ErrorTest, EveryKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kErrorKinds; ++i)
    names.insert(policy(static_cast<ErrorKind>(i)).name);
  EXPECT_EQ(names.size(), kErrorKinds);
}

TEST(ErrorTest, OnlyWhatNoRepeatCanMendEndsTheRun) {
  for (const ErrorKind kind : {ErrorKind::unauthorized, ErrorKind::config, ErrorKind::refused_schema, ErrorKind::bug}) {
    EXPECT_TRUE(policy(kind).ends_run) << policy(kind).name;
  }
  for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::denied, ErrorKind::malformed, ErrorKind::rejected}) {
    EXPECT_FALSE(policy(kind).ends_run) << policy(kind).name;
  }
}

}  // namespace
}  // namespace surveysync
