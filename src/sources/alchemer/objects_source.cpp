// Everything that the account holds beside surveys' definitions and responses: how the source reads and finds it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/sha256.h"
#include "sources/alchemer/alchemer_source.h"
#include "sources/alchemer/file_store.h"
#include "sources/alchemer/lone.h"
#include "sources/alchemer/objects_key.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;

/// What the key of every object of the partition begins with.
model::Key partition_key(const ObjectKind& kind, const std::string& partition) {
  if (!kind.of_survey) return {};
  std::int64_t survey = 0;
  const auto [end, error] = std::from_chars(partition.data(), partition.data() + partition.size(), survey);
  if (error != std::errc() || end != partition.data() + partition.size())
    throw Error(ErrorKind::bug, "partition \"" + partition + "\" is no survey");
  return {survey};
}

/// Printable ASCII of a header, of a sane length.
std::string plain_header(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string out(text.substr(0, kLongest));
  std::erase_if(out, [](char c) { return c < 0x20 || c == 0x7f; });
  return out;
}

http::Download fetch_twice(const Files& files, const std::string& url, const std::stop_token& stop) {
  try {
    return files.fetch(url, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unavailable) throw;
  }
  return files.fetch(url, stop);
}

}  // namespace

ObjectReader AlchemerSource::object_reader(const ObjectKind& kind, const Scope& scope, const std::stop_token& stop) {
  const auto variant = [this](const std::string& path) { return next_variant(path); };
  return {{context_.client, privacy_.privacy(), variant, capped(kListPage)}, kind, scope, stop};
}

Page AlchemerSource::fetch_objects(const ObjectKind& kind, const FetchRequest& request, const std::stop_token& stop) {
  ObjectReader reader = object_reader(kind, request.scope, stop);
  const model::Key survey = partition_key(kind, request.partition.name);
  return kind.large ? reader.read_page(survey, request.position, capped(request.page_size)) : reader.read_all(survey);
}

Found AlchemerSource::find_in_kind(const ObjectKind& kind, const model::Key& key, const Scope& scope,
                                   const std::stop_token& stop) {
  const std::int64_t id = std::get<std::int64_t>(key.back());
  const model::Key parents(key.begin(), key.end() - 1);
  const bool single = kind.listing == Listing::single;
  if (!kind.alone) {
    Found found;
    found.page = object_reader(kind, scope, stop).read_one(parents, id);
    const bool shown = !found.page.records.empty();
    found.presence = shown ? Presence::present : found.page.complete ? Presence::gone : Presence::refused;
    found.evidence = shown ? "" : found.page.complete ? "the list does not show it" : "the list is not sound";
    found.page.complete = false;
    return found;
  }
  const std::string path = object_path(kind, parents) + (single ? "" : fmt::format("/{}", id));
  return find_object(path, {}, scope, stop, [&](Body& body, json::Value answer, bool flat, Page& page) {
    const json::Value object = object_of(answer, id);
    const std::string named(object["id"].text());
    if (!named.empty() && object["id"].as_int() != id)
      throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer is about {}", path, named));
    ObjectItem item{object.raw(), id, false, {}};
    if (flat) {
      body = Body(without_envelope(object.raw()));
      item.raw = *body.text;
    }
    key_object(item, kind, parents, privacy_.privacy(), {&body.repair, body.text.get()}, page);
    page.texts.push_back(std::move(body.text));
  });
}

Page AlchemerSource::reread_object(const ObjectKind& kind, const model::Partition& partition,
                                   const std::string& raw) const {
  Page page;
  if (!kind.parent.empty()) {
    quarantine(raw, "what it belongs to is not in its bytes: it is read again with its list", page);
    return page;
  }
  Body body{std::string(raw)};
  ObjectItem item{*body.text, 0, false, {}};
  if (const auto id = json::find_member(item.raw, "id")) item.id = json::int_of(id->value).value_or(0);
  if (item.id < 1) item.mistake = "an object without a numeric id above zero";
  key_object(item, kind, partition_key(kind, partition.name), privacy_.privacy(), {&body.repair, body.text.get()},
             page);
  page.texts.push_back(std::move(body.text));
  return page;
}

// --- uploaded files ---

/// What became of the bytes; nothing where they are not kept. What is wrong with this file costs it alone: its row says
/// so, and it is asked for again. Throws Error(unavailable) where the vendor's storage or ours fails.
std::optional<FetchedFile> AlchemerSource::fetch_file(const model::Key& key, const std::string& url, const Scope& scope,
                                                      const std::stop_token& stop) {
  const Files& files = context_.files;
  if (files.directory.empty() || !files.fetch) return std::nullopt;
  FetchedFile file;
  const std::string what = fmt::format("a file of response {}", model::key_text({key.at(0), key.at(1)}));
  try {
    const http::Download came = fetch_twice(files, url, stop);
    if (came.too_large) {
      file.trouble = "larger than files.limit";
      file.left_out = true;
      context_.observer.on_event(
          event::Note{scope, Severity::warning,
                      what + " is larger than files.limit and is left out; with another limit, `resync` fetches it"});
      return file;
    }
    file.path = store_file({files.directory, context_.name, std::get<std::int64_t>(key.at(0)),
                            std::get<std::int64_t>(key.at(1)), std::get<std::string>(key.at(2))},
                           came.bytes);
    file.content_type = plain_header(came.content_type);
    file.size = static_cast<std::int64_t>(came.bytes.size());
    file.sha256 = sha256_hex(came.bytes);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::unavailable) throw;
    file.trouble = error.message();
    context_.observer.on_event(event::Note{
        scope, Severity::warning, fmt::format("{} could not be fetched and is tried again: {}", what, file.trouble)});
  }
  file.at = context_.clock.utc_now();
  return file;
}

Found AlchemerSource::find_file(const model::Key& key, const Scope& scope, const std::stop_token& stop) {
  const std::string& answer = std::get<std::string>(key.at(2));
  if (!names_a_file(answer)) {
    Found found;
    found.presence = Presence::gone;  // the vendor knows nothing of that name, and needs not be asked
    found.evidence = "its name is hashed";
    return found;
  }
  const std::string path = fmt::format("{}/surveyresponse/{}/file", survey_path(model::key_text({key.at(0)})),
                                       std::get<std::int64_t>(key.at(1)));
  return find_object(path, {{"filename", answer}}, scope, stop, [&](Body& body, json::Value object, bool, Page& page) {
    const std::string url = file_url(object);
    const auto fetched = url.empty() ? std::nullopt : fetch_file(key, url, scope, stop);
    key_file(object.raw(), key, fetched, {&body.repair, body.text.get()}, page);
    page.texts.push_back(std::move(body.text));
  });
}

}  // namespace surveysync::sources::alchemer
