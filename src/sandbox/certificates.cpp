#include "sandbox/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <utility>

#include "base/error.h"

namespace surveysync::sandbox {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void require(bool fine, const char* what) {
  if (!fine) throw Error(ErrorKind::bug, std::string("OpenSSL cannot ") + what);
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  require(key != nullptr, "make a key");
  return key;
}

void add_extension(X509* to, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  require(extension != nullptr, "make a certificate extension");
  const int added = X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
  require(added == 1, "add a certificate extension");
}

struct Subject {
  const char* name;
  long serial;
  Seconds now;
};

Certificate start_certificate(const Subject& subject, EVP_PKEY* key) {
  Certificate made(X509_new(), &X509_free);
  require(made != nullptr, "make a certificate");
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), subject.serial);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), static_cast<time_t>(subject.now - 86400));
  ASN1_TIME_set(X509_getm_notAfter(made.get()), static_cast<time_t>(subject.now + 3650L * 86400));
  X509_NAME* name = X509_get_subject_name(made.get());
  const std::string text(subject.name);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()), -1, 0);
  require(X509_set_pubkey(made.get(), key) == 1, "set a public key");
  return made;
}

std::string to_pem(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  require(memory != nullptr && PEM_write_bio_X509(memory.get(), certificate) == 1, "write a certificate");
  std::string out(static_cast<std::size_t>(BIO_pending(memory.get())), '\0');
  BIO_read(memory.get(), out.data(), static_cast<int>(out.size()));
  return out;
}

}  // namespace

Certificates make_certificates(Seconds now) {
  const Key ca_key = make_key();
  const Certificate ca = start_certificate({"surveysync sandbox CA", now & 0x7fffffff, now}, ca_key.get());
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) > 0, "sign the CA");

  const Key key = make_key();
  const Certificate server = start_certificate({"localhost", (now & 0x7fffffff) + 1, now}, key.get());
  X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get()));
  add_extension(server.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(server.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(server.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  add_extension(server.get(), ca.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  add_extension(server.get(), ca.get(), NID_authority_key_identifier, "keyid");
  require(X509_sign(server.get(), ca_key.get(), EVP_sha256()) > 0, "sign the server's certificate");

  Certificates out{to_pem(ca.get()), TlsContext(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free)};
  require(out.context != nullptr && SSL_CTX_use_certificate(out.context.get(), server.get()) == 1 &&
              SSL_CTX_use_PrivateKey(out.context.get(), key.get()) == 1,
          "prepare TLS");
  SSL_CTX_set_min_proto_version(out.context.get(), TLS1_2_VERSION);
  return out;
}

}  // namespace surveysync::sandbox
