#include "app/assembly.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "app/key_slots.h"
#include "app/privacy_key.h"
#include "http/duplicate_guard.h"
#include "http/key_alarm.h"
#include "http/oauth1.h"
#include "http/proxy_login.h"
#include "http/verdict.h"
#include "store/shared_budget.h"
#include "sync/agenda.h"

namespace surveysync::app {
namespace {

const sources::SourceType& provider_of(const SourceConfig& config) {
  const sources::SourceType* type = find_provider(config.type);
  if (!type) {
    throw Error(ErrorKind::config,
                fmt::format("source.{}: type \"{}\" is not available in this version", config.name, config.type));
  }
  if (config.auth.type == "oauth1" && !type->oauth) {
    throw Error(ErrorKind::config, fmt::format("source.{}: {} knows no OAuth", config.name, type->name),
                "use auth = { type = \"key\", secret = \"file:...\" }");
  }
  for (const std::string& stream : config.streams) {
    if (std::ranges::find(type->stream_names, stream) == type->stream_names.end()) {
      throw Error(ErrorKind::config, fmt::format("source.{}: stream \"{}\" is not one of {}'s: {}", config.name, stream,
                                                 type->name, fmt::join(type->stream_names, ", ")));
    }
  }
  return *type;
}

http::Endpoint endpoint_of(const SourceConfig& config, const sources::SourceType& type) {
  const std::vector<std::string> hosts = type.hosts(config.region);
  if (config.base_url.empty() && hosts.empty()) {
    throw Error(ErrorKind::config, fmt::format("source.{}: region \"{}\" is none of {}", config.name, config.region,
                                               fmt::join(type.regions(), ", ")));
  }
  return http::Endpoint::parse(config.base_url.empty() ? hosts.front() : config.base_url);
}

/// The share as the vendor sees it: calls arrive a little earlier or later than they were sent, and no window of the
/// vendor's may hold one too many. So the calls of one window are spread over it, one call's time, and a usual delay
/// more.
http::LimiterOptions pacing(const LimitsConfig& limits) {
  constexpr Duration kArrivalJitter = std::chrono::milliseconds(100);
  return {limits.requests_per_minute, limits.window + limits.window / limits.requests_per_minute + kArrivalJitter};
}

http::ClientOptions client_options(const SourceConfig& config, const http::Endpoint& endpoint) {
  const LimitsConfig& limits = config.limits;
  http::ClientOptions options;
  options.scope = {config.name, 0, "", ""};
  options.limiter = pacing(limits);
  options.retry = {limits.retry.attempts, limits.retry.base, limits.retry.cap, limits.retry.budget};
  options.request_timeout = limits.request_timeout;
  options.duplicate_guard = limits.duplicate_guard;
  options.timeout_cooldown = limits.timeout_cooldown;
  options.endpoint = endpoint;
  const KeySlot key = key_slots(config).front();
  options.credential_lines = key.lines;
  options.keys.token = key.token;
  options.keys.oauth1 = config.auth.type == "oauth1";
  return options;
}

http::Sign signer_of(const SourceConfig& config, const sources::SourceType& type) {
  return config.auth.type == "oauth1" ? http::Sign(http::sign_oauth1) : type.sign;
}

/// What is read: without a list of streams all that need not be asked for; asking for contacts in the privacy rules is
/// asking for their streams.
sources::Following following_of(const SourceConfig& config, const sources::SourceType& type) {
  sources::Following following{config.streams, config.include, config.exclude, !config.streams.empty()};
  const auto contacts = config.privacy.find("contacts");
  if (following.streams.empty() && contacts != config.privacy.end() && contacts->second != "off")
    following.streams = {type.stream_names.begin(), type.stream_names.end()};
  return following;
}

/// The rules, with the key where one says hash.
sources::Privacy privacy_of(const SourceConfig& config, Masker& masker) {
  sources::Privacy privacy{config.privacy, config.privacy_questions};
  if (privacy.hashes()) privacy.digest = make_privacy_digest(config.privacy_key, &masker);
  return privacy;
}

/// Files of respondents come by the source's own way out and go to the operator's directory, made where it is missing.
sources::Files files_of(const SourceConfig& config, std::shared_ptr<http::ProxyLogin> login, Clock& clock) {
  const std::string& directory = config.files.dir;
  if (directory.empty()) return {};
  struct stat status {};
  const bool there = ::mkdir(directory.c_str(), 0700) == 0 || ::stat(directory.c_str(), &status) == 0;
  if (!there || (status.st_mode != 0 && !S_ISDIR(status.st_mode))) {
    throw Error(ErrorKind::config, fmt::format("source.{}: files.dir \"{}\" is no directory and cannot be made one",
                                               config.name, directory));
  }
  http::DownloadOptions options{config.ca_file,
                                config.proxy,
                                std::move(login),
                                config.no_proxy,
                                config.limits.connect_timeout,
                                config.limits.request_timeout,
                                config.files.limit};
  return {directory, [options = std::move(options), &clock](const std::string& url, const std::stop_token& stop) {
            return http::download(url, options, clock, stop);
          }};
}

/// Whether the vendor's host accepts the key: one call.
bool accepts(const SourceConfig& config, const sources::SourceType& type, http::TransportOptions way,
             const Credential& key, Clock& clock, const std::stop_token& stop) {
  const http::Endpoint endpoint = way.endpoint;
  http::Query query = type.probe.query;
  http::Request request;
  signer_of(config, type)({key, endpoint, type.probe.path, clock.utc_now()}, query, request.headers);
  request.target = endpoint.prefix + type.probe.path + "?" + http::encode_query(query);
  request.display = type.probe.path;
  try {
    http::PocoTransport transport(std::move(way), clock);
    const http::Response answer = transport.exchange(request, Deadline(clock, config.limits.request_timeout), stop);
    return http::judge_response(answer, type.judge).ok;
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return false;  // a host that cannot be reached accepts nothing
  }
}

/// Another region of the vendor one of whose hosts accepts the key.
http::KeyOptions::Elsewhere ask_other_regions(const SourceConfig& config, const sources::SourceType& type,
                                              http::TransportOptions way, const Credential& key, Clock& clock,
                                              const std::stop_token& stop) {
  http::KeyOptions::Elsewhere found;
  for (const std::string& region : type.regions()) {
    if (region == config.region) continue;
    for (const std::string& host : type.hosts(region)) {
      way.endpoint = http::Endpoint::parse(host);
      if (accepts(config, type, way, key, clock, stop)) {
        found.region = region;
        return found;
      }
      ++found.in_vain;
    }
  }
  return found;
}

}  // namespace

http::TransportOptions transport_options(const SourceConfig& config, const http::Endpoint& endpoint, Masker& masker,
                                         Clock& clock) {
  http::TransportOptions options;
  if (!config.proxy_auth.empty()) {
    options.proxy_login = std::make_shared<http::ProxyLogin>(SecretReference::parse(config.proxy_auth), masker, clock);
  }
  options.endpoint = endpoint;
  options.ca_file = config.ca_file;
  options.proxy = config.proxy;
  options.no_proxy = config.no_proxy;
  options.connect_timeout = config.limits.connect_timeout;
  options.body_limit = config.limits.body;
  options.idle_connections = static_cast<std::size_t>(config.limits.workers);
  return options;
}

http::Endpoint oauth_endpoint(const SourceConfig& source) {
  const sources::SourceType& type = provider_of(source);
  if (!type.oauth) throw Error(ErrorKind::config, fmt::format("source.{}: {} knows no OAuth", source.name, type.name));
  return http::Endpoint::parse(source.base_url.empty() ? type.oauth->host(source.region) : source.base_url);
}

void require_sound(const SourceConfig& source) {
  endpoint_of(source, provider_of(source));
  key_slots(source);
  if (!source.proxy_auth.empty()) SecretReference::parse(source.proxy_auth);
  if (source.schedule) sync::Cron::parse(source.schedule->cron);
}

std::shared_ptr<http::Limiter> Accounts::limiter(const SourceConfig& source, const Config& config) {
  const std::string name = source.type + "/" + source.account;
  const http::LimiterOptions pacing = account_pacing(source, config);
  const std::lock_guard lock(mutex_);
  Account& account = accounts_[name];
  if (!account.limiter || !(account.pacing == pacing)) {
    std::shared_ptr<Budget> budget;
    if (database_) budget = std::make_shared<store::SharedBudget>(*database_, name, clock_, observer_);
    account = {pacing, std::make_shared<http::Limiter>(pacing, clock_, std::move(budget))};
  }
  return account.limiter;
}

std::shared_ptr<http::KeyAlarm> Accounts::alarm(const SourceConfig& source) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<http::KeyAlarm>& alarm =
      alarms_[fmt::format("{} {} {}", source.type, source.region, source.base_url)];
  if (!alarm) alarm = std::make_shared<http::KeyAlarm>();
  return alarm;
}

