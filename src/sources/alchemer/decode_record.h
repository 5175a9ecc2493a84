#pragma once
// The last step of keying: texts into a page's memory, hash, flags. Private to decode_key.cpp and decode_split.cpp.
// The page owns what it is given; one page belongs to one thread. Nothing is thrown.

#include <optional>
#include <string>
#include <string_view>

#include "model/stream.h"

namespace surveysync::sources::alchemer {

/// What differs from a record's slice of its body.
struct RecordText {
  std::optional<std::string> altered;   ///< the slice after privacy, where that removed something
  std::optional<std::string> original;  ///< the vendor's bytes (after privacy), where the body had to be mended
};

/// What a record is known by.
struct RecordName {
  std::size_t table = 0;
  model::Key key;
  std::string context = {};
};

/// Appends the record of a slice: makes it storable, hashes the vendor's bytes with the context, keeps what is new in
/// `out`.
void add_record(RecordName name, std::string_view slice, RecordText text, model::Page& out);

/// How an item without a readable id is called: by its bytes; unlike any other of the page.
std::string raw_key(std::string_view raw, const model::Page& out);
/// Appends an item that could not be keyed.
void quarantine(std::string raw, std::string reason, model::Page& out);

}  // namespace surveysync::sources::alchemer
