#include "sources/alchemer/alchemer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "sources/alchemer/alchemer_source.h"
#include "sources/alchemer/judge.h"
#include "sources/alchemer/lone.h"
#include "sources/alchemer/objects_decode.h"
#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;
using model::Partition;

// The survey list is read anew this often when it changes under our hands.
constexpr int kListPasses = 3;
// Surveys that are asked for what can be learned.
constexpr std::size_t kSamples = 3;
constexpr int kHeavyAttempts = 2;

/// What the list's statistics count for a status: {"Complete":3} or [["Complete",3]], numbers or text with commas.
std::optional<std::int64_t> statistic(const json::Value& statistics, std::string_view status) {
  json::Value count;
  for (const json::Member& member : statistics.members())
    if (member.key == status) count = member.value;
  for (const json::Value& pair : statistics.items())
    if (pair.size() == 2 && pair.items()[0].text() == status) count = pair.items()[1];
  std::string digits(count.text());
  std::erase(digits, ',');
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

/// Responses that the list's statistics promise; they lag, so this is a hint for order and progress only.
std::int64_t promised_responses(const json::Value& survey) {
  std::int64_t sum = 0;
  for (const std::string_view status : {"Complete", "Partial", "Disqualified"})
    sum += statistic(survey["statistics"], status).value_or(0);
  return sum;
}

/// Deleted responses that the statistics count; they show only statuses that occurred.
std::optional<std::int64_t> removed_responses(const json::Value& survey) {
  const json::Value statistics = survey["statistics"];
  if (statistics.size() == 0) return std::nullopt;
  return statistic(statistics, "Deleted").value_or(0);
}

}  // namespace

std::string survey_path(const std::string& survey) {
  return "/v5/survey/" + http::percent_encode(survey);
}

ProbeResult AlchemerSource::probe(const std::stop_token& stop) {
  http::Reply reply =
      context_.client.get({"/v5/survey", paging(1, 1 + variant_++ % 3), {context_.name, 0, "survey", ""}, 0}, stop);
  const List list = read_list(reply, "/v5/survey");
  return {fmt::format("{} surveys visible", list.total ? std::to_string(*list.total) : "?"),
          context_.client.clock_skew()};
}

// --- what the account holds ---

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
      into.push_back({std::to_string(*id), std::string(survey["title"].text()), promised_responses(survey),
                      std::string(raw), removed_responses(survey), std::string(survey["status"].text()),
                      std::string(survey["modified_on"].text())});
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
  const std::string path = survey_path(request.partition.name);
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

