#include "http/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "http/inflater.h"

namespace surveysync::http {
namespace {

constexpr std::size_t kBufferSize = 64UL << 10;
constexpr std::size_t kStep = 256UL << 10;        // how much a body grows before it is read into
constexpr std::size_t kFirstReserve = 1UL << 20;  // for bodies of unknown length
constexpr std::size_t kUsualRatio = 6;            // how much pages shrink by gzip

[[noreturn]] void too_large(std::size_t limit) {
  throw Error(ErrorKind::malformed, fmt::format("{} {} bytes", kTooLarge, limit),
              "ask for smaller pages, or raise limits.body");
}

}  // namespace

AnswerReader::AnswerReader(Connection& connection, Patience& patience, std::size_t limit)
    : connection_(connection), patience_(patience), limit_(limit), buffer_(new char[kBufferSize]) {}

std::size_t AnswerReader::fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == kBufferSize && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == kBufferSize) throw Error(ErrorKind::malformed, "the head of the answer is too long");
  const std::size_t got = connection_.read(buffer_.get() + end_, kBufferSize - end_, patience_);
  end_ += got;
  return got;
}

void AnswerReader::cut(std::string_view where) const {
  throw Error(ErrorKind::unavailable, fmt::format("{} ended the connection {}", connection_.peer(), where));
}

Head AnswerReader::read_head() {
  constexpr int kInterimAnswers = 8;
  for (int interim = 0; interim <= kInterimAnswers; ++interim) {
    std::string text;
    std::size_t lines = 0;
    do {
      const std::size_t before = text.size();
      text += take_line();
      if (text.size() > kHeadLimit || ++lines > kHeaderCountLimit + 2) {
        throw Error(ErrorKind::malformed, "the answer has too many headers");
      }
      if (text.size() - before <= 2 && trimmed(std::string_view(text).substr(before)).empty()) break;
    } while (true);
    Head head = parse_head(text);
    if (head.status >= 200) return head;
    if (head.status == 101) throw Error(ErrorKind::malformed, "the answer switches protocols");
  }
  throw Error(ErrorKind::malformed, "the answer never comes to its point (too many 1xx)");
}

std::string AnswerReader::take_line() {
  for (;;) {
    const char* const from = buffer_.get() + begin_;
    if (const void* const found = std::memchr(from, '\n', end_ - begin_); found != nullptr) {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - from) + 1;
      begin_ += size;
      return std::string(from, size);
    }
    if (fill() == 0) cut(wire_ == 0 ? "before the answer was complete" : "within the body");
  }
}

std::size_t AnswerReader::read_raw(char* to, std::size_t size) {
  if (begin_ == end_) return connection_.read(to, size, patience_);
  const std::size_t taken = std::min(size, end_ - begin_);
  std::memcpy(to, buffer_.get() + begin_, taken);
  begin_ += taken;
  return taken;
}

std::size_t AnswerReader::read_framed(char* to, std::size_t size) {
  if (ended_) return 0;
  if (framing_.kind == Framing::Kind::chunked && left_ == 0 && !open_chunk()) return 0;
  const bool counted = framing_.kind != Framing::Kind::until_close;
  const std::size_t got = read_raw(to, counted ? std::min(size, left_) : size);
  if (got == 0 && counted) {
    cut(framing_.kind == Framing::Kind::chunked ? fmt::format("within a chunk, after {} bytes", wire_)
                                                : fmt::format("after {} of {} bytes", wire_, framing_.length));
  }
  wire_ += got;
  if (wire_ > limit_) too_large(limit_);
  if (counted) left_ -= got;
  ended_ = counted ? framing_.kind == Framing::Kind::length && left_ == 0 : got == 0;
  return got;
}

bool AnswerReader::open_chunk() {
  if (!std::exchange(first_chunk_, false) && !trimmed(take_line()).empty()) {
    throw Error(ErrorKind::malformed, "a chunk of the answer is longer than its size");
  }
  const std::string line = take_line();
  const std::string_view size = trimmed(std::string_view(line).substr(0, line.find(';')));
  const auto length = parse_size(size, 16);
  if (!length) throw Error(ErrorKind::malformed, "a chunk of the answer has no size");
  if (*length > limit_) too_large(limit_);
  left_ = *length;
  if (left_ > 0) return true;
  skip_trailers();
  ended_ = true;
  return false;
}

void AnswerReader::skip_trailers() {
  for (std::size_t lines = 0; lines <= kHeaderCountLimit; ++lines) {
    if (trimmed(take_line()).empty()) return;
  }
  throw Error(ErrorKind::malformed, "the answer has too many trailers");
}

std::string AnswerReader::read_body(const Head& head) {
  framing_ = framing_of(head);
  left_ = framing_.length;
  ended_ = framing_.kind == Framing::Kind::none || (framing_.kind == Framing::Kind::length && left_ == 0);
  reusable_ = framing_.kind != Framing::Kind::until_close && keeps_alive(head);
  if (framing_.kind == Framing::Kind::length && left_ > limit_) too_large(limit_);
  const std::string_view coding = trimmed(find_header(head.headers, "Content-Encoding"));
  std::string body;
  if (coding.empty() || same_word(coding, "identity") || ended_) {
    body = read_plain();
  } else if (same_word(coding, "gzip") || same_word(coding, "x-gzip")) {
    body = inflate_body();
  } else {
    throw Error(ErrorKind::malformed, "the answer has an encoding that we did not ask for");
  }
  body.reserve(body.size() + json::kPadding);
  return body;
}

std::string AnswerReader::read_plain() {
  std::string body;
  std::size_t room = framing_.kind == Framing::Kind::length ? framing_.length : std::min(kFirstReserve, limit_);
  while (!ended_) {
    if (body.capacity() < room + json::kPadding) body.reserve(room + json::kPadding);
    const std::size_t before = body.size();
    // Grown in steps that stay in the cache: filling all of it with zeroes first would cost another pass over the
    // memory.
    body.resize(before + std::min(kStep, room - before));
    std::size_t filled = before;
    while (filled < body.size()) {
      const std::size_t got = read_framed(body.data() + filled, body.size() - filled);
      if (got == 0) break;
      filled += got;
    }
    body.resize(filled);
    if (filled == room) room = framing_.kind == Framing::Kind::length ? room : room * 2;
  }
  return body;
}

std::string AnswerReader::inflate_body() {
  std::string body;
  const std::size_t guess = framing_.kind == Framing::Kind::length ? framing_.length * kUsualRatio : kFirstReserve;
  body.reserve(std::min(guess, limit_) + json::kPadding);
  Inflater inflater(limit_);
  const std::unique_ptr<char[]> packed(new char[kBufferSize]);
  while (const std::size_t got = read_framed(packed.get(), kBufferSize))
    inflater.add({packed.get(), got}, body);
  inflater.finish();
  return body;
}

}  // namespace surveysync::http
