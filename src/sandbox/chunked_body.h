#pragma once
// A long answer of the control port, of which only a piece is ever in memory. One thread; the connection outlives it.

#include <fmt/format.h>

#include <string>

#include "sandbox/socket.h"

namespace surveysync::sandbox {

/// The body of one reply, sent in pieces of about 64 KiB.
class ChunkedBody {
 public:
  explicit ChunkedBody(Connection& to) : to_(to) {
    to_.write("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  /// What is added here is sent by and by.
  std::string& text() { return text_; }
  void flush_if_large() {
    if (text_.size() >= (64U << 10)) flush();
  }
  void finish() {
    flush();
    to_.write("0\r\n\r\n");
  }

 private:
  void flush() {
    if (!text_.empty()) to_.write(fmt::format("{:x}\r\n{}\r\n", text_.size(), text_));
    text_.clear();
  }
  Connection& to_;
  std::string text_;
};

}  // namespace surveysync::sandbox
