#pragma once
// Draws what one respondent said: the same (seed, survey, row) gives the same response, so that nothing but the row has
// to be kept in memory. Pure; any thread.

#include "sandbox/model.h"

namespace surveysync::sandbox {

/// The response of `row` to `survey` (the definition at row.definition). `anchor` is the end of the generated past.
Response make_response(std::uint64_t seed, const SurveyDef& survey, const Row& row, Seconds anchor);

/// The language that the respondent chose.
std::string chosen_language(std::uint64_t seed, const SurveyDef& survey, const Row& row);

/// The answers alone, as make_response fills them in.
std::vector<Entry> make_entries(std::uint64_t seed, const SurveyDef& survey, const Row& row, Seconds anchor);

}  // namespace surveysync::sandbox
