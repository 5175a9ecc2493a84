#include "report/alert_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/child_process.h"
#include "base/error.h"
#include "base/loopback.h"
#include "http/transport.h"
#include "report/alert_formats.h"
#include "report/alerts_mail.h"
#include "report/journal.h"
#include "report/log_line.h"

namespace surveysync::report {
namespace {

// What of an answer is shown, and of a command's output read.
constexpr std::size_t kMostShown = 200, kMostOutput = 64UL << 10;
constexpr Duration kTick = std::chrono::milliseconds(50);
// Without advice; and the most that advice is followed.
constexpr std::chrono::seconds kUsualRest{30}, kLongestRest{3600};

bool is_reference(std::string_view text) {
  return text.starts_with("file:") || text.starts_with("credential:") || text.starts_with("env:") ||
         text.starts_with("exec:");
}

/// What all senders of one channel need.
class Sender {
 public:
  Sender(ChannelOptions options, Masker& masker, Clock& clock)
      : options_(std::move(options)), masker_(masker), clock_(clock) {}

  const ChannelOptions& options() const { return options_; }
  Clock& clock() const { return clock_; }

  /// The value of a secret; empty when there is none.
  Secret secret(const std::string& key) const {
    const std::string reference = options_.setting(key);
    if (reference.empty()) return Secret();
    // A variable of the environment can be read once only.
    if (const auto kept = kept_.find(key); kept != kept_.end()) return kept->second.clone();
    Credential credential = SecretReference::parse(reference).read(1);
    masker_.add(credential);
    if (reference.starts_with("env:")) kept_.emplace(key, credential.lines.front().clone());
    return std::move(credential.lines.front());
  }

  /// The address, which may be a secret as a whole: its path is what lets people in.
  std::string url() const {
    const std::string text = options_.setting("url");
    return is_reference(text) ? std::string(secret("url").expose()) : text;
  }

  /// POSTs, or with an empty body GETs. Everything but 2xx is an error; a redirect too.
  void exchange(const std::string& url, const std::string& body, http::Headers headers,
                const std::stop_token& stop) const {
    const std::size_t authority = url.find("://");
    const std::size_t path =
        authority == std::string::npos ? std::string::npos : url.find_first_of("/?#", authority + 3);
    http::TransportOptions transport;
    transport.endpoint = http::Endpoint::parse(url.substr(0, path));
    require_encryption(transport.endpoint);
    transport.ca_file = options_.setting("ca_file");
    transport.proxy = options_.setting("proxy");
    transport.connect_timeout = kSendTime / 2;
    transport.body_limit = kMostOutput;
    http::Request request;
    request.method = body.empty() ? "GET" : "POST";
    request.target = path == std::string::npos ? "/" : url.substr(path, url.find('#', path) - path);
    if (!request.target.starts_with('/')) request.target.insert(0, "/");
    request.headers = std::move(headers);
    request.display = "alerts." + options_.name;
    request.body = body;
    request.content_type = "application/json";
    http::PocoTransport door(std::move(transport), clock_);
    judge(door.exchange(request, Deadline(clock_, kSendTime), stop));
  }

 private:
  void require_encryption(const http::Endpoint& endpoint) const {
    if (endpoint.scheme == "https" || is_loopback(endpoint.host) || options_.setting("plain_http") == "true") return;
    throw Error(ErrorKind::config,
                fmt::format("the address of alerts.{} begins with http://, so that anybody on the way could read it",
                            options_.name),
                "use https://, or plain_http = true on a network that you trust");
  }

  void judge(const http::Response& answer) const {
    if (answer.status >= 200 && answer.status < 300) return;
    // What a receiver says may repeat what it was sent.
    const std::string said = masker_.mask(printable(std::string_view(answer.body).substr(0, kMostShown)));
    const std::string what = fmt::format("the receiver of alerts.{} answered {}{}{}", options_.name, answer.status,
                                         said.empty() ? "" : ": ", said);
    if (answer.status == 429 || answer.status == 503) {
      Error later(ErrorKind::throttled, what);
      later.with_retry_after(rest_of(answer.header("Retry-After"), answer.status));
      throw later;
    }
    if (answer.status >= 300 && answer.status < 400)
      throw Error(ErrorKind::rejected, what, "redirects are not followed: configure the address that it leads to");
    if (answer.status >= 500) throw Error(ErrorKind::unavailable, what);
    throw Error(ErrorKind::rejected, what, "are its address and its secret still valid?");
  }

