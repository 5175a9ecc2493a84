#pragma once
// What stands for a personal value that is not to be stored: HMAC-SHA256 under a key of the operator's, cut to 16
// bytes. Equal texts have equal digests wherever they come from, so that joins still work; nobody without the key can
// try values out. Immutable: any thread. The key leaves this class in no form but its fingerprint.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace surveysync {

class KeyedDigest {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  /// Throws Error(config) for a key of fewer than 16 bytes.
  explicit KeyedDigest(Secret key);

  /// The first 16 bytes of HMAC-SHA256 over `text`.
  Bytes bytes(std::string_view text) const;
  /// The same as 32 lower-case hex digits.
  std::string hex(std::string_view text) const;
  /// One that leaves texts alone which are digests already (32 hex digits): for values that were stored before, of
  /// which nobody knows whether they were hashed.
  KeyedDigest for_stored() const;
  /// Tells keys apart: 8 hex digits that say nothing about the key.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  Secret key_;
  std::string fingerprint_;
  bool leaves_digests_ = false;
};

/// Where the key comes from when it is first needed; null: there is none yet. Any thread.
using DigestSource = std::function<std::shared_ptr<const KeyedDigest>()>;

}  // namespace surveysync
