// Two processes load two sources of one account whose plan allows little. The vendor counts every window, and says
// "wait" once in between.
#include <fmt/format.h>

#include "app/human.h"
#include "app/rehearsal.h"

namespace surveysync::app {
namespace {

using std::chrono::seconds;

constexpr int kVendorLimit = 40, kOurShare = 36;
constexpr Duration kWindow = seconds(4);
constexpr Duration kRest = seconds(3);
// The other process hears of the rest when it asks for its next slot; its workers' calls may have theirs already.
constexpr Duration kGrace = seconds(1);
constexpr std::int64_t kWorkers = 4;

/// What happened after the vendor said 429 with Retry-After.
struct Rest {
  std::int64_t stragglers = 0;  ///< calls that had their slot already
  Duration next{};              ///< from the refusal to the first call behind them
};

/// Nothing, where it never came to that.
std::optional<Rest> rest_after_refusal(Rehearsal& rehearsal) {
  RehearsalVendor& vendor = rehearsal.vendor();
  vendor.fault(
      fmt::format("429:text=limit,retry-after={},from=1,times=1", std::chrono::duration_cast<seconds>(kRest).count()));
  if (!rehearsal.wait_until([&] { return vendor.counts().limited > 0; }, seconds(20))) return std::nullopt;
  const SteadyTime refused = rehearsal.clock().now();
  const std::int64_t asked = vendor.counts().requests;
  rehearsal.step("the vendor says 429, come back in 3 s");
  rehearsal.pause(kGrace);
  const std::int64_t then = vendor.counts().requests;
  rehearsal.wait_until([&] { return vendor.counts().requests > then; }, kRest + seconds(10));
  return Rest{then - asked, rehearsal.clock().now() - refused};
}

}  // namespace

void rehearse_ratelimit(Rehearsal& rehearsal) {
  sandbox::SandboxOptions account;
  account.seed = 62;
  account.surveys = 3;
  account.responses_min = account.responses_max = 150;
  account.limit = kVendorLimit;
  account.window = kWindow;
  RehearsalSettings settings;
  settings.vendor_limit = kVendorLimit;
  settings.requests_per_minute = kOurShare;
  settings.window = kWindow;
  settings.sources = {"left", "right"};
  rehearsal.set_up(account, settings);
  RehearsalVendor& vendor = rehearsal.vendor();

  rehearsal.step(
      fmt::format("the account may ask {} times in {}; two processes want it at once", kVendorLimit, spoken(kWindow)));
  RehearsalProcess& left = rehearsal.start({"sync", "left"});
  RehearsalProcess& right = rehearsal.start({"sync", "right"});
  rehearsal.require(
      "both to be at work", [&] { return vendor.counts().requests >= kVendorLimit; }, seconds(60));
  const auto rested = rest_after_refusal(rehearsal);
  rehearsal.require(
      "both loads to end", [&] { return left.ended() && right.ended(); }, seconds(100));
  rehearsal.step("both loads are done");

  const VendorCounts counts = vendor.counts();
  rehearsal.promise(
      fmt::format("never over {} requests in any {}, both together", kVendorLimit, spoken(kWindow)),
      counts.most_in_window <= kVendorLimit && counts.most_in_window > kVendorLimit / 2,
      fmt::format("{} at most, of {} in all, by the vendor's count", counts.most_in_window, counts.requests));
  rehearsal.promise("the vendor had to refuse nothing but what it was told to", counts.limited == 1,
                    fmt::format("{} answer{} of 429", counts.limited, counts.limited == 1 ? "" : "s"));
  rehearsal.promise(
      "Retry-After is honoured by both processes", rested && rested->next >= kRest && rested->stragglers <= kWorkers,
      rested
          ? fmt::format("{} that had their turn already, the next after {}", rested->stragglers, spoken(rested->next))
          : "it never said so");
  rehearsal.promise("both loads are complete, with balanced certificates", left.reap() == 0 && right.reap() == 0,
                    fmt::format("exit {} and {}", left.reap(), right.reap()));
  const std::string difference = rehearsal.difference_from_vendor();
  rehearsal.promise("nothing is lost", difference.empty(),
                    difference.empty() ? "every response of the vendor's, for both" : difference);
}

}  // namespace surveysync::app
