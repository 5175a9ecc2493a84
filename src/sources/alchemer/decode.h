#pragma once
// What Alchemer's records mean: raw JSON to records, and records to rows (product.md section 3, vendor-api.md 1.8
// to 1.12). First the cheap step (key_response, split_definition): the id, privacy, the hash; then, for what changed,
// the decoders. Pure functions; texts they make are owned by the page or the batch. Any thread, one page, batch and
// document a thread. Whatever comes either decodes or throws Error(malformed) with a reason: the record is then
// quarantined. README.md of this folder lists the quirks, each with its test.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/stream.h"
#include "sources/alchemer/dates.h"
#include "sources/alchemer/response_privacy.h"

namespace surveysync::sources::alchemer {

/// The body that a slice is part of, and what was mended in it. Null pointers: nothing was mended.
struct SliceOrigin {
  const json::Repair* repair = nullptr;
  const std::string* body = nullptr;

  /// The vendor's bytes of `slice`, only where they differ.
  std::optional<std::string> original(std::string_view slice) const;
};

/// Appends one response to `out`: a record with key, hash and storable payload, or a quarantined item where no id can
/// be read or the privacy rules cannot be applied (its bytes are withheld then). Its payload views `raw` where nothing
/// had to be altered, else a text that `out` owns.
void key_response(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules, const SliceOrigin& origin,
                  model::Page& out);

/// The object under `data` of GET survey/{id}.
struct DetailSlice {
  std::string_view raw;
  SliceOrigin origin;
  DetailSlice(std::string_view text, const json::Repair* repair = nullptr, const std::string* body = nullptr)
      : raw(text), origin{repair, body} {}
};
/// The items of the surveyquestion list.
struct QuestionSlices {
  std::span<const std::string_view> raw;
  SliceOrigin origin;
  QuestionSlices(std::span<const std::string_view> items, const json::Repair* repair = nullptr,
                 const std::string* body = nullptr)
      : raw(items), origin{repair, body} {}
};

/// Takes a survey's definition apart into records of survey, page, question and option. `list_item` is the survey's
/// entry in the survey list (may be empty): it fills what the detail does not hold. A question's payload is its item of
/// the question list where there is one, else its object in the tree; place and parent come from the tree. Objects
/// without a usable id are quarantined. Throws Error(malformed) when `detail` is no JSON object with an id.
void split_definition(const DetailSlice& detail, const QuestionSlices& questions, std::string_view list_item,
                      model::Page& out);

/// One record of stream "survey" into its row. Throws Error(malformed).
void decode_definition(json::Document& document, const model::Record& record, const Zones& zones,
                       model::RowBatch& rows);

/// One record of stream "response" into its row and the rows of its answers. Throws Error(malformed).
void decode_response(json::Document& document, const model::Record& record, const Zones& zones, model::RowBatch& rows);

}  // namespace surveysync::sources::alchemer
