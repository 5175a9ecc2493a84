#include "support/identity.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "support/fault_server.h"

namespace surveysync::test {
namespace {

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Identity make(const std::string& common_name, const std::string& alternatives, bool authority, bool expired,
              const Identity* issuer) {
  static std::atomic<long> serial{1000};
  constexpr long kDay = 86'400;
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -kDay : 10 * kDay);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
  X509* const signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  add_extension(certificate, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!alternatives.empty()) add_extension(certificate, signer, NID_subject_alt_name, alternatives);
  X509_sign(certificate, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

}  // namespace

TestAuthority::TestAuthority()
    : own_(std::make_shared<Identity>(make("surveysync test authority", "", true, false, nullptr))) {
  char name[] = "/tmp/ss_test_ca.XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = name;
  file_ = directory_ + "/ca.pem";
  std::FILE* const out = std::fopen(file_.c_str(), "w");
  PEM_write_X509(out, own_->certificate.get());
  std::fclose(out);
}

TestAuthority::~TestAuthority() {
  std::filesystem::remove_all(directory_);
}

std::shared_ptr<Identity> TestAuthority::issue(const CertificateSpec& spec) const {
  std::string alternatives;
  for (const std::string& name : spec.names)
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& address : spec.addresses)
    alternatives += (alternatives.empty() ? "IP:" : ",IP:") + address;
  return std::make_shared<Identity>(
      make(spec.common_name, alternatives, false, spec.expired, spec.self_signed ? nullptr : own_.get()));
}

}  // namespace surveysync::test
