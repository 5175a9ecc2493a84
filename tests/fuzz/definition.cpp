// A survey's definition, down to the bytes of COPY. The input is one object: "detail" (GET survey/{id}), "data" (the
// surveyquestion list), "list" (its entry in the survey list). Records are unique by key, and each becomes one row or
// is refused as malformed. Titles are plain text that can be stored.
#include <set>

#include "fuzz/support/check.h"
#include "fuzz/support/oracle.h"
#include "fuzz/support/rows.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/tables.h"
#include "sources/alchemer/text.h"

namespace surveysync::fuzz {
namespace {

using namespace sources::alchemer;

const Zones& zones() {
  static const Zones kZones{Zone("Australia/Sydney"), Zone("UTC")};
  return kZones;
}

void check_one(const model::Record& record) {
  check_record(record);
  SURVEYSYNC_PROMISE(is_storable_text(record.context));
  static json::Document document;
  static model::RowBatch rows;
  rows.clear();
  if (!accepts([&] { decode_definition(document, record, zones(), rows); })) return;
  SURVEYSYNC_PROMISE(rows.rows().size() == 1 && rows.rows()[0].table == record.table);
  for (std::size_t i = 0; i < record.key.size(); ++i)
    SURVEYSYNC_PROMISE(rows.rows()[0].cells[i].integer() == std::get<std::int64_t>(record.key[i]));
  check_rows(stream_specs()[0], rows);
}

std::string_view member(const json::Envelope& envelope, std::string_view name) {
  for (const auto& [key, raw] : envelope.members) {
    if (key == name) return raw;
  }
  return {};
}

void check_definition(std::string_view bytes) {
  std::string body(bytes);
  json::Repair repair;
  static json::Splitter splitter;
  json::Envelope envelope;
  if (!accepts([&] { repair = json::Repair::apply(body); })) return;
  if (!accepts([&] { envelope = splitter.split(body, "data"); })) return;
  model::Page page;
  const DetailSlice detail(member(envelope, "detail"), &repair, &body);
  const QuestionSlices questions(envelope.records, &repair, &body);
  if (detail.raw.empty()) return;
  if (!accepts([&] { split_definition(detail, questions, member(envelope, "list"), page); })) return;
  std::set<std::string> keys;
  for (const model::Record& record : page.records) {
    SURVEYSYNC_PROMISE(keys.insert(std::to_string(record.table) + ":" + model::key_text(record.key)).second);
    check_one(record);
  }
}

void check_title(std::string_view bytes) {
  const bool sound = is_storable_text(bytes);
  const std::string plain = plain_text(bytes);
  if (sound) SURVEYSYNC_PROMISE(is_storable_text(plain), plain);
  SURVEYSYNC_PROMISE(plain.empty() || (plain.front() != ' ' && plain.back() != ' '), plain);
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  check_definition(view_of(data, size));
  check_title(view_of(data, size));
  return 0;
}
