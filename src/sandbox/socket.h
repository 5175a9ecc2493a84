#pragma once
// One accepted connection, plain or TLS, with its ends in the caller's hand: faults must be able to close it rudely.
// Blocking calls, one thread; only wake() may come from another. Failures are ConnectionLost: the client went away,
// which is no error here.

#include <openssl/ssl.h>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace surveysync::sandbox {

struct ConnectionLost : std::exception {};

class Connection {
 public:
  /// Takes `fd`. With `tls` the handshake is made by the first read. Both live as long as this.
  Connection(int fd, SSL_CTX* tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Does the TLS handshake, if there is to be one.
  void open();
  /// Up to `limit` bytes; empty at the end of the stream or after a minute of silence.
  std::string read_some(std::size_t limit);
  void write(std::string_view bytes);
  /// How the connection ends when this is destroyed; a clean close (close_notify, FIN) otherwise.
  enum class Ending { clean, without_notify, reset };
  void end_with(Ending ending) { ending_ = ending; }
  /// Makes a blocked call on another thread return.
  void wake();

 private:
  int fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  Ending ending_ = Ending::clean;
  bool opened_ = false;
};

}  // namespace surveysync::sandbox
