#pragma once
// Listens on loopback, a thread for each connection up to a bound, keep-alive. What a connection says is the handler's
// business. start and stop from one thread; stop returns when every connection has ended. Throws Error{unavailable}
// when the port is taken.

#include <Poco/Net/ServerSocket.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "sandbox/http.h"

namespace surveysync::sandbox {

class Server {
 public:
  /// Answers one request on the connection; false ends it.
  using Handler = std::function<bool(Connection&, const HttpRequest&, const std::stop_token&)>;

  /// `tls` may be null for plain HTTP, and outlives this.
  Server(Handler handler, SSL_CTX* tls) : handler_(std::move(handler)), tls_(tls) {}
  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens on 127.0.0.1 and, where the machine has it, ::1. Port 0 takes any free one.
  void start(std::uint16_t port);
  void stop();
  std::uint16_t port() const { return port_; }

 private:
  struct Client {
    std::unique_ptr<Connection> connection;
    bool done = false;
    std::jthread thread;
  };
  void listen(Poco::Net::ServerSocket& socket, const std::stop_token& stop);
  void accept(int fd);
  void serve(Connection& connection, const std::stop_token& stop);
  void sweep();

  Handler handler_;
  SSL_CTX* tls_;
  std::uint16_t port_ = 0;
  std::vector<Poco::Net::ServerSocket> sockets_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Client>> clients_;
  std::vector<std::jthread> listeners_;
};

}  // namespace surveysync::sandbox
