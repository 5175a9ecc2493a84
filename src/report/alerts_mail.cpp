#include "report/alerts_mail.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "http/resolver.h"
#include "http/tls.h"
#include "report/log_line.h"

namespace surveysync::report {
namespace {

using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;

constexpr std::size_t kMostReply = 64UL << 10;
constexpr std::int64_t kTickMicroseconds = 100'000;

/// Breaks every wait on a socket when the time is over or somebody asks us to stop: Poco's own time-outs count from
/// each byte.
class Cutter {
 public:
  Cutter(int descriptor, const Deadline& deadline, Clock& clock, const std::stop_token& stop)
      : callback_(stop, Cut{descriptor}), thread_([descriptor, deadline, &clock](const std::stop_token& over) {
          if (clock.wait_until(deadline.at(), over)) ::shutdown(descriptor, SHUT_RDWR);
        }) {}

 private:
  struct Cut {
    int descriptor;
    void operator()() const { ::shutdown(descriptor, SHUT_RDWR); }
  };
  std::stop_callback<Cut> callback_;
  std::jthread thread_;
};

/// The first address that takes a connection.
StreamSocket connect(const MailServer& server, const Deadline& deadline, Clock& clock, const std::stop_token& stop) {
  std::string trouble = "it has no address";
  http::Patience patience(deadline, stop, clock);
  for (const std::string& address : http::resolve(server.host, patience)) {
    StreamSocket socket;
    try {
      socket.connectNB(SocketAddress(Poco::Net::IPAddress(address), server.port));
      while (!socket.poll(Poco::Timespan(kTickMicroseconds), Poco::Net::Socket::SELECT_WRITE)) {
        if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
        if (deadline.passed()) throw Poco::TimeoutException("no answer");
      }
      const int failure = socket.impl()->socketError();
      if (failure != 0) throw Poco::Net::NetException(std::strerror(failure));
      socket.setBlocking(true);
      return socket;
    } catch (const Poco::Exception& failure) {
      trouble = failure.displayText();
    }
  }
  throw Error(ErrorKind::unavailable, fmt::format("connecting to {}:{}: {}", server.host, server.port, trouble));
}

/// The dialogue of RFC 5321, one command at a time.
class Dialogue {
 public:
  Dialogue(StreamSocket socket, std::string peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}

  void secure(const MailServer& server) {
    // What came before the handshake came in clear text, and may be anybody's.
    if (!received_.empty())
      throw Error(ErrorKind::rejected, fmt::format("{} said more than it was asked before TLS", peer_));
    Poco::Net::SecureStreamSocket secured = Poco::Net::SecureStreamSocket::attach(
        socket_, server.host, http::make_client_context(server.host, server.ca_file));
    secured.setLazyHandshake(false);
    if (secured.completeHandshake() != 1) throw Poco::Net::SSLException("the handshake did not end");
    secured.verifyPeerCertificate(server.host);
    socket_ = secured;
  }

