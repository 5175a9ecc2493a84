#include "app/run_story.h"

#include <gtest/gtest.h>

namespace surveysync::app {
namespace {

store::RunStreamRow part(const std::string& survey, const std::string& outcome, const std::string& error = "") {
  store::RunStreamRow row;
  row.stream = "response";
  row.partition = survey;
  row.outcome = outcome;
  row.error = error;
  return row;
}

TEST(FailureText, OfARunWithoutAnErrorItsPartsTell) {
  store::RunRow run;
  run.outcome = "partial";
  const std::vector<store::RunStreamRow> parts = {part("1", "succeeded"), part("2", "failed", "answered 503\n  hint"),
                                                  part("2", "failed", "more"), part("3", "partial", "2 are missing")};
  EXPECT_EQ(failure_text(run, parts), "2 of 3 not complete; 2: answered 503");
  run.error = "the database went away\n  hint: wait";
  EXPECT_EQ(failure_text(run, parts), "the database went away");
  run.error.clear();
  run.outcome = "succeeded";
  EXPECT_EQ(failure_text(run, parts), "");
  run.outcome = "failed";
  EXPECT_EQ(failure_text(run, {}), "");
}

}  // namespace
}  // namespace surveysync::app
