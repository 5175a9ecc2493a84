#include "app/sandbox_verb.h"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/time.h"
#include "sandbox/personalities.h"
#include "sandbox/sandbox.h"
#include "sandbox/zone.h"

namespace surveysync::app {
namespace {

// The flags as typed; what needs reading is read when the verb runs, so that all of it is reported in one way.
struct Flags {
  sandbox::SandboxOptions options;
  std::string dir, responses = "200", contacts = "3-8", list_contacts = "3-8", updated_zone = "UTC", vendor_time,
                   region;
  std::string window = "60s", penalty, cache = "60s", latency = "0ms", visibility_lag = "0s", statistics_lag = "0s";
  std::string clock_skew = "0s", header_skew = "0s";
};

Error unreadable(std::string_view flag, std::string_view value, std::string hint) {
  return Error(ErrorKind::config, fmt::format("{}: cannot read '{}'", flag, value), std::move(hint));
}

Duration read_duration(std::string_view flag, const std::string& text) {
  const auto value = parse_duration(text);
  if (!value) throw unreadable(flag, text, "write a duration like 500ms, 60s or 5m");
  return *value;
}

// A duration that may be negative.
Duration read_skew(std::string_view flag, const std::string& text) {
  return text.starts_with('-') ? -read_duration(flag, text.substr(1)) : read_duration(flag, text);
}

// The clocks of the vendor's regions, as far as they are known.
std::string region_zone(const std::string& region) {
  if (region == "us") return "America/New_York";
  if (region == "eu") return "Etc/GMT";
  if (region == "london") return "Europe/London";
  if (region == "utc") return "UTC";
  throw unreadable("--region", region, "us, eu, london or utc");
}

// A range of counts: the flag it belongs to, and both ends.
struct Range {
  std::string_view flag;
  std::int64_t& least;
  std::int64_t& most;
};

std::int64_t read_count(std::string_view flag, const std::string& whole, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw unreadable(flag, whole, "write a number, or a range like 100-300");
  }
  return value;
}

void read_range(const std::string& text, const Range& into) {
  const std::size_t dash = text.find('-');
  into.least = read_count(into.flag, text, std::string_view(text).substr(0, dash));
  into.most =
      dash == std::string::npos ? into.least : read_count(into.flag, text, std::string_view(text).substr(dash + 1));
  if (into.most < into.least) throw unreadable(into.flag, text, "the smaller number comes first");
}

sandbox::SandboxOptions read(const Flags& flags) {
  sandbox::SandboxOptions options = flags.options;
  options.dir = flags.dir;
  read_range(flags.responses, {"--responses", options.responses_min, options.responses_max});
  read_range(flags.contacts, {"--contacts", options.contacts_min, options.contacts_max});
  read_range(flags.list_contacts, {"--list-contacts", options.list_contacts_min, options.list_contacts_max});
  if (!flags.region.empty()) options.region_zone = region_zone(flags.region);
  options.updated_in_utc = flags.updated_zone == "UTC";
  if (flags.updated_zone != "region") options.updated_zone = flags.updated_zone;
  options.window = read_duration("--window", flags.window);
  if (!flags.penalty.empty()) options.penalty = read_duration("--penalty", flags.penalty);
  options.cache = read_duration("--cache", flags.cache);
  options.latency = read_duration("--latency", flags.latency);
  options.visibility_lag = read_duration("--visibility-lag", flags.visibility_lag);
  options.statistics_lag = read_duration("--statistics-lag", flags.statistics_lag);
  options.clock_skew = read_skew("--clock-skew", flags.clock_skew);
  options.header_skew = read_skew("--header-skew", flags.header_skew);
  if (!flags.vendor_time.empty()) {
    const auto written = sandbox::parse_written_time(flags.vendor_time);
    if (!written) throw unreadable("--vendor-time", flags.vendor_time, "write a time like 2026-01-02T03:04:05Z");
    options.vendor_time = written->instant.value_or(written->wall);
  }
  return options;
}

void wait_for_signal() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, signal);
  // Also blocked here, for callers that are not main.
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const timespec second{1, 0};
  while (sigtimedwait(&set, nullptr, &second) < 0) {
  }
}

int run(const Flags& flags) {
  sandbox::Sandbox vendor(read(flags));
  vendor.start();
  fmt::print("sandbox ready: {} (control {})\n", vendor.base_url(), vendor.control_url());
  std::fflush(stdout);
  wait_for_signal();
  vendor.stop();
  return 0;
}

