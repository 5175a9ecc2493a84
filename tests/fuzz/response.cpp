// A page of responses as the wire delivers it, down to the bytes of COPY: mended, split, keyed, decoded, encoded and
// read back. Each record becomes rows or is refused as malformed; what privacy drops is gone.
#include <algorithm>
#include <array>

#include "fuzz/support/check.h"
#include "fuzz/support/oracle.h"
#include "fuzz/support/rows.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/tables.h"

namespace surveysync::fuzz {
namespace {

using namespace sources::alchemer;

constexpr std::int64_t kSurvey = 100;
constexpr std::size_t kStream = 1;  // of stream_specs: "response"
constexpr std::array<std::string_view, 10> kPersonal = {"ip_address", "user_agent", "referer",  "country",   "region",
                                                        "city",       "postal",     "latitude", "longitude", "dma"};

const Zones& zones() {
  static const Zones kZones{Zone("America/New_York"), Zone("UTC")};
  return kZones;
}

/// After privacy no dropped member of a sound object has a value.
void check_privacy(std::string_view payload) {
  static json::Document document;
  json::Value root;
  std::string text(payload);
  if (!accepts([&] { json::Repair::apply(text); }) || !accepts([&] { root = document.parse(text); })) return;
  for (const json::Member& member : root.members()) {
    if (std::ranges::find(kPersonal, member.key) == kPersonal.end()) continue;
    SURVEYSYNC_PROMISE(member.value.type() == json::Type::null, std::string(payload));
  }
}

void check_one(const model::Record& record, bool drop) {
  check_record(record);
  if (drop) check_privacy(record.payload);
  if (drop && record.original) check_privacy(*record.original);
  static json::Document document;
  static model::RowBatch rows;
  rows.clear();
  if (!accepts([&] { decode_response(document, record, zones(), rows); })) return;
  SURVEYSYNC_PROMISE(!rows.rows().empty() && rows.rows()[0].table == table::kResponse);
  for (const model::RowBatch::Row& row : rows.rows()) {
    SURVEYSYNC_PROMISE(row.cells[0].integer() == std::get<std::int64_t>(record.key.at(0)));
    SURVEYSYNC_PROMISE(row.cells[1].integer() == std::get<std::int64_t>(record.key.at(1)));
  }
  check_rows(stream_specs()[kStream], rows);
}

void check_page(std::string_view bytes, bool drop) {
  std::string body(bytes);
  json::Repair repair;
  static json::Splitter splitter;
  json::Envelope envelope;
  if (!accepts([&] { repair = json::Repair::apply(body); })) return;
  if (!accepts([&] { envelope = splitter.split(body, "data"); })) return;
  sources::Privacy privacy;
  for (const char* const group : {"ip_address", "user_agent", "geo", "referer"})
    privacy.fields[group] = drop ? "drop" : "keep";
  const PrivacyRules rules(privacy);
  model::Page page;
  for (const std::string_view raw : envelope.records) {
    const std::size_t before = page.records.size() + page.quarantined.size();
    key_response(raw, kSurvey, rules, {&repair, &body}, page);
    SURVEYSYNC_PROMISE(page.records.size() + page.quarantined.size() == before + 1);
  }
  for (const model::Record& record : page.records)
    check_one(record, drop);
  for (const model::Quarantined& item : page.quarantined)
    SURVEYSYNC_PROMISE(!item.reason.empty() && is_storable_text(item.reason) && is_storable_text(item.record_key));
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  check_page(view_of(data, size), size % 2 == 0);
  return 0;
}
