#pragma once
// Reads one answer from a connection: its head, then a body that is complete or an error. Own framing and own zlib,
// because Poco hides cut bodies, garbage chunks and further gzip members (shared/reliability.md 2.1, 2.2). Bytes go
// straight into the body where they can. One object per exchange. Throws Error: unavailable (cut, lost), malformed
// (broken promises, too large).

#include <string>
#include <string_view>

#include "http/connection.h"
#include "http/message.h"

namespace surveysync::http {

/// How the message of an error begins that is about a body above its limit.
inline constexpr std::string_view kTooLarge = "the answer is larger than";

class AnswerReader {
 public:
  /// References outlive the object. `limit` bounds the body on the wire and inflated.
  AnswerReader(Connection& connection, Patience& patience, std::size_t limit);

  /// The head of the final answer (1xx are skipped).
  Head read_head();
  /// The whole body behind `head`, inflated, with json::kPadding bytes of capacity behind its size.
  std::string read_body(const Head& head);
  /// No byte is left over: the connection can carry another exchange.
  bool is_exhausted() const { return begin_ == end_ && reusable_; }

 private:
  std::size_t fill();  // more bytes into the buffer; 0 at the end of the connection
  std::string take_line();
  std::size_t read_raw(char* to, std::size_t size);  // buffered bytes first, then the connection
  std::size_t read_framed(char* to, std::size_t size);
  bool open_chunk();
  void skip_trailers();
  std::string read_plain();
  std::string inflate_body();
  [[noreturn]] void cut(std::string_view where) const;

  Connection& connection_;
  Patience& patience_;
  const std::size_t limit_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  Framing framing_;
  std::size_t left_ = 0;  // of the length, or of the current chunk
  std::size_t wire_ = 0;  // body bytes so far
  bool first_chunk_ = true, ended_ = false, reusable_ = true;
};

}  // namespace surveysync::http
