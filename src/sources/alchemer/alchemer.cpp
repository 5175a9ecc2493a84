#include "sources/alchemer/alchemer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/json.h"
#include "sources/alchemer/dates.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/judge.h"
#include "sources/alchemer/pages.h"
#include "sources/alchemer/tables.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;
using model::Partition;

// The survey list's rows are small: the vendor's largest page at once.
constexpr int kListPage = 500;
// The survey list is read anew this often when it changes under our hands.
constexpr int kListPasses = 3;
// Rows of a look at the newest end; the size varies below it so that no URL is repeated within the duplicate guard.
constexpr int kTailPage = 25;
constexpr int kTailVariants = 12;
constexpr unsigned kCountVariants = 20;
// A page shorter than it must be is asked for again in the size that came, this often: the vendor may cap its pages.
constexpr int kCapTries = 2;
// Tries of a page under whose weight the vendor fails, before a smaller one is asked for.
constexpr int kHeavyAttempts = 2;
// More responses than any survey has: a total above is no total.
constexpr std::int64_t kLargestTotal = 1'000'000'000;
// Responses that the clocks are learned from.
constexpr int kSamplePage = 100;

/// An answer's body, repaired, owned by a page.
struct Body {
  std::unique_ptr<std::string> text;
  json::Repair repair;
  explicit Body(std::string&& bytes)
      : text(std::make_unique<std::string>(std::move(bytes))), repair(json::Repair::apply(*text)) {
    text->reserve(text->size() + json::kPadding);
  }
};

/// A list as it came: its records, and what its envelope says.
struct List {
  Body body;
  json::Envelope envelope;
  std::vector<std::string_view> records;  // without null entries
  std::int64_t holes = 0;
  std::optional<std::int64_t> total;
};

json::Splitter& worker_splitter() {
  thread_local json::Splitter splitter;  // keeps its index memory from page to page; one a worker
  return splitter;
}

List read_list(http::Reply& reply, std::string_view path) {
  List list{Body(std::move(reply.body)), {}, {}, 0, {}};
  list.envelope = worker_splitter().split(*list.body.text, "data");
  const std::string_view ok = list.envelope.scalar("result_ok");
  if (ok == "false" || ok == "0") {
    const http::Judgement no =
        judge_envelope(reply.status, list.envelope.scalar("code"), list.envelope.scalar("message"));
    throw Error(no.kind, fmt::format("reading {}: the vendor said \"{}\"", path, no.message));
  }
  if (!list.envelope.list_found)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer has no data", path));
  for (const std::string_view record : list.envelope.records) {
    if (record == "null")
      ++list.holes;
    else
      list.records.push_back(record);
  }
  list.total = list.envelope.integer("total_count");
  return list;
}

class AlchemerSource final : public Source {
 public:
  explicit AlchemerSource(const SourceContext& context)
      : context_(context), privacy_(PrivacyRules::parse(context.privacy)), zones_(zones_of_region(context.region)) {}

  const std::vector<model::StreamSpec>& streams() const override { return stream_specs(); }
  std::int64_t requests() const override { return context_.client.stats().requests; }

  ProbeResult probe(const std::stop_token& stop) override;
  std::vector<Partition> partitions(const Scope& scope, const std::stop_token& stop) override;
  Page fetch(const FetchRequest& request, const std::stop_token& stop) override;
  model::Decode decoder(const model::StreamSpec& stream) const override;
  std::vector<model::Capability> learn(const std::vector<Partition>& sample, const Scope& scope,
                                       const std::stop_token& stop) override;
  void assume(const std::vector<model::Capability>& capabilities) override { zones_.take_over(capabilities); }
  std::vector<std::string> learnable() const override { return {"account_zone", "updated_zone"}; }
  std::string decoding() const override {
    return "account " + zones_.account.name() + ", updated " + zones_.updated.name();
  }

 private:
  Page fetch_definition(const FetchRequest& request, const std::stop_token& stop);
  Page fetch_responses(const FetchRequest& request, const std::stop_token& stop);
  Page count_responses(const FetchRequest& request, const std::stop_token& stop);
  Page read_unread_page(const FetchRequest& request, const PagePosition& position, const std::stop_token& stop);
  Page read_tail(const FetchRequest& request, const std::stop_token& stop);
  List list_responses(const FetchRequest& request, const PageNumber& number, Page& page, const std::stop_token& stop);
  void take_records(const FetchRequest& request, List& list, Page& page) const;
  /// Twice the same short size is a cap; once may be a passing fault, and a small size would cost every survey.
  void suspect_cap(int size) {
    if (suspected_cap_.exchange(size) == size) page_cap_ = std::min(page_cap_.load(), size);
  }
  /// 0, 1, 2, ... for each survey: no URL of its counts and tails comes again within the duplicate guard.
  unsigned next_variant(const std::string& survey) {
    const std::lock_guard lock(variants_mutex_);
    return variants_[survey]++;
  }
  int capped(int size) const { return std::min(size, page_cap_.load()); }
  bool list_once(int size, const Scope& scope, const std::stop_token& stop, std::vector<Partition>& into);

