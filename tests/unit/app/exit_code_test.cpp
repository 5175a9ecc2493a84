#include "app/exit_code.h"

#include <gtest/gtest.h>

#include <csignal>

namespace surveysync::app {
namespace {

using sync::Outcome;
using sync::RunReport;

RunReport report(Outcome outcome, std::optional<ErrorKind> error = {}, std::vector<ErrorKind> failures = {},
                 std::int64_t unbalanced = 0) {
  RunReport result;
  result.outcome = outcome;
  if (error) result.error = Error(*error, "e");
  for (const ErrorKind kind : failures)
    result.failures.push_back({"response", "1", "m", kind});
  result.unbalanced = unbalanced;
  return result;
}

struct Case {
  const char* name;
  std::vector<RunReport> reports;
  int signal;
  int code;
};

TEST(ExitCodeTest, FirstRowThatAppliesFromTheTop) {
  const RunReport good = report(Outcome::succeeded);
  const RunReport refused = report(Outcome::failed, ErrorKind::unauthorized);
  const RunReport down = report(Outcome::failed, ErrorKind::unavailable);
  const RunReport locked = report(Outcome::failed, ErrorKind::locked);
  const RunReport stopped = report(Outcome::cancelled, ErrorKind::cancelled);
  const RunReport partial = report(Outcome::partial, {}, {ErrorKind::malformed});
  const RunReport unbalanced = report(Outcome::partial, {}, {}, 1);
  const RunReport bug = report(Outcome::failed, ErrorKind::bug);
  const Case cases[] = {
      {"all good", {good, good}, 0, 0},
      {"configuration before all", {good, refused, report(Outcome::failed, ErrorKind::config)}, 0, 2},
      {"schema is configuration", {report(Outcome::failed, ErrorKind::refused_schema)}, 0, 2},
      {"key refused, none good", {refused}, 0, 4},
      {"key refused before network", {down, refused}, 0, 4},
      {"key refused, another good", {refused, good}, 0, 5},
      {"key refused, another partial", {refused, partial}, 0, 5},
      {"network down", {down}, 0, 3},
      {"every survey unreachable",
       {report(Outcome::failed, {}, {ErrorKind::unavailable, ErrorKind::unavailable})},
       0,
       3},
      {"network down, another good", {down, good}, 0, 5},
      {"unbalanced", {unbalanced}, 0, 6},
      {"unbalanced before partial", {unbalanced, partial, good}, 0, 6},
      {"network before unbalanced", {down, report(Outcome::failed, {}, {}, 1)}, 0, 3},
      {"partial", {partial}, 0, 5},
      {"partial by network", {report(Outcome::partial, {}, {ErrorKind::unavailable})}, 0, 5},
      {"locked", {locked}, 0, 7},
      {"locked, another good", {locked, good}, 0, 7},
      {"locked, another bad", {locked, bug}, 0, 7},
      {"locked, others good and bad", {locked, good, bug}, 0, 5},
      {"unexpected", {bug}, 0, 1},
      {"unexpected, another good", {bug, good}, 0, 5},
      {"SIGINT", {stopped}, SIGINT, 130},
      {"SIGTERM", {stopped, good}, SIGTERM, 143},
      {"SIGINT after a failure", {stopped, down}, SIGINT, 3},
      {"SIGTERM too late to matter", {good}, SIGTERM, 0},
  };
  for (const Case& test : cases)
    EXPECT_EQ(exit_code_of(test.reports, test.signal), test.code) << test.name;
}

TEST(ExitCodeTest, OfOneError) {
  EXPECT_EQ(exit_code_of(Error(ErrorKind::config, ""), 0), 2);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::unavailable, ""), 0), 3);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::throttled, ""), 0), 3);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::unauthorized, ""), 0), 4);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::locked, ""), 0), 7);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::bug, ""), 0), 1);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::cancelled, ""), SIGINT), 130);
  EXPECT_EQ(exit_code_of(Error(ErrorKind::cancelled, ""), SIGTERM), 143);
}

}  // namespace
}  // namespace surveysync::app
