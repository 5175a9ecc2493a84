#pragma once
// The only place where parts meet, and the list of providers. Builds, from the configuration, what a verb needs:
// transports, clients, sources, sessions. Members are destroyed in the reverse order of construction: observers outlive
// everything. Throws Error(config).

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/event.h"
#include "http/client.h"
#include "sources/source.h"
#include "store/session.h"
#include "sync/run.h"

namespace surveysync::app {

/// All providers this binary knows.
const std::vector<const sources::SourceType*>& providers();
/// By name; null when unknown.
const sources::SourceType* find_provider(std::string_view name);

/// How fast the source's account may be asked: the lowest rate that any of `config`'s sources of this account allows.
http::LimiterOptions account_pacing(const SourceConfig& source, const Config& config);

/// The limiters of a command's accounts: sources that name the same account share one.
class Accounts {
 public:
  explicit Accounts(Clock& clock) : clock_(clock) {}
  /// The limiter of the source's account, made when it is first asked for.
  std::shared_ptr<http::Limiter> limiter(const SourceConfig& source, const Config& config);

 private:
  Clock& clock_;
  std::map<std::string, std::shared_ptr<http::Limiter>> limiters_;
};

/// One configured source with everything it is made of.
class SourceParts {
 public:
  /// `account_limiter`: from Accounts; null for one of its own.
  SourceParts(const SourceConfig& config, std::shared_ptr<http::Limiter> account_limiter, Masker& masker,
              Observer& observer, Clock& clock);
  sources::Source& source() { return *source_; }
  http::Client& client() { return *client_; }
  const http::Endpoint& endpoint() const { return endpoint_; }
  sync::Job job(const Config& config) const;

 private:
  const SourceConfig& config_;
  http::Endpoint endpoint_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<sources::Source> source_;
};

/// What the lists of the source's certified stream can be trusted with, from what was learned. Needs no secret.
sources::Abilities abilities_of(const SourceConfig& source, const std::vector<model::Capability>& learned);

/// How to reach the database as configured.
pg::ConnectOptions connect_options(const Config& config);
/// Opens sessions with those options.
store::OpenSession session_opener(const Config& config, Observer& observer, Clock& clock);

}  // namespace surveysync::app
