#include "app/assembly.h"

#include <fmt/format.h>

#include <algorithm>

#include "sources/alchemer/abilities.h"
#include "sources/alchemer/alchemer.h"

namespace surveysync::app {
namespace {

const sources::SourceType& provider_of(const SourceConfig& config) {
  const sources::SourceType* type = find_provider(config.type);
  if (!type) {
    throw Error(ErrorKind::config,
                fmt::format("source.{}: type \"{}\" is not available in this version", config.name, config.type));
  }
  if (config.auth.type != "key") {
    throw Error(
        ErrorKind::config,
        fmt::format("source.{}: auth type \"{}\" is not available in this version", config.name, config.auth.type),
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
  const std::string url = config.base_url.empty() ? type.base_url(config.region) : config.base_url;
  if (url.empty()) {
    throw Error(ErrorKind::config, fmt::format("source.{}: region \"{}\" is none of {}", config.name, config.region,
                                               fmt::join(type.regions(), ", ")));
  }
  return http::Endpoint::parse(url);
}

http::TransportOptions transport_options(const SourceConfig& config, const http::Endpoint& endpoint) {
  http::TransportOptions options;
  options.endpoint = endpoint;
  options.ca_file = config.ca_file;
  options.proxy = config.proxy;
  options.no_proxy = config.no_proxy;
  options.connect_timeout = config.limits.connect_timeout;
  options.body_limit = config.limits.body;
  options.idle_connections = static_cast<std::size_t>(config.limits.workers);
  return options;
}

/// The share as the vendor sees it: calls arrive a little earlier or later than they were sent, and no window of the
/// vendor's may hold one too many. So the calls of one window are spread over it, one call's time, and a usual delay
/// more.
http::LimiterOptions pacing(const LimitsConfig& limits) {
  constexpr Duration kArrivalJitter = std::chrono::milliseconds(100);
  return {limits.requests_per_minute, limits.window + limits.window / limits.requests_per_minute + kArrivalJitter};
}

http::ClientOptions client_options(const SourceConfig& config, const sources::SourceType& type,
                                   const http::Endpoint& endpoint) {
  const LimitsConfig& limits = config.limits;
  http::ClientOptions options;
  options.scope = {config.name, 0, "", ""};
  options.limiter = pacing(limits);
  options.retry = {limits.retry.attempts, limits.retry.base, limits.retry.cap, limits.retry.budget};
  options.request_timeout = limits.request_timeout;
  options.duplicate_guard = limits.duplicate_guard;
  options.timeout_cooldown = limits.timeout_cooldown;
  options.prefix = endpoint.prefix;
  options.credential_lines = type.credential_lines;
  return options;
}

}  // namespace

const std::vector<const sources::SourceType*>& providers() {
  static const std::vector<const sources::SourceType*> all{&sources::alchemer::source_type()};
  return all;
}

const sources::SourceType* find_provider(std::string_view name) {
  for (const sources::SourceType* type : providers()) {
    if (type->name == name) return type;
  }
  return nullptr;
}

std::shared_ptr<http::Limiter> Accounts::limiter(const SourceConfig& source, const Config& config) {
  std::shared_ptr<http::Limiter>& limiter = limiters_[source.type + "/" + source.account];
  if (!limiter) limiter = std::make_shared<http::Limiter>(account_pacing(source, config), clock_);
  return limiter;
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

SourceParts::SourceParts(const SourceConfig& config, std::shared_ptr<http::Limiter> account_limiter, Masker& masker,
                         Observer& observer, Clock& clock)
    : config_(config) {
  const sources::SourceType& type = provider_of(config);
  endpoint_ = endpoint_of(config, type);
  transport_ = std::make_unique<http::PocoTransport>(transport_options(config, endpoint_), clock);
  http::ClientOptions options = client_options(config, type, endpoint_);
  options.account_limiter = std::move(account_limiter);
  client_ = std::make_unique<http::Client>(std::move(options), *transport_, SecretReference::parse(config.auth.secret),
                                           type.sign, type.judge, masker, observer, clock);
  client_->set_probe(type.probe);
  source_ = type.make({config.name, *client_, config.region, config.privacy, observer, clock});
}

sync::Job SourceParts::job(const Config& config) const {
  const LimitsConfig& limits = config_.limits;
  sync::Job job;
  job.source = config_.name;
  job.following = {config_.streams, config_.include, config_.exclude};
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
  if (source.type != sources::alchemer::source_type().name) return {};
  std::map<std::string, std::string, std::less<>> values;
  for (const model::Capability& capability : learned)
    values.emplace(capability.name, capability.value);
  return sources::alchemer::abilities_of(values);
}

pg::ConnectOptions connect_options(const Config& config) {
  pg::ConnectOptions options;
  options.uri = config.database_uri;
  return options;
}

store::OpenSession session_opener(const Config& config, Observer& observer, Clock& clock) {
  return [options = connect_options(config), &observer, &clock](std::stop_token stop) {
    return std::make_unique<store::Session>(options, observer, clock, std::move(stop));
  };
}

}  // namespace surveysync::app
