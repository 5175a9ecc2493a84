#include "sources/alfaone/lister.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sources/alfaone/times.h"

namespace surveysync::sources::alfaone {
namespace {

// Tries of a page under whose weight the vendor fails, before a smaller one is asked for.
constexpr int kHeavyAttempts = 2;
// A whole list is read anew this often when it changes under our hands.
constexpr int kWholePasses = 3;
// Sizes that the limit goes through, so that no URL is repeated within the duplicate guard.
constexpr unsigned kVariants = 12;
constexpr int kNotFound = 404, kGone = 410, kBadRequest = 400;

bool is_not_offered(int status) {
  return status == kNotFound || status == kGone;
}

http::Query with_paging(http::Query query, const PageNumber& number) {
  query.emplace_back("page", std::to_string(number.page));
  query.emplace_back("limit", std::to_string(number.size));
  return query;
}

/// Some vendors turn a page behind the end into the last one.
void check_page(const Question& question, Answer& answer) {
  const auto echoed = answer.list.page;
  if (!echoed || *echoed == answer.number.page) return;
  const bool behind_the_end = answer.number.first_row() >= *answer.list.total && *echoed >= 1;
  if (!behind_the_end) {
    throw Error(ErrorKind::malformed,
                fmt::format("reading {}: asked for page {}, got page {}", question.path, answer.number.page, *echoed));
  }
  answer.number.page = *echoed;
}

}  // namespace

unsigned Lister::next_variant(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return variants_[name]++;
}

int Lister::varied(int size, const std::string& path) {
  const int most = capped(size);
  const auto spread = static_cast<unsigned>(std::clamp(most / 5, 1, static_cast<int>(kVariants)));
  return most - static_cast<int>(next_variant(path) % spread);
}

bool Lister::is_descending(const Resource& resource) {
  const std::lock_guard lock(mutex_);
  return descending_.contains(resource.stream);
}

Lister::Sorting Lister::sorting(const Resource& resource) {
  const std::lock_guard lock(mutex_);
  const auto found = sorting_.find(resource.stream);
  return found == sorting_.end() ? Sorting::by_field : found->second;
}

void Lister::note_sorting(const Resource& resource, Sorting sorting) {
  const std::lock_guard lock(mutex_);
  sorting_[resource.stream] = sorting;
}

void Lister::note_direction(const Resource& resource, const List& list) {
  if (list.records.size() < 2) return;
  const std::string field = camel_case(resource.sort);
  const auto first = parse_time(scalar_of(list.records.front(), field, resource.sort));
  const auto last = parse_time(scalar_of(list.records.back(), field, resource.sort));
  if (!first || !last || *first == *last) return;
  const std::lock_guard lock(mutex_);
  if (*last < *first)
    descending_.insert(resource.stream);
  else
    descending_.erase(resource.stream);
}

void Lister::suspect_cap(int size) {
  if (suspected_cap_.exchange(size) == size) page_cap_ = std::min(page_cap_.load(), size);
}

http::Reply Lister::get_sorted(const Question& question, const PageNumber& number, Sorting sorting,
                               const std::stop_token& stop) {
  http::Call call{question.path, with_paging(question.filter, number), question.scope, 0,
                  question.may_shrink ? kHeavyAttempts : 0};
  if (sorting == Sorting::by_field) call.query.emplace_back("sort", question.resource.sort);
  if (sorting != Sorting::none) call.query.emplace_back("order", "asc");
  call.accepts = [](const http::Response& response) { return is_not_offered(response.status); };
  http::Reply reply = client_.get(call, stop);
  if (is_not_offered(reply.status)) {
    Error error(ErrorKind::denied,
                fmt::format("reading {}: the vendor does not offer it (HTTP {})", question.path, reply.status));
    throw error.with_http_status(reply.status);
  }
  return reply;
}

/// With as much of an order as the vendor takes: a 400 may be about the sort field, or about order itself.
http::Reply Lister::get(const Question& question, const PageNumber& number, const std::stop_token& stop) {
  const Sorting known = sorting(question.resource);
  std::optional<Error> refusal;
  for (const Sorting sorting : {Sorting::by_field, Sorting::by_direction, Sorting::none}) {
    if (sorting < known) continue;
    try {
      http::Reply reply = get_sorted(question, number, sorting, stop);
      if (sorting != known) note_sorting(question.resource, sorting);
      return reply;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::rejected || error.http_status() != kBadRequest) throw;
      if (!refusal) refusal = error;
    }
  }
  throw Error(*refusal);
}

