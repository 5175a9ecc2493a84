#include "sandbox/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>

namespace surveysync::sandbox {

Connection::Connection(int fd, SSL_CTX* tls) : fd_(fd), ssl_(tls == nullptr ? nullptr : SSL_new(tls), &SSL_free) {
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval minute{60, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
  if (ssl_) SSL_set_fd(ssl_.get(), fd_);
}

Connection::~Connection() {
  if (ending_ == Ending::reset) {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else if (ending_ == Ending::clean && ssl_ && opened_) {
    SSL_shutdown(ssl_.get());
  }
  ERR_clear_error();
  if (ending_ != Ending::reset) ::shutdown(fd_, SHUT_WR);
  ::close(fd_);
}

void Connection::open() {
  if (!ssl_) return;
  if (SSL_accept(ssl_.get()) != 1) {
    ERR_clear_error();
    throw ConnectionLost();
  }
  opened_ = true;
}

std::string Connection::read_some(std::size_t limit) {
  std::string out(limit, '\0');
  const auto count = ssl_ ? static_cast<ssize_t>(SSL_read(ssl_.get(), out.data(), static_cast<int>(limit)))
                          : ::recv(fd_, out.data(), limit, 0);
  ERR_clear_error();
  out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return out;
}

void Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), 256U << 10);
    const auto count = ssl_ ? static_cast<ssize_t>(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(piece)))
                            : ::send(fd_, bytes.data(), piece, MSG_NOSIGNAL);
    if (count <= 0) {
      ERR_clear_error();
      ending_ = Ending::without_notify;  // SSL_shutdown is not allowed after a fatal error
      throw ConnectionLost();
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Connection::wake() {
  ::shutdown(fd_, SHUT_RDWR);
}

}  // namespace surveysync::sandbox