  /// Sends `line` and reads the answer; `shown`: what an error calls it.
  std::string ask(std::string_view line, std::string_view shown, char expected = '2') {
    if (line.find_first_of("\r\n") != std::string_view::npos)
      throw Error(ErrorKind::config, fmt::format("{} would hold a line break", shown));
    write(std::string(line) + "\r\n");
    return answer(shown, expected);
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = socket_.sendBytes(bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
      if (sent <= 0) throw Poco::Net::NetException("the connection was lost");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// All lines of one answer.
  std::string answer(std::string_view shown, char expected) {
    std::string text;
    while (true) {
      const std::string line = read_line();
      text += line + "\n";
      if (text.size() > kMostReply) throw Error(ErrorKind::malformed, fmt::format("{} does not end its answer", peer_));
      if (line.size() >= 4 && line[3] == '-') continue;
      if (!line.empty() && line.front() == expected) return text;
      // 4yz: later, perhaps; 5yz: no.
      const bool later = !line.empty() && line.front() == '4';
      throw Error(later ? ErrorKind::unavailable : ErrorKind::rejected,
                  fmt::format("{} answered {}: {}", peer_, shown, printable(line)));
    }
  }

 private:
  std::string read_line() {
    while (true) {
      const std::size_t end = received_.find('\n');
      if (end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      if (received_.size() > kMostReply)
        throw Error(ErrorKind::malformed, fmt::format("{} sends a line without end", peer_));
      char buffer[4096];
      const int size = socket_.receiveBytes(buffer, sizeof buffer);
      if (size <= 0) throw Poco::Net::NetException("the connection was lost");
      received_.append(buffer, static_cast<std::size_t>(size));
    }
  }

  StreamSocket socket_;
  const std::string peer_;
  std::string received_;
};

/// Whether EHLO's answer offers `extension`, by its first word.
bool offers(const std::string& hello, std::string_view extension) {
  for (std::size_t at = 0; at < hello.size(); at = hello.find('\n', at) + 1) {
    std::string line =
        hello.substr(std::min(at + 4, hello.size()), hello.find('\n', at) - std::min(at + 4, hello.size()));
    std::ranges::transform(line, line.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    if (line == extension || line.starts_with(std::string(extension) + " ")) return true;
  }
  return false;
}

void log_in(Dialogue& dialogue, const MailServer& server) {
  if (server.user.empty()) return;
  std::string login;
  login.append(1, '\0').append(server.user).append(1, '\0').append(server.password.expose());
  // The argument is the secret: errors show the command only.
  dialogue.ask("AUTH PLAIN " + base64(login), "AUTH PLAIN");
  explicit_bzero(login.data(), login.size());
}

/// Names the recipients. What was said of those that are refused: one dead mailbox silences no other.
std::string name_recipients(Dialogue& dialogue, const std::vector<std::string>& recipients) {
  std::string refusals;
  std::size_t refused = 0;
  for (const std::string& recipient : recipients) {
    try {
      dialogue.ask(fmt::format("RCPT TO:<{}>", recipient), fmt::format("RCPT TO {}", recipient));
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::rejected && failure.kind() != ErrorKind::unavailable) throw;
      refusals += fmt::format("{}{}", refusals.empty() ? "" : "\n", failure.what());
      if (++refused == recipients.size()) throw Error(failure.kind(), refusals);
    }
  }
  return refusals;
}

std::string deliver(Dialogue& dialogue, const MailServer& server, const MailEnvelope& envelope,
                    const std::string& message) {
  const std::string name = envelope.message_id.substr(envelope.message_id.find('@') + 1);
  if (server.tls == MailTls::implicit) dialogue.secure(server);
  dialogue.answer("the greeting", '2');
  std::string hello = dialogue.ask("EHLO " + name, "EHLO");
  if (server.tls == MailTls::starttls) {
    if (!offers(hello, "STARTTLS")) {
      throw Error(
          ErrorKind::rejected,
          fmt::format("{}:{} does not offer STARTTLS, and nothing is sent in clear text", server.host, server.port),
          "use a server that does, or port 465 with tls = \"implicit\"");
    }
    dialogue.ask("STARTTLS", "STARTTLS");
    dialogue.secure(server);
    dialogue.ask("EHLO " + name, "EHLO after TLS");
  }
  log_in(dialogue, server);
  dialogue.ask(fmt::format("MAIL FROM:<{}>", envelope.from), fmt::format("MAIL FROM {}", envelope.from));
  std::string refusals = name_recipients(dialogue, envelope.to);
  dialogue.ask("DATA", "DATA", '3');
  dialogue.write(mail_data(message));
  dialogue.answer("the message", '2');
  try {
    dialogue.ask("QUIT", "QUIT");
  } catch (const std::exception&) {
    // It has the message.
  }
  return refusals;
}

}  // namespace

std::string send_mail(const MailServer& server, const MailEnvelope& envelope, const std::string& message, Duration time,
                      Clock& clock, const std::stop_token& stop) {
  const std::string peer = fmt::format("{}:{}", server.host, server.port);
  const Deadline deadline(clock, time);
  const auto broken = [&](const std::string& why) {
    if (stop.stop_requested()) return Error(ErrorKind::cancelled, "stopped");
    if (deadline.passed())
      return Error(ErrorKind::unavailable,
                   fmt::format("{} did not take the mail within {}", peer, format_duration(time)));
    const std::string refusal = http::take_refusal();
    return Error(ErrorKind::unavailable,
                 fmt::format("talking to {}: {}{}{}", peer, why, refusal.empty() ? "" : ": ", refusal));
  };
  try {
    http::take_refusal();
    StreamSocket socket = connect(server, deadline, clock, stop);
    const Cutter cutter(socket.impl()->sockfd(), deadline, clock, stop);
    Dialogue dialogue(socket, peer);
    return deliver(dialogue, server, envelope, message);
  } catch (const Poco::Exception& failure) {
    throw broken(failure.displayText());
  }
}

}  // namespace surveysync::report
