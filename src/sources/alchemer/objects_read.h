#pragma once
// Reads lists of objects: short ones at once, with the lists of all parents where they lie below some; long ones page
// by page. One reader for one call of Source::fetch, on its thread. Throws what http/client throws, Error(denied) where
// the vendor does not offer the list to this key, Error(malformed).

#include <functional>
#include <set>
#include <stop_token>
#include <vector>

#include "http/client.h"
#include "sources/alchemer/list_cursor.h"
#include "sources/alchemer/objects.h"
#include "sources/alchemer/objects_list.h"
#include "sources/privacy.h"

namespace surveysync::sources::alchemer {

/// What a reader needs of its source. References outlive it.
struct ObjectServices {
  http::Client& client;
  const Privacy& privacy;
  std::function<unsigned(const std::string& path)> next_variant;  ///< 0, 1, 2, ... for each path
  int largest_page = 500;
};

/// Where the reading of a long list stands: the parents whose lists are still to be read, the first of them from
/// `cursor` on.
struct LongPosition {
  std::vector<std::int64_t> parents;
  ListCursor cursor;
  bool answered = false;  ///< some parent's list was one

  /// "12,15,19;CURSOR;1".
  std::string text() const;
  static std::optional<LongPosition> parse(std::string_view text);
};

class ObjectReader {
 public:
  ObjectReader(ObjectServices services, const ObjectKind& kind, Scope scope, const std::stop_token& stop)
      : services_(std::move(services)), kind_(kind), scope_(std::move(scope)), stop_(stop) {}

  /// All of a short list below `survey` (empty for those of the account). `complete` unless something was in doubt.
  model::Page read_all(const model::Key& survey);
  /// One page of a long list.
  model::Page read_page(const model::Key& survey, const std::string& position, int page_size);
  /// One object out of a list without single GETs; a page without records where the list does not show it. `complete`
  /// as above.
  model::Page read_one(const model::Key& survey, std::int64_t id);

 private:
  /// One list from its first row to its last.
  struct Walked {
    std::set<std::int64_t> ids;  ///< of what is not deleted
    NoList none = NoList::none;
    bool sound = true;     ///< every row that is counted was met, and has an id
    bool missing = false;  ///< rows that are counted or null may come when asked for again
  };
  struct Answer {
    NoList none = NoList::none;
    std::optional<ObjectList> list;
  };
  using Take = std::function<void(ObjectList&, model::Page&)>;

  Answer ask(const ObjectKind& kind, const model::Key& parents, const PageNumber& number, model::Page& page);
  Walked walk_once(const ObjectKind& kind, const model::Key& parents, const Take& take, model::Page& page);
  Walked walk(const ObjectKind& kind, const model::Key& parents, const Take& take, model::Page& page);
  void read_below(const model::Key& parents, model::Page& page, bool& answered, bool& refused);
  std::set<std::int64_t> parents_of(const model::Key& survey, model::Page& page);
  Take keying(const model::Key& parents) const;
  [[noreturn]] void not_offered(const model::Key& parents) const;

  ObjectServices services_;
  const ObjectKind& kind_;
  Scope scope_;
  const std::stop_token& stop_;
};

}  // namespace surveysync::sources::alchemer
