// Pages of lists: the complete set where the vendor sends that, else backward passes over numbered pages, their newest
// end, and the lists of followed assessments one after another.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sources/alfaone/alfaone_source.h"

namespace surveysync::sources::alfaone {
namespace {

using model::Page;

// Rows of a look at the newest end, and of a count.
constexpr int kTailPage = 25, kCountPage = 20;
constexpr std::string_view kTail = "tail:";

std::int64_t number_behind(std::string_view text, std::string_view prefix) {
  std::int64_t number = 0;
  text.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0)
    throw Error(ErrorKind::bug, fmt::format("position \"{}{}\" is none of this source's", prefix, text));
  return number;
}

Page page_of(const Answer& answer) {
  Page page;
  page.requests = answer.requests;
  page.elapsed = answer.elapsed;
  page.cached = answer.cached;
  page.holes = answer.list.holes;
  return page;
}

void add(const Answer& answer, Page& page) {
  page.requests += answer.requests;
  page.elapsed = answer.elapsed;
  page.cached = page.cached || answer.cached;
}

/// How many different records the page shows.
std::int64_t distinct(const Page& page) {
  std::set<std::string> keys;
  for (const model::Record& record : page.records)
    keys.insert(model::key_text(record.key));
  for (const model::Quarantined& item : page.quarantined)
    keys.insert(item.record_key);
  return static_cast<std::int64_t>(keys.size());
}

/// Whether every record that names its assessment is of this one.
bool keeps_filter(const List& list, const std::string& assessment) {
  return std::ranges::all_of(list.records, [&](std::string_view raw) {
    const std::string of = scalar_of(raw, "assessmentId", "assessment_id");
    return of.empty() || of == assessment;
  });
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ec == std::errc()) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string AlfaOneSource::Place::text() const {
  return fmt::format("{}:{}:{}:{}", http::percent_encode(part), lane, counted, unread.text());
}

std::optional<AlfaOneSource::Place> AlfaOneSource::Place::parse(std::string_view text) {
  std::array<std::string_view, 4> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = i + 1 < fields.size() ? text.find(':') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    fields[i] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto size_of = [](std::string_view digits) {
    int size = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), size);
    return size;
  };
  Place place{percent_decoded(fields[0]), size_of(fields[1]), size_of(fields[2]), {}};
  auto unread = Unread::parse(fields[3]);
  if (!unread || place.lane < 0 || place.lane >= kLanes || place.counted < 0) return std::nullopt;
  place.unread = std::move(*unread);
  return place;
}

Page AlfaOneSource::fetch(const FetchRequest& request, const std::stop_token& stop) {
  if (!request.stream.of_account) return fetch_questions(request, stop);
  const std::string& at = request.position;
  Page page;
  if (at.empty()) {
    details_.begin_pass(resource_of(request.stream.name));
    page = begin(request, stop);
  } else if (at.starts_with(kTail)) {
    page = read_tail(request, stop);
  } else if (auto place = Place::parse(at)) {
    page = read_on(request, std::move(*place), stop);
  } else {
    throw Error(ErrorKind::bug, "position \"" + at + "\" is none of this source's");
  }
  if (page.next && *page.next == at) {
    throw Error(ErrorKind::malformed, fmt::format("reading the list of {}s does not get on", request.stream.name),
                "the vendor repeats a page; the list is read again in the next run");
  }
  return page;
}

// --- what is asked ---

Question AlfaOneSource::question_of(const FetchRequest& request, const std::string& part) const {
  const Resource& resource = resource_of(request.stream.name);
  Question question{resource, std::string(resource.path), {}, request.scope, request.may_shrink};
  if (!request.stream.of_account)
    question.path = lone_path(resource_of("assessment"), request.partition.name) + std::string(resource.path);
  if (!part.empty()) question.filter.emplace_back("assessmentId", part);
  return question;
}

bool AlfaOneSource::is_followed(const Resource& resource, std::string_view raw) const {
  if (resource.stream != "invite" || context_.following.everything()) return true;
  return context_.following.follows(scalar_of(raw, "assessmentId", "assessment_id"));
}

std::optional<std::vector<std::string>> AlfaOneSource::parts_of(const FetchRequest& request,
                                                                const std::stop_token& stop) {
  if (request.stream.name != "invite" || context_.following.everything()) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    if (filter_ignored_) return std::nullopt;
  }
  std::vector<std::string> parts;
  for (const model::Partition& assessment : partitions(request.scope, stop))
    if (context_.following.follows(assessment.name)) parts.push_back(assessment.name);
  std::ranges::sort(parts);
  const std::lock_guard lock(mutex_);
  parts_ = parts;
  return parts;
}

/// The total of all parts, once each of them has told its own.
std::optional<std::int64_t> AlfaOneSource::note_total(const std::string& part, std::int64_t total) {
  const std::lock_guard lock(mutex_);
  totals_[part] = total;
  std::int64_t sum = 0;
  for (const std::string& one : parts_) {
    const auto known = totals_.find(one);
    if (known == totals_.end()) return std::nullopt;
    sum += known->second;
  }
  return sum;
}