  static std::chrono::seconds rest_of(std::string_view advice, int status) {
    std::int64_t seconds = 0;
    const auto [end, failure] = std::from_chars(advice.data(), advice.data() + advice.size(), seconds);
    if (failure != std::errc() || end != advice.data() + advice.size() || seconds < 0)
      return status == 429 ? kUsualRest : std::chrono::seconds(0);
    return std::min(std::chrono::seconds(seconds), kLongestRest);
  }

  const ChannelOptions options_;
  Masker& masker_;
  Clock& clock_;
  mutable std::map<std::string, Secret> kept_;
};

using Shared = std::shared_ptr<const Sender>;

void send_webhook(const Sender& sender, const Alert& alert, const std::stop_token& stop) {
  const std::string body = webhook_body(alert);
  http::Headers headers;
  const Secret secret = sender.secret("secret");
  if (!secret.empty()) {
    const auto now = std::chrono::floor<std::chrono::seconds>(sender.clock().utc_now()).time_since_epoch().count();
    headers.emplace_back("Surveysync-Signature", webhook_signature(secret.expose(), now, body));
  }
  sender.exchange(sender.url(), body, std::move(headers), stop);
}

void send_pagerduty(const Sender& sender, const Alert& alert, const std::stop_token& stop) {
  const Secret key = sender.secret("routing_key");
  const std::string url = sender.url();
  const auto tell = [&](const Alert& told) {
    sender.exchange(url.empty() ? "https://events.pagerduty.com/v2/enqueue" : url, pagerduty_body(told, key.expose()),
                    {}, stop);
  };
  tell(alert);
  if (alert.state != AlertState::test) return;
  Alert over = alert;
  over.state = AlertState::resolved;  // a test leaves nothing open
  tell(over);
}

void post_alertmanager(const Sender& sender, const std::vector<Alert>& alerts, Duration keep,
                       const std::stop_token& stop) {
  std::string url = sender.url();
  while (url.ends_with('/'))
    url.pop_back();
  http::Headers headers;
  if (const Secret token = sender.secret("token"); !token.empty())
    headers.emplace_back("Authorization", fmt::format("Bearer {}", token.expose()));
  const UtcTime until = sender.clock().utc_now() + std::chrono::duration_cast<std::chrono::microseconds>(keep);
  sender.exchange(url + "/api/v2/alerts", alertmanager_body(alerts, until), std::move(headers), stop);
}

std::string send_email(const Sender& sender, const Alert& alert, const std::stop_token& stop) {
  const ChannelOptions& options = sender.options();
  MailServer server;
  server.host = options.setting("host");
  const std::string tls = options.setting("tls"), port = options.setting("port");
  server.tls = tls == "implicit" ? MailTls::implicit : tls == "none" ? MailTls::none : MailTls::starttls;
  server.port = static_cast<std::uint16_t>(std::stoi(port));
  if (server.tls == MailTls::none && !is_loopback(server.host))
    throw Error(ErrorKind::config,
                fmt::format("alerts.{}: mail goes out in clear text to loopback addresses only", options.name));
  server.ca_file = options.setting("ca_file");
  server.user = options.setting("user");
  server.password = sender.secret("password");
  MailEnvelope envelope;
  envelope.from = options.setting("from");
  envelope.to = options.lists.contains("to") ? options.lists.at("to") : std::vector<std::string>();
  envelope.message_id = fmt::format("{}.{:x}@{}", sender.clock().utc_now().time_since_epoch().count(), random_u64(),
                                    alert.host.empty() ? "localhost" : alert.host);
  return send_mail(server, envelope, mail_message(alert, envelope), 2 * kSendTime, sender.clock(), stop);
}

Duration command_time(const ChannelOptions& options) {
  return parse_duration(options.setting("timeout")).value_or(kSendTime);
}

void run_command(const Sender& sender, const Alert& alert, const std::stop_token& stop) {
  const ChannelOptions& options = sender.options();
  const Duration time = command_time(options);
  ChildProcess child({options.lists.at("command"), command_environment(alert), webhook_body(alert) + "\n", true});
  const Deadline deadline(sender.clock(), time);
  std::string output, last;
  bool writes = true;
  std::optional<int> status;
  while (!(status = child.ended())) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
    if (deadline.passed())
      throw Error(ErrorKind::unavailable, fmt::format("the command did not end within {}", format_duration(time)));
    if (writes) {
      writes = child.read(output, kTick) != ChildProcess::Reading::end;
    } else {
      sender.clock().wait_for(kTick, stop);
    }
    // Only its end is shown, and no more of it is kept.
    if (output.size() > kMostOutput) output.erase(0, output.size() - kMostShown);
  }
  while (child.read(output, Duration::zero()) == ChildProcess::Reading::data && output.size() <= 2 * kMostOutput) {
  }
  if (*status == 0) return;
  throw Error(ErrorKind::rejected,
              fmt::format("the command ended with {}{}{}", describe_ending(*status), output.empty() ? "" : ": ",
                          printable(output.substr(output.size() - std::min(output.size(), kMostShown)))));
}

void tell_journal(const Alert& alert) {
  if (!send_to_journal(journal_alert(alert)))
    throw Error(ErrorKind::unavailable, "the journal of systemd does not take the entry",
                "does systemd-journald run here? In a container it does not: use another type of channel");
}

}  // namespace