Page AlchemerSource::fetch(const FetchRequest& request, const std::stop_token& stop) {
  const ObjectKind* const kind = object_kind(request.stream.name);
  Page page = kind != nullptr                   ? fetch_objects(*kind, request, stop)
              : request.stream.name == "survey" ? fetch_definition(request, stop)
                                                : fetch_responses(request, stop);
  if (page.next && *page.next == request.position) {
    throw Error(ErrorKind::malformed,
                fmt::format("reading {} {} does not get on from {}", request.stream.name, request.partition.name,
                            request.position),
                "the vendor repeats a page; it is read again in the next run");
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
  if (const ObjectKind* const kind = object_kind(stream.name)) {
    return [document, kind, this](const model::Record& record, model::RowBatch& rows) {
      decode_object(*document, record, *kind, zones_, rows);
    };
  }
  if (stream.name == kFileStream) {
    return [document](const model::Record& record, model::RowBatch& rows) { decode_file(*document, record, rows); };
  }
  return [document, this](const model::Record& record, model::RowBatch& rows) {
    decode_response(*document, record, zones_, rows);
  };
}

// --- what the account can do ---

std::vector<model::Capability> AlchemerSource::learn(const std::vector<Partition>& sample, const Scope& scope,
                                                     const std::stop_token& stop) {
  const auto ask = [&](const Partition& survey, const http::Query& query, bool heavy) {
    const std::string path = survey_path(survey.name) + "/surveyresponse";
    http::Reply reply = context_.client.get({path, query, scope, 0, heavy ? kHeavyAttempts : 0}, stop);
    return read_list(reply, path);
  };
  Learner learner(ask, zones_.updated);
  for (std::size_t i = 0; i < std::min(sample.size(), kSamples) && !learner.done(); ++i)
    learner.sample(sample[i]);
  return learner.learned(context_.clock.utc_now());
}

void AlchemerSource::assume(const std::vector<model::Capability>& capabilities) {
  zones_.take_over(capabilities);
  std::map<std::string, std::string, std::less<>> values;
  for (const model::Capability& one : capabilities)
    values[one.name] = one.value;
  abilities_ = abilities_of(values);
  const auto cap = values.find(capability::kPageCap);
  if (cap == values.end() || cap->second == kUnknown) return;
  int rows = kListPage;
  std::from_chars(cap->second.data(), cap->second.data() + cap->second.size(), rows);
  page_cap_ = std::clamp(rows, 1, kListPage);
  cap_known_ = true;
}

Abilities AlchemerSource::abilities(const model::StreamSpec& stream) const {
  if (stream.reading != model::Reading::by_change)
    return {false, false, false, "lists of this kind tell nothing of changes"};
  if (!stream.certified) return {false, false, false, "definitions are read whole"};
  return abilities_;
}

// --- the vendor's clock ---

UtcTime AlchemerSource::vendor_now() const {
  const Duration skew = context_.client.clock_skew().value_or(Duration::zero());
  return context_.clock.utc_now() + std::chrono::duration_cast<std::chrono::microseconds>(skew);
}

Duration AlchemerSource::date_doubt(UtcTime at) const {
  return doubt_around(at, zones_.updated);
}

namespace {

// --- the constant ---

void sign(const http::Signing& signing, http::Query& query, http::Headers&) {
  query.emplace_back("api_token", signing.credential.lines.at(0).expose());
  query.emplace_back("api_token_secret", signing.credential.lines.at(1).expose());
}

/// The vendor's pages disagree on the Canadian host's name (vendor-api.md 1.1).
std::vector<std::string> hosts(std::string_view region) {
  if (region == "us") return {"https://api.alchemer.com"};
  if (region == "eu") return {"https://api.alchemer.eu"};
  if (region == "ca") return {"https://api.alchemer-ca.com", "https://apica.alchemer.com"};
  if (region == "au") return {"https://app.au.alchemer.com"};
  return {};
}

/// vendor-api.md 1.1 and 1.2: Canada has its own name for it, and the Australian one is not listed.
std::string oauth_host(std::string_view region) {
  if (region == "ca") return "https://apica.alchemer.com";
  const std::vector<std::string> known = hosts(region);
  return known.empty() ? std::string() : known.front();
}

std::vector<std::string> stream_names() {
  std::vector<std::string> names;
  for (const model::StreamSpec& stream : stream_specs())
    names.push_back(stream.name);
  return names;
}

}  // namespace

const SourceType& source_type() {
  static const SourceType type{
      .name = "alchemer",
      .credential_lines = 2,
      .sign = sign,
      .judge = judge,
      .probe = {"/v5/survey", {{"page", "1"}, {"resultsperpage", "4"}}, {}, 1, 0, nullptr, "resultsperpage"},
      .account_probe = {"/v5/account", {}, {}, 1},
      .hosts = hosts,
      .regions =
          [] {
            return std::vector<std::string>{"us", "eu", "ca", "au"};
          },
      .stream_names = stream_names(),
      .privacy_fields = {"ip_address", "user_agent", "geo", "referer", "url_variables", "comments", "questions"},
      .max_page_size = kListPage,
      .customs = {.vendor_limit = 240,
                  .share_percent = 50,
                  .share_most = 120,
                  .page_start = 250,
                  .numeric_partitions = true,
                  .files = true,
                  .auth_types = {"key", "oauth1"}},
      .abilities =
          [](const std::vector<model::Capability>& learned) {
            std::map<std::string, std::string, std::less<>> values;
            for (const model::Capability& one : learned)
              values.emplace(one.name, one.value);
            return abilities_of(values);
          },
      .make = [](const SourceContext& context) -> std::unique_ptr<Source> {
        return std::make_unique<AlchemerSource>(context);
      },
      .oauth =
          OAuthPaths{"/head/oauth/request_token", "/head/oauth/authenticate", "/head/oauth/access_token", oauth_host},
  };
  return type;
}

}  // namespace surveysync::sources::alchemer
