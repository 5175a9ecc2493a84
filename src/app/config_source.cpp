// One [source.NAME] of the configuration: its keys, ranges and contradictions.
#include <fmt/format.h>

#include <algorithm>

#include "app/config_sections.h"
#include "app/config_values.h"
#include "app/providers.h"
#include "app/suggest.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kLongest = hours(24 * 3650);
// All groups that any vendor knows.
const std::vector<std::string> kPrivacyFields = {"ip_address",    "user_agent", "geo",      "referer",
                                                 "url_variables", "comments",   "questions"};

using Vendor = sources::SourceType;

std::vector<std::string> vendor_names() {
  std::vector<std::string> names;
  for (const Vendor* vendor : providers())
    names.emplace_back(vendor->name);
  return names;
}

void read_address(ConfigSection& section, SourceConfig& source, const Vendor* vendor) {
  section.text("region", source.region, [&](std::string_view region) -> std::string {
    if (vendor == nullptr) return {};
    const std::vector<std::string> known = vendor->regions();
    if (known.empty()) return fmt::format("{} has no regions", vendor->name);
    if (std::find(known.begin(), known.end(), region) != known.end()) return {};
    return fmt::format("\"{}\" is none of {}{}", region, fmt::join(known, ", "), did_you_mean(region, known));
  });
  section.text("base_url", source.base_url, base_url_mistake);
  if (!source.region.empty() && !source.base_url.empty()) {
    section.mistake("base_url", "contradicts region: give one of the two");
  } else if (vendor != nullptr && !vendor->regions().empty() && source.region.empty() && source.base_url.empty()) {
    section.mistake("region",
                    fmt::format("must be given: {} (or base_url instead)", fmt::join(vendor->regions(), ", ")));
  }
  section.text("environment", source.environment, [&](std::string_view name) -> std::string {
    if (vendor == nullptr) return {};
    const std::vector<std::string>& known = vendor->customs.environments;
    if (known.empty()) return fmt::format("is no setting of {}", vendor->name);
    if (std::find(known.begin(), known.end(), name) != known.end()) return {};
    return fmt::format("\"{}\" is none of {}{}", name, fmt::join(known, ", "), did_you_mean(name, known));
  });
  section.text("proxy", source.proxy, proxy_mistake);
  section.reference("proxy_auth", source.proxy_auth);
  if (!source.proxy_auth.empty() && source.proxy.empty())
    section.mistake("proxy_auth", "is for a proxy, and none is given");
  section.texts("no_proxy", source.no_proxy);
  ConfigSection tls = section.table("tls");
  tls.text("ca_file", source.ca_file, [](std::string_view path) {
    return path.starts_with('/') ? std::string() : std::string("must be an absolute path");
  });
  tls.finish();
}

void read_auth(ConfigSection auth, SourceConfig& source, const Vendor* vendor) {
  auth.one_of("type", source.auth.type, {"key", "oauth1"});
  auth.reference("secret", source.auth.secret);
  auth.reference("next", source.auth.next);
  auth.reference("consumer", source.auth.consumer);
  auth.reference("token", source.auth.token);
  const auto only_for = [&](std::string_view key, const std::string& value, std::string_view type) {
    if (!value.empty()) auth.mistake(key, fmt::format("belongs to type = \"{}\"", type));
  };
  if (source.auth.type == "key") {
    if (source.auth.secret.empty())
      auth.mistake("secret", "must be given, like \"file:/etc/surveysync/secrets/us.key\"");
    only_for("consumer", source.auth.consumer, "oauth1");
    only_for("token", source.auth.token, "oauth1");
  } else if (source.auth.type == "oauth1") {
    if (source.auth.consumer.empty())
      auth.mistake("consumer", "must be given, like \"file:/etc/surveysync/secrets/us.consumer\"");
    only_for("secret", source.auth.secret, "key");
    only_for("next", source.auth.next, "key");
  }
  if (vendor != nullptr && !std::ranges::count(vendor->customs.auth_types, source.auth.type)) {
    auth.mistake("type", fmt::format("{} knows only: {}", vendor->name, fmt::join(vendor->customs.auth_types, ", ")));
  }
  auth.finish();
}

void read_schedule(ConfigSection& section, SourceConfig& source) {
  const bool given = section.has("schedule");
  ConfigSection schedule = section.table("schedule");
  if (!given) return;
  ScheduleConfig value;
  value.timezone = "UTC";
  schedule.text("cron", value.cron, cron_mistake);
  schedule.text("timezone", value.timezone, timezone_mistake);
  schedule.duration("jitter", value.jitter, Duration::zero(), hours(24));
  if (value.cron.empty()) schedule.mistake("cron", "must be given, like \"15 2 * * *\"");
  schedule.finish();
  source.schedule = value;
}

