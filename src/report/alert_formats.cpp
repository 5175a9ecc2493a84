#include "report/alert_formats.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <syslog.h>

#include <algorithm>
#include <array>

#include "base/sha256.h"
#include "report/alert_json.h"
#include "report/log_line.h"

namespace surveysync::report {
namespace {

bool is_over(const Alert& alert) {
  return alert.state == AlertState::resolved;
}

std::string spaced(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

/// Seconds are enough for people and receivers.
std::string time_of(UtcTime time) {
  return format_utc(std::chrono::floor<std::chrono::seconds>(time));
}

const char* status_of(const Alert& alert) {
  if (alert.state == AlertState::test) return "test";
  return is_over(alert) ? "resolved" : "open";
}

/// Slack reads &, < and > as markup.
std::string slack_escaped(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else {
      result += c;
    }
  }
  return result;
}

/// At most `size` bytes of whole characters.
std::string cut(std::string text, std::size_t size) {
  if (text.size() <= size) return text;
  std::size_t end = size - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end) + "...";
}

/// "surveysync.service/warehouse1" to "surveysync.service on warehouse1".
std::string about(const std::string& text) {
  const std::size_t host = text.rfind('/');
  return host == std::string::npos ? text : fmt::format("{} on {}", text.substr(0, host), text.substr(host + 1));
}

/// Its lines.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::size_t begin = std::min(text.find_first_not_of(' '), end);
    if (begin < end) lines.emplace_back(text.substr(begin, end - begin));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string in_one_line(std::string_view next_step) {
  const std::vector<std::string> lines = lines_of(next_step);
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += (i == 0 ? "" : i == 1 ? " " : "; ") + lines[i];
  return text;
}

std::string alert_title(const Alert& alert) {
  std::string head = alert.severity;
  std::ranges::transform(head, head.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  if (is_over(alert)) head = "RESOLVED";
  if (alert.state == AlertState::test) head = "TEST";
  std::string title =
      printable(fmt::format("{}{}{}: {}", head, alert.source.empty() ? "" : " ", alert.source, spaced(alert.rule)));
  // Without a source the rest of the key says what it is about.
  if (alert.source.empty() && alert.state != AlertState::test && alert.key.starts_with(alert.rule + "/"))
    title += ": " + printable(about(alert.key.substr(alert.rule.size() + 1)));
  if (!alert.verdict.empty()) title += printable(fmt::format(" ({})", spaced(alert.verdict)));
  if (alert.state == AlertState::repeated) title += ", still";
  if (alert.state == AlertState::raised) title += ", now critical";
  return title;
}

std::string alert_text(const Alert& alert) {
  std::string text = alert_title(alert) + "\n\n";
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<14}{}\n", name, printable(value));
  };
  if (!alert.message.empty() && alert.message != alert.evidence)
    line(is_over(alert) ? "Over:" : "Note:", alert.message);
  const std::vector<std::string> what = lines_of(alert.evidence);
  for (std::size_t i = 0; i < what.size(); ++i)
    line(i > 0 ? "" : is_over(alert) ? "It was:" : "What:", what[i]);
  line("Since:", time_of(alert.since));
  if (alert.resolved_at) line("Until:", time_of(*alert.resolved_at));
  if (!is_over(alert)) {
    line("Affected:", alert.affected);
    const std::vector<std::string> steps = lines_of(alert.next_step);
    for (std::size_t i = 0; i < steps.size(); ++i)
      line(i == 0 ? "What to do:" : "", steps[i]);
  }
  text += "\n";
  line("Incident:", alert.key);
  line("Told by:", fmt::format("surveysync on {} at {}", alert.host, time_of(alert.at)));
  return text;
}

std::string webhook_body(const Alert& alert) {
  JsonText json;
  json.open('{').field("key", alert.key).field("status", status_of(alert)).field("event", name_of(alert.state));
  json.field("rule", alert.rule).maybe("source", alert.source).field("severity", alert.severity);
  json.maybe("verdict", alert.verdict).maybe("evidence", alert.evidence).maybe("affected", alert.affected);
  json.maybe("next_step", alert.next_step).field("since", format_utc(alert.since));
  json.maybe("resolved_at", alert.resolved_at ? format_utc(*alert.resolved_at) : std::string());
  json.field("message", alert.message.empty() ? alert.evidence : alert.message).field("title", alert_title(alert));
  json.field("host", alert.host).field("at", format_utc(alert.at)).close('}');
  return json.text();
}

std::string webhook_signature(std::string_view secret, std::int64_t seconds, std::string_view body) {
  const std::string signed_text = fmt::format("{}.{}", seconds, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i)
    hex += fmt::format("{:02x}", digest[i]);
  return fmt::format("t={},v1={}", seconds, hex);
}

