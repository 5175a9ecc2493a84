// Records that their list shows only in part, put into a page in full.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sources/alfaone/alfaone_source.h"

namespace surveysync::sources::alfaone {

using model::Page;

void AlfaOneSource::complete(const FetchRequest& request, Page& page, Page& stored, const std::stop_token& stop) {
  const Resource& resource = resource_of(request.stream.name);
  // What was stored under other privacy rules is taken as today's rules have it.
  Page altered;
  for (model::Record& record : stored.records) {
    auto text = protect(request.stream, request.partition, std::string(record.payload));
    if (!text) continue;
    auto owned = std::make_unique<std::string>(std::move(*text));
    owned->reserve(owned->size() + json::kPadding);
    add_record({0, record.key, record.context}, *owned, {}, altered);
    record = altered.records.back();
    altered.texts.push_back(std::move(owned));
  }
  std::map<model::Key, const model::Record*> known;
  for (const model::Record& record : stored.records)
    if (is_in_full(resource, record.payload)) known.emplace(record.key, &record);
  for (model::Record& record : page.records) {
    if (!record.in_part) continue;
    const auto found = known.find(record.key);
    const model::Record* const full = found == known.end() ? nullptr : found->second;
    const bool same = full != nullptr && says_all_of(full->payload, record.payload);
    if (same && !details_.is_due(resource, model::key_text({record.key.back()}))) {
      record = *full;
      continue;
    }
    std::string why = complete_record(request, record, full, page, stop);
    if (!why.empty()) page.incomplete = std::move(why);
  }
  std::ranges::move(stored.texts, std::back_inserter(page.texts));
  std::ranges::move(altered.texts, std::back_inserter(page.texts));
}

std::string AlfaOneSource::complete_record(const FetchRequest& request, model::Record& record,
                                           const model::Record* known, Page& page, const std::stop_token& stop) {
  const Resource& resource = resource_of(request.stream.name);
  const std::string id = model::key_text({record.key.back()});
  Details::Answer answer = details_.ask(resource, id, request.scope, stop);
  page.requests += answer.requests;
  Page own;
  std::string why;
  if (answer.kind == Details::Answer::Kind::full) {
    const Body& body = *answer.lone.body;
    key_record(resource, privacy_, rules_of(resource), {answer.lone.object, body.original(answer.lone.object), ""},
               own);
    own.texts.push_back(std::move(answer.lone.body->text));
  } else {
    const bool was_had = known != nullptr || answer.had_others || answer.kind == Details::Answer::Kind::failed;
    if (!answer.why.empty() && was_had)
      why = fmt::format("{} {} cannot be asked for alone, so what only that shows stays as it was: {}", resource.stream,
                        id, answer.why);
    if (known == nullptr) return why;
    if (says_all_of(known->payload, record.payload)) {
      record = *known;
      return why;
    }
    auto spliced = std::make_unique<std::string>(with_members_of(record.payload, known->payload));
    spliced->reserve(spliced->size() + json::kPadding);
    add_record({0, record.key, record.context}, *spliced, {}, own);
    own.texts.push_back(std::move(spliced));
  }
  if (own.records.empty()) return why;  // privacy could not be applied to it: its entry in the list says enough
  record = std::move(own.records.front());
  std::ranges::move(own.texts, std::back_inserter(page.texts));
  return why;
}

}  // namespace surveysync::sources::alfaone