void add_account_flags(CLI::App& verb, Flags& flags) {
  std::string names;
  for (const std::string_view name : sandbox::personality_names())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  verb.add_option("--provider", flags.options.provider,
                  fmt::format("whose API: {} (default: the first); with the second, surveys are assessments and "
                              "responses invites",
                              names));
  verb.add_option("--generation", flags.options.generation, "which of the second provider's APIs: 1 (unpaged) or 2")
      ->check(CLI::Range(1, 2));
  verb.add_flag("--test-key", flags.options.test_key, "the second provider hands out a test key");
  verb.add_option("--seed", flags.options.seed, "which account: the same seed gives the same bytes");
  verb.add_option("--surveys", flags.options.surveys, "how many surveys")->check(CLI::Range(0, 10000));
  verb.add_option("--active", flags.options.active, "how many of them had responses in the last month (default: all)")
      ->check(CLI::Range(0, 10000));
  verb.add_option("--responses", flags.responses, "responses of each survey, N or MIN-MAX");
  verb.add_option("--questions", flags.options.questions,
                  "0: every shape the vendor sends; else a plain survey that wide")
      ->check(CLI::Range(0, 5000));
  verb.add_option("--region", flags.region, "clock of date_submitted and created_on: us, eu (GMT), london or utc");
  verb.add_option("--region-zone", flags.options.region_zone, "the same by the name of a zone");
  verb.add_option("--updated-zone", flags.updated_zone, "clock of date_updated: UTC, region, or the name of a zone");
  verb.add_flag("--no-suffix{false}", flags.options.suffix, "send dates without a zone behind them");
  verb.add_option("--vendor-time", flags.vendor_time, "what its clock shows at the start (default: the real time)");
  verb.add_option("--live", flags.options.live, "changes a second while it is being read")->check(CLI::Range(0, 1000));
  verb.add_flag("--live-deletes", flags.options.live_deletes, "let live changes delete responses too");
}

void add_object_flags(CLI::App& verb, Flags& flags) {
  verb.add_option("--campaigns", flags.options.campaigns, "links and mailings of each survey, in turn")
      ->check(CLI::Range(0, 10000));
  verb.add_option("--contacts", flags.contacts, "contacts of each mailing, N or MIN-MAX");
  verb.add_option("--messages", flags.options.messages, "messages of each mailing")->check(CLI::Range(0, 1000));
  verb.add_option("--quotas", flags.options.quotas, "quotas of each survey")->check(CLI::Range(0, 1000));
  verb.add_option("--users", flags.options.users, "users or members of the account")->check(CLI::Range(0, 100000));
  verb.add_option("--tags", flags.options.tags, "tags of the second provider")->check(CLI::Range(0, 100000));
  verb.add_option("--contact-lists", flags.options.contact_lists, "contact lists of the account")
      ->check(CLI::Range(0, 10000));
  verb.add_option("--list-contacts", flags.list_contacts, "contacts of each list, N or MIN-MAX");
  verb.add_option("--file-bytes", flags.options.file_bytes, "size of each uploaded file, 0: some thousand bytes");
}

void add_habit_flags(CLI::App& verb, Flags& flags) {
  verb.add_option("--visibility-lag", flags.visibility_lag, "until a changed response is listed so");
  verb.add_option("--statistics", flags.options.statistics, "counts of a survey: full, no-deleted or none");
  verb.add_option("--statistics-lag", flags.statistics_lag, "until those counts tell a change");
  verb.add_option("--deleted-answer", flags.options.deleted_answer,
                  "GET of a deleted response: by-id (all ways), 404, false200, null, status or html404");
  verb.add_option("--clock-skew", flags.clock_skew, "how far the vendor's clock is ahead; may be negative");
  verb.add_option("--header-skew", flags.header_skew, "how far its Date header is ahead of that");
}

void add_server_flags(CLI::App& verb, Flags& flags) {
  verb.add_option("--dir", flags.dir, "where ca.pem, the key and sandbox.json go")->required();
  verb.add_option("--port", flags.options.port, "port of the API, 0 for any");
  verb.add_option("--control-port", flags.options.control_port, "port of the control interface, 0 for any");
  verb.add_option("--limit", flags.options.limit,
                  "requests the account may make in a window (default: 240, or 100 for the second provider)")
      ->check(CLI::PositiveNumber);
  verb.add_option("--window", flags.window, "the rate window");
  verb.add_option("--penalty", flags.penalty, "refusals after the limit was passed (default: one window)");
  verb.add_option("--cache", flags.cache, "how long identical GETs are answered from a cache, 0s for never");
  verb.add_flag("--refuse-repeats", flags.options.refuse_repeats, "answer identical GETs with 429 instead");
  verb.add_option("--latency", flags.latency, "wait before each answer");
  verb.add_option("--page-cap", flags.options.page_cap, "the largest page")->check(CLI::PositiveNumber);
  verb.add_option("--fault", flags.options.faults, "what goes wrong: KIND[:key=value,...]; may be repeated")
      ->allow_extra_args(false);
  verb.add_flag("--plain-http", flags.options.plain_http, "no TLS");
}

}  // namespace

void add_sandbox_verb(CLI::App& app, std::function<int()>& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("sandbox", "a simulated vendor on loopback, for demonstrations and tests");
  add_server_flags(*verb, *flags);
  add_account_flags(*verb, *flags);
  add_object_flags(*verb, *flags);
  add_habit_flags(*verb, *flags);
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace surveysync::app
