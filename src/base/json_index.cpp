#include "base/json_index.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.h"

namespace surveysync::json {

namespace {
constexpr std::size_t kFirstCapacity = 64UL * 1024;
constexpr std::size_t kKeptCapacity = 16UL * 1024 * 1024;
constexpr std::size_t kUnusedDepth = 1;  // depth matters to simdjson's second stage only
}  // namespace

void fail(std::string_view what, std::size_t at) {
  throw Error(ErrorKind::malformed, fmt::format("json: {} at byte {}", what, at));
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

struct TokenIndex::Impl {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;

  void reserve(std::size_t size) {
    if (parser && parser->capacity() >= size) return;
    const std::size_t capacity = std::max({kFirstCapacity, size, parser ? parser->capacity() * 2 : 0});
    parser.reset();
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, kUnusedDepth, parser)) {
      throw Error(ErrorKind::malformed, fmt::format("json: no memory to index {} bytes", size));
    }
  }
};

TokenIndex::TokenIndex() : impl_(std::make_unique<Impl>()) {}
TokenIndex::~TokenIndex() = default;
TokenIndex::TokenIndex(TokenIndex&&) noexcept = default;
TokenIndex& TokenIndex::operator=(TokenIndex&&) noexcept = default;

void TokenIndex::build(std::string_view text) {
  size_ = 0;
  if (text.empty()) fail("empty text", 0);
  impl_->reserve(text.size());
  simdjson::internal::dom_parser_implementation& parser = *impl_->parser;
  // The interface of a C library: bytes as unsigned characters.
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  switch (parser.stage1(bytes, text.size(), simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS:
      break;
    case simdjson::EMPTY:
      fail("empty text", 0);
    case simdjson::UNCLOSED_STRING:
      fail("text ends inside a string, or a quote is missing", text.size());
    case simdjson::UNESCAPED_CHARS:
      fail("control character inside a string", 0);
    case simdjson::UTF8_ERROR:
      fail("invalid utf-8", 0);
    default:
      fail("unreadable text", 0);
  }
  text_ = text;
  starts_ = parser.structural_indexes.get();
  size_ = parser.n_structural_indexes;
  parser.structural_indexes[size_] = static_cast<std::uint32_t>(text.size());
}

void TokenIndex::shrink() {
  if (!impl_->parser || impl_->parser->capacity() <= kKeptCapacity) return;
  impl_->parser.reset();
  size_ = 0;
  starts_ = nullptr;
}

}  // namespace surveysync::json