Answer Lister::ask(const Question& question, const PageNumber& number, const std::stop_token& stop) {
  http::Reply reply = get(question, number, stop);
  const int requests = reply.attempts;
  const Duration elapsed = reply.elapsed;
  const bool cached = reply.cached;
  Answer answer{number, read_list(reply, question.resource, question.path), requests, elapsed, cached, 0};
  if (!answer.list.paged) return answer;
  check_page(question, answer);
  if (answer.came() > number.size) {
    throw Error(ErrorKind::malformed,
                fmt::format("reading {}: asked for {} records, got {}", question.path, number.size, answer.came()));
  }
  answer.due = expected_rows(answer.number, *answer.list.total);
  note_direction(question.resource, answer.list);
  return answer;
}

Answer Lister::ask_unread(const Question& question, const Unread& unread, int page_size, int lane,
                          const std::stop_token& stop) {
  Answer answer = ask(question, next_page(unread, capped(page_size), lane), stop);
  if (!answer.list.paged) return answer;
  const std::int64_t came = answer.came(), asked = answer.number.size;
  const std::int64_t told = answer.list.limit.value_or(0);
  const bool short_of_due = came < asked && came != answer.due && came - answer.list.holes != answer.due;
  const bool said_so = told > 0 && told < asked && came <= told;
  if (came == 0 || (!short_of_due && !said_so)) return answer;
  const std::int64_t own = said_so ? told : came;
  Answer smaller = ask(question, next_page(unread, static_cast<int>(own), lane), stop);
  smaller.requests += answer.requests;
  answer.requests = smaller.requests;
  if (said_so)
    page_cap_ = std::min(page_cap_.load(), static_cast<int>(own));
  else if (smaller.came() == smaller.number.size)
    suspect_cap(static_cast<int>(own));
  // Nothing behind it: its pages are no smaller, it shows fewer rows than it counts.
  return smaller.came() == 0 && smaller.due > 0 ? std::move(answer) : std::move(smaller);
}

/// One pass; false when it met fewer records than the vendor counts.
bool Lister::read_pages(const Question& question, int size, Whole& whole, const std::stop_token& stop) {
  std::set<std::string> met;
  for (PageNumber number{1, size};; ++number.page) {
    Answer answer = ask(question, number, stop);
    whole.requests += answer.requests;
    whole.elapsed = answer.elapsed;
    const bool paged = answer.list.paged;
    const std::int64_t total = answer.list.total.value_or(0), came = answer.came();
    const std::size_t before = whole.records.size();
    for (const std::string_view raw : answer.list.records) {
      const std::string id = id_of(raw, question.resource);
      if (!id.empty() && !met.insert(id).second) continue;
      whole.records.push_back(raw);
      whole.list_of.push_back(whole.lists.size());
    }
    whole.lists.push_back(std::move(answer.list));
    if (!paged || static_cast<std::int64_t>(whole.records.size()) >= total) return true;
    if (came > 0 && came < number.size && number.first_row() + came < total) {
      number = {0, came};  // its pages are smaller than ours: from the beginning, in its own size
      continue;
    }
    // The first page in its own size shows what is known already.
    if (whole.records.size() == before && number.page > 1) return false;
  }
}

Whole Lister::read_whole(const Question& question, const std::stop_token& stop) {
  int requests = 0;
  for (int pass = 0; pass < kWholePasses; ++pass) {
    Whole whole;
    whole.requests = requests;
    if (read_pages(question, varied(kLargestPage, question.path), whole, stop)) return whole;
    requests = whole.requests;
  }
  throw Error(ErrorKind::malformed,
              fmt::format("reading {}: the list does not hold as many records as it counts", question.path),
              "records were added or deleted all the while, or the API changed; try again");
}

}  // namespace surveysync::sources::alfaone
