#pragma once
// The only place where parts meet. Builds, from the configuration, what a verb needs:
// transports, clients, sources, sessions. Members are destroyed in the reverse order of construction: observers outlive
// everything. Throws Error(config).

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/providers.h"
#include "base/event.h"
#include "http/client.h"
#include "sources/source.h"
#include "store/session.h"
#include "sync/run.h"

namespace surveysync::app {

/// Throws Error(config) for what of a source's settings can be judged without asking anybody: type, auth, streams,
/// region.
void require_sound(const SourceConfig& source);

/// How calls to `endpoint` are sent for this source: certificates, proxy (its login will be masked), time-outs.
http::TransportOptions transport_options(const SourceConfig& source, const http::Endpoint& endpoint, Masker& masker,
                                         Clock& clock);
/// Where the source's vendor gives out OAuth tokens. Throws Error(config) where it gives out none.
http::Endpoint oauth_endpoint(const SourceConfig& source);

/// How fast the source's account may be asked: the lowest rate that any of `config`'s sources of this account allows.
http::LimiterOptions account_pacing(const SourceConfig& source, const Config& config);

/// The limiters of a process's accounts: sources that name the same account share one, and where there is a database
/// all processes share the account's budget in it. Thread-safe.
class Accounts {
 public:
  /// `database`: where the budgets are kept; none: this process is alone.
  explicit Accounts(Clock& clock, std::optional<pg::ConnectOptions> database = std::nullopt,
                    Observer* observer = nullptr)
      : clock_(clock), database_(std::move(database)), observer_(observer) {}
  /// The limiter of the source's account, made when it is first asked for, and anew when its pace has changed.
  std::shared_ptr<http::Limiter> limiter(const SourceConfig& source, const Config& config);
  /// Shared by the sources that ask the same place of a vendor.
  std::shared_ptr<http::KeyAlarm> alarm(const SourceConfig& source);
  /// What the source was answered lately: a reload does not forget it. Anew when its place or the guard has changed.
  std::shared_ptr<http::DuplicateGuard> answered_lately(const SourceConfig& source);

 private:
  struct Account {
    http::LimiterOptions pacing;
    std::shared_ptr<http::Limiter> limiter;
  };
  Clock& clock_;
  const std::optional<pg::ConnectOptions> database_;
  Observer* const observer_;
  std::mutex mutex_;
  std::map<std::string, Account> accounts_;
  std::map<std::string, std::shared_ptr<http::KeyAlarm>> alarms_;          // by place
  std::map<std::string, std::shared_ptr<http::DuplicateGuard>> answered_;  // by source, place and time
};

/// What a source is built into.
struct Surroundings {
  Masker& masker;
  Observer& observer;
  Clock& clock;
  std::shared_ptr<http::Limiter> account_limiter = nullptr;         ///< from Accounts; null for one of its own
  std::shared_ptr<http::KeyAlarm> alarm = nullptr;                  ///< from Accounts; null for one of its own
  std::shared_ptr<http::DuplicateGuard> answered_lately = nullptr;  ///< from Accounts; null for one of its own
  std::shared_ptr<http::KeyMemory> key_memory = nullptr;            ///< null: this process alone
  bool secret_may_be_missing = false;                               ///< it is waited for, and not an error
};

/// One configured source with everything it is made of.
class SourceParts {
 public:
  /// `config` outlives it.
  SourceParts(const SourceConfig& config, Surroundings around);
  sources::Source& source() { return *source_; }
  http::Client& client() { return *client_; }
  const http::Endpoint& endpoint() const { return endpoint_; }
  sync::Job job(const Config& config) const;
  /// What of the account is read, as configured.
  const sources::Following& following() const { return following_; }

 private:
  const SourceConfig& config_;
  sources::Following following_;
  std::string privacy_key_;  // its fingerprint, where values are hashed
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