std::set<std::string> as_set(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

void read_selection(ConfigSection& section, SourceConfig& source, const Vendor* vendor) {
  std::vector<std::string> words;
  section.texts("streams", words, [&](std::string_view name) -> std::string {
    if (vendor == nullptr || std::ranges::count(vendor->stream_names, name) > 0) return {};
    return fmt::format("\"{}\" is no stream of {}{}", name, vendor->name, did_you_mean(name, vendor->stream_names));
  });
  source.streams = as_set(words);
  ConfigSection surveys = section.table("surveys");
  const auto check_id = [&](std::string_view id) -> std::string {
    const bool number = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number || vendor == nullptr || !vendor->customs.numeric_partitions) return {};
    return fmt::format("\"{}\" is no survey id", id);
  };
  std::vector<std::string> include, exclude;
  surveys.texts("include", include, check_id);
  surveys.texts("exclude", exclude, check_id);
  source.include = as_set(include);
  source.exclude = as_set(exclude);
  for (const std::string& id : source.include) {
    if (source.exclude.contains(id)) surveys.mistake("exclude", fmt::format("{} is also in include", id));
  }
  surveys.finish();
}

/// "12" or "8611799/12": what is wrong with it.
std::string question_mistake(std::string_view name) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string_view::npos &&
           text.find_first_not_of('0') != std::string_view::npos;
  };
  const std::size_t slash = name.find('/');
  const bool good = slash == std::string_view::npos
                        ? is_number(name)
                        : is_number(name.substr(0, slash)) && is_number(name.substr(slash + 1));
  return good ? std::string() : std::string("names no question: write QUESTION_ID or \"SURVEY_ID/QUESTION_ID\"");
}

void read_privacy(ConfigSection privacy, SourceConfig& source, const Vendor* vendor) {
  const std::vector<std::string> rules = {"keep", "drop", "hash"};
  // A vendor that nobody knows is a mistake already: what its privacy says is not another.
  const std::vector<std::string>& fields = vendor == nullptr ? kPrivacyFields : vendor->privacy_fields;
  for (const std::string& field : fields) {
    if (field == "contacts" || field == "questions") continue;
    std::string& rule = source.privacy[field] = "keep";
    privacy.one_of(field, rule, rules);
  }
  std::string& contacts = source.privacy["contacts"] = vendor == nullptr ? "off" : vendor->customs.contacts;
  privacy.one_of("contacts", contacts, {"keep", "drop", "hash", "off"});
  if (std::ranges::count(fields, "questions") > 0) {
    ConfigSection questions = privacy.table("questions");
    for (const std::string& question : questions.keys()) {
      std::string rule = "keep";
      questions.one_of(question, rule, rules);
      if (const std::string wrong = question_mistake(question); !wrong.empty()) questions.mistake(question, wrong);
      source.privacy_questions[question] = rule;
    }
    questions.finish();
  }
  privacy.finish();
}

void read_files(ConfigSection files, FilesConfig& into, const Vendor* vendor) {
  files.text("dir", into.dir, [&](std::string_view path) -> std::string {
    if (path.empty()) return {};
    if (vendor != nullptr && !vendor->customs.files) return fmt::format("{} has no files", vendor->name);
    return path.starts_with('/') ? "" : "must be an absolute path";
  });
  while (into.dir.size() > 1 && into.dir.ends_with('/'))
    into.dir.pop_back();
  files.size("limit", into.limit, 1UL << 10, 4UL << 30);
  files.finish();
}

void read_page_size(ConfigSection section, PageSizeConfig& page, const Vendor* vendor) {
  const int most = vendor == nullptr ? page.max : vendor->max_page_size;
  page.max = most;
  page.start = vendor == nullptr ? page.start : vendor->customs.page_start;
  section.integer("min", page.min, 1, most);
  section.integer("max", page.max, 1, most);
  if (!section.has("min")) page.min = std::min(page.min, page.max);
  // A start that was not asked for follows the bounds that were.
  if (!section.has("start") && page.min <= page.max) page.start = std::clamp(page.start, page.min, page.max);
  section.integer("start", page.start, 1, most);
  if (page.min > page.start || page.start > page.max) {
    section.mistake("start",
                    fmt::format("min <= start <= max does not hold ({}, {}, {})", page.min, page.start, page.max));
  }
  section.finish();
}

