#include "sources/alchemer/objects_read.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "sources/alchemer/objects_key.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;

// A list is read anew this often while it shows fewer rows than it counts.
constexpr int kPasses = 3;
// More pages than any account's lists have: a list without end is none.
constexpr int kMostPages = 2000;
// Sizes that a harmless parameter goes through, so that no URL is repeated within the duplicate guard.
constexpr unsigned kSizes = 12;

std::string brief(NoList none) {
  return none == NoList::not_offered ? "is not offered to this key" : "is refused";
}

/// Takes over what `from` holds.
void append(Page& to, Page&& from) {
  std::ranges::move(from.texts, std::back_inserter(to.texts));
  std::ranges::move(from.records, std::back_inserter(to.records));
  std::ranges::move(from.quarantined, std::back_inserter(to.quarantined));
  to.requests += from.requests;
  to.elapsed = std::max(to.elapsed, from.elapsed);
  to.cached = to.cached || from.cached;
}

std::int64_t met(const std::set<std::int64_t>& ids, std::int64_t others) {
  return static_cast<std::int64_t>(ids.size()) + others;
}

model::Key below(const model::Key& survey, std::int64_t parent) {
  model::Key key = survey;
  key.emplace_back(parent);
  return key;
}

}  // namespace

std::string LongPosition::text() const {
  return fmt::format("{};{};{}", fmt::join(parents, ","), cursor.text(), answered ? 1 : 0);
}

std::optional<LongPosition> LongPosition::parse(std::string_view text) {
  const std::size_t first = text.find(';'), second = text.rfind(';');
  if (first == std::string_view::npos || first == second) return std::nullopt;
  LongPosition position;
  const auto cursor = ListCursor::parse(text.substr(first + 1, second - first - 1));
  if (!cursor) return std::nullopt;
  position.cursor = *cursor;
  position.answered = text.substr(second + 1) == "1";
  for (std::string_view ids = text.substr(0, first); !ids.empty();) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(ids.data(), ids.data() + ids.size(), id);
    if (error != std::errc() || id < 1) return std::nullopt;
    position.parents.push_back(id);
    ids.remove_prefix(static_cast<std::size_t>(end - ids.data()));
    if (ids.starts_with(',')) ids.remove_prefix(1);
  }
  return position.parents.empty() ? std::nullopt : std::optional(position);
}

ObjectReader::Answer ObjectReader::ask(const ObjectKind& kind, const model::Key& parents, const PageNumber& number,
                                       Page& page) {
  const std::string path = object_path(kind, parents);
  http::Call call{path, {}, scope_, 0};
  if (kind.listing == Listing::paged || number.page > 1) call.query = paging(number.page, number.size);
  // Changes nothing here but the URL.
  else
    call.query = {{"resultsperpage", std::to_string(number.size)}};
  call.accepts = [&kind](const http::Response& answer) {
    return no_list(answer.status, answer.body, kind) != NoList::none;
  };
  http::Reply reply = services_.client.get(call, stop_);
  page.requests += reply.attempts;
  page.elapsed = std::max(page.elapsed, reply.elapsed);
  page.cached = page.cached || reply.cached;
  Answer answer{no_list(reply.status, reply.body, kind), {}};
  if (answer.none == NoList::none) answer.list = read_object_list(reply, kind, path);
  return answer;
}

ObjectReader::Walked ObjectReader::walk_once(const ObjectKind& kind, const model::Key& parents, const Take& take,
                                             Page& page) {
  const std::string path = object_path(kind, parents);
  const int most = services_.largest_page - static_cast<int>(services_.next_variant(path) % kSizes);
  Walked walked;
  ListCursor cursor;
  std::set<std::int64_t> seen;
  std::int64_t holes = 0, unkeyed = 0;
  std::optional<std::int64_t> total;
  for (int pages = 0;; ++pages) {
    if (pages == kMostPages) throw Error(ErrorKind::malformed, fmt::format("reading {}: a list without end", path));
    const PageNumber number = cursor.next_page(std::max(2, most));
    Answer answer = ask(kind, parents, number, page);
    walked.none = answer.none;
    if (!answer.list) return walked;
    ObjectList& list = *answer.list;
    total = list.total;
    holes += list.holes;
    std::vector<std::int64_t> ids;
    for (const ObjectItem& item : list.items)
      ids.push_back(item.id);
    const ListSeen shown{number, ids, list.rows(), list.total, kind.listing != Listing::paged};
    std::erase_if(list.items, [&](const ObjectItem& item) {
      if (item.id < 1) {
        ++unkeyed;
        return false;
      }
      if (!seen.insert(item.id).second) return true;
      if (!item.is_deleted) walked.ids.insert(item.id);
      return item.is_deleted;
    });
    take(list, page);
    if (kind.listing == Listing::single || !cursor.move(shown, path)) break;
  }
  walked.missing = holes > 0 || (total && met(seen, unkeyed) < *total);
  // Without a total a short page is taken for the end, and may be all that the vendor sends at once.
  const bool told_whole = total || kind.listing != Listing::paged;
  walked.sound = told_whole && !walked.missing && unkeyed == 0;
  return walked;
}

