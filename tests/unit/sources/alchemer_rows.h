#pragma once
// Decoded rows as text, for assertions and golden files: "answer question_id=5 item='' answer='Red'", NULL columns left
// out.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/stream.h"
#include "sources/alchemer/decode.h"

namespace surveysync::sources::alchemer {

/// One line a row, then lines for flags and notices. `stream` is the index into stream_specs(); ids of survey and
/// response are left out when `with_ids` is false.
std::string rows_text(const model::RowBatch& rows, std::size_t stream, bool with_ids);

/// The same for any stream; null columns are left out, keys are not.
std::string rows_text(const model::RowBatch& rows, const model::StreamSpec& stream);

/// The clocks of a calibrated US account.
Zones us_zones();

/// Keys and decodes one response of survey 100; its rows as text. Throws what the decoder throws.
std::string decoded_response(std::string_view raw, const Zones& zones, bool with_ids = false);

/// The answer rows of one entry of survey_data ("5": ENTRY), then notices, one a line.
std::string decoded_entry(std::string_view entry);

/// All records of a definition, decoded.
std::string decoded_definition(std::string_view detail, const std::vector<std::string>& questions,
                               std::string_view list_item);

}  // namespace surveysync::sources::alchemer
