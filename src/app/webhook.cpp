#include "app/webhook.h"

#include <fmt/format.h>

#include "app/json_writer.h"

namespace surveysync::app {
namespace {

constexpr Duration kPostTime = std::chrono::seconds(10);

std::string setting(const AlertConfig& config, const char* name) {
  const auto found = config.settings.find(name);
  return found == config.settings.end() ? std::string() : found->second;
}

bool is_reference(const std::string& text) {
  return text.starts_with("file:") || text.starts_with("credential:") || text.starts_with("env:") ||
         text.starts_with("exec:");
}

}  // namespace

std::string incident_json(const store::Incident& incident, const std::string& message) {
  JsonWriter json;
  json.begin_object();
  json.field("key", incident.key).field("status", std::string(incident.resolved_at ? "resolved" : "open"));
  json.field("rule", incident.rule).text_or_null("source", incident.source).field("severity", incident.severity);
  json.text_or_null("verdict", incident.verdict).text_or_null("evidence", incident.evidence);
  json.text_or_null("next_step", incident.next_step).field("since", incident.opened_at);
  json.field("resolved_at", incident.resolved_at).field("message", message);
  json.end_object();
  return json.done();
}

Webhook::Webhook(const AlertConfig& config, Masker& masker, Clock& clock)
    : name_(config.name),
      url_(setting(config, "url")),
      ca_file_(setting(config, "ca_file")),
      masker_(masker),
      clock_(clock) {}

void Webhook::post(const std::string& body, const std::stop_token& stop) {
  std::string url = url_;
  if (is_reference(url)) {
    const Credential secret = SecretReference::parse(url).read(1);  // anew each time: it may have been replaced
    masker_.add(secret);
    url = std::string(secret.lines.front().expose());
  }
  // The path of such a URL is its key: shown nowhere.
  const std::size_t authority = url.find("://");
  const std::size_t path = authority == std::string::npos ? std::string::npos : url.find('/', authority + 3);
  http::TransportOptions options;
  options.endpoint = http::Endpoint::parse(url.substr(0, path));
  options.ca_file = ca_file_;
  http::Request request;
  request.method = "POST";
  request.target = path == std::string::npos ? "/" : url.substr(path);
  request.display = "the webhook of alerts." + name_;
  request.body = body;
  request.content_type = "application/json";
  http::PocoTransport transport(std::move(options), clock_);
  const http::Response answer = transport.exchange(request, Deadline(clock_, kPostTime), stop);
  if (answer.status >= 200 && answer.status < 300) return;
  throw Error(ErrorKind::rejected, fmt::format("{} answered {}", request.display, answer.status),
              "is its address still valid?");
}

}  // namespace surveysync::app
