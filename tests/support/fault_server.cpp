#include "support/fault_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "support/identity.h"

namespace surveysync::test {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("fault server: ") + what);
}

class Socket final : public FaultServer::Peer {
 public:
  Socket(int descriptor, int number, int stop_event, const Identity* identity)
      : descriptor_(descriptor), number_(number), stop_event_(stop_event) {
    if (identity == nullptr) return;
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, identity->certificate.get());
    SSL_CTX_use_PrivateKey(context_, identity->key.get());
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, descriptor_);
    usable_ = SSL_accept(ssl_) == 1;
  }
  ~Socket() override {
    if (ssl_ != nullptr) {
      if (usable_) SSL_shutdown(ssl_);
      SSL_free(ssl_);
      SSL_CTX_free(context_);
    }
    ERR_clear_error();
    ::close(descriptor_);
  }
  bool usable() const { return usable_; }

  std::string read_request() override {
    for (;;) {
      if (const std::size_t end = pending_.find("\r\n\r\n"); end != std::string::npos) {
        const std::string head = pending_.substr(0, end + 4);
        pending_.erase(0, end + 4);
        return head;
      }
      const std::string more = receive();
      if (more.empty()) return {};
      pending_ += more;
    }
  }

  std::string receive() override {
    if (!usable_) return {};
    char bytes[16384];
    if (ssl_ == nullptr || SSL_pending(ssl_) == 0) {
      pollfd watched[2] = {{descriptor_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
      if (::poll(watched, 2, 30'000) <= 0 || watched[0].revents == 0) return {};
    }
    const auto got =
        ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes) : ::recv(descriptor_, bytes, sizeof bytes, 0);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
  }

  void send(std::string_view bytes) override {
    while (usable_ && !bytes.empty()) {
      const auto size = std::min<std::size_t>(bytes.size(), 1 << 20);
      const auto sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(size))
                                        : ::send(descriptor_, bytes.data(), size, MSG_NOSIGNAL);
      if (sent <= 0) usable_ = false;
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  bool wait_gone(Duration time) override {
    const auto millis = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
    pollfd watched[2] = {{descriptor_, POLLIN | POLLRDHUP, 0}, {stop_event_, POLLIN, 0}};
    return ::poll(watched, 2, millis) > 0 && watched[0].revents != 0;
  }

  void reset() override {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    usable_ = false;
  }
  void drop() override { usable_ = false; }
  int number() const override { return number_; }
  int descriptor() const override { return descriptor_; }

 private:
  const int descriptor_, number_, stop_event_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool usable_ = true;
  std::string pending_;
};

}  // namespace

FaultServer::FaultServer(Handler handler, std::shared_ptr<Identity> identity, const std::string& address,
                         std::uint16_t port)
    : handler_(std::move(handler)), identity_(std::move(identity)) {
  std::signal(SIGPIPE, SIG_IGN);  // as main does; OpenSSL writes without MSG_NOSIGNAL
  const bool v6 = address.find(':') != std::string::npos;
  listener_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(listener_ >= 0, "no socket");
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // a test may come back on the same port
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (v6) {
    auto& own = reinterpret_cast<sockaddr_in6&>(storage);
    own.sin6_family = AF_INET6;
    own.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &own.sin6_addr);
    size = sizeof own;
  } else {
    auto& own = reinterpret_cast<sockaddr_in&>(storage);
    own.sin_family = AF_INET;
    own.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &own.sin_addr);
    size = sizeof own;
  }
  auto* const raw = reinterpret_cast<sockaddr*>(&storage);
  require(::bind(listener_, raw, size) == 0 && ::listen(listener_, 64) == 0, "cannot listen");
  ::getsockname(listener_, raw, &size);
  port_ =
      ntohs(v6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port : reinterpret_cast<sockaddr_in&>(storage).sin_port);
  stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_all(); });
}

FaultServer::~FaultServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_event_, &one, sizeof one);
  acceptor_.join();
  for (std::thread& thread : threads_)
    thread.join();
  ::close(listener_);
  ::close(stop_event_);
}

std::string FaultServer::url() const {
  return fmt::format("{}:{}", identity_ ? "https://localhost" : "http://127.0.0.1", port_);
}

void FaultServer::accept_all() {
  for (;;) {
    pollfd watched[2] = {{listener_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    ::poll(watched, 2, -1);
    if (watched[1].revents != 0) return;
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    threads_.emplace_back([this, descriptor, number = ++connections_] { serve(descriptor, number); });
  }
}

void FaultServer::serve(int descriptor, int number) {
  // A client that never says its part must not hold the end of a test.
  const timeval patience{20, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  Socket peer(descriptor, number, stop_event_, identity_.get());
  if (peer.usable()) handler_(peer);
}

}  // namespace surveysync::test