/// Anew while rows are missing: some are null for a moment only.
ObjectReader::Walked ObjectReader::walk(const ObjectKind& kind, const model::Key& parents, const Take& take,
                                        Page& page) {
  for (int pass = 1;; ++pass) {
    Page read;
    Walked walked = walk_once(kind, parents, take, read);
    if (walked.missing && pass < kPasses) {
      page.requests += read.requests;
      continue;
    }
    append(page, std::move(read));
    return walked;
  }
}

ObjectReader::Take ObjectReader::keying(const model::Key& parents) const {
  return [this, parents](ObjectList& list, Page& page) {
    for (const ObjectItem& item : list.items)
      key_object(item, kind_, parents, services_.privacy, {&list.body.repair, list.body.text.get()}, page);
    page.texts.push_back(std::move(list.body.text));
  };
}

void ObjectReader::not_offered(const model::Key& parents) const {
  throw Error(ErrorKind::denied, fmt::format("reading {}: {}", object_path(kind_, parents), brief(NoList::not_offered)),
              "the account's plan or the key's user may lack it; leave it out of `streams` to be asked no more");
}

std::set<std::int64_t> ObjectReader::parents_of(const model::Key& survey, Page& page) {
  const ObjectKind& parent = *object_kind(kind_.parent);
  const Walked walked = walk(
      parent, survey, [](ObjectList&, Page&) {}, page);
  if (walked.none == NoList::not_offered)
    throw Error(ErrorKind::denied,
                fmt::format("reading {}: {}", object_path(parent, survey), brief(NoList::not_offered)));
  page.complete = page.complete && walked.sound;
  return walked.ids;
}

void ObjectReader::read_below(const model::Key& parents, Page& page, bool& answered, bool& refused) {
  const Walked walked = walk(kind_, parents, keying(parents), page);
  page.complete = page.complete && walked.sound;
  answered = answered || walked.none != NoList::not_offered;
  refused = refused || walked.none != NoList::none;
}

Page ObjectReader::read_all(const model::Key& survey) {
  Page page;
  page.complete = true;
  if (kind_.parent.empty()) {
    const Walked walked = walk(kind_, survey, keying(survey), page);
    if (walked.none == NoList::not_offered) not_offered(survey);
    page.complete = page.complete && walked.sound;
  } else {
    bool answered = false, refused = false;
    const auto parents = parents_of(survey, page);
    for (const std::int64_t parent : parents)
      read_below(below(survey, parent), page, answered, refused);
    if (refused && !answered) not_offered(below(survey, *parents.begin()));
    // What a refused list held is asked for one by one.
    page.complete = page.complete && !refused;
  }
  page.complete = page.complete && !kind_.hides;
  return page;
}

Page ObjectReader::read_one(const model::Key& survey, std::int64_t id) {
  Page page = read_all(survey);
  std::erase_if(page.records, [&](const model::Record& record) { return record.key.back() != model::KeyPart(id); });
  return page;
}

Page ObjectReader::read_page(const model::Key& survey, const std::string& at, int page_size) {
  Page page;
  LongPosition position;
  if (at.empty()) {
    const auto parents = parents_of(survey, page);
    page.complete = false;
    position.parents.assign(parents.begin(), parents.end());
    if (position.parents.empty()) return page;
  } else if (auto parsed = LongPosition::parse(at)) {
    position = *std::move(parsed);
  } else {
    throw Error(ErrorKind::bug, "position \"" + at + "\" is none of this source's");
  }
  const model::Key parents = below(survey, position.parents.front());
  const std::string path = object_path(kind_, parents);
  const int most = std::min(page_size, services_.largest_page);
  const int spread = static_cast<int>(std::min<unsigned>(kSizes, static_cast<unsigned>(std::max(1, most / 5))));
  const int varied = most - static_cast<int>(services_.next_variant(path)) % spread;
  const PageNumber number = position.cursor.next_page(varied);
  Answer answer = ask(kind_, parents, number, page);
  bool more = false;
  position.answered = position.answered || answer.none != NoList::not_offered;
  if (answer.list) {
    ObjectList& list = *answer.list;
    std::vector<std::int64_t> ids;
    for (const ObjectItem& item : list.items)
      ids.push_back(item.id);
    const std::int64_t seam = position.cursor.seam;  // the page before has shown it
    more = position.cursor.move({number, ids, list.rows(), list.total, false}, path);
    page.holes = list.holes;
    std::erase_if(list.items, [&](const ObjectItem& item) { return item.is_deleted || (seam > 0 && item.id == seam); });
    keying(parents)(list, page);
  }
  if (!more) {
    position.parents.erase(position.parents.begin());
    position.cursor = {};
  }
  if (position.parents.empty()) {
    if (!position.answered) not_offered(parents);
    return page;
  }
  page.next = position.text();
  return page;
}

}  // namespace surveysync::sources::alchemer