std::shared_ptr<http::DuplicateGuard> Accounts::answered_lately(const SourceConfig& source) {
  const Duration time = source.limits.duplicate_guard;
  const std::string name =
      fmt::format("{} {} {} {} {}", source.type, source.name, source.region, source.base_url, time.count());
  const std::lock_guard lock(mutex_);
  std::shared_ptr<http::DuplicateGuard>& guard = answered_[name];
  if (!guard) guard = std::make_shared<http::DuplicateGuard>(time, clock_);
  return guard;
}

http::LimiterOptions account_pacing(const SourceConfig& source, const Config& config) {
  LimitsConfig slowest = source.limits;
  for (const SourceConfig& other : config.sources) {
    if (other.type != source.type || other.account != source.account) continue;
    const bool slower = other.limits.requests_per_minute * slowest.window.count() <
                        slowest.requests_per_minute * other.limits.window.count();
    if (slower) slowest = other.limits;
  }
  return pacing(slowest);
}

SourceParts::SourceParts(const SourceConfig& config, Surroundings around) : config_(config) {
  const sources::SourceType& type = provider_of(config);
  following_ = following_of(config, type);
  endpoint_ = endpoint_of(config, type);
  const http::TransportOptions way = transport_options(config, endpoint_, around.masker, around.clock);
  transport_ = std::make_unique<http::PocoTransport>(way, around.clock);
  http::ClientOptions options = client_options(config, endpoint_);
  options.account_limiter = std::move(around.account_limiter);
  options.answered_lately = std::move(around.answered_lately);
  options.keys.alarm = std::move(around.alarm);
  options.keys.memory = std::move(around.key_memory);
  options.keys.may_be_missing = around.secret_may_be_missing;
  if (const auto mistake = type.customs.key_mistake)
    options.keys.mistake = [mistake, where = config.environment](const Credential& key) { return mistake(key, where); };
  if (const auto warning = type.customs.key_warning)
    options.keys.warning = [warning, where = config.environment](const Credential& key) { return warning(key, where); };
  if (!config.auth.next.empty()) options.keys.next = SecretReference::parse(config.auth.next);
  if (config.base_url.empty()) {
    options.keys.accepted_elsewhere = [&config, &type, way, &clock = around.clock](const Credential& key,
                                                                                   const std::stop_token& stop) {
      return ask_other_regions(config, type, way, key, clock, stop);
    };
  }
  client_ =
      std::make_unique<http::Client>(std::move(options), *transport_, key_slots(config).front().reference,
                                     signer_of(config, type), type.judge, around.masker, around.observer, around.clock);
  client_->set_probe(type.probe, type.account_probe);
  sources::Privacy privacy = privacy_of(config, around.masker);
  if (privacy.digest) privacy_key_ = privacy.digest->fingerprint();
  source_ = type.make({config.name, *client_, config.region, std::move(privacy), around.observer, around.clock,
                       following_, files_of(config, way.proxy_login, around.clock)});
}

