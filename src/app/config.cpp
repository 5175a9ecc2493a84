#include "app/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_reader.h"
#include "app/config_sections.h"
#include "app/config_tree.h"
#include "app/config_values.h"
#include "base/error.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void read_database(ConfigSection section, Config& config) {
  section.masked_text("uri", config.database_uri, mask_database_uri);
  section.reference("password", config.database_password);
  if (config.database_uri.empty()) {
    section.mistake("uri", "must be given, like \"postgresql:///warehouse\"");
  } else if (!database_passwords(config.database_uri).empty()) {
    if (!config.database_password.empty()) section.mistake("password", "contradicts the password in database.uri");
    config.warnings.push_back(fmt::format(
        "{}: database.uri holds a password; better database.password = \"file:...\", PGPASSFILE or a service file",
        section.origin_of("uri").text()));
  }
  section.finish();
}

void read_daemon(ConfigSection section, Config& config) {
  section.duration("lease_ttl", config.lease_ttl, seconds(2), hours(1));
  section.duration("secret_poll", config.secret_poll, milliseconds(50), hours(1));
  section.duration("stop_deadline", config.stop_deadline, milliseconds(100), minutes(10));
  section.finish();
}

void read_log(ConfigSection section, Config& config) {
  section.one_of("format", config.log_format, {"text", "json"});
  section.one_of("level", config.log_level, {"debug", "info", "warning", "error"});
  section.finish();
}

void read_status(ConfigSection section, Config& config) {
  section.reference("token", config.status_token);
  section.text("listen", config.status_listen,
               [&](std::string_view address) { return listen_mistake(address, !config.status_token.empty()); });
  section.finish();
}

/// Behind [state] and [source.*]: every source carries the key.
void read_privacy_key(ConfigSection section, Config& config) {
  section.reference("key", config.privacy_key.reference);
  config.privacy_key.ours = config.privacy_key.reference.empty();
  if (config.privacy_key.ours) config.privacy_key.reference = "file:" + config.state_dir + "/privacy.key";
  for (SourceConfig& source : config.sources)
    source.privacy_key = config.privacy_key;
  section.finish();
}

void read_retention(ConfigSection section, Config& config) {
  section.duration("runs", config.retention_runs, hours(24), hours(24 * 36500));
  section.duration("quarantine", config.retention_quarantine, hours(24), hours(24 * 36500));
  section.finish();
}

void read_sources(ConfigSection section, Config& config) {
  for (const std::string& name : section.keys()) {
    if (!is_name(name)) section.mistake(name, "a source's name has 1 to 30 of a-z, 0-9 and _");
    ConfigSection stanza = section.table(name);
    config.sources.push_back(read_source(stanza, name));
    stanza.finish();
  }
  // Sources of one account share its budget, so they must agree on how large it is.
  for (auto one = config.sources.begin(); one != config.sources.end(); ++one) {
    for (auto two = config.sources.begin(); two != one; ++two) {
      if (one->account != two->account || one->limits.vendor_limit == two->limits.vendor_limit) continue;
      section.mistake(
          one->name,
          fmt::format("shares account \"{}\" with source.{}, but their limits.vendor_limit differ ({} and {})",
                      one->account, two->name, one->limits.vendor_limit, two->limits.vendor_limit));
    }
  }
  if (config.sources.empty()) config.warnings.emplace_back("no [source.NAME] is configured: there is nothing to sync");
}

}  // namespace

const SourceConfig* Config::find(const std::string& name) const {
  const auto found =
      std::find_if(sources.begin(), sources.end(), [&](const SourceConfig& source) { return source.name == name; });
  return found == sources.end() ? nullptr : &*found;
}

Config load_config(const std::string& file) {
  ConfigReading reading;
  ConfigNode tree = read_files(file, reading.mistakes);
  // Of a file that is no TOML the rest is unknown: its missing keys would be mistakes that nobody made.
  reading.raise();
  overlay_environment(tree, reading.mistakes);

  Config config;
  ConfigSection root(&tree, "", tree.origin, reading);
  read_database(root.table("database"), config);
  ConfigSection state = root.table("state");
  state.text("dir", config.state_dir, [](std::string_view path) {
    return path.starts_with('/') ? std::string() : std::string("must be an absolute path");
  });
  state.finish();
  read_daemon(root.table("daemon"), config);
  read_log(root.table("log"), config);
  read_status(root.table("status"), config);
  read_sources(root.table("source"), config);
  read_privacy_key(root.table("privacy"), config);
  read_alerts(root.table("alerts"), reading, config);
  read_incidents(root.table("incidents"), config.incidents);
  read_retention(root.table("retention"), config);
  root.finish();
  reading.raise();
  config.settings = std::move(reading.settings);
  return config;
}

}  // namespace surveysync::app
