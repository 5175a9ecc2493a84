#pragma once
// From the slices of an answer's body to records of a page, for every provider: the body and what was mended in it, the
// texts that a page must own, hash and flags, and what could not be keyed. A page owns what it is given; one page
// belongs to one thread. Nothing is thrown, but Body: Error(malformed) for bytes that are no text.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/stream.h"

namespace surveysync::sources {

/// An answer's body, repaired, to be owned by a page.
struct Body {
  std::unique_ptr<std::string> text;
  json::Repair repair;
  explicit Body(std::string&& bytes);

  /// The vendor's bytes of `slice`, a part of `text`, only where they were mended.
  std::optional<std::string> original(std::string_view slice) const;
};

/// What differs from a record's slice of its body.
struct RecordText {
  std::optional<std::string> altered;   ///< the slice after privacy, where that changed something
  std::optional<std::string> original;  ///< the vendor's bytes (after privacy), where the body had to be mended
};

/// What a record is known by.
struct RecordName {
  std::size_t table = 0;
  model::Key key = {};
  std::string context = {};
};

/// Appends the record of a slice: makes it storable, hashes the vendor's bytes, keeps what is new in `out`.
void add_record(RecordName name, std::string_view slice, RecordText text, model::Page& out);

/// How an item without a readable id is called: by its bytes; unlike any other of the page.
std::string raw_key(std::string_view raw, const model::Page& out);
/// Appends an item that could not be keyed.
void quarantine(std::string raw, std::string reason, model::Page& out);

}  // namespace surveysync::sources
