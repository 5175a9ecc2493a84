#pragma once
// OAuth 1.0a, HMAC-SHA1: an own RFC 5849 signer, as Poco's collapses repeated names (shared/reliability.md 2.7). It is
// fed the same list that builds the URL, so what is signed is what is sent. The secrets make the key of the HMAC and
// travel nowhere. All but the nonce is pure; any thread. Throws Error(config) for a credential of the wrong shape.

#include <string>
#include <string_view>

#include "http/client.h"

namespace surveysync::http {

/// The lines of an OAuth credential: consumer key, consumer secret and, three-legged, token and token secret.
inline constexpr std::size_t kConsumerLines = 2, kTokenLines = 2;

/// RFC 5849 3.4.1.2: scheme and host in lower case, the port where it is not the scheme's own, the path as sent.
std::string oauth1_base_uri(const Endpoint& endpoint, std::string_view path);
/// RFC 5849 3.4.1.3.2: encoded, sorted by name and value, joined; `oauth_signature` is left out.
std::string oauth1_parameters(const Query& parameters);
/// RFC 5849 3.4.1: what is signed. `parameters`: of the query, the form and the OAuth ones, none encoded.
std::string oauth1_base_string(std::string_view method, const Endpoint& endpoint, std::string_view path,
                               const Query& parameters);
/// RFC 5849 3.4.2: base64 of the HMAC-SHA1 of `base_string`.
std::string oauth1_signature(std::string_view base_string, const Secret& consumer_secret, const Secret& token_secret);

/// Never the same twice, in whatever thread or process: 64 random bits and a count that begins anywhere.
std::string oauth1_nonce();
/// The value of the Authorization header for `query` (RFC 5849 3.5.1). `steps`: oauth_callback or oauth_verifier, for
/// the steps that fetch a token.
std::string oauth1_authorization(const Signing& signing, const Query& query, const std::string& nonce,
                                 const Query& steps = {});

/// A Sign: adds that header.
void sign_oauth1(const Signing& signing, Query& query, Headers& headers);

}  // namespace surveysync::http
