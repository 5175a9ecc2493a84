#pragma once
// The one way in which we trust: chain to the system's store or to a given file, TLS 1.2 or newer, host name checked
// twice. A context belongs to one host. Poco's global SSL state is set up on first use. Throws Error(config).

#include <Poco/Net/Context.h>

#include <string>

namespace surveysync::http {

/// A client context for connections to `host` (a name or an address). An empty `ca_file` means the system's store.
Poco::Net::Context::Ptr make_client_context(const std::string& host, const std::string& ca_file);

/// Why the last handshake on this thread refused the certificate ("certificate has expired"); empty when it did not.
/// Forgets it.
std::string take_refusal();

}  // namespace surveysync::http
