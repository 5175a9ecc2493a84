#include "base/keyed_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/error.h"

namespace surveysync {
namespace {

constexpr std::size_t kShortestKey = 16;

constexpr std::size_t kHexDigits = 2 * std::tuple_size_v<KeyedDigest::Bytes>;

bool is_digest(std::string_view text) {
  return text.size() == kHexDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

KeyedDigest::KeyedDigest(Secret key) : key_(std::move(key)) {
  if (key_.expose().size() < kShortestKey) {
    throw Error(ErrorKind::config, fmt::format("the privacy key has fewer than {} characters", kShortestKey),
                "openssl rand -hex 32");
  }
  fingerprint_ = hex("surveysync privacy key").substr(0, 8);
}

KeyedDigest::Bytes KeyedDigest::bytes(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> full{};
  unsigned int size = 0;
  const std::string_view key = key_.expose();
  const auto* const made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                reinterpret_cast<const unsigned char*>(text.data()), text.size(), full.data(), &size);
  Bytes digest{};
  if (made == nullptr || size < digest.size()) throw Error(ErrorKind::bug, "the digest of a value could not be made");
  std::copy_n(full.begin(), digest.size(), digest.begin());
  return digest;
}

KeyedDigest KeyedDigest::for_stored() const {
  KeyedDigest digest(key_.clone());
  digest.leaves_digests_ = true;
  return digest;
}

std::string KeyedDigest::hex(std::string_view text) const {
  if (leaves_digests_ && is_digest(text)) return std::string(text);
  std::string out;
  for (const std::uint8_t byte : bytes(text))
    out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace surveysync