  SourceContext context_;
  PrivacyRules privacy_;
  Zones zones_;
  std::atomic<int> page_cap_ = kListPage;  // learned when pages come shorter than asked for
  std::atomic<int> suspected_cap_ = 0;
  std::mutex variants_mutex_;
  std::unordered_map<std::string, unsigned>
      variants_;                       // by survey: varies a harmless parameter of its counts and tails
  std::atomic<unsigned> variant_ = 0;  // varies harmless parameters of counts and tails
};

std::string survey_path(const Partition& partition) {
  return "/v5/survey/" + http::percent_encode(partition.name);
}

http::Query paging(std::int64_t page, std::int64_t size) {
  return {{"page", std::to_string(page)}, {"resultsperpage", std::to_string(size)}};
}

ProbeResult AlchemerSource::probe(const std::stop_token& stop) {
  http::Reply reply =
      context_.client.get({"/v5/survey", paging(1, 1 + variant_++ % 3), {context_.name, 0, "survey", ""}, 0}, stop);
  const List list = read_list(reply, "/v5/survey");
  return {fmt::format("{} surveys visible", list.total ? std::to_string(*list.total) : "?"),
          context_.client.clock_skew()};
}

// --- what the account holds ---

/// Responses that the list's statistics promise; they lag, so this is a hint for order and progress only.
std::int64_t promised_responses(const json::Value& survey) {
  std::int64_t sum = 0;
  for (const json::Member& member : survey["statistics"].members()) {
    if (member.key != "Complete" && member.key != "Partial" && member.key != "Disqualified") continue;
    std::string digits(member.value.text());
    std::erase(digits, ',');
    sum += std::strtoll(digits.c_str(), nullptr, 10);
  }
  return std::max<std::int64_t>(0, sum);
}

std::vector<Partition> AlchemerSource::partitions(const Scope& scope, const std::stop_token& stop) {
  for (int pass = 0;; ++pass) {
    std::vector<Partition> surveys;
    if (list_once(kListPage - pass, scope, stop, surveys)) return surveys;
    if (pass + 1 == kListPasses) {
      throw Error(ErrorKind::malformed, "reading /v5/survey: the list of surveys does not hold as many as it counts",
                  "surveys were added or deleted all the while, or the API changed; try again");
    }
  }
}

/// One pass over the list; false when it held fewer surveys than it counts.
bool AlchemerSource::list_once(int size, const Scope& scope, const std::stop_token& stop,
                               std::vector<Partition>& into) {
  std::set<std::string> seen;
  json::Document document;
  std::int64_t total = 0, deleted = 0;
  for (std::int64_t number = 1;; ++number) {
    http::Reply reply = context_.client.get({"/v5/survey", paging(number, size), scope, 0}, stop);
    const List list = read_list(reply, "/v5/survey");
    const std::size_t before = seen.size();
    for (const std::string_view raw : list.records) {
      const json::Value survey = document.parse_copy(raw);
      const auto id = survey["id"].as_int();
      if (!id) throw Error(ErrorKind::malformed, "reading /v5/survey: a survey without a numeric id");
      if (!seen.insert(std::to_string(*id)).second) continue;
      if (survey["status"].text() == "Deleted") {
        ++deleted;
        continue;
      }
      into.push_back(
          {std::to_string(*id), std::string(survey["title"].text()), promised_responses(survey), std::string(raw)});
    }
    // Without a count the list goes on until a page is not full.
    const bool full = static_cast<int>(list.records.size()) >= size;
    total = list.total.value_or(static_cast<std::int64_t>(seen.size()) + (full ? 1 : 0));
    const bool all_met = static_cast<std::int64_t>(seen.size()) >= total;
    if (all_met || list.records.empty() || seen.size() == before) break;
  }
  return static_cast<std::int64_t>(seen.size()) >= total;
}

// --- definitions ---

