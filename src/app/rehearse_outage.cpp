// The vendor goes away in the middle of a load, then the database, then the program itself. Afterwards the tables must
// be those of a load that nobody disturbed.
#include <fmt/format.h>
#include <signal.h>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/rehearsal.h"

namespace surveysync::app {
namespace {

using std::chrono::seconds;

std::int64_t rows(Rehearsal& rehearsal) {
  const auto tally = rehearsal.tally();
  return tally ? tally->responses : -1;
}

void await_more(Rehearsal& rehearsal, const char* what, std::int64_t than) {
  rehearsal.require(
      what, [&] { return rows(rehearsal) > than; }, seconds(60));
}

bool is_done(Rehearsal& rehearsal) {
  const auto tally = rehearsal.tally();
  return tally && tally->runs_good > 0 && tally->runs_open == 0;
}

}  // namespace

void rehearse_outage(Rehearsal& rehearsal) {
  sandbox::SandboxOptions account;
  account.seed = 63;
  account.surveys = 3;
  account.responses_min = account.responses_max = 150;
  rehearsal.set_up(account, {});
  RehearsalVendor& vendor = rehearsal.vendor();
  const std::string slow = "slow:path=/surveyresponse,ms=400ms";

  vendor.fault(slow);
  RehearsalProcess* const daemon = &rehearsal.start({"serve"});
  await_more(rehearsal, "the first rows", 0);
  vendor.fault("reset");
  rehearsal.step("the vendor is gone: every connection is reset");
  rehearsal.pause(seconds(2));
  bool lived = !daemon->ended();
  const std::int64_t before_vendor = rows(rehearsal);
  vendor.heal();
  vendor.fault(slow);
  rehearsal.step("the vendor is back");
  await_more(rehearsal, "rows after the vendor is back", before_vendor);

  const std::int64_t before_database = rows(rehearsal);
  rehearsal.server().take_away();
  rehearsal.step("the database is gone, in the middle of a transaction or not");
  rehearsal.pause(seconds(3));
  lived = lived && !daemon->ended();
  rehearsal.server().restore();
  rehearsal.step("the database is back");
  await_more(rehearsal, "rows after the database is back", before_database);
  rehearsal.promise("the program lives through both, and goes on by itself", lived && !daemon->ended(),
                    "it is still the same process");

  const std::int64_t before_kill = rows(rehearsal);
  const bool was_at_work = !is_done(rehearsal);
  rehearsal.end(*daemon, SIGKILL);
  vendor.heal();
  rehearsal.step("the program is killed with -9; `sync` takes over");
  const int code = rehearsal.run({"sync"}, seconds(60));
  const auto tally = rehearsal.tally().value_or(store::OperationTally());
  rehearsal.promise("the load is taken up where it was, and balances", code == kExitOk && tally.unbalanced == 0,
                    fmt::format("exit {}, {} responses, {} of them before the kill{}", code, grouped(tally.responses),
                                grouped(before_kill), was_at_work ? "" : " (the load was done by then)"));
  rehearsal.step("the same account once more, undisturbed, into a second database");
  const std::string lost = rehearsal.difference_from_vendor();
  rehearsal.promise("nothing is lost and nothing doubled", lost.empty(),
                    lost.empty() ? fmt::format("{} responses, {} answers, as at the vendor", grouped(tally.responses),
                                               grouped(tally.answers))
                                 : lost);
  const std::string difference = rehearsal.difference_from_undisturbed();
  rehearsal.promise("the tables are those of an undisturbed load", difference.empty(),
                    difference.empty() ? "equal in every row and column" : difference);
}

}  // namespace surveysync::app
