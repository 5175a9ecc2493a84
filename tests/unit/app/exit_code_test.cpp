#include "app/exit_code.h"

#include <gtest/gtest.h>

#include <csignal>

namespace surveysync::app {
namespace {

using sync::Outcome;
using sync::RunReport;

RunReport report(Outcome outcome, std::optional<ErrorKind> error = {}, std::vector<ErrorKind> failures = {},
                 std::int64_t unbalanced = 0, std::int64_t braked = 0) {
  RunReport result;
  result.outcome = outcome;
  if (error) result.error = Error(*error, "e");
  for (const ErrorKind kind : failures)
    result.failures.push_back({"response", "1", "m", kind});
  result.unbalanced = unbalanced;
  result.braked = braked;
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
  const RunReport braked = report(Outcome::partial, {}, {}, 0, 1);
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
      {"stopped by the brake", {braked}, 0, 8},
      {"brake before unbalanced", {braked, unbalanced}, 0, 8},
      {"brake before partial", {partial, braked, good}, 0, 8},
      {"network before brake", {down, report(Outcome::failed, {}, {}, 0, 1)}, 0, 3},
      {"key before brake", {refused, report(Outcome::failed, {}, {}, 0, 1)}, 0, 4},
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

struct VerifyCase {
  const char* name;
  std::vector<sync::VerifyReport> reports;
  int code;
};

TEST(ExitCodeTest, OfVerify) {
  sync::PartitionVerdict same;
  same.partition = "1";
  same.vendor_total = same.holdings.stored_live = 5;
  sync::PartitionVerdict other = same;
  other.vendor_total = 6;
  sync::PartitionVerdict unread = same;
  unread.error = "503";
  sync::VerifyReport equal, different, vanished, unstored, some, down, refused, locked;
  equal.partitions = {same, same};
  different.partitions = {same, other};
  vanished.unknown_at_vendor = {"9"};
  unstored.unknown_here = {"9"};
  some.partitions = {same, unread};
  down.error = Error(ErrorKind::unavailable, "gone");
  refused.error = Error(ErrorKind::unauthorized, "no");
  const VerifyCase cases[] = {
      {"equal", {equal}, 0},
      {"different", {equal, different}, 6},
      {"a survey vanished", {vanished}, 6},
      {"a survey was never stored", {unstored}, 6},
      {"some could not be compared", {some}, 5},
      {"a difference before what could not be compared", {some, different}, 6},
      {"vendor down", {down}, 3},
      {"vendor down, another equal", {down, equal}, 5},
      {"vendor down, another different", {down, different}, 6},
      {"key refused", {refused, down}, 4},
  };
  for (const VerifyCase& test : cases)
    EXPECT_EQ(exit_code_of(test.reports, 0), test.code) << test.name;
}

}  // namespace
}  // namespace surveysync::app
