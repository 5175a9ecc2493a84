#include "http/inflater.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::http {
namespace {

constexpr std::size_t kStep = 256UL << 10;
constexpr int kGzipOnly = 15 + 16;  // zlib: largest window, gzip wrapper

[[noreturn]] void too_large(std::size_t limit) {
  throw Error(ErrorKind::malformed, fmt::format("the answer is larger than {} bytes unpacked", limit),
              "ask for smaller pages, or raise limits.body");
}

}  // namespace

struct Inflater::Stream {
  z_stream z{};
};

Inflater::Inflater(std::size_t limit) : stream_(std::make_unique<Stream>()), limit_(limit) {
  if (inflateInit2(&stream_->z, kGzipOnly) != Z_OK)
    throw Error(ErrorKind::unavailable, "no memory left to unpack an answer");
}

Inflater::~Inflater() {
  inflateEnd(&stream_->z);
}

void Inflater::add(std::string_view packed, std::string& out) {
  z_stream& z = stream_->z;
  // zlib's interface is not const-correct; it does not write here.
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  bool full = false;  // the last step filled its room, so that more may come without further input
  while (z.avail_in > 0 || full) {
    if (!within_member_) {
      inflateReset(&z);
      within_member_ = true;
    }
    const std::size_t before = out.size();
    if (before > limit_) too_large(limit_);
    const std::size_t step = std::min(kStep, limit_ + 1 - before);
    if (out.capacity() < before + step + json::kPadding) {
      out.reserve(std::min(std::max(before * 2, before + step), limit_ + 1) + json::kPadding);
    }
    out.resize(before + step);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    z.avail_out = static_cast<uInt>(step);
    const int result = inflate(&z, Z_NO_FLUSH);
    out.resize(before + step - z.avail_out);
    full = z.avail_out == 0 && result == Z_OK;
    if (result == Z_STREAM_END) {
      within_member_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw Error(ErrorKind::malformed,
                  fmt::format("the packed answer is damaged: {}", z.msg != nullptr ? z.msg : "bad data"));
    }
  }
  if (out.size() > limit_) too_large(limit_);
}

void Inflater::finish() const {
  if (within_member_) throw Error(ErrorKind::malformed, "the packed answer is cut");
}

}  // namespace surveysync::http