std::string slack_body(const Alert& alert) {
  constexpr std::size_t kMostText = 3000;
  const char* const sign = is_over(alert)                    ? ":white_check_mark:"
                           : alert.state == AlertState::test ? ":test_tube:"
                           : alert.severity == "critical"    ? ":red_circle:"
                                                             : ":large_yellow_circle:";
  std::string text = fmt::format("{} *{}*", sign, slack_escaped(alert_title(alert)));
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("\n*{}:* {}", name, cut(slack_escaped(value), kMostText));
  };
  if (!alert.message.empty() && alert.message != alert.evidence) line(is_over(alert) ? "Over" : "Note", alert.message);
  line(is_over(alert) ? "It was" : "What", alert.evidence);
  line("Since", time_of(alert.since));
  if (!is_over(alert)) {
    line("Affected", alert.affected);
    const std::vector<std::string> steps = lines_of(alert.next_step);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i == 0) line("What to do", steps[i]);
      if (i > 0) text += fmt::format("\n`{}`", cut(slack_escaped(steps[i]), kMostText));
    }
  }
  text += fmt::format("\n_{} on {}_", slack_escaped(alert.key), slack_escaped(alert.host));
  JsonText json;
  json.open('{').field("text", text).close('}');
  return json.text();
}

std::string pagerduty_dedup_key(const Alert& alert) {
  constexpr std::size_t kMost = 255, kDigits = 32;
  const std::string key = "surveysync/" + printable(alert.key);
  if (key.size() <= kMost) return key;
  return cut(key, kMost - kDigits - 1) + "/" + sha256_hex(key).substr(0, kDigits);
}

std::string pagerduty_body(const Alert& alert, std::string_view routing_key) {
  constexpr std::size_t kMostSummary = 1024;
  JsonText json;
  json.open('{').field("routing_key", routing_key).field("event_action", is_over(alert) ? "resolve" : "trigger");
  json.field("dedup_key", pagerduty_dedup_key(alert));
  if (!is_over(alert)) {
    json.key("payload").open('{');
    json.field("summary", cut(alert_title(alert) + ": " + printable(alert.evidence), kMostSummary));
    json.field("source", alert.host).field("severity", alert.state == AlertState::test ? "info" : alert.severity);
    json.field("timestamp", format_utc(alert.since))
        .field("component", alert.source.empty() ? "surveysync" : alert.source);
    json.field("class", alert.rule).key("custom_details").open('{');
    json.maybe("verdict", alert.verdict).field("evidence", alert.evidence).maybe("affected", alert.affected);
    json.maybe("next_step", alert.next_step).field("since", format_utc(alert.since)).close('}').close('}');
    json.field("client", "surveysync");
  }
  json.close('}');
  return json.text();
}

namespace {

void alertmanager_alert(JsonText& json, const Alert& alert, const std::string& severity, UtcTime ends) {
  json.open('{').key("labels").open('{');
  json.field("alertname", "surveysync_" + alert.rule).field("service", "surveysync").field("key", alert.key);
  if (!alert.source.empty()) json.field("source", alert.source);
  json.field("severity", severity).close('}').key("annotations").open('{');
  json.field("summary", alert_title(alert)).field("description", alert.evidence);
  for (const auto& [name, value] : {std::pair{"verdict", alert.verdict}, std::pair{"affected", alert.affected},
                                    std::pair{"next_step", alert.next_step}, std::pair{"message", alert.message}}) {
    if (!value.empty()) json.field(name, value);
  }
  json.field("host", alert.host).close('}');
  json.field("startsAt", format_utc(alert.since)).field("endsAt", format_utc(ends)).close('}');
}

}  // namespace

std::string alertmanager_body(const std::vector<Alert>& alerts, UtcTime until) {
  JsonText json;
  json.open('[');
  for (const Alert& alert : alerts) {
    alertmanager_alert(json, alert, alert.severity, is_over(alert) ? alert.resolved_at.value_or(alert.at) : until);
    if (alert.state == AlertState::raised) alertmanager_alert(json, alert, "warning", alert.at);
  }
  json.close(']');
  return json.text();
}

std::vector<std::string> journal_alert(const Alert& alert) {
  const bool open = !is_over(alert) && alert.state != AlertState::test;
  const int priority = !open ? LOG_NOTICE : alert.severity == "critical" ? LOG_CRIT : LOG_WARNING;
  const std::string told = is_over(alert) ? alert.message : alert.evidence;
  std::vector<std::string> entries = {fmt::format("MESSAGE={}: {}", alert_title(alert), printable(told)),
                                      fmt::format("MESSAGE_ID={}", is_over(alert) ? kJournalResolved : kJournalOpened),
                                      fmt::format("PRIORITY={}", priority), "SYSLOG_IDENTIFIER=surveysync"};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) entries.push_back(fmt::format("SURVEYSYNC_{}={}", name, printable(value)));
  };
  add("ALERT", std::string(name_of(alert.state)));
  add("KEY", alert.key);
  add("RULE", alert.rule);
  add("SOURCE", alert.source);
  add("SEVERITY", alert.severity);
  add("VERDICT", alert.verdict);
  add("AFFECTED", alert.affected);
  add("NEXT_STEP", in_one_line(alert.next_step));
  add("SINCE", format_utc(alert.since));
  return entries;
}

std::vector<std::string> command_environment(const Alert& alert) {
  std::vector<std::string> variables;
  const auto add = [&](const char* name, std::string_view value) {
    variables.push_back(fmt::format("SURVEYSYNC_ALERT_{}={}", name, printable(value)));
  };
  add("KEY", alert.key);
  add("STATUS", status_of(alert));
  add("EVENT", name_of(alert.state));
  add("RULE", alert.rule);
  add("SOURCE", alert.source);
  add("SEVERITY", alert.severity);
  add("TITLE", alert_title(alert));
  add("NEXT_STEP", in_one_line(alert.next_step));
  return variables;
}

}  // namespace surveysync::report
