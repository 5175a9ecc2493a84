#pragma once
// The user and password that a proxy asks for (Basic, RFC 7617): read by reference when they are first needed, a file
// every time, and again after the proxy refused them. What was refused is not shown again for a minute while it stays
// as it is: proxies lock accounts that try and try. Thread-safe. Throws Error(unavailable), which names the reference.

#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"

namespace surveysync::http {

class ProxyLogin {
 public:
  /// `reference`: one line "user:password", or two. Both will be masked. Masker and clock outlive it.
  ProxyLogin(SecretReference reference, Masker& masker, Clock& clock)
      : reference_(std::move(reference)), masker_(masker), clock_(clock) {}

  /// The value of Proxy-Authorization.
  Secret authorization();
  /// The proxy does not accept what authorization() gave last; `why`: its words. What a person does about it.
  std::string refused(const std::string& why);

 private:
  std::string remedy() const;
  void load();

  const SecretReference reference_;
  Masker& masker_;
  Clock& clock_;
  std::mutex mutex_;
  std::optional<Secret> login_;  // "user:password"
  std::string print_;            // its fingerprint
  std::string refused_print_, refused_why_;
  SteadyTime refused_until_{};
};

}  // namespace surveysync::http