Page AlchemerSource::fetch_definition(const FetchRequest& request, const std::stop_token& stop) {
  const std::string path = survey_path(request.partition);
  Page page;
  page.complete = true;
  http::Reply detail = context_.client.get({path, {}, request.scope, 0}, stop);
  http::Reply questions = context_.client.get({path + "/surveyquestion", {}, request.scope, 0}, stop);
  page.requests = detail.attempts + questions.attempts;
  page.elapsed = detail.elapsed;

  Body body(std::move(detail.body));
  json::Document document;
  json::Value survey = document.parse(*body.text)["data"];
  if (survey.is_absent()) survey = document.parse(*body.text);  // 2026 pages print the fields beside result_ok
  if (survey.is_array() && survey.size() == 1) survey = survey.items().front();
  if (!survey.is_object() || survey["id"].is_absent()) {
    throw Error(ErrorKind::denied, fmt::format("reading {}: the vendor has no such survey any more", path));
  }
  List list = read_list(questions, path + "/surveyquestion");
  split_definition({survey.raw(), &body.repair, body.text.get()},
                   {list.records, &list.body.repair, list.body.text.get()}, request.partition.context, page);
  page.texts.push_back(std::move(body.text));
  page.texts.push_back(std::move(list.body.text));
  return page;
}

// --- responses ---

Page AlchemerSource::fetch(const FetchRequest& request, const std::stop_token& stop) {
  return request.stream.name == "survey" ? fetch_definition(request, stop) : fetch_responses(request, stop);
}

Page AlchemerSource::fetch_responses(const FetchRequest& request, const std::stop_token& stop) {
  if (request.position.empty()) return count_responses(request, stop);
  if (request.position.starts_with("tail:")) return read_tail(request, stop);
  const auto position = PagePosition::parse(request.position);
  if (!position) throw Error(ErrorKind::bug, "position \"" + request.position + "\" is none of this source's");
  return read_unread_page(request, *position, stop);
}

/// Asks for `number`, and follows the vendor when it caps its pages or turns out to number them otherwise.
List AlchemerSource::list_responses(const FetchRequest& request, const PageNumber& number, Page& page,
                                    const std::stop_token& stop) {
  const std::string path = survey_path(request.partition) + "/surveyresponse";
  http::Reply reply = context_.client.get(
      {path, paging(number.page, number.size), request.scope, 0, request.may_shrink ? kHeavyAttempts : 0}, stop);
  page.requests += reply.attempts;
  page.elapsed = reply.elapsed;
  page.cached = reply.cached;
  List list = read_list(reply, path);
  const auto echoed = list.envelope.integer("page");
  if (echoed && *echoed != number.page) {
    throw Error(ErrorKind::malformed,
                fmt::format("reading {}: asked for page {}, got page {}", path, number.page, *echoed));
  }
  page.total = list.total;
  page.holes = list.holes;
  return list;
}

void AlchemerSource::take_records(const FetchRequest& request, List& list, Page& page) const {
  const std::int64_t survey_id = std::stoll(request.partition.name);
  page.records.reserve(list.records.size());
  for (const std::string_view raw : list.records)
    key_response(raw, survey_id, privacy_, {&list.body.repair, list.body.text.get()}, page);
  page.texts.push_back(std::move(list.body.text));
}

Page AlchemerSource::count_responses(const FetchRequest& request, const std::stop_token& stop) {
  Page page;
  list_responses(request, {1, 1 + next_variant(request.partition.name) % kCountVariants}, page, stop);
  page.holes = 0;
  if (!page.total) throw Error(ErrorKind::malformed, "the list of responses has no total_count");
  if (*page.total < 0 || *page.total > kLargestTotal) {
    throw Error(ErrorKind::malformed, fmt::format("the vendor counts {} responses", *page.total));
  }
  if (*page.total > 0) page.next = PagePosition{*page.total, 0, ""}.text();
  return page;
}

