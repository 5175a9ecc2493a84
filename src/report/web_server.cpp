#include "report/web_server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace surveysync::report {
namespace {

constexpr std::size_t kLongestHead = 8UL << 10;
constexpr std::size_t kWaiting = 128;                    // connections that the system keeps until we take them
constexpr Duration kFarewell = std::chrono::seconds(1);  // for the other side to read what we sent before it is closed
constexpr Duration kLongestSleep = std::chrono::seconds(1);
constexpr Duration kRefused = std::chrono::milliseconds(100);  // without descriptors we look again after this

Error cannot(const std::string& listen, std::string_view what, int error) {
  return Error(ErrorKind::unavailable, fmt::format("listening on {}: {}: {}", listen, what, std::strerror(error)),
               "another program may use the port; status.listen in the configuration names another, \"\" none");
}

std::string numeric(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return address->sa_family == AF_INET6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

/// Where a head ends, with its empty line; npos while it has not.
std::size_t head_end(std::string_view text) {
  const std::size_t strict = text.find("\r\n\r\n"), bare = text.find("\n\n");
  return std::min(strict == std::string_view::npos ? strict : strict + 4,
                  bare == std::string_view::npos ? bare : bare + 2);
}

}  // namespace

struct StatusServer::Visitor {
  enum class Phase : std::uint8_t { reading, answering, leaving };
  Descriptor socket;
  SteadyTime until;
  Phase phase = Phase::reading;
  std::string text;  // what came; then what is sent
  std::size_t sent = 0;
};

std::string listen_host(const std::string& listen) {
  std::string host = listen.substr(0, listen.rfind(':'));
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return host;
}

StatusServer::StatusServer(WebOptions options, const Meters& meters, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      site_({options_.listen.starts_with('[') ? "[" + listen_host(options_.listen) + "]" : listen_host(options_.listen),
             options_.token_digest},
            meters, clock),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  listen();
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

StatusServer::~StatusServer() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/// On every address that the host has ("localhost" has two), all with one port.
void StatusServer::listen() {
  const std::string host = listen_host(options_.listen);
  std::string port = options_.listen.substr(options_.listen.rfind(':') + 1);
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (const int problem = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); problem != 0)
    throw Error(ErrorKind::unavailable, fmt::format("listening on {}: {}", options_.listen, ::gai_strerror(problem)),
                "status.listen in the configuration names it");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  int problem = EADDRNOTAVAIL;
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Descriptor socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (one->ai_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_storage taken{};
    socklen_t size = sizeof taken;
    auto* const address = reinterpret_cast<sockaddr*>(&taken);
    std::memcpy(&taken, one->ai_addr, one->ai_addrlen);
    if (!listeners_.empty()) {  // port 0: the one that the first was given; the port lies at the same place in both
      const std::size_t colon = address_.rfind(':');
      const in_port_t same = htons(static_cast<in_port_t>(std::stoi(address_.substr(colon + 1))));
      std::memcpy(reinterpret_cast<char*>(&taken) + offsetof(sockaddr_in, sin_port), &same, sizeof same);
    }
    if (::bind(socket.get(), address, one->ai_addrlen) != 0 || ::listen(socket.get(), kWaiting) != 0) {
      problem = errno;
      continue;
    }
    if (listeners_.empty() && ::getsockname(socket.get(), address, &size) == 0) address_ = numeric(address, size);
    listeners_.push_back(std::move(socket));
  }
  if (listeners_.empty()) throw cannot(options_.listen, "it cannot be taken", problem);
}

void StatusServer::publish(std::shared_ptr<const StatusView> view) {
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
}

std::shared_ptr<const StatusView> StatusServer::latest() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void StatusServer::serve(const std::stop_token& stop) {
  std::vector<pollfd> watched;
  while (!stop.stop_requested()) {
    try {
      if (!turn(watched, stop)) return;
    } catch (const std::exception&) {
      visitors_.clear();  // no memory, say: whoever was here may come again
    }
  }
}

/// Waits for something to do, and does it. False: nobody can be waited for any more.
bool StatusServer::turn(std::vector<pollfd>& watched, const std::stop_token& stop) {
  watched.clear();
  watched.push_back({wake_.get(), POLLIN, 0});
  for (const Descriptor& listener : listeners_)
    watched.push_back({listener.get(), POLLIN, 0});
  SteadyTime until = clock_.now() + kLongestSleep;
  for (const Visitor& visitor : visitors_) {
    const bool answering = visitor.phase == Visitor::Phase::answering;
    watched.push_back({visitor.socket.get(), static_cast<short>(answering ? POLLOUT : POLLIN), 0});
    until = std::min(until, visitor.until);
  }
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - clock_.now());
  if (::poll(watched.data(), watched.size(), static_cast<int>(std::max<std::int64_t>(0, wait.count()))) < 0 &&
      errno != EINTR)
    return false;
  std::size_t at = 1 + listeners_.size();
  for (auto visitor = visitors_.begin(); visitor != visitors_.end(); ++at) {
    const bool stays = advance(*visitor, watched[at].revents);
    visitor = stays ? std::next(visitor) : visitors_.erase(visitor);
  }
  for (std::size_t listener = 0; listener < listeners_.size(); ++listener)
    if (watched[1 + listener].revents != 0) accept_all(listeners_[listener].get(), stop);
  reading_.connections = static_cast<std::int64_t>(visitors_.size());
  return true;
}

