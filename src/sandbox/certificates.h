#pragma once
// A certificate authority of our own, made at every start, and one server certificate for localhost, 127.0.0.1 and ::1.
// The private keys never leave the process. Throws Error{bug} when OpenSSL refuses.

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "sandbox/zone.h"

namespace surveysync::sandbox {

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

struct Certificates {
  std::string ca_pem;
  TlsContext context;
};

/// Valid from a day before `now` for ten years.
Certificates make_certificates(Seconds now);

}  // namespace surveysync::sandbox
