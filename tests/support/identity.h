#pragma once
// A key with its certificate, as OpenSSL holds them. Internal to the fault server.

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace surveysync::test {

class Identity {
 public:
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;
};

}  // namespace surveysync::test
