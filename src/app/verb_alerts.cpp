#include <fmt/format.h>

#include "app/alert_test.h"
#include "app/config_environment.h"
#include "app/config_salvage.h"
#include "app/exit_code.h"
#include "app/host_name.h"
#include "app/human.h"
#include "app/incident_desk.h"
#include "app/json_writer.h"
#include "app/verbs.h"
#include "report/alert_formats.h"

namespace surveysync::app {
namespace {

// An alert about a crash is sent before the verb ends, for at most this long; what does not arrive waits in the outbox.
constexpr Duration kTellTime = std::chrono::seconds(30);

struct AlertFlags {
  bool json = false;
  std::string channel, unit;
};

const char* name_of(AlertTest::Outcome outcome) {
  switch (outcome) {
    case AlertTest::Outcome::sent:
      return "ok";
    case AlertTest::Outcome::failed:
      return "FAIL";
    case AlertTest::Outcome::skipped:
      return "skip";
  }
  return "";
}

std::string tests_json(const std::vector<AlertTest>& tests) {
  JsonWriter json;
  json.begin_array();
  for (const AlertTest& test : tests) {
    json.begin_object().field("channel", test.channel).field("type", test.type);
    json.field("ok", test.outcome != AlertTest::Outcome::failed);
    json.field("sent", test.outcome == AlertTest::Outcome::sent);
    json.field("detail", test.detail).end_object();
  }
  json.end_array();
  return json.done();
}

int test_alerts(Program& program, const AlertFlags& flags) {
  program.start_log();
  const std::vector<AlertTest> tests = send_test_alerts(program, flags.channel);
  if (tests.empty())
    throw Error(ErrorKind::config, "no channel for alerts is configured", "add [alerts.NAME] to the configuration");
  for (const AlertTest& test : tests) {
    if (flags.json) break;
    program.print(fmt::format("{:<5} {} ({}): {}\n", name_of(test.outcome), test.channel, test.type, test.detail));
  }
  if (flags.json) program.print(tests_json(tests));
  return count_of(tests, AlertTest::Outcome::failed) == 0 ? kExitOk : kExitPartial;
}

/// What systemd says of the unit in the environment of the one that OnFailure= starts.
std::string evidence_of(const std::string& unit) {
  const std::string result = environment_text("MONITOR_SERVICE_RESULT"), code = environment_text("MONITOR_EXIT_CODE"),
                    status = environment_text("MONITOR_EXIT_STATUS"),
                    invocation = environment_text("MONITOR_INVOCATION_ID");
  std::string text = fmt::format("{} on {} has failed", unit, host_name());
  if (!result.empty()) text += fmt::format(": result {}", result);
  if (!code.empty() || !status.empty()) text += fmt::format(", {} {}", code, status);
  if (!invocation.empty()) text += fmt::format(" (invocation {})", invocation);
  if (result == "start-limit-hit") text += "; systemd has given up starting it";
  return text;
}

/// `more`: what else is known of it.
IncidentAct crash_of(const std::string& unit, const std::string& more) {
  return open_incident("unit_failed", unit + "/" + host_name(), "", "critical", evidence_of(unit) + more,
                       fmt::format("See why on {0}, mend it, then start it again:\njournalctl -u {1} -n 100\n"
                                   "systemctl reset-failed {1}\nsystemctl start {1}",
                                   host_name(), shell_word(unit)),
                       environment_text("MONITOR_SERVICE_RESULT"));
}

/// The configuration, or what can be used of it. `trouble`: what is wrong with it, which may be why the unit failed.
Config config_of_crash(Program& program, std::string& trouble) {
  constexpr std::size_t kMostShown = 500;
  try {
    Config config = program.config();
    program.start_log();
    return config;
  } catch (const Error& failure) {
    program.complain(failure);
    trouble = fmt::format("; {}", shortened(report::in_one_line(failure.what()), kMostShown));
    return salvaged_config(program.flags.config_file);
  }
}

int tell_crash(Program& program, const AlertFlags& flags) {
  std::string trouble;
  Config config = config_of_crash(program, trouble);
  try {
    config = program.with_secrets(config);
  } catch (const Error& failure) {
    // The database's password cannot be read, perhaps: that is no reason to be silent.
    program.observers().on_event(event::Note{{}, Severity::warning, failure.full_text()});
  }
  if (config.alerts.empty())
    program.complain("no channel for alerts is configured: only the log says it",
                     "add [alerts.NAME] to the configuration");
  IncidentDesk desk(desk_options(config, false), program.masker(), program.observers(), program.clock());
  desk.act(crash_of(flags.unit, trouble));
  desk.flush(kTellTime);
  return kExitOk;
}

}  // namespace

void add_alerts_verbs(CLI::App& app, Program& program, Action& action) {
  CLI::App* const alerts = app.add_subcommand("alerts", "Test the channels of alerts; tell that a unit failed");
  alerts->require_subcommand(1);
  const auto flags = std::make_shared<AlertFlags>();
  CLI::App* const test = alerts->add_subcommand("test", "Send a test alert over each channel, and say how it went");
  test->footer(
      "Each channel is tried once, now. Channels of type ping are tried only when named.\n"
      "\nExamples:\n  surveysync alerts test\n  surveysync alerts test ops --json");
  test->add_option("CHANNEL", flags->channel, "only this one, NAME of [alerts.NAME]");
  test->add_flag("--json", flags->json, "print JSON");
  test->callback([&program, &action, flags] { action = [&program, flags] { return test_alerts(program, *flags); }; });
  CLI::App* const crash = alerts->add_subcommand("crash", "Tell that a unit of systemd has failed: for OnFailure=");
  crash->footer(
      "Reads MONITOR_SERVICE_RESULT and its companions, which systemd sets. Needs no database: what cannot be\n"
      "sent now waits in state.dir. A broken configuration is told too, by what can be read of it, or by the\n"
      "channels that the daemon used last. The incident is over when the daemon runs again.\n"
      "\nExample:\n  surveysync alerts crash surveysync.service");
  crash->add_option("UNIT", flags->unit, "the unit's name")->required();
  crash->callback([&program, &action, flags] { action = [&program, flags] { return tell_crash(program, *flags); }; });
}

}  // namespace surveysync::app
