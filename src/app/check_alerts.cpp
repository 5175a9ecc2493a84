// Alert channels: what they need can be read, and who is told can be found. With --send a test alert really goes out.
#include <fmt/format.h>

#include "app/alert_test.h"
#include "app/check_steps.h"
#include "base/secret.h"
#include "http/door_look.h"

namespace surveysync::app {
namespace {

bool is_reference(const std::string& text) {
  return text.starts_with("file:") || text.starts_with("credential:") || text.starts_with("env:") ||
         text.starts_with("exec:");
}

/// The host of an address, whether it is a URL or a name; empty where it is neither.
std::string host_of(const std::string& address) {
  if (address.find("://") == std::string::npos) return address.substr(0, address.find(':'));
  try {
    return http::Endpoint::parse(address).host;
  } catch (const Error&) {
    const std::size_t begin = address.find("://") + 3;
    return address.substr(begin, address.find_first_of("/:?", begin) - begin);
  }
}

std::string check_channel(Program& program, const AlertConfig& alert) {
  std::string host, found;
  for (const auto& [key, value] : alert.settings) {
    std::string text = value;
    if (is_reference(value)) {
      const Credential secret = SecretReference::parse(value).read(1);
      program.masker().add(secret);
      text = secret.lines.front().expose();
    }
    if (key == "url" || key == "host" || key == "server") host = host_of(text);
  }
  if (host.empty()) return alert.type;
  const std::size_t count = http::addresses_of(host, program.clock(), program.stop()).size();
  return fmt::format("{}: {} has {} address{}", alert.type, host, count, count == 1 ? "" : "es");
}

/// "5 of 5 taken, 1 not tried".
std::string sent_of(const std::vector<AlertTest>& tests) {
  const std::size_t skipped = count_of(tests, AlertTest::Outcome::skipped);
  return fmt::format("{} of {} taken{}", count_of(tests, AlertTest::Outcome::sent), tests.size() - skipped,
                     skipped == 0 ? "" : fmt::format(", {} not tried", skipped));
}

}  // namespace

void check_alerts(CheckReport& report, Program& program, SendAlerts send) {
  const Config& config = program.config();
  if (config.alerts.empty()) {
    return report.warn("alerts", "no channel is configured: nobody is told when something breaks",
                       "[alerts.ops] in the configuration; the example file has all kinds");
  }
  for (const AlertConfig& alert : config.alerts)
    report.run("alert " + alert.name, [&] { return check_channel(program, alert); });
  if (send == SendAlerts::no) return;
  report.run("alerts sent", [&] {
    const std::vector<AlertTest> tested = send_test_alerts(program);
    for (const AlertTest& test : tested) {
      if (test.outcome == AlertTest::Outcome::skipped) {
        report.pass("alert " + test.channel + " skipped", test.detail);
      } else {
        const bool sent = test.outcome == AlertTest::Outcome::sent;
        report.add({"alert " + test.channel + " sent", sent ? Verdict::pass : Verdict::fail, test.detail,
                    sent ? "" : "to try again: surveysync alerts test " + test.channel});
      }
    }
    return sent_of(tested);
  });
}

}  // namespace surveysync::app
