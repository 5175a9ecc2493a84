#include "http/oauth1.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/error.h"

namespace surveysync::http {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

bool is_usual_port(const std::string& scheme, std::uint16_t port) {
  return port == (scheme == "https" ? 443 : 80);
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text((size + 2) / 3 * 4 + 1, '\0');  // one for the zero that OpenSSL writes behind
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(written));
  return text;
}

/// Both secrets, encoded, in memory that is overwritten when it goes.
Secret hmac_key(const Secret& consumer_secret, const Secret& token_secret) {
  const Secret consumer(percent_encode(consumer_secret.expose())), token(percent_encode(token_secret.expose()));
  std::string text;
  text.reserve(consumer.expose().size() + 1 + token.expose().size());
  text.append(consumer.expose()).append("&").append(token.expose());
  return Secret(std::move(text));
}

}  // namespace

std::string oauth1_base_uri(const Endpoint& endpoint, std::string_view path) {
  const std::string scheme = lower(endpoint.scheme);
  const bool bracketed = endpoint.host.find(':') != std::string::npos;
  std::string uri =
      fmt::format("{}://{}{}{}", scheme, bracketed ? "[" : "", lower(endpoint.host), bracketed ? "]" : "");
  if (!is_usual_port(scheme, endpoint.port)) uri += fmt::format(":{}", endpoint.port);
  uri += endpoint.prefix;
  uri += path;
  if (endpoint.prefix.empty() && path.empty()) uri += '/';
  return uri;
}

std::string oauth1_parameters(const Query& parameters) {
  Query encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters)
    if (name != "oauth_signature") encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string oauth1_base_string(std::string_view method, const Endpoint& endpoint, std::string_view path,
                               const Query& parameters) {
  std::string upper(method);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return fmt::format("{}&{}&{}", percent_encode(upper), percent_encode(oauth1_base_uri(endpoint, path)),
                     percent_encode(oauth1_parameters(parameters)));
}

std::string oauth1_signature(std::string_view base_string, const Secret& consumer_secret, const Secret& token_secret) {
  const Secret key = hmac_key(consumer_secret, token_secret);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (HMAC(EVP_sha1(), key.expose().data(), static_cast<int>(key.expose().size()),
           reinterpret_cast<const unsigned char*>(base_string.data()), base_string.size(), digest.data(),
           &size) == nullptr) {
    throw Error(ErrorKind::config, "HMAC-SHA1 is not available in this OpenSSL");
  }
  return base64(digest.data(), size);
}

std::string oauth1_nonce() {
  // 28 letters and digits: some providers (oauthlib's default) take between 20 and 30, and nothing else.
  constexpr std::uint64_t kTwelveDigits = (1ULL << 48) - 1;
  static std::atomic<std::uint64_t> count{random_u64()};
  return fmt::format("{:016x}{:012x}", random_u64(), count.fetch_add(1, std::memory_order_relaxed) & kTwelveDigits);
}

std::string oauth1_authorization(const Signing& signing, const Query& query, const std::string& nonce,
                                 const Query& steps) {
  const std::vector<Secret>& lines = signing.credential.lines;
  const bool has_token = lines.size() == kConsumerLines + kTokenLines;
  if (lines.size() != kConsumerLines && !has_token) {
    throw Error(ErrorKind::config, fmt::format("an OAuth credential has {} lines, 2 or 4 expected", lines.size()));
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(signing.time).time_since_epoch().count();
  Query parameters{{"oauth_consumer_key", std::string(lines[0].expose())},
                   {"oauth_nonce", nonce},
                   {"oauth_signature_method", "HMAC-SHA1"},
                   {"oauth_timestamp", std::to_string(seconds)},
                   {"oauth_version", "1.0"}};
  if (has_token) parameters.emplace_back("oauth_token", std::string(lines[2].expose()));
  parameters.insert(parameters.end(), steps.begin(), steps.end());

  Query signed_too = query;
  signed_too.insert(signed_too.end(), parameters.begin(), parameters.end());
  const std::string base = oauth1_base_string(signing.method, signing.endpoint, signing.path, signed_too);
  const Secret no_token;
  parameters.emplace_back("oauth_signature", oauth1_signature(base, lines[1], has_token ? lines[3] : no_token));

  std::string header = "OAuth ";
  for (const auto& [name, value] : parameters) {
    if (header.back() == '"') header += ", ";
    header += fmt::format("{}=\"{}\"", percent_encode(name), percent_encode(value));
  }
  return header;
}

void sign_oauth1(const Signing& signing, Query& query, Headers& headers) {
  headers.emplace_back("Authorization", oauth1_authorization(signing, query, oauth1_nonce()));
}

}  // namespace surveysync::http
