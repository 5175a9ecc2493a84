#pragma once
// What surveystatistic says of one question. Pure; any thread.

#include <string>
#include <vector>

#include "sandbox/model.h"

namespace surveysync::sandbox {

/// The questions that lists show, rows of composites behind their parent.
std::vector<const QuestionDef*> listed_questions(const SurveyDef& survey);

/// The item of `question` in the statistics of a survey with these counts, as sent.
std::string statistic_text(const QuestionDef& question, const Statistics& counts);

}  // namespace surveysync::sandbox