Channel make_channel(const ChannelOptions& options, Masker& masker, Clock& clock) {
  const Shared sender = std::make_shared<const Sender>(options, masker, clock);
  Channel channel;
  channel.options = options;
  channel.longest = kSendTime;
  const std::string& type = options.type;
  // Most have nothing to add when it went well.
  const auto send = [&channel](auto act) {
    channel.send = [act](const Alert& alert, const std::stop_token& stop) {
      act(alert, stop);
      return std::string();
    };
  };
  if (type == "webhook") {
    send([sender](const Alert& alert, const std::stop_token& stop) { send_webhook(*sender, alert, stop); });
  } else if (type == "slack") {
    channel.gap = std::chrono::seconds(1);  // Slack's own limit
    send([sender](const Alert& alert, const std::stop_token& stop) {
      sender->exchange(sender->url(), slack_body(alert), {}, stop);
    });
  } else if (type == "pagerduty") {
    channel.longest = 2 * kSendTime;
    send([sender](const Alert& alert, const std::stop_token& stop) { send_pagerduty(*sender, alert, stop); });
  } else if (type == "alertmanager") {
    send([sender](const Alert& alert, const std::stop_token& stop) {
      const bool test = alert.state == AlertState::test;
      post_alertmanager(*sender, {alert}, test ? Duration(std::chrono::minutes(1)) : kKeepAlert, stop);
    });
    channel.remind = [sender](const std::vector<Alert>& open, const std::stop_token& stop) {
      if (!open.empty()) post_alertmanager(*sender, open, kKeepReminder, stop);
    };
  } else if (type == "email") {
    channel.longest = 2 * kSendTime;
    channel.send = [sender](const Alert& alert, const std::stop_token& stop) {
      return send_email(*sender, alert, stop);
    };
  } else if (type == "exec") {
    channel.longest = command_time(options);
    send([sender](const Alert& alert, const std::stop_token& stop) { run_command(*sender, alert, stop); });
  } else if (type == "journal") {
    send([](const Alert& alert, const std::stop_token&) { tell_journal(alert); });
  } else if (type == "ping") {
    send([sender](const Alert&, const std::stop_token& stop) {
      // A body makes it a POST; receivers of such pings take both and ignore it.
      sender->exchange(sender->url(), sender->options().setting("method") == "POST" ? "{}" : "", {}, stop);
    });
  } else {
    throw Error(ErrorKind::config, fmt::format("alerts.{}: there is no channel of type \"{}\"", options.name, type));
  }
  return channel;
}

}  // namespace surveysync::report
