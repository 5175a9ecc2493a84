#pragma once
// SHA-256 of bytes that are no secret. Pure; any thread.

#include <string>
#include <string_view>

namespace surveysync {

/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace surveysync