sync::Job SourceParts::job(const Config& config) const {
  const LimitsConfig& limits = config_.limits;
  sync::Job job;
  job.source = config_.name;
  job.following = following_;
  job.privacy_key = privacy_key_;
  job.wide = config_.wide;
  job.page_sizes = {limits.page_size.start, limits.page_size.min, limits.page_size.max};
  job.workers = limits.workers;
  job.lease_ttl = config.lease_ttl;
  job.retry_budget = limits.retry.budget;
  const SyncConfig& sync = config_.sync;
  job.recheck = sync.recheck;
  job.settle_lag = sync.settle_lag;
  job.lookback = sync.lookback;
  job.probe_all = sync.probe_all;
  job.sweep_all = sync.sweep_all;
  job.brake = {sync.brake_percent, sync.brake_rows, sync.brake_least};
  job.quarantine_percent = sync.quarantine_percent;
  job.quarantine_least = sync.quarantine_least;
  return job;
}

sources::Abilities abilities_of(const SourceConfig& source, const std::vector<model::Capability>& learned) {
  const sources::SourceType* const type = find_provider(source.type);
  return type && type->abilities ? type->abilities(learned) : sources::Abilities();
}

pg::ConnectOptions connect_options(const Config& config) {
  pg::ConnectOptions options;
  options.uri = config.database_uri;
  options.application_name = store::session_name(store::process_identity());
  return options;
}

store::OpenSession session_opener(const Config& config, Observer& observer, Clock& clock) {
  return [options = connect_options(config), digest = privacy_digest_source(config.privacy_key), &observer,
          &clock](std::stop_token stop) {
    return std::make_unique<store::Session>(options, observer, clock, std::move(stop), digest);
  };
}

}  // namespace surveysync::app
