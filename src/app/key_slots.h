#pragma once
// The keys of a source as the configuration names them: one place each, of one file or, for OAuth, of two. Throws
// Error(config).

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/secret.h"

namespace surveysync::app {

/// Where one key is read from.
struct KeySlot {
  std::string name;  ///< "secret" | "next"
  SecretReference reference;
  std::size_t lines;                     ///< of the reference
  std::optional<SecretReference> token;  ///< OAuth, three-legged
  std::string source;                    ///< its configured name

  /// The references, as configured.
  std::string display() const;
  /// All lines, read now.
  Credential read() const;
};

/// The configured ones; the one in use first.
std::vector<KeySlot> key_slots(const SourceConfig& source);

}  // namespace surveysync::app