void read_retry(ConfigSection section, RetryConfig& retry) {
  section.integer("attempts", retry.attempts, 1, 100);
  section.duration("base", retry.base, milliseconds(1), hours(1));
  section.duration("cap", retry.cap, milliseconds(1), hours(1));
  section.duration("budget", retry.budget, milliseconds(1), hours(24));
  if (retry.base > retry.cap) section.mistake("base", "is longer than cap");
  section.finish();
}

void read_limits(ConfigSection section, LimitsConfig& limits, const Vendor* vendor) {
  if (vendor != nullptr) limits.vendor_limit = vendor->customs.vendor_limit;
  section.integer("vendor_limit", limits.vendor_limit, 1, 10'000'000);
  if (vendor != nullptr) {
    const sources::Customs& customs = vendor->customs;
    limits.requests_per_minute = std::clamp(limits.vendor_limit * customs.share_percent / 100, 1, customs.share_most);
  }
  section.integer("requests_per_minute", limits.requests_per_minute, 1, 10'000'000);
  if (section.has("requests_per_minute") && limits.requests_per_minute * 100LL > limits.vendor_limit * 95LL) {
    section.mistake("requests_per_minute",
                    fmt::format("{} is above 95 % of vendor_limit = {}: people and other tools use the account too",
                                limits.requests_per_minute, limits.vendor_limit));
  }
  section.duration("window", limits.window, milliseconds(1), hours(24));
  section.duration("duplicate_guard", limits.duplicate_guard, Duration::zero(), hours(1));
  section.duration("timeout_cooldown", limits.timeout_cooldown, Duration::zero(), hours(1));
  section.duration("connect_timeout", limits.connect_timeout, milliseconds(1), minutes(10));
  section.duration("request_timeout", limits.request_timeout, milliseconds(1), hours(1));
  read_page_size(section.table("page_size"), limits.page_size, vendor);
  section.size("body", limits.body, 64UL << 10, 4UL << 30);
  section.integer("workers", limits.workers, 1, 64);
  read_retry(section.table("retry"), limits.retry);
  limits.hold_probe = {seconds(70), minutes(2), minutes(5), minutes(10), minutes(15), minutes(30)};
  section.durations("hold_probe", limits.hold_probe);
  section.finish();
}

void read_sync(ConfigSection section, SyncConfig& sync) {
  section.duration("settle_lag", sync.settle_lag, Duration::zero(), kLongest);
  section.duration("lookback", sync.lookback, Duration::zero(), kLongest);
  section.duration("probe_all", sync.probe_all, milliseconds(1), kLongest);
  section.duration("sweep_all", sync.sweep_all, milliseconds(1), kLongest);
  section.duration("recheck", sync.recheck, Duration::zero(), kLongest);
  section.duration("stale_after", sync.stale_after, milliseconds(1), kLongest);
  ConfigSection brake = section.table("brake");
  brake.integer("percent", sync.brake_percent, 0, 100);
  brake.integer("rows", sync.brake_rows, 0, 2'000'000'000);
  brake.integer("least", sync.brake_least, 0, 2'000'000'000);
  brake.finish();
  ConfigSection quarantine = section.table("quarantine");
  quarantine.integer("percent", sync.quarantine_percent, 0, 100);
  quarantine.integer("least", sync.quarantine_least, 0, 2'000'000'000);
  quarantine.finish();
  section.finish();
}

}  // namespace

SourceConfig read_source(ConfigSection& section, const std::string& name) {
  SourceConfig source;
  source.name = name;
  section.one_of("type", source.type, vendor_names());
  if (source.type.empty()) section.mistake("type", fmt::format("must be given: {}", fmt::join(vendor_names(), " or ")));
  const Vendor* const vendor = find_provider(source.type);
  source.account = name;
  section.text("account", source.account);
  if (source.account.empty()) source.account = name;
  read_address(section, source, vendor);
  read_auth(section.table("auth"), source, vendor);
  read_schedule(section, source);
  read_selection(section, source, vendor);
  read_privacy(section.table("privacy"), source, vendor);
  section.text("hook", source.hook);
  section.truth("wide", source.wide);
  read_files(section.table("files"), source.files, vendor);
  read_limits(section.table("limits"), source.limits, vendor);
  read_sync(section.table("sync"), source.sync);
  return source;
}

}  // namespace surveysync::app
