// The vendor sends what it never sent before, and records that nobody can read. The load goes on, what is new is noted,
// what is broken is set aside with its bytes.
#include <fmt/format.h>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/rehearsal.h"

namespace surveysync::app {
namespace {

using std::chrono::seconds;

std::vector<std::string> changes(Rehearsal& rehearsal) {
  pg::Connection connection = rehearsal.server().connect(rehearsal.database());
  return store::contract_changes(connection);
}

/// Whether one of the noted changes speaks of `word`.
std::string noted(const std::vector<std::string>& all, std::string_view word) {
  for (const std::string& change : all)
    if (change.find(word) != std::string::npos) return change;
  return {};
}

}  // namespace

void rehearse_drift(Rehearsal& rehearsal) {
  sandbox::SandboxOptions account;
  account.seed = 64;
  account.surveys = 3;
  account.responses_min = account.responses_max = 60;
  rehearsal.set_up(account, {});
  RehearsalVendor& vendor = rehearsal.vendor();
  const std::set<std::string> everything = vendor.live_responses();

  for (const char* const drift : {"new-field", "type-drift", "scalar-for-array", "new-status"})
    vendor.fault(fmt::format("{}:path=/surveyresponse", drift));
  // The same two records of every survey, wherever they turn up.
  vendor.fault("bad-record:form=badid,path=/surveyresponse,response=7");
  vendor.fault("bad-record:form=scalar,path=/surveyresponse,response=11");
  rehearsal.step("a new field, an array for a text, a text for an array, a new status, and records that are none");
  const int code = rehearsal.run({"sync"}, seconds(60));
  auto tally = rehearsal.tally().value_or(store::OperationTally());
  rehearsal.promise("the run goes on to its end, and its certificates balance",
                    code == kExitOk && tally.unbalanced == 0,
                    fmt::format("exit {}, {} of {} responses stored", code, tally.responses, everything.size()));
  const auto set_aside = static_cast<std::int64_t>(everything.size()) - tally.responses;
  rehearsal.promise("what cannot be read is set aside, with its bytes and its reason",
                    tally.quarantined > 0 && tally.quarantined == set_aside,
                    fmt::format("{} in quarantine, {} not stored", tally.quarantined, set_aside));
  const std::vector<std::string> all = changes(rehearsal);
  for (const auto& [what, word] :
       {std::pair("a new field", "sentiment"), std::pair("an array for a text", "language"),
        std::pair("a text for an array", "url_variables"), std::pair("a new status", "Screened Out")}) {
    const std::string change = noted(all, word);
    rehearsal.promise(fmt::format("{} is noted as a change of the contract", what), !change.empty(),
                      change.empty() ? "it is not" : change);
  }

  vendor.heal();
  rehearsal.step("the vendor is itself again; everything is read once more");
  std::vector<std::string> again = {"resync", rehearsal.source(), "--yes"};
  const int mended = rehearsal.run(std::move(again), seconds(60));
  tally = rehearsal.tally().value_or(store::OperationTally());
  rehearsal.promise("the quarantine is empty after a resync", mended == kExitOk && tally.quarantined == 0,
                    fmt::format("exit {}, {} in quarantine", mended, tally.quarantined));
  const std::string difference = rehearsal.difference_from_undisturbed();
  rehearsal.promise("the tables are those of a load without any of it", difference.empty(),
                    difference.empty() ? "equal in every row and column" : difference);
}

}  // namespace surveysync::app
