#pragma once
// Asks for lists, politely and in whichever generation of the API answers: always in ascending order of a field that
// stays, as long as the vendor takes that; never the same URL twice in a row; in pages no larger than the vendor sends.
// What it learns of the vendor on the way is shared by the workers; thread-safe. Throws what http/client throws;
// Error(denied) for a list that the vendor does not offer, Error(malformed) for one that makes no sense.

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "http/client.h"
#include "sources/alfaone/list.h"
#include "sources/alfaone/unread.h"

namespace surveysync::sources::alfaone {

/// The vendor's largest page.
inline constexpr int kLargestPage = 100;

/// One list.
struct Question {
  const Resource& resource;
  std::string path;
  http::Query filter = {};
  Scope scope = {};
  bool may_shrink = false;  ///< a smaller page can be asked for instead
};

/// One page of it, or all of it.
struct Answer {
  PageNumber number;
  List list;
  int requests = 0;
  Duration elapsed{};
  bool cached = false;
  std::int64_t due = 0;  ///< rows that the page must hold

  std::int64_t came() const { return list.rows(); }
  /// Nothing is missing on it.
  bool is_everything() const { return !list.paged || (number.page == 1 && came() >= *list.total); }
};

/// A whole list, read page by page.
struct Whole {
  std::vector<List> lists;                ///< owners of the bytes
  std::vector<std::string_view> records;  ///< each once; a record without an id as often as it comes
  std::vector<std::size_t> list_of;       ///< of each record: whose bytes it is part of
  int requests = 0;
  Duration elapsed{};
};

class Lister {
 public:
  explicit Lister(http::Client& client) : client_(client) {}

  Answer ask(const Question& question, const PageNumber& number, const std::stop_token& stop);
  /// The page that comes next, and the same rows once more in the vendor's own size where its pages turn out to be
  /// smaller.
  Answer ask_unread(const Question& question, const Unread& unread, int page_size, int lane,
                    const std::stop_token& stop);
  /// Everything, read again when it changed under our hands. Throws Error(malformed) when it never holds as many
  /// records as it counts.
  Whole read_whole(const Question& question, const std::stop_token& stop);

  /// About `size`, another number each time that a list is asked for.
  int varied(int size, const std::string& path);
  /// 0, 1, 2, ... each time that it is asked for this name.
  unsigned next_variant(const std::string& name);
  int capped(int size) const { return std::min({size, page_cap_.load(), kLargestPage}); }
  /// Whether the list comes newest first although it was asked for otherwise.
  bool is_descending(const Resource& resource);

 private:
  /// How much of an order the vendor takes.
  enum class Sorting : std::uint8_t { by_field, by_direction, none };

  Sorting sorting(const Resource& resource);
  void note_sorting(const Resource& resource, Sorting sorting);
  void note_direction(const Resource& resource, const List& list);
  http::Reply get(const Question& question, const PageNumber& number, const std::stop_token& stop);
  http::Reply get_sorted(const Question& question, const PageNumber& number, Sorting sorting,
                         const std::stop_token& stop);
  bool read_pages(const Question& question, int size, Whole& whole, const std::stop_token& stop);
  /// Twice the same short size is a cap; once may be a passing fault, and a small size would cost every list.
  void suspect_cap(int size);

  http::Client& client_;
  std::atomic<int> page_cap_ = kLargestPage, suspected_cap_ = 0;
  std::mutex mutex_;                             // guards all below
  std::map<std::string_view, Sorting> sorting_;  // by stream
  std::set<std::string_view> descending_;        // streams
  std::map<std::string, unsigned> variants_;     // by path
};

}  // namespace surveysync::sources::alfaone
