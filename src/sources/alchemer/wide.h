#pragma once
// How definitions of a survey become the columns of its wide table: what each type of question is answered with, where
// decode_answers.h puts that, and what it is called. Pure functions of the definitions; never of answers. Any thread.
// Throws Error(malformed) for definitions that are no JSON.

#include <vector>

#include "model/wide.h"

namespace surveysync::sources::alchemer {

/// Schema, streams and leading columns of this provider's wide tables.
const model::WideSpec& wide_spec();

/// The columns, in the order of pages, questions, rows and options; what the vendor deleted comes last.
model::WidePlan plan_wide(const std::vector<model::WideDefinition>& definitions);

}  // namespace surveysync::sources::alchemer
