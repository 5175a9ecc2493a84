#include "sources/alchemer/response_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/named.h"
#include "sources/alchemer/decode_cells.h"
#include "sources/alchemer/objects.h"
#include "sources/alchemer/objects_decode.h"
#include "sources/alchemer/tables.h"
#include "sources/privacy.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {
namespace {

using json::Value;
using model::Cell;

constexpr ColumnDef kFileColumns[] = {
    {"survey_id", Col::int64, true},
    {"response_id", Col::int64, true},
    {"response_file_id", Col::text, true},
    {"filename", Col::text},
    {"original_name", Col::text},
    {"url", Col::text},
    {"content_type", Col::text},
    {"size", Col::int64},
    {"sha256", Col::text},
    {"stored_path", Col::text},
    {"downloaded_at", Col::timestamp},
};
// The member of the payload that is ours.
constexpr std::string_view kOurs = "surveysync";
constexpr std::string_view kKnown[] = {"survey_id", "response_id", "filename", "url", "download_url", "id", kOurs};

bool is_address(std::string_view raw_key) {
  return json::key_is(raw_key, "url") || json::key_is(raw_key, "download_url");
}

/// `raw` with addresses that end before their query, and with what was fetched; empty when nothing changes.
std::optional<std::string> prepared(std::string_view raw, const std::string& ours) {
  std::vector<json::RawMember> members;
  json::scan_members(raw, members);
  std::vector<Edit> edits;
  for (const json::RawMember& member : members) {
    if (!is_address(member.key) || !member.value.starts_with('"')) continue;
    const std::string url = json::plain_text(member.value);
    const std::size_t end = url.find_first_of("?#");
    if (end != std::string::npos) edits.push_back({member.value, json::quote(url.substr(0, end))});
  }
  if (edits.empty() && ours.empty()) return std::nullopt;
  std::string out = edited(raw, edits);
  if (!ours.empty()) {
    const std::size_t close = out.rfind('}');
    out.insert(close, fmt::format("{}\"{}\":{}", members.empty() ? "" : ",", kOurs, ours));
  }
  return out;
}

std::string as_json(const FetchedFile& file) {
  const std::int64_t at = file.at.time_since_epoch().count();
  if (file.left_out) return fmt::format(R"({{"trouble":{},"left_out":true}})", json::quote(file.trouble));
  // When it was tried makes the row another one: its changed_at says when it is tried again.
  if (!file.trouble.empty()) return fmt::format(R"({{"trouble":{},"tried_at":{}}})", json::quote(file.trouble), at);
  return fmt::format(R"({{"content_type":{},"size":{},"sha256":"{}","path":{},"at":{}}})",
                     json::quote(file.content_type), file.size, file.sha256, json::quote(file.path), at);
}

}  // namespace

model::StreamSpec file_spec() {
  model::Table table{"alchemer", std::string(kFileStream), {}, {}};
  for (const ColumnDef& column : kFileColumns)
    (column.key ? table.key : table.columns).push_back({std::string(column.name), column.type});
  model::StreamSpec spec{std::string(kFileStream), {std::move(table)}};
  spec.reading = model::Reading::named;
  spec.naming = model::Naming{.schema = "alchemer",
                              .table = "answer",
                              .key = {"survey_id", "response_id", "answer"},
                              .column = "type",
                              .value = "FILE",
                              .parent = "response",
                              .parent_keys = 2};
  return spec;
}

bool names_a_file(std::string_view answer) {
  constexpr std::size_t kDigest = 32;
  const bool digest =
      answer.size() == kDigest && answer.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return !answer.empty() && !digest;
}

std::string file_url(Value object) {
  const Value url = object["url"].is_blank() ? object["download_url"] : object["url"];
  return std::string(url.text());
}

void key_file(std::string_view raw, const model::Key& key, const std::optional<FetchedFile>& fetched,
              const SliceOrigin& origin, model::Page& out) {
  const std::string ours = fetched ? as_json(*fetched) : std::string();
  RecordText text;
  text.original = origin.original(raw);
  try {
    text.altered = prepared(raw, ours);
    if (text.original) {
      if (auto without = prepared(*text.original, ours)) text.original = std::move(without);
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    // Its address would be stored with the signature.
    out.quarantined.push_back({model::key_text(key), error.what(), withheld(raw)});
    return;
  }
  add_record({.table = 0, .key = key}, raw, std::move(text), out);
  model::Record& record = out.records.back();
  if (!ours.empty() && record.original) record.hash = model::hash_of(fmt::format("{}{}", *record.original, ours));
}

void decode_file(json::Document& document, const model::Record& record, model::RowBatch& rows) {
  const Value object = document.parse(record.payload);
  if (!object.is_object()) throw Error(ErrorKind::malformed, "response_file is no object");
  CellMaker make(rows, record.payload, kFileStream);
  const std::span<Cell> row = rows.add_row(0, std::size(kFileColumns));
  fill_key(row, record.key, rows);
  const Value name = object["filename"];
  row[cell(kFileColumns, "filename")] = make.text(name, "filename");
  const std::string_view sent = name.text().empty() ? row[2].text() : name.text();
  row[cell(kFileColumns, "original_name")] = make.keep_cell(sent.substr(sent.find('_') + 1));
  const Value url = object["url"].is_blank() ? object["download_url"] : object["url"];
  row[cell(kFileColumns, "url")] = make.text(url, "url");
  const Value ours = object[kOurs];
  row[cell(kFileColumns, "content_type")] = make.text(ours["content_type"], kOurs);
  row[cell(kFileColumns, "size")] = make.int64(ours["size"], kOurs);
  row[cell(kFileColumns, "sha256")] = make.text(ours["sha256"], kOurs);
  row[cell(kFileColumns, "stored_path")] = make.text(ours["path"], kOurs);
  if (const auto at = ours["at"].as_int())
    row[cell(kFileColumns, "downloaded_at")] = Cell::of(UtcTime(std::chrono::microseconds(*at)));
  if (!ours["trouble"].is_absent()) make.flag(model::kUnfetchedFlag);
  if (!ours["left_out"].is_absent()) make.flag(model::kLeftOutFlag);
  for (const json::Member& member : object.members()) {
    if (std::ranges::find(kKnown, member.key) == std::end(kKnown)) make.new_field(member.key, member.value);
  }
}

}  // namespace surveysync::sources::alchemer
