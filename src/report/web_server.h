#pragma once
// The status page's server: one thread and a fixed number of connections, all without blocking, so that nobody can keep
// it from answering others: a head must be complete within seconds and is bounded, an answer must be taken within
// seconds, and where the connections are used up the one that has dawdled longest makes room. It answers from the value
// that was published last and asks nobody. Thread-safe; the destructor ends the thread at once.

#include <poll.h>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "base/time.h"
#include "report/web_site.h"

namespace surveysync::report {

struct WebOptions {
  std::string listen;        ///< "127.0.0.1:9187", "[::1]:0", "name:9187"; port 0: any free one
  std::string token_digest;  ///< see WebRules
  std::size_t connections = 64;
  Duration head_time = std::chrono::seconds(5), answer_time = std::chrono::seconds(15);
  bool operator==(const WebOptions&) const = default;
};

class StatusServer {
 public:
  /// Listens, and starts the thread. Throws Error(unavailable) naming the address that cannot be taken. References
  /// outlive it.
  StatusServer(WebOptions options, const Meters& meters, Clock& clock);
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  /// Where it really listens: "127.0.0.1:43123".
  const std::string& address() const { return address_; }
  /// What is answered from here on.
  void publish(std::shared_ptr<const StatusView> view);

 private:
  struct Visitor;
  void listen();
  void serve(const std::stop_token& stop);
  bool turn(std::vector<pollfd>& watched, const std::stop_token& stop);
  void accept_all(int listener, const std::stop_token& stop);
  void make_room();
  bool advance(Visitor& visitor, short events);
  bool read(Visitor& visitor);
  bool write(Visitor& visitor);
  std::string answer(std::string_view head);
  std::shared_ptr<const StatusView> latest() const;

  const WebOptions options_;
  Clock& clock_;
  WebSite site_;
  std::string address_;
  std::vector<Descriptor> listeners_;
  Descriptor wake_;
  std::list<Visitor> visitors_;  // the thread's own
  ServerReading reading_;        // the thread's own
  mutable std::mutex mutex_;     // guards view_
  std::shared_ptr<const StatusView> view_;
  std::jthread thread_;
};

/// The host of "host:port" without brackets.
std::string listen_host(const std::string& listen);

}  // namespace surveysync::report
