#pragma once
// Files that respondents uploaded: their names stand in answers, their bytes are drawn from the name. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/model.h"

namespace surveysync::sandbox {

struct UploadedFile {
  std::int64_t question_id;
  std::string answer;  ///< <number>-<md5>_<name>: what the API wants as filename
  /// The name on the respondent's machine.
  std::string name() const;
};
/// Those of one response.
std::vector<UploadedFile> uploaded_files(const Response& response);

/// The content; `size` 0: some 100 to 20,000 bytes.
std::string file_bytes(std::uint64_t seed, const UploadedFile& file, std::size_t size);

/// 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace surveysync::sandbox
