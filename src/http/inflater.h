#pragma once
// gzip to bytes by zlib itself: every member, with its checksum, length and end mark, and never more than a limit.
// One object per body. Throws Error(malformed).

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace surveysync::http {

class Inflater {
 public:
  explicit Inflater(std::size_t limit);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends what `packed` holds to `out`.
  void add(std::string_view packed, std::string& out);
  /// To be called after the last byte: refuses a member that has not ended.
  void finish() const;

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  const std::size_t limit_;
  bool within_member_ = true;  // an empty body is a cut one
};

}  // namespace surveysync::http
