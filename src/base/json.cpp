#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/json_index.h"
#include "base/json_text.h"

namespace surveysync::json {

namespace {

std::optional<std::int64_t> parse_int(std::string_view text) {
  constexpr std::size_t kSafeDigits = 18;
  if (!text.empty() && text.size() <= kSafeDigits) {
    std::int64_t sum = 0;
    std::size_t at = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      sum = sum * 10 + (text[at] - '0');
    if (at == text.size()) return sum;
  }
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y; });
}

/// The number grammar of RFC 8259; no range is checked: a number is its token.
bool is_number(std::string_view token) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < token.size() && token[at] >= '0' && token[at] <= '9')
      ++at;
    return at - from;
  };
  if (at < token.size() && token[at] == '-') ++at;
  const bool zero = at < token.size() && token[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < token.size() && token[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == token.size();
}

/// Strings are short: eight bytes at a time beat a library call.
bool has_backslash(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL, kHigh = 0x8080808080808080ULL;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    word ^= kOnes * '\\';
    if (((word - kOnes) & ~word & kHigh) != 0) return true;
  }
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') return true;
  }
  return false;
}

/// Memory in blocks, given back all at once and used again.
class Arena {
 public:
  void* take(std::size_t size) {
    size = (size + kAlign - 1) & ~(kAlign - 1);
    if (size > room_) add_block(size);
    std::byte* taken = next_;
    next_ += size;
    room_ -= size;
    used_ += size;
    return taken;
  }

  /// After a text that needed several blocks the next one gets a single block of their size, up to a limit.
  void reset() {
    const std::size_t wanted = std::clamp(used_, kFirstBlock, kKeptBlock);
    used_ = 0;
    if (blocks_.size() != 1 || size_ > kKeptBlock) {
      blocks_.clear();
      room_ = 0;
      add_block(wanted);
    } else {
      next_ = blocks_.front().get();
      room_ = size_;
    }
  }

 private:
  static constexpr std::size_t kAlign = alignof(std::max_align_t);
  static constexpr std::size_t kFirstBlock = 64UL * 1024, kKeptBlock = 4UL * 1024 * 1024;

  void add_block(std::size_t least) {
    size_ = std::max({least, kFirstBlock, std::min(used_, kKeptBlock)});
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size_));
    next_ = blocks_.back().get();
    room_ = size_;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::size_t room_ = 0, size_ = 0, used_ = 0;
};

}  // namespace

std::optional<std::int64_t> Value::as_int() const {
  if (type() != Type::number && type() != Type::string) return std::nullopt;
  return parse_int(node_->text);
}

std::optional<bool> Value::as_bool() const {
  const std::string_view word = text();
  if (word == "1" || equal_ignoring_case(word, "true")) return true;
  if (word == "0" || equal_ignoring_case(word, "false")) return false;
  return std::nullopt;
}

Value Value::operator[](std::string_view key) const {
  const std::span<const Member> all = members();
  for (auto member = all.rbegin(); member != all.rend(); ++member) {
    if (member->key == key) return member->value;
  }
  return {};
}

struct Document::Impl {
  TokenIndex index;
  Arena arena;
  std::vector<Member> open_members;  // of the objects being read, innermost last
  std::vector<Value> open_items;
  std::size_t token = 0;
  std::string copy;

  Value parse(std::string_view text) {
    arena.reset();
    open_members.clear();
    open_items.clear();
    token = 0;
    index.build(text);
    const Node* root = read_value(1);
    if (token != index.size()) fail("bytes after the end of the text", index.at(token));
    return Value(root);
  }

 private:
  char kind() const { return index.kind(token); }
  std::size_t here() const { return index.at(token); }

  Node* make_node(Type type) {
    Node* node = new (arena.take(sizeof(Node))) Node;
    node->type = type;
    return node;
  }

  const Node* read_value(int depth) {
    switch (kind()) {
      case '{':
        return read_object(depth);
      case '[':
        return read_array(depth);
      case '"': {
        Node* node = make_node(Type::string);
        node->raw = index.scalar(token);
        node->text = read_string();
        return node;
      }
      case '\0':
        if (token >= index.size()) fail("text is cut", index.text().size());
        [[fallthrough]];
      default:
        return read_scalar();
    }
  }

  const Node* read_scalar() {
    const std::string_view word = index.scalar(token);
    Type type = Type::number;
    if (word == "null") {
      type = Type::null;
    } else if (word == "true" || word == "false") {
      type = Type::boolean;
    } else if (!is_number(word)) {
      fail("value expected", here());
    }
    ++token;
    Node* node = make_node(type);
    node->raw = word;
    if (type != Type::null) node->text = word;
    return node;
  }

  std::string_view read_string() {
    const std::string_view body = index.string_body(token);
    const std::size_t at = here();
    ++token;
    if (!has_backslash(body)) return body;
    auto* out = static_cast<char*>(arena.take(body.size()));
    const std::optional<std::size_t> size = unescape(body, out);
    if (!size) fail("bad escape in a string", at);
    return {out, *size};
  }

  const Node* read_object(int depth) {
    if (depth > kMaxDepth) fail("nested too deeply", here());
    Node* node = make_node(Type::object);
    const std::size_t begin = here(), first = open_members.size();
    ++token;
    if (kind() == '}') return close(node, begin);
    while (true) {
      if (kind() != '"') fail("member name expected", here());
      const std::string_view key = read_string();
      if (kind() != ':') fail("':' expected", here());
      ++token;
      const Node* value = read_value(depth + 1);
      open_members.push_back({key, Value(value)});
      if (kind() == '}') break;
      if (kind() != ',') fail("',' or '}' expected", here());
      ++token;
    }
    node->members = keep(open_members, first);
    return close(node, begin);
  }

  const Node* read_array(int depth) {
    if (depth > kMaxDepth) fail("nested too deeply", here());
    Node* node = make_node(Type::array);
    const std::size_t begin = here(), first = open_items.size();
    ++token;
    if (kind() == ']') return close(node, begin);
    while (true) {
      const Node* value = read_value(depth + 1);
      open_items.push_back(Value(value));
      if (kind() == ']') break;
      if (kind() != ',') fail("',' or ']' expected", here());
      ++token;
    }
    node->items = keep(open_items, first);
    return close(node, begin);
  }

  const Node* close(Node* node, std::size_t begin) {
    node->raw = index.text().substr(begin, here() + 1 - begin);
    ++token;
    return node;
  }

  template <class T>
  std::span<const T> keep(std::vector<T>& open, std::size_t first) {
    const std::size_t count = open.size() - first;
    auto* kept = static_cast<T*>(arena.take(count * sizeof(T)));
    std::uninitialized_copy(open.begin() + static_cast<std::ptrdiff_t>(first), open.end(), kept);
    open.resize(first);
    return {kept, count};
  }
};

Document::Document() : impl_(std::make_unique<Impl>()) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

Value Document::parse(std::string_view text) {
  return impl_->parse(text);
}

Value Document::parse_copy(std::string_view text) {
  impl_->copy.reserve(text.size() + kPadding);
  impl_->copy.assign(text);
  return impl_->parse(impl_->copy);
}

std::optional<std::int64_t> int_of(std::string_view raw) {
  if (raw.size() >= 2 && raw.front() == '"' && raw.back() == '"') raw = raw.substr(1, raw.size() - 2);
  return parse_int(raw);
}

}  // namespace surveysync::json
