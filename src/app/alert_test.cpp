#include "app/alert_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "app/host_name.h"
#include "app/suggest.h"
#include "report/alert_channel.h"

namespace surveysync::app {
namespace {

report::Alert test_alert(UtcTime now) {
  report::Alert alert;
  alert.state = report::AlertState::test;
  alert.key = "test/" + host_name();
  alert.rule = "test_alert";
  alert.severity = "warning";
  alert.evidence = "somebody asked surveysync to send a test alert; nothing is wrong";
  alert.affected = "nothing";
  alert.next_step = "none: if you can read this, the channel works";
  alert.message = "this is a test";
  alert.host = host_name();
  alert.since = alert.at = now;
  return alert;
}

AlertTest try_channel(const AlertConfig& config, const report::Alert& alert, Program& program,
                      const std::stop_token& stop) {
  AlertTest result{config.name, config.type, AlertTest::Outcome::failed, {}};
  try {
    // Somebody who is not told is what a test is to find.
    const std::string remark = report::make_channel(config, program.masker(), program.clock()).send(alert, stop);
    if (remark.empty()) result.outcome = AlertTest::Outcome::sent;
    result.detail =
        remark.empty() ? std::string("sent") : program.masker().mask("sent, but not to everybody: " + remark);
  } catch (const Error& failure) {
    result.detail = program.masker().mask(failure.full_text());
  } catch (const std::exception& failure) {
    result.detail = program.masker().mask(failure.what());
  }
  return result;
}

}  // namespace

std::size_t count_of(const std::vector<AlertTest>& tests, AlertTest::Outcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(tests, outcome, &AlertTest::outcome));
}

std::vector<AlertTest> send_test_alerts(Program& program, const std::string& channel) {
  const std::vector<AlertConfig>& all = program.config().alerts;
  std::vector<const AlertConfig*> chosen;
  std::vector<std::string> names;
  for (const AlertConfig& config : all) {
    names.push_back(config.name);
    if (channel.empty() || channel == config.name) chosen.push_back(&config);
  }
  if (!channel.empty() && chosen.empty()) throw unknown_name("channel of alerts", channel, names);
  const report::Alert alert = test_alert(program.clock().utc_now());
  const std::stop_token stop = program.stop();
  std::vector<AlertTest> results(chosen.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (channel.empty() && chosen[i]->type == "ping") {
      results[i] = {chosen[i]->name, "ping", AlertTest::Outcome::skipped,
                    fmt::format("it would say that a run was certified; to send it all the same: surveysync alerts "
                                "test {}",
                                chosen[i]->name)};
      continue;
    }
    threads.emplace_back([&, i] { results[i] = try_channel(*chosen[i], alert, program, stop); });
  }
  threads.clear();
  return results;
}

}  // namespace surveysync::app
