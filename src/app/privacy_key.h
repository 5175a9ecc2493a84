#pragma once
// The key of the digests that stand for hashed and erased values: a secret of the operator's, or one of our own in the
// state directory, which is made once and never replaced. Throws Error(config) for a key that cannot be read or made.
// Any thread.

#include <memory>

#include "app/config.h"
#include "base/keyed_digest.h"
#include "base/secret.h"

namespace surveysync::app {

/// The digest with the configured key. A key of our own that is not there yet is made: 32 random bytes in hex, 0600,
/// on disk before this returns; of two processes that make one at a time both get the same. `masker` may be null.
std::shared_ptr<const KeyedDigest> make_privacy_digest(const PrivacyKeyConfig& key, Masker* masker = nullptr);

/// The same on first use, without making a key: null while there is none.
DigestSource privacy_digest_source(const PrivacyKeyConfig& key);

}  // namespace surveysync::app
