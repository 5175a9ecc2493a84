// [alerts.NAME] and [incidents]: who is told when a person must act, and when.
#include <fmt/format.h>

#include <algorithm>

#include "app/config_sections.h"
#include "app/config_values.h"
#include "base/error.h"
#include "base/loopback.h"
#include "http/transport.h"
#include "report/alert_channel.h"
#include "report/alerts_mail.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

bool is_reference(std::string_view text) {
  return text.starts_with("file:") || text.starts_with("credential:") || text.starts_with("env:") ||
         text.starts_with("exec:");
}

/// One stanza being read.
class Stanza {
 public:
  Stanza(ConfigSection& section, ConfigReading& reading, AlertConfig& alert)
      : section_(section), reading_(reading), alert_(alert) {}

  void text(const char* key, const ConfigSection::TextCheck& check = {}) {
    std::string value;
    section_.text(key, value, check);
    put(key, value);
  }
  void secret(const char* key) {
    std::string value;
    section_.reference(key, value);
    put(key, value);
  }
  /// A reference, or the address itself, which is not shown: such addresses carry their key.
  void address(const char* key) {
    std::string value;
    section_.masked_text(key, value, [](std::string_view text) {
      return text.empty() || is_reference(text) ? std::string(text) : "***";
    });
    if (!value.empty() && !is_reference(value) && !value.starts_with("https://") && !value.starts_with("http://"))
      section_.mistake(key, "must be an address (https://...) or a reference to a secret that holds one (file:...)");
    put(key, value);
  }
  void one_of(const char* key, const char* usual, const std::vector<std::string>& allowed) {
    std::string value = usual;
    section_.one_of(key, value, allowed);
    put(key, value);
  }
  void flag(const char* key) {
    if (!section_.has(key)) return;
    const std::string value = section_.scalar(key);
    if (value != "true" && value != "false") section_.mistake(key, "true or false is expected");
    reading_.settings.push_back({section_.path() + "." + key, value, section_.origin_of(key).text()});
    put(key, value);
  }
  void list(const char* key, const ConfigSection::TextCheck& check = {}) {
    section_.texts(key, alert_.lists[key], check);
  }
  void need(const char* key, const char* what) {
    if (!section_.has(key)) section_.mistake(key, fmt::format("must be given: {}", what));
  }
  void http() {
    text("ca_file");
    text("proxy", proxy_mistake);
  }
  /// An address whose host is another machine must be https. One in a secret is looked at when it is used.
  void require_encryption() {
    const std::string address = alert_.setting("url");
    if (!address.starts_with("http://") || alert_.setting("plain_http") == "true") return;
    try {
      if (is_loopback(http::Endpoint::parse(address).host)) return;
    } catch (const Error&) {
      return;  // told when it is used
    }
    section_.mistake("url",
                     "begins with http://, so that anybody on the way could read it: https://, or plain_http = "
                     "true on a network that you trust");
  }
  AlertConfig& alert() { return alert_; }
  ConfigSection& section() { return section_; }

 private:
  void put(const char* key, const std::string& value) {
    if (!value.empty()) alert_.settings[key] = value;
  }
  ConfigSection& section_;
  ConfigReading& reading_;
  AlertConfig& alert_;
};

std::string mail_address_mistake(std::string_view text) {
  return report::is_mail_address(text)
             ? std::string()
             : fmt::format("\"{}\" is no mail address; write it bare, like ops@example.org", text);
}

void read_email(Stanza& stanza) {
  ConfigSection& section = stanza.section();
  stanza.text("host");
  stanza.need("host", "the mail server's name");
  stanza.one_of("tls", "starttls", {"starttls", "implicit", "none"});
  const std::string host = stanza.alert().setting("host"), tls = stanza.alert().setting("tls");
  int port = tls == "implicit" ? 465 : tls == "none" ? 25 : 587;
  section.integer("port", port, 1, 65535);
  stanza.alert().settings["port"] = fmt::format("{}", port);
  if (tls == "none" && !is_loopback(host))
    section.mistake("tls", "\"none\" is for a mail server on this host only (localhost, 127.0.0.1, ::1)");
  stanza.text("ca_file");
  stanza.text("user");
  stanza.secret("password");
  if (section.has("user") != section.has("password")) section.mistake("user", "user and password belong together");
  stanza.text("from", mail_address_mistake);
  stanza.need("from", "the sender's address");
  stanza.list("to", mail_address_mistake);
  if (stanza.alert().lists["to"].empty())
    section.mistake("to", "at least one recipient must be given: to = [\"ops@example.org\"]");
}

