// Single records and surveys: there, gone, or not for us. And records that were stored before, read again.
#include <fmt/format.h>

#include <algorithm>

#include "sources/alchemer/alchemer_source.h"
#include "sources/alchemer/lone.h"
#include "sources/alchemer/objects_key.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;

std::string brief(const Error& error) {
  return error.http_status() >= 300 ? fmt::format("HTTP {}: {}", error.http_status(), error.message())
                                    : error.message();
}

}  // namespace

Found AlchemerSource::find_object(const std::string& path, http::Query query, const Scope& scope,
                                  const std::stop_token& stop,
                                  const std::function<void(Body&, json::Value, bool, Page&)>& take) {
  Found found;
  std::optional<std::string> gone;
  for (int tries = 0;; ++tries) {
    http::Call call{path, query, scope, 0};
    // Does nothing here but tell this question from the one before.
    call.query.emplace_back("resultsperpage", std::to_string(1 + next_variant(path) % kCountVariants));
    call.accepts = [](const http::Response& answer) { return says_gone(answer.status, answer.body).has_value(); };
    http::Reply reply;
    try {
      reply = context_.client.get(call, stop);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::denied && error.kind() != ErrorKind::rejected) throw;
      found.presence = Presence::refused;
      found.evidence = brief(error);
      return found;
    }
    found.page.requests += reply.attempts;
    found.page.elapsed = reply.elapsed;
    found.page.cached = reply.cached;
    gone = says_gone(reply.status, reply.body);
    if ((gone == kNoData || gone == kWebPage) && tries == 0) continue;
    if (gone) break;
    Body body(std::move(reply.body));
    json::Document document;
    const LoneObject object = lone_object(document.parse(*body.text));
    if (object.value.is_absent())
      throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer has no object", path));
    if (object.value["status"].text() == "Deleted") {
      found.presence = Presence::gone;
      found.evidence = "status Deleted";
      found.certain = true;
      return found;
    }
    found.presence = Presence::present;
    take(body, object.value, object.flat, found.page);
    return found;
  }
  found.presence = Presence::gone;
  found.evidence = *gone;
  return found;
}

Found AlchemerSource::find(const model::StreamSpec& stream, const model::Partition& partition, const model::Key& key,
                           const Scope& scope, const std::stop_token& stop) {
  if (const ObjectKind* const kind = object_kind(stream.name)) return find_in_kind(*kind, key, scope, stop);
  if (stream.name == kFileStream) return find_file(key, scope, stop);
  if (!stream.certified) return find_partition(partition.name, scope, stop);
  const std::int64_t survey_id = std::stoll(partition.name);
  const std::int64_t response_id = std::get<std::int64_t>(key.back());
  const std::string path = fmt::format("{}/surveyresponse/{}", survey_path(partition.name), response_id);
  return find_object(path, {}, scope, stop, [&](Body& body, json::Value object, bool flat, Page& page) {
    if (object["id"].as_int() != response_id) {
      throw Error(ErrorKind::malformed,
                  fmt::format("reading {}: the answer is about response {}", path, std::string(object["id"].text())));
    }
    if (flat) body = Body(without_envelope(object.raw()));
    const std::string_view raw = flat ? std::string_view(*body.text) : object.raw();
    key_response(raw, survey_id, privacy_, {&body.repair, body.text.get()}, page);
    note_newest(stamp_of(raw), zones_.updated, page);
    page.texts.push_back(std::move(body.text));
  });
}

Found AlchemerSource::find_partition(const std::string& name, const Scope& scope, const std::stop_token& stop) {
  const std::string path = survey_path(name);
  return find_object(path, {{"metaonly", "true"}}, scope, stop, [&](Body&, json::Value object, bool, Page&) {
    if (object["id"].text() != name) {
      throw Error(ErrorKind::malformed,
                  fmt::format("reading {}: the answer is about survey {}", path, std::string(object["id"].text())));
    }
  });
}

Page AlchemerSource::reread(const model::StreamSpec& stream, const model::Partition& partition,
                            const std::string& raw) const {
  if (const ObjectKind* const kind = object_kind(stream.name)) return reread_object(*kind, partition, raw);
  Page page;
  if (!stream.certified) {
    quarantine(raw, "a part of a definition cannot be read without the rest: it is read again with its survey", page);
    return page;
  }
  Body body{std::string(raw)};
  key_response(*body.text, std::stoll(partition.name), privacy_.for_stored(), {&body.repair, body.text.get()}, page);
  page.texts.push_back(std::move(body.text));
  return page;
}

std::optional<std::string> AlchemerSource::protect(const model::StreamSpec& stream, const model::Partition& partition,
                                                   const std::string& raw) const {
  const PrivacyRules rules = privacy_.for_stored();
  if (is_withheld(raw)) return std::nullopt;
  try {
    if (const ObjectKind* const kind = object_kind(stream.name))
      return rewrite(raw, object_rules(*kind, rules.privacy()), rules.digest());
    return stream.certified ? apply_privacy(raw, std::stoll(partition.name), rules) : std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    return rules.only_drops_plain_fields() ? blank_anywhere(raw, rules) : withheld(raw);
  }
}

}  // namespace surveysync::sources::alchemer
