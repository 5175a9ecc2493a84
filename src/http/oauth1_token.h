#pragma once
// The two requests by which a token is fetched (RFC 5849 section 2): temporary credentials first, and after a person
// has allowed the access, the token itself. POST, as the RFC has it, and GET where the vendor knows no POST there. Any
// thread. Throws Error: unauthorized with the verdict's next step, unavailable, malformed, cancelled.

#include <optional>
#include <string>
#include <string_view>

#include "http/client.h"
#include "http/signing_clock.h"

namespace surveysync::http {

/// Names and values of "a=1&b=%20", decoded; "+" is a blank.
Query parse_form(std::string_view text);
/// The first value of `name`; empty when there is none.
std::string form_value(const Query& form, std::string_view name);

/// What the vendor gives out.
struct OAuthToken {
  Secret key, secret;
  std::optional<Duration> lasts = {};  ///< xoauth_token_ttl
};

struct OAuthDoorOptions {
  std::string source;              ///< its configured name
  std::string consumer_reference;  ///< for texts
  Endpoint endpoint;
  Duration request_timeout = std::chrono::seconds(45);
  Judge judge = nullptr;  ///< the provider's
};

class OAuthDoor {
 public:
  /// References outlive it. Tokens are added to `masker`.
  OAuthDoor(OAuthDoorOptions options, Transport& transport, Masker& masker, Observer& observer, Clock& clock)
      : options_(std::move(options)),
        transport_(transport),
        masker_(masker),
        observer_(observer),
        clock_(clock),
        signing_clock_(clock) {}

  /// Temporary credentials; the browser is sent back to `callback`.
  OAuthToken request(const std::string& path, const Credential& consumer, const std::string& callback,
                     const std::stop_token& stop);
  /// The token for `temporary`, which a person has allowed.
  OAuthToken exchange(const std::string& path, const Credential& consumer, const OAuthToken& temporary,
                      const std::string& verifier, const std::stop_token& stop);

 private:
  OAuthToken fetch(const std::string& path, const Credential& credential, const Query& steps,
                   const std::stop_token& stop);
  OAuthToken take(const Query& form, const std::string& path);
  [[noreturn]] void refuse(const std::string& path, const Credential& credential, const Judgement& judgement);

  const OAuthDoorOptions options_;
  Transport& transport_;
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;
  SigningClock signing_clock_;
  Duration skew_{};
};

}  // namespace surveysync::http
