#pragma once
// The simulated vendor of a rehearsal, in this process, with its control port: what it is made to do, and what it says
// of us. It counts by itself; nothing that the rehearsed program reports goes into it. One thread. Throws Error.

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/time.h"
#include "http/transport.h"
#include "sandbox/sandbox.h"

namespace surveysync::app {

/// What the vendor has counted.
struct VendorCounts {
  std::int64_t requests = 0, good = 0, refused = 0, limited = 0;  ///< all; with 200, 401, 429
  std::int64_t most_in_window = 0;                                ///< requests in any of its windows
};

class RehearsalVendor {
 public:
  RehearsalVendor(sandbox::SandboxOptions options, Clock& clock, std::stop_token stop);

  VendorCounts counts();
  /// A rule of what goes wrong, and an end of all rules.
  void fault(const std::string& rule);
  void heal();
  /// A new key pair; the old one is dead at once. The new one waits in a file beside the old one's.
  void rotate();
  /// The new pair takes the place of the old one, in one step.
  void hand_over_key() const;
  /// `count` new responses, spread over its surveys.
  void insert(int count);
  /// Ids of the responses that a correct loader holds, "survey/response".
  std::set<std::string> live_responses();
  /// How many answers these have.
  std::int64_t answers();

  std::string url() const { return vendor_.base_url(); }
  std::string ca_file() const { return vendor_.ca_file().string(); }
  std::string secret_file() const { return vendor_.secret_file().string(); }

 private:
  std::string control(const std::string& method, const std::string& path, const std::string& body = {});
  Clock& clock_;
  const std::stop_token stop_;
  sandbox::Sandbox vendor_;
  std::unique_ptr<http::PocoTransport> door_;
  std::set<std::string> faults_;  // kinds that are in force
};

}  // namespace surveysync::app
