#pragma once
// File, environment and flags become one checked, constant value. Strict: unknown keys, wrong units and contradictions
// are errors with file, line, column and a "did you mean"; all mistakes are reported together in one Error(config).
// Knows the names and defaults of product.md section 2; nothing else in the program has a default for a setting.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "report/alert.h"

namespace surveysync::app {

struct PageSizeConfig {
  int start = 250, min = 10, max = 500;
  bool operator==(const PageSizeConfig&) const = default;
};

struct RetryConfig {
  int attempts = 5;
  Duration base = std::chrono::milliseconds(500), cap = std::chrono::seconds(60), budget = std::chrono::minutes(10);
  bool operator==(const RetryConfig&) const = default;
};

struct LimitsConfig {
  int vendor_limit = 240, requests_per_minute = 120;
  Duration window = std::chrono::seconds(60), duplicate_guard = std::chrono::seconds(65),
           timeout_cooldown = std::chrono::seconds(70), connect_timeout = std::chrono::seconds(10),
           request_timeout = std::chrono::seconds(45);
  PageSizeConfig page_size;
  std::size_t body = 64UL << 20;
  int workers = 4;
  RetryConfig retry;
  std::vector<Duration> hold_probe;
  bool operator==(const LimitsConfig&) const = default;
};

struct SyncConfig {
  Duration settle_lag = std::chrono::minutes(15), lookback = std::chrono::hours(2),
           probe_all = std::chrono::hours(7 * 24), sweep_all = std::chrono::hours(30 * 24),
           recheck = std::chrono::hours(7 * 24), stale_after = std::chrono::hours(26);
  int brake_percent = 5, brake_rows = 100, brake_least = 10;
  int quarantine_percent = 1, quarantine_least = 20;
  bool operator==(const SyncConfig&) const = default;
};

struct ScheduleConfig {
  std::string cron, timezone;
  Duration jitter{};
  bool operator==(const ScheduleConfig&) const = default;
};

struct AuthConfig {
  std::string type = "key";     ///< key | oauth1
  std::string secret, next;     ///< references
  std::string consumer, token;  ///< references, oauth1
  bool operator==(const AuthConfig&) const = default;
};

/// The key of the digests that stand for hashed and erased values.
struct PrivacyKeyConfig {
  std::string reference;  ///< one line
  bool ours = true;       ///< nobody named one: it is made in the state directory when it is first needed
  bool operator==(const PrivacyKeyConfig&) const = default;
};

/// Where files that respondents uploaded are kept.
struct FilesConfig {
  std::string dir;                 ///< absolute; empty: none are fetched
  std::size_t limit = 25UL << 20;  ///< bytes; larger ones are not fetched
  bool operator==(const FilesConfig&) const = default;
};

struct SourceConfig {
  std::string name, type, region, base_url, account, environment, proxy, hook, ca_file;
  std::string proxy_auth;  ///< reference to the proxy's user and password; empty: it asks for none
  std::vector<std::string> no_proxy;
  AuthConfig auth;
  std::optional<ScheduleConfig> schedule;
  std::set<std::string> streams;                         ///< empty: all
  std::set<std::string> include, exclude;                ///< survey ids as text
  std::map<std::string, std::string> privacy;            ///< field group to keep | drop | hash | off
  std::map<std::string, std::string> privacy_questions;  ///< "12" or "8611799/12" to keep | drop | hash
  PrivacyKeyConfig privacy_key;                          ///< the program's, for all sources
  bool wide = true;                                      ///< wide tables follow what runs change
  FilesConfig files;
  LimitsConfig limits;
  SyncConfig sync;
  bool operator==(const SourceConfig&) const = default;
};

using AlertConfig = report::ChannelOptions;

/// When people are told.
struct IncidentConfig {
  Duration repeat_critical = std::chrono::hours(4), repeat_warning = std::chrono::hours(24);
  Duration look = std::chrono::seconds(60);          ///< clocks, disk, database, what other processes opened
  Duration database_away = std::chrono::minutes(5);  ///< so long before it is an incident
  Duration retry = std::chrono::seconds(2);          ///< first wait before a message is sent again; doubles
  std::size_t disk_free = 500UL << 20;               ///< less in state.dir is an incident
};

struct Config {
  std::string database_uri;
  std::string database_password;  ///< reference to a secret; empty: libpq's own ways (PGPASSFILE, service file)
  std::string state_dir = "/var/lib/surveysync";
  PrivacyKeyConfig privacy_key;
  Duration lease_ttl = std::chrono::seconds(30), secret_poll = std::chrono::seconds(2),
           stop_deadline = std::chrono::seconds(5);
  std::string log_format = "text", log_level = "info";
  std::string status_listen = "127.0.0.1:9187";
  std::string status_token;           ///< reference; needed off loopback
  std::vector<SourceConfig> sources;  ///< in the order of the file
  std::vector<AlertConfig> alerts;
  IncidentConfig incidents;
  Duration retention_runs = std::chrono::hours(400 * 24), retention_quarantine = std::chrono::hours(90 * 24);

  /// Where each effective value came from, by dotted key: "surveysync.toml:12:3", "environment", "default". For `config
  /// show`.
  struct Setting {
    std::string key, value, origin;
  };  ///< value masked where it may hold a secret
  std::vector<Setting> settings;
  std::vector<std::string> warnings;

  const SourceConfig* find(const std::string& name) const;
};

/// The file that is read when --config names none.
inline constexpr const char* kDefaultConfigFile = "/etc/surveysync/surveysync.toml";

/// Reads `file`, conf.d/*.toml beside it, then SURVEYSYNC__SECTION__KEY from the environment. Throws Error(config) with
/// every mistake, one a line.
Config load_config(const std::string& file);

}  // namespace surveysync::app