AlfaOneSource::Place AlfaOneSource::new_place(const FetchRequest& request, std::string part, const Answer& count) {
  const auto lane = static_cast<int>(lister_.next_variant("pass " + request.stream.name) % kLanes);
  Place place{std::move(part), lane, 0, {}};
  if (count.number.page == 1) place.counted = static_cast<int>(count.number.size);
  place.unread.remaining = *count.list.total;
  return place;
}

/// Where the list of the next followed assessment begins.
std::optional<std::string> AlfaOneSource::place_behind(const FetchRequest& request, const Place& place,
                                                       const std::stop_token& stop) {
  std::vector<std::string> parts;
  {
    const std::lock_guard lock(mutex_);
    parts = parts_;
  }
  if (parts.empty()) parts = parts_of(request, stop).value_or(std::vector<std::string>());
  const auto next = std::ranges::upper_bound(parts, place.part);
  return next == parts.end() ? std::nullopt : std::optional(Place{*next, place.lane, 0, {}}.text());
}

// --- what is taken ---

void AlfaOneSource::take_record(const FetchRequest& request, std::string_view raw, const Body& body, Page& page) const {
  const Resource& resource = resource_of(request.stream.name);
  const std::size_t before = page.records.size();
  key_record(resource, privacy_, rules_of(resource),
             {raw, body.original(raw), request.stream.of_account ? std::string() : request.partition.name}, page);
  if (page.records.size() > before) page.records.back().in_part = is_in_part(resource, raw);
}

std::vector<std::string> AlfaOneSource::take(const FetchRequest& request, List& list, Page& page) const {
  const Resource& resource = resource_of(request.stream.name);
  std::vector<std::string> marks;
  for (const std::string_view raw : list.records) {
    const std::string id = id_of(raw, resource);
    marks.push_back(mark_of(id.empty() ? raw : std::string_view(id)));
    if (is_followed(resource, raw)) take_record(request, raw, list.body, page);
  }
  page.texts.insert(page.texts.begin(), std::move(list.body.text));
  return marks;
}

/// The complete set: what is followed of it, and so many are there.
Page AlfaOneSource::everything(const FetchRequest& request, Answer answer) const {
  Page page = page_of(answer);
  take(request, answer.list, page);
  const bool counted = answer.list.paged && context_.following.everything();
  page.total = counted ? answer.list.total : distinct(page);
  return page;
}

/// For a vendor that pages and does not filter: only reading everything tells how many records are followed.
Page AlfaOneSource::read_all_and_choose(const FetchRequest& request, const std::stop_token& stop) {
  Whole whole = lister_.read_whole(question_of(request), stop);
  Page page;
  page.requests = whole.requests;
  page.elapsed = whole.elapsed;
  const Resource& resource = resource_of(request.stream.name);
  for (std::size_t i = 0; i < whole.records.size(); ++i) {
    if (is_followed(resource, whole.records[i]))
      take_record(request, whole.records[i], whole.lists[whole.list_of[i]].body, page);
  }
  for (List& list : whole.lists)
    page.texts.insert(page.texts.begin(), std::move(list.body.text));
  page.total = distinct(page);
  return page;
}

// --- questions ---

Page AlfaOneSource::fetch_questions(const FetchRequest& request, const std::stop_token& stop) {
  Whole whole = lister_.read_whole(question_of(request), stop);
  Page page;
  page.requests = whole.requests;
  page.elapsed = whole.elapsed;
  page.complete = true;
  for (std::size_t i = 0; i < whole.records.size(); ++i)
    take_record(request, whole.records[i], whole.lists[whole.list_of[i]].body, page);
  for (List& list : whole.lists)
    page.texts.insert(page.texts.begin(), std::move(list.body.text));
  return page;
}

// --- passes ---

Page AlfaOneSource::begin(const FetchRequest& request, const std::stop_token& stop) {
  if (const auto parts = parts_of(request, stop)) return begin_parts(request, *parts, stop);
  const Question question = question_of(request);
  Answer answer = lister_.ask(question, {1, lister_.varied(request.page_size, question.path)}, stop);
  if (answer.is_everything()) return everything(request, std::move(answer));
  if (request.stream.name == "invite" && !context_.following.everything()) return read_all_and_choose(request, stop);
  Page page = page_of(answer);
  page.holes = 0;
  page.total = answer.list.total;
  page.next = new_place(request, "", answer).text();
  return page;
}

Page AlfaOneSource::begin_parts(const FetchRequest& request, const std::vector<std::string>& parts,
                                const std::stop_token& stop) {
  Page page;
  std::int64_t sum = 0;
  for (const std::string& part : parts) {
    const Question question = question_of(request, part);
    Answer answer = lister_.ask(question, {1, lister_.varied(kCountPage, question.path + part)}, stop);
    add(answer, page);
    if (!answer.list.paged) return everything(request, std::move(answer));
    if (!keeps_filter(answer.list, part)) {
      const std::lock_guard lock(mutex_);
      filter_ignored_ = true;
      break;
    }
    note_total(part, *answer.list.total);
    sum += *answer.list.total;
    if (!page.next && *answer.list.total > 0) page.next = new_place(request, part, answer).text();
  }
  {
    const std::lock_guard lock(mutex_);
    if (!filter_ignored_) {
      page.total = sum;
      return page;
    }
  }
  return read_all_and_choose(request, stop);
}

