#include "http/callback_listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <list>

#include "base/error.h"
#include "http/message.h"
#include "http/oauth1_token.h"

namespace surveysync::http {
namespace {

using Poco::Net::Socket;

constexpr std::string_view kPath = "/callback";
constexpr std::size_t kLongestHead = 8UL << 10;
constexpr std::size_t kMostVisitors = 16;
constexpr Duration kPatience = std::chrono::seconds(10);  // with one visitor
constexpr Duration kLook = std::chrono::milliseconds(100);

struct Page {
  int status;
  std::string_view reason, text;
};
constexpr Page kThanks{200, "OK", "surveysync has the answer. You can close this window."};
constexpr Page kDenied{200, "OK", "The access was not allowed. You can close this window."};
constexpr Page kOther{400, "Bad Request", "This answer belongs to another request. Start surveysync authorize anew."};
constexpr Page kNotHere{404, "Not Found", "There is nothing here."};
constexpr Page kOnlyGet{405, "Method Not Allowed", "Only GET."};
constexpr Page kNoHead{400, "Bad Request", "That is no request."};

std::string message_of(const Page& page) {
  const std::string body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>surveysync</title></head>"
      "<body><p>{}</p></body></html>\n",
      page.text);
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n"
      "{}\r\n{}",
      page.status, page.reason, body.size(), page.status == 405 ? "Allow: GET\r\n" : "", body);
}

/// The value of a header in a head as it was received; empty when absent.
std::string_view header_in(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_word(line.substr(0, colon), name))
      return trimmed(line.substr(colon + 1));
  }
  return {};
}

/// One connection, and what it sent so far.
struct Visitor {
  Poco::Net::StreamSocket socket;
  std::string head;
  SteadyTime until;
};

}  // namespace

std::optional<Callback> read_callback(std::string_view query, std::string_view token) {
  const Query form = parse_form(query);
  const std::string ours = form_value(form, "oauth_token"), denied = form_value(form, "denied");
  const std::string problem = form_value(form, "oauth_problem"), verifier = form_value(form, "oauth_verifier");
  if (!ours.empty() && ours != token) return std::nullopt;
  if (!problem.empty()) return Callback{false, "", problem};
  if (denied == token || (ours == token && !denied.empty())) return Callback{false, "", "denied"};
  if (ours != token) return std::nullopt;
  if (verifier.empty() && !form_value(form, "error").empty()) return Callback{false, "", form_value(form, "error")};
  return Callback{true, verifier, ""};
}

struct CallbackListener::Impl {
  Impl(std::uint16_t port, Clock& its_clock) : clock(its_clock) {
    try {
      server.bind(Poco::Net::SocketAddress("127.0.0.1", port), true, false);
      server.listen(static_cast<int>(kMostVisitors));
    } catch (const Poco::Exception& failure) {
      throw Error(ErrorKind::config, fmt::format("port {} of 127.0.0.1 cannot be had: {}", port, failure.displayText()),
                  "leave --port away, and any free port is taken");
    }
  }

  std::uint16_t port() const { return server.address().port(); }
  void look();
  bool hear(Visitor& visitor, std::string_view token, std::optional<Callback>& found);
  Page answer(std::string_view head, std::string_view token, std::optional<Callback>& found) const;

  Clock& clock;
  Poco::Net::ServerSocket server;
  std::list<Visitor> visitors;
  std::list<Visitor*> ready;
};

/// Waits a moment for somebody to come or to say something.
void CallbackListener::Impl::look() {
  Socket::SocketList readable{server}, writable, failing;
  for (const Visitor& visitor : visitors)
    readable.push_back(visitor.socket);
  const Poco::Timespan moment(std::chrono::duration_cast<std::chrono::microseconds>(kLook).count());
  Socket::select(readable, writable, failing, moment);
  ready.clear();
  for (Visitor& visitor : visitors) {
    if (std::ranges::find(readable, Socket(visitor.socket)) != readable.end() || clock.now() >= visitor.until)
      ready.push_back(&visitor);
  }
  if (std::ranges::find(readable, Socket(server)) == readable.end()) return;
  Poco::Net::StreamSocket guest = server.acceptConnection();
  if (visitors.size() < kMostVisitors) visitors.push_back({std::move(guest), "", clock.now() + kPatience});
}

Page CallbackListener::Impl::answer(std::string_view head, std::string_view token,
                                    std::optional<Callback>& found) const {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first || !line.substr(last + 1).starts_with("HTTP/1.")) return kNoHead;
  if (line.substr(0, first) != "GET") return kOnlyGet;
  const std::string_view host = header_in(head, "Host");
  // Another name that leads here is some page's attempt to reach us through the browser.
  if (host != fmt::format("127.0.0.1:{}", port()) && host != fmt::format("localhost:{}", port())) return kNotHere;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::size_t mark = std::min(target.find('?'), target.size());
  if (target.substr(0, mark) != kPath) return kNotHere;
  found = read_callback(target.substr(std::min(mark + 1, target.size())), token);
  if (!found) return kOther;
  return found->allowed ? kThanks : kDenied;
}

/// Whether the visitor is done with: answered, gone, or too slow.
bool CallbackListener::Impl::hear(Visitor& visitor, std::string_view token, std::optional<Callback>& found) {
  try {
    if (clock.now() >= visitor.until) return true;
    std::array<char, 4096> buffer{};
    const int size = visitor.socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) return true;
    visitor.head.append(buffer.data(), static_cast<std::size_t>(size));
    const std::size_t end = visitor.head.find("\r\n\r\n");
    if (end == std::string::npos && visitor.head.size() < kLongestHead) return false;
    const std::string reply = message_of(
        end == std::string::npos ? kNoHead : answer(std::string_view(visitor.head).substr(0, end), token, found));
    visitor.socket.sendBytes(reply.data(), static_cast<int>(reply.size()));
    visitor.socket.shutdownSend();
  } catch (const Poco::Exception&) {
    // The browser went away; whether it brought the callback has been seen.
  }
  return true;
}

CallbackListener::CallbackListener(std::uint16_t port, Clock& clock) : impl_(std::make_unique<Impl>(port, clock)) {}
CallbackListener::~CallbackListener() = default;

std::string CallbackListener::url() const {
  return fmt::format("http://127.0.0.1:{}{}", impl_->port(), kPath);
}

std::optional<Callback> CallbackListener::wait(std::string_view token, const Deadline& deadline,
                                               const std::stop_token& stop) {
  while (!deadline.passed()) {
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while waiting for the browser");
    try {
      impl_->look();
    } catch (const Poco::Exception&) {
      continue;  // a connection that ended before it was accepted
    }
    std::optional<Callback> found;
    for (Visitor* const visitor : impl_->ready) {
      if (impl_->hear(*visitor, token, found))
        impl_->visitors.remove_if([&](const Visitor& one) { return &one == visitor; });
      if (found) return found;
    }
  }
  return std::nullopt;
}

}  // namespace surveysync::http