void read_exec(Stanza& stanza) {
  stanza.list("command");
  if (stanza.alert().lists["command"].empty())
    stanza.section().mistake("command", "must be given as a list: command = [\"/usr/local/bin/tell\", \"ops\"]");
  Duration time = seconds(10);
  stanza.section().duration("timeout", time, milliseconds(100), minutes(10));
  stanza.alert().settings["timeout"] = format_duration(time);
}

void read_channel(Stanza& stanza) {
  const std::string& type = stanza.alert().type;
  if (type == "webhook") {
    stanza.address("url");
    stanza.need("url", "where alerts are posted to, best as \"file:...\"");
    stanza.secret("secret");
    stanza.flag("plain_http");
    stanza.http();
  } else if (type == "slack") {
    stanza.secret("url");
    stanza.need("url", "a reference to the incoming webhook's address");
    stanza.http();
  } else if (type == "pagerduty") {
    stanza.secret("routing_key");
    stanza.need("routing_key", "a reference to the integration key of Events API v2");
    stanza.address("url");
    stanza.http();
  } else if (type == "alertmanager") {
    stanza.address("url");
    stanza.need("url", "like \"http://127.0.0.1:9093\"; /api/v2/alerts is added");
    stanza.secret("token");
    stanza.flag("plain_http");
    stanza.http();
  } else if (type == "email") {
    read_email(stanza);
  } else if (type == "exec") {
    read_exec(stanza);
  } else if (type == "ping") {
    stanza.address("url");
    stanza.need("url", "what is called after each certified run");
    stanza.one_of("method", "GET", {"GET", "POST"});
    stanza.flag("plain_http");
    stanza.http();
  }
  stanza.require_encryption();
}

}  // namespace

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 30 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void read_alerts(ConfigSection section, ConfigReading& reading, Config& config) {
  std::vector<std::string> names;
  for (const SourceConfig& source : config.sources)
    names.push_back(source.name);
  const auto source_mistake = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end() ? std::string() : fmt::format("there is no [source.{}]", name);
  };
  for (const std::string& name : section.keys()) {
    ConfigSection channel = section.table(name);
    AlertConfig alert;
    alert.name = name;
    if (!is_name(name)) section.mistake(name, "a name has 1 to 30 of a-z, 0-9 and _");
    const std::vector<std::string>& types = report::channel_types();
    channel.one_of("type", alert.type, types);
    if (alert.type.empty()) channel.mistake("type", fmt::format("must be given: {}", fmt::join(types, ", ")));
    channel.texts("sources", alert.sources, source_mistake);
    Stanza stanza(channel, reading, alert);
    if (alert.type != "ping") channel.one_of("severity", alert.severity, {"warning", "critical"});
    read_channel(stanza);
    // Of a channel whose type nobody knows, nobody knows the keys.
    if (std::ranges::find(types, alert.type) != types.end()) channel.finish();
    config.alerts.push_back(std::move(alert));
  }
}

void read_incidents(ConfigSection section, IncidentConfig& incidents) {
  section.duration("repeat_critical", incidents.repeat_critical, seconds(1), hours(24 * 365));
  section.duration("repeat_warning", incidents.repeat_warning, seconds(1), hours(24 * 365));
  section.duration("look", incidents.look, milliseconds(50), hours(1));
  section.duration("database_away", incidents.database_away, milliseconds(100), hours(24));
  section.duration("retry", incidents.retry, milliseconds(10), minutes(5));
  section.size("disk_free", incidents.disk_free, 0, std::size_t{1} << 50);
  section.finish();
}

}  // namespace surveysync::app