Page AlfaOneSource::read_on(const FetchRequest& request, Place place, const std::stop_token& stop) {
  const Question question = question_of(request, place.part);
  int counting = 0;
  if (place.unread.remaining < 0) {
    const Answer count = lister_.ask(question, {1, lister_.varied(kCountPage, question.path + place.part)}, stop);
    counting = count.requests;
    place.unread.remaining = count.list.total.value_or(1);
    place.counted = static_cast<int>(count.number.size);
  }
  const int most = lister_.capped(request.page_size);
  const bool was_asked = next_page(place.unread, most, place.lane) == PageNumber{1, place.counted};
  Answer answer = lister_.ask_unread(question, place.unread, was_asked && most > 2 ? most - 1 : most, place.lane, stop);
  answer.requests += counting;
  if (!answer.list.paged) return everything(request, std::move(answer));
  if (!place.part.empty() && !keeps_filter(answer.list, place.part)) {
    {
      const std::lock_guard lock(mutex_);
      filter_ignored_ = true;
    }
    return read_all_and_choose(request, stop);
  }
  // One page without rows where rows are due: the total lies, or the page does. Walking on would have no end.
  if (answer.came() == 0 && answer.due > 0) {
    throw Error(ErrorKind::malformed,
                fmt::format("page {} of {} {}s is empty although the vendor counts {}", answer.number.page,
                            answer.number.size, request.stream.name, *answer.list.total));
  }
  Page page = page_of(answer);
  const std::int64_t total = *answer.list.total;
  page.total = place.part.empty() ? std::optional(total) : note_total(place.part, total);
  Shown shown{answer.number, total, {}};
  shown.marks = take(request, answer.list, page);
  if (auto left = after_page(place.unread, shown)) {
    place.unread = std::move(*left);
    page.next = place.text();
  } else if (!place.part.empty()) {
    page.next = place_behind(request, place, stop);
  }
  return page;
}

// --- the newest end ---

Page AlfaOneSource::read_tail(const FetchRequest& request, const std::stop_token& stop) {
  if (const auto parts = parts_of(request, stop)) return read_tails(request, *parts, stop);
  const std::int64_t known = number_behind(request.position, kTail);
  const Question question = question_of(request);
  const int size = lister_.varied(kTailPage, question.path);
  const bool descending = lister_.is_descending(question.resource);
  const PageNumber number{descending ? 1 : std::max<std::int64_t>(1, (known + size - 1) / size), size};
  Answer answer = lister_.ask(question, number, stop);
  if (answer.is_everything()) return everything(request, std::move(answer));
  if (request.stream.name == "invite" && !context_.following.everything()) return read_all_and_choose(request, stop);
  Page page = page_of(answer);
  const std::int64_t total = *answer.list.total, grown = total - known;
  page.total = total;
  Shown shown{answer.number, total, {}};
  shown.marks = take(request, answer.list, page);
  Unread left;
  if (descending) {
    if (grown + 1 < answer.came()) return page;  // all that is new, and what was there before it
    left.remaining = std::min(total, std::max<std::int64_t>(grown, 0) + size);
  } else if (grown > 0) {
    left.remaining = total;
    left.floor = answer.number.first_row();
  } else {
    left.remaining = std::min(answer.number.first_row(), total);
    left.edges.assign(shown.marks.begin(), shown.marks.begin() + (shown.marks.empty() ? 0 : 1));
  }
  if (left.remaining <= left.floor) return page;
  Place next = new_place(request, "", answer);
  next.unread = std::move(left);
  page.next = next.text();
  return page;
}

/// Of each followed assessment what came since it was counted: little, so that all of it fits in one answer of ours.
Page AlfaOneSource::read_tails(const FetchRequest& request, const std::vector<std::string>& parts,
                               const std::stop_token& stop) {
  Page page;
  std::int64_t sum = 0;
  for (const std::string& part : parts) {
    const Question question = question_of(request, part);
    const int size = lister_.varied(kTailPage, question.path + part);
    std::int64_t known = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto told = totals_.find(part);
      if (told != totals_.end()) known = told->second;
    }
    const bool descending = lister_.is_descending(question.resource);
    const std::int64_t newest_page = std::max<std::int64_t>(1, (known + size - 1) / size);
    std::int64_t total = 0;
    for (PageNumber number{descending ? 1 : newest_page, size};; ++number.page) {
      Answer answer = lister_.ask(question, number, stop);
      add(answer, page);
      if (!answer.list.paged) return everything(request, std::move(answer));
      total = *answer.list.total;
      const std::int64_t came = answer.came();
      take(request, answer.list, page);
      const std::int64_t newer = descending ? total - known - number.first_row() : total - number.first_row();
      if (came == 0 || newer < came + 1) break;
    }
    note_total(part, total);
    sum += total;
  }
  page.total = sum;
  return page;
}

}  // namespace surveysync::sources::alfaone
