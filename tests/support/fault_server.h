#pragma once
// A server on loopback that does on the wire exactly what a test says, with or without TLS, and a certificate authority
// that is made for the test. For transports only: it knows nothing of any vendor. Handlers run on a thread per
// connection.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/time.h"

namespace surveysync::test {

/// A key with its certificate, in memory.
class Identity;

/// What a certificate says.
struct CertificateSpec {
  std::string common_name = "localhost";
  std::vector<std::string> names = {"localhost"};      ///< DNS names
  std::vector<std::string> addresses = {"127.0.0.1"};  ///< IP addresses
  bool expired = false;
  bool self_signed = false;
};

/// A certificate authority whose certificate lies in a file of its own until the object dies.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  const std::string& file() const { return file_; }
  std::shared_ptr<Identity> issue(const CertificateSpec& spec = {}) const;

 private:
  std::shared_ptr<Identity> own_;
  std::string directory_, file_;
};

class FaultServer {
 public:
  /// One connection, in the hands of a handler. When the handler returns it is ended in order (close_notify, FIN).
  class Peer {
   public:
    virtual ~Peer() = default;
    /// The next request's head with its empty line; empty when the client has gone.
    virtual std::string read_request() = 0;
    virtual void send(std::string_view bytes) = 0;
    /// Up to `size` bytes as they come; for proxies. Empty when the client has gone.
    virtual std::string receive() = 0;
    /// Waits until the client has gone, the server stops, or `time` is over; true when it has gone.
    virtual bool wait_gone(Duration time) = 0;
    /// Ends the connection by a TCP reset.
    virtual void reset() = 0;
    /// Ends it by FIN without TLS's own farewell.
    virtual void drop() = 0;
    /// 1 for the first connection of the server.
    virtual int number() const = 0;
    virtual int descriptor() const = 0;
  };
  using Handler = std::function<void(Peer&)>;

  /// Listens at once on a free port of `address`; TLS when there is an identity.
  explicit FaultServer(Handler handler, std::shared_ptr<Identity> identity = nullptr,
                       const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~FaultServer();
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// "https://localhost:port" or "http://127.0.0.1:port".
  std::string url() const;
  int connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int descriptor, int number);

  const Handler handler_;
  const std::shared_ptr<Identity> identity_;
  int listener_ = -1;
  int stop_event_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace surveysync::test
