// A key is changed at the vendor in the middle of a load. The program is killed and started again meanwhile, a person
// tries by hand, and the new key comes when nobody counts on it any more.
#include <fmt/format.h>
#include <signal.h>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/rehearsal.h"

namespace surveysync::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kMostRefused = 12;
constexpr Duration kHealedWithin = seconds(10);

bool has_rows(Rehearsal& rehearsal) {
  const auto tally = rehearsal.tally();
  return tally && tally->responses > 0;
}

void check_after(Rehearsal& rehearsal) {
  const auto all_there = rehearsal.wait_until(
      [&] {
        const auto tally = rehearsal.tally();
        return tally && tally->runs_good > 0 && tally->runs_open == 0 && tally->incidents_open == 0;
      },
      seconds(40));
  const std::string difference = rehearsal.difference_from_vendor();
  const auto tally = rehearsal.tally().value_or(store::OperationTally());
  rehearsal.promise("what was missed is caught up, with a balanced certificate", all_there && tally.unbalanced == 0,
                    all_there ? fmt::format("{} after the first good request", spoken(*all_there)) : "not within 40 s");
  rehearsal.promise("one incident opened, with its cause, and it is closed",
                    tally.incidents_opened == 1 && tally.incidents_open == 0 && tally.verdicts == "rotated",
                    fmt::format("{} opened, {} open, verdict {}", tally.incidents_opened, tally.incidents_open,
                                tally.verdicts.empty() ? "none" : tally.verdicts));
  rehearsal.promise("nothing is lost and nothing doubled", difference.empty(),
                    difference.empty() ? fmt::format("{} responses, {} answers, as at the vendor",
                                                     grouped(tally.responses), grouped(tally.answers))
                                       : difference);
}

}  // namespace

void rehearse_rotation(Rehearsal& rehearsal) {
  sandbox::SandboxOptions account;
  account.seed = 61;
  account.surveys = 2;
  account.responses_min = account.responses_max = 120;
  RehearsalSettings settings;
  settings.hold_probe = R"(["500ms"])";  // impatient: the bound on dead requests must hold by itself
  rehearsal.set_up(account, settings);
  RehearsalVendor& vendor = rehearsal.vendor();

  vendor.fault("slow:path=/surveyresponse,ms=250ms");
  RehearsalProcess* daemon = &rehearsal.start({"serve"});
  rehearsal.require(
      "the first rows", [&] { return has_rows(rehearsal); }, seconds(40));
  vendor.rotate();
  const std::int64_t before = vendor.counts().refused;
  const auto dead_requests = [&] { return vendor.counts().refused - before; };
  rehearsal.step("the vendor has a new key; the old one is dead, in the middle of the load");
  const auto held = rehearsal.wait_until([&] { return rehearsal.events("source_held") > 0; }, seconds(20));
  vendor.heal();
  vendor.insert(3);
  rehearsal.step("three more people answer; nobody has told us the new key yet");
  rehearsal.pause(seconds(3));
  const bool lived = !daemon->ended();
  rehearsal.promise("the program holds the source, and lives on", held && lived,
                    held ? fmt::format("held {} after the change", spoken(*held)) : "it was not held within 20 s");

  rehearsal.end(*daemon, SIGKILL);
  daemon = &rehearsal.start({"serve"});
  rehearsal.step("killed with -9 and started again; a person tries `sync` and `check`, too");
  const int sync = rehearsal.run({"sync"}, seconds(30));
  rehearsal.run({"check"}, seconds(60));
  rehearsal.pause(seconds(3));
  const std::int64_t asked = dead_requests();
  rehearsal.promise("at most 12 requests with the dead key, a restart included", asked >= 1 && asked <= kMostRefused,
                    fmt::format("{} by the vendor's count", asked));
  rehearsal.promise("`sync` by hand says that the key is refused", sync == kExitRefused, fmt::format("exit {}", sync));

  const std::int64_t good = vendor.counts().good;
  vendor.hand_over_key();
  rehearsal.step("the new key is in its place");
  const auto healed = rehearsal.wait_until([&] { return vendor.counts().good > good; }, kHealedWithin + seconds(5));
  rehearsal.promise("the first good request within 10 s of the new key", healed && *healed < kHealedWithin,
                    healed ? spoken(*healed) : "none within 15 s");
  rehearsal.step(healed ? "the vendor is asked again, with the new key" : "nothing happens");
  check_after(rehearsal);
  rehearsal.promise("it ends well when it is asked to", rehearsal.end(*daemon, SIGTERM) == 0, "exit 0 after SIGTERM");
}

}  // namespace surveysync::app