Page AlchemerSource::read_unread_page(const FetchRequest& request, const PagePosition& position,
                                      const std::stop_token& stop) {
  int size = capped(request.page_size);
  for (int tries = 0;; ++tries) {
    Page page;
    const PageNumber number = last_unread_page(position, size);
    List list = list_responses(request, number, page, stop);
    const std::int64_t total = page.total.value_or(position.remaining);
    const auto came = static_cast<std::int64_t>(list.envelope.records.size());
    if (came - list.holes > number.size) {
      throw Error(ErrorKind::malformed, fmt::format("asked for {} responses, got {}", number.size, came));
    }
    const std::int64_t due = expected_rows(number, total);
    // Fewer rows than due, or more than a page that was to be the last: the vendor's pages are smaller than ours.
    if (came > 0 && came < number.size && came != due && came - list.holes != due && tries < kCapTries) {
      size = static_cast<int>(came);
      continue;
    }
    // One page without rows where rows are due: the total lies, or the page does. Walking on would have no end.
    if (came == 0 && due > 0) {
      throw Error(ErrorKind::malformed, fmt::format("page {} of {} responses is empty although the vendor counts {}",
                                                    number.page, number.size, total));
    }
    if (tries > 0 && came == number.size) suspect_cap(size);
    take_records(request, list, page);
    const std::string first = page.records.empty() ? "" : model::key_text({page.records.front().key.back()});
    if (!first.empty() && first == position.previous_first && number.first_row() + number.size <= position.remaining) {
      throw Error(ErrorKind::malformed,
                  fmt::format("page {} begins with response {} like the page read before it", number.page, first),
                  "the vendor repeats a page; the survey is read again in the next run");
    }
    if (const auto left = after_page(position, number, total, first)) page.next = left->text();
    return page;
  }
}

Page AlchemerSource::read_tail(const FetchRequest& request, const std::stop_token& stop) {
  const std::int64_t known = std::strtoll(request.position.c_str() + std::string_view("tail:").size(), nullptr, 10);
  const int size =
      std::min(kTailPage - static_cast<int>(next_variant(request.partition.name) % kTailVariants), page_cap_.load());
  Page page;
  const PageNumber number = last_unread_page({known, 0, ""}, size);
  List list = list_responses(request, number, page, stop);
  take_records(request, list, page);
  if (!page.total) return page;
  if (*page.total > known) {
    page.next = PagePosition{*page.total, number.first_row(), ""}.text();
  } else if (const std::int64_t left = std::min(number.first_row(), *page.total); left > 0) {
    page.next = PagePosition{left, 0, ""}.text();
  }
  return page;
}

model::Decode AlchemerSource::decoder(const model::StreamSpec& stream) const {
  auto document =
      std::make_shared<json::Document>();  // std::function must be copyable; each decoder has its own parser
  if (stream.name == "survey") {
    return [document, this](const model::Record& record, model::RowBatch& rows) {
      decode_definition(*document, record, zones_, rows);
    };
  }
  return [document, this](const model::Record& record, model::RowBatch& rows) {
    decode_response(*document, record, zones_, rows);
  };
}

std::vector<model::Capability> AlchemerSource::learn(const std::vector<Partition>& sample, const Scope& scope,
                                                     const std::stop_token& stop) {
  std::vector<model::Capability> learned;
  for (const Partition& survey : sample) {
    if (learned.size() == 2) break;
    http::Query newest = paging(1, kSamplePage);
    newest.emplace_back("order_by", "-date_submitted");  // old responses may lack date_updated
    http::Reply reply = context_.client.get({survey_path(survey) + "/surveyresponse", newest, scope, 0}, stop);
    const List list = read_list(reply, "surveyresponse");
    std::vector<model::Capability> found = learn_zones(list.records);
    if (found.size() > learned.size()) learned = std::move(found);
  }
  for (model::Capability& capability : learned)
    capability.learned_at = context_.clock.utc_now();
  return learned;
}

// --- the constant ---

void sign(const Credential& credential, http::Query& query, http::Headers&) {
  query.emplace_back("api_token", credential.lines.at(0).expose());
  query.emplace_back("api_token_secret", credential.lines.at(1).expose());
}

std::string base_url(std::string_view region) {
  if (region == "us") return "https://api.alchemer.com";
  if (region == "eu") return "https://api.alchemer.eu";
  if (region == "ca") return "https://api.alchemer-ca.com";
  if (region == "au") return "https://app.au.alchemer.com";
  return {};
}

}  // namespace

const SourceType& source_type() {
  static const SourceType type{
      .name = "alchemer",
      .credential_lines = 2,
      .sign = sign,
      .judge = judge,
      .probe = {"/v5/survey", {{"page", "1"}, {"resultsperpage", "4"}}, {}, 1},
      .base_url = base_url,
      .regions =
          [] {
            return std::vector<std::string>{"us", "eu", "ca", "au"};
          },
      .stream_names = {"survey", "response"},
      .privacy_fields = {"ip_address", "user_agent", "geo", "referer"},
      .max_page_size = kListPage,
      .make = [](const SourceContext& context) -> std::unique_ptr<Source> {
        return std::make_unique<AlchemerSource>(context);
      },
  };
  return type;
}

}  // namespace surveysync::sources::alchemer
