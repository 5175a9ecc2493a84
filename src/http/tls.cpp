#include "http/tls.h"

#include <Poco/Exception.h>
#include <Poco/Net/RejectCertificateHandler.h>
#include <Poco/Net/SSLManager.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "base/error.h"
#include "http/resolver.h"

namespace surveysync::http {
namespace {

// Poco counts its users; we stay one for the life of the process, so that no late connection finds OpenSSL taken down.
void initialize_once() {
  static const bool done = [] {
    Poco::Net::initializeSSL();
    // Nobody may overrule a failed verification, and no console may ever be asked.
    Poco::Net::SSLManager::instance().initializeClient(nullptr, new Poco::Net::RejectCertificateHandler(false),
                                                       nullptr);
    return true;
  }();
  static_cast<void>(done);
}

// A handshake runs on one thread from its first to its last step.
thread_local std::string refusal;

// Only remembers the reason, which Poco's texts leave out; the verdict stays OpenSSL's. No handler of Poco's is asked.
int remember_refusal(int accepted, X509_STORE_CTX* store) {
  if (accepted != 1) refusal = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  return accepted;
}

}  // namespace

std::string take_refusal() {
  return std::exchange(refusal, {});
}

Poco::Net::Context::Ptr make_client_context(const std::string& host, const std::string& ca_file) {
  initialize_once();
  try {
    Poco::Net::Context::Params params;
    params.verificationMode = Poco::Net::Context::VERIFY_STRICT;
    params.loadDefaultCAs = ca_file.empty();
    params.caLocation = ca_file;
    params.cipherList = "HIGH:!aNULL:!eNULL:!MD5:!RC4:!3DES";
    Poco::Net::Context::Ptr context = new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, params);
    context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
    SSL_CTX* const raw = context->sslContext();
    X509_VERIFY_PARAM* const checks = SSL_CTX_get0_param(raw);
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_numeric(host) ? X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str())
                                     : X509_VERIFY_PARAM_set1_host(checks, host.c_str(), host.size());
    if (set != 1) throw Error(ErrorKind::config, "the host " + host + " cannot be verified by TLS");
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, &remember_refusal);
    return context;
  } catch (const Poco::Exception& failure) {
    throw Error(ErrorKind::config, "trusted certificates cannot be loaded from " +
                                       (ca_file.empty() ? "the system's store" : ca_file) + ": " +
                                       failure.displayText());
  }
}

}  // namespace surveysync::http