void StatusServer::accept_all(int listener, const std::stop_token& stop) {
  // Not for ever: those who are here want to be served between two who come.
  for (std::size_t taken = 0; taken < options_.connections; ++taken) {
    Descriptor socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) {
      if (errno == EMFILE || errno == ENFILE) {
        make_room();
        clock_.wait_for(kRefused, stop);
      }
      return;
    }
    if (visitors_.size() >= options_.connections) make_room();
    visitors_.push_back({std::move(socket), clock_.now() + options_.head_time, Visitor::Phase::reading, "", 0});
  }
}

/// Lets go who has been answered; else the one who dawdles longest over his request; else over the answer.
void StatusServer::make_room() {
  for (const Visitor::Phase phase : {Visitor::Phase::leaving, Visitor::Phase::reading, Visitor::Phase::answering}) {
    const auto first = std::ranges::find(visitors_, phase, &Visitor::phase);
    if (first == visitors_.end()) continue;
    visitors_.erase(first);
    if (phase != Visitor::Phase::leaving) ++reading_.dropped;
    return;
  }
}

/// False: it is over.
bool StatusServer::advance(Visitor& visitor, short events) {
  if (clock_.now() >= visitor.until) {
    if (visitor.phase == Visitor::Phase::leaving) return false;
    ++reading_.dropped;
    return false;
  }
  if (events == 0) return true;
  return visitor.phase == Visitor::Phase::answering ? write(visitor) : read(visitor);
}

bool StatusServer::read(Visitor& visitor) {
  char buffer[4096];
  const ssize_t size = ::recv(visitor.socket.get(), buffer, sizeof buffer, 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return false;
  if (visitor.phase == Visitor::Phase::leaving) return true;  // what comes late is not looked at
  visitor.text.append(buffer, static_cast<std::size_t>(size));
  const std::size_t end = head_end(visitor.text);
  if (end == std::string::npos && visitor.text.size() <= kLongestHead) return true;
  if (end == std::string::npos || end > kLongestHead) {
    ++reading_.requests[{"other", "431"}];
    visitor.text = WebSite::refuse(431);
  } else {
    visitor.text = answer(std::string_view(visitor.text).substr(0, end));
  }
  visitor.phase = Visitor::Phase::answering;
  visitor.until = clock_.now() + options_.answer_time;
  return write(visitor);
}

/// Whatever goes wrong in drawing is an answer: the page touches nothing else.
std::string StatusServer::answer(std::string_view head) {
  try {
    return site_.respond(head, latest(), reading_);
  } catch (const std::exception&) {
    return WebSite::refuse(500);
  }
}

bool StatusServer::write(Visitor& visitor) {
  while (visitor.sent < visitor.text.size()) {
    const ssize_t size = ::send(visitor.socket.get(), visitor.text.data() + visitor.sent,
                                visitor.text.size() - visitor.sent, MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    visitor.sent += static_cast<std::size_t>(size);
  }
  // Closing with unread bytes on our side would throw away what the other has not read yet.
  ::shutdown(visitor.socket.get(), SHUT_WR);
  visitor.phase = Visitor::Phase::leaving;
  visitor.until = clock_.now() + kFarewell;
  visitor.text.clear();
  return true;
}

}  // namespace surveysync::report
