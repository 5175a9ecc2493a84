#pragma once
// Writes a secret to where a `file:` reference points, so that whoever reads it meanwhile sees the old one or the new
// one, whole, and nobody else sees anything. Any thread. Throws Error(config) with the reason and what to do.

#include <string>
#include <vector>

#include "base/secret.h"

namespace surveysync {

/// Whether a file can be put there: its directory exists and is ours to write. Throws where it cannot.
void require_writable_secret(const std::string& path);

/// Puts `lines` there: a new file beside it (mode 0600), flushed to the disk, then renamed. Written by root it belongs
/// to whom the old one belonged to, else to the owner of `owner_like` (a path, may be empty): the service that reads
/// it runs as another user.
void write_secret_file(const std::string& path, const std::vector<Secret>& lines, const std::string& owner_like);

}  // namespace surveysync
