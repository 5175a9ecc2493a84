#pragma once
// Reads JSON without losing a digit: numbers keep their token, objects keep their bytes. Hides simdjson.
// Two readers: Document (a whole small text as a tree: one record, an error body) and split_envelope (a page of
// megabytes: its scalars, and the slices of its records, without looking into them). Not for writing JSON beyond
// `quote`. A Document and a Splitter belong to one thread; reuse them, they keep their memory. Throws Error(malformed).

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync::json {

/// Bytes that are kept readable behind the end of any text given to this room, so that vector code may read ahead.
inline constexpr std::size_t kPadding = 64;
/// Deeper nesting than this is refused.
inline constexpr int kMaxDepth = 200;

enum class Type : std::uint8_t { absent, null, boolean, number, string, array, object };

struct Node;  // one value of a tree, at the end of this header's first part
struct Member;

/// A handle on one value of a Document; valid until that Document parses again or dies. Asking the wrong type never
/// throws: lookups in what is no object give an absent value, text() of what is no scalar is empty.
class Value {
 public:
  Value() = default;
  Type type() const;
  bool is_absent() const { return type() == Type::absent; }
  /// Absent, null, "" , [] or {}: PHP's many ways of saying nothing.
  bool is_blank() const;
  bool is_object() const { return type() == Type::object; }
  bool is_array() const { return type() == Type::array; }
  bool is_string() const { return type() == Type::string; }

  /// The exact bytes as sent, quotes and braces included, without surrounding white space.
  std::string_view raw() const;
  /// A string unescaped, a number's token, "true" or "false"; empty for all else. Lone surrogates are U+FFFD already.
  std::string_view text() const;
  /// An integer sent as number or as text of digits (sign allowed, surrounding blanks not); empty if it is none or out
  /// of range.
  std::optional<std::int64_t> as_int() const;
  /// true/false, 1/0, "1"/"0", "true"/"false" (any case); empty for all else.
  std::optional<bool> as_bool() const;

  /// The member called `key`, the last one if repeated; absent if there is none.
  Value operator[](std::string_view key) const;
  /// Members of an object in their order; empty for all else.
  std::span<const Member> members() const;
  /// Elements of an array in their order; empty for all else.
  std::span<const Value> items() const;
  std::size_t size() const;

 private:
  friend class Document;
  explicit Value(const Node* node) : node_(node) {}
  const Node* node_ = nullptr;
};

struct Member {
  std::string_view key;  // unescaped
  Value value;
};

/// What a Value is a handle on. Lives in the memory of its Document.
struct Node {
  Type type = Type::absent;
  std::string_view raw, text;
  std::span<const Member> members;
  std::span<const Value> items;
};

inline Type Value::type() const {
  return node_ == nullptr ? Type::absent : node_->type;
}
inline std::string_view Value::raw() const {
  return node_ == nullptr ? std::string_view() : node_->raw;
}
inline std::string_view Value::text() const {
  return node_ == nullptr ? std::string_view() : node_->text;
}
inline std::span<const Member> Value::members() const {
  return node_ == nullptr ? std::span<const Member>() : node_->members;
}
inline std::span<const Value> Value::items() const {
  return node_ == nullptr ? std::span<const Value>() : node_->items;
}
inline std::size_t Value::size() const {
  return members().size() + items().size();
}
inline bool Value::is_blank() const {
  switch (type()) {
    case Type::boolean:
    case Type::number:
      return false;
    default:
      return text().empty() && size() == 0;
  }
}

/// A parsed text. Texts must be followed by kPadding readable bytes and outlive the values.
class Document {
 public:
  Document();
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  /// Parses all of `text` (checks everything to its end); the root value. Throws Error(malformed): syntax, UTF-8,
  /// depth.
  Value parse(std::string_view text);
  /// For short texts without padding: copies first.
  Value parse_copy(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What one page holds, without looking into its records.
struct Envelope {
  /// Top-level members but the list, by name: raw slice (scalars unescaped are to be read by Document if needed).
  std::vector<std::pair<std::string_view, std::string_view>> members;
  /// The list member itself as sent, white space trimmed: what a single GET holds is one object here. Empty if it was
  /// not there.
  std::string_view list;
  /// The raw slices of the list's elements (of the object's values where the list is an object keyed by id); white
  /// space trimmed.
  std::vector<std::string_view> records;
  bool list_found = false;      ///< the list member was there (null counts as found, with no records)
  bool list_is_object = false;  ///< {"1": {...}, ...} instead of [{...}, ...]

  /// The text of a scalar top-level member (string unescaped only if it has no escapes); empty if absent.
  std::string_view scalar(std::string_view name) const;
  /// The integer of a top-level member sent as number or string.
  std::optional<std::int64_t> integer(std::string_view name) const;
};

/// Splits pages. One a worker: it keeps its index memory between pages.
class Splitter {
 public:
  Splitter();
  ~Splitter();
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;
  /// `text` must be one JSON object followed by kPadding readable bytes; `list` names the member that holds the
  /// records. Throws Error(malformed) when it is cut, has trailing bytes, is no object, or brackets do not match.
  Envelope split(std::string_view text, std::string_view list);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One member of an object, as slices of its text.
struct RawMember {
  std::string_view key;    ///< between the quotes; escapes are kept
  std::string_view value;  ///< the exact bytes, white space trimmed
};
/// Finds the top-level members of the object `raw` without an index and without looking into their values: the cheap
/// step before anybody knows whether a record changed. `out` is cleared first and keeps its memory. Throws
/// Error(malformed) when the text is no object or its strings and brackets do not end; what is inside the values is not
/// checked.
void scan_members(std::string_view raw, std::vector<RawMember>& out);
/// The same for the elements of the array `raw`: their exact bytes.
void scan_elements(std::string_view raw, std::vector<std::string_view>& out);
/// The first top-level member `name` of the object `raw`; nothing behind it is looked at. Throws like scan_members.
std::optional<RawMember> find_member(std::string_view raw, std::string_view name);
/// Whether the raw key (escapes kept) says `name`.
bool key_is(std::string_view raw_key, std::string_view name);
/// What a raw scalar says: a string unescaped, with U+FFFD for bytes that are no UTF-8 and for lone surrogates; any
/// other slice as it stands. Throws Error(malformed) for a string that does not end or has an escape that is none.
std::string plain_text(std::string_view raw);
/// The integer that a raw slice holds as number or as string without escapes; empty if it is none or out of range.
std::optional<std::int64_t> int_of(std::string_view raw);

/// Whether `text` is sound UTF-8, at simdjson's speed.
bool is_utf8(std::string_view text);

/// `text` as a JSON string literal with quotes. Text must be UTF-8.
std::string quote(std::string_view text);

/// What had to be altered before a text could be read and stored, and how to find the original bytes of a slice.
class Repair {
 public:
  /// Makes `body` sound in place: a byte-order mark dropped, invalid UTF-8 as U+FFFD, raw control characters inside
  /// strings escaped; outside strings such bytes become blanks. Sound bodies (nearly all) are only checked, at
  /// simdjson's speed, and not copied. Throws Error(malformed) when there is so much to mend that the body cannot be
  /// text.
  static Repair apply(std::string& body);
  bool altered() const { return !edits_.empty(); }
  /// The original bytes of `slice`, a part of the repaired `body`. Empty optional if that slice was not altered.
  std::optional<std::string> original(std::string_view body, std::string_view slice) const;

 private:
  struct Edit {
    std::size_t at, size;
    std::string original;
  };  // in the repaired body, ascending
  void rewrite(std::string& body);
  void add(std::size_t at, std::size_t size, std::string original);
  std::vector<Edit> edits_;
};

/// What make_storable did to a record's text so that PostgreSQL's json type and text columns can hold it.
struct Storable {
  std::optional<std::string>
      altered;             ///< the new text, with kPadding readable bytes behind it; empty when nothing changed
  bool nul = false;        ///< \u0000 became U+2400
  bool surrogate = false;  ///< a lone surrogate escape became U+FFFD
};
/// Replaces \u0000 and lone surrogate escapes (in keys and values). Only a scan when there are none.
Storable make_storable(std::string_view raw);

}  // namespace surveysync::json
