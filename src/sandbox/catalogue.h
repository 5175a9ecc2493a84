#pragma once
// The definitions of the simulated surveys: drawn from a seed, so that the same arguments give the same survey. Either
// the full catalogue (every question type and definition shape the vendor is known to send) or a plain wide survey.
// Pure.

#include <cstdint>

#include "sandbox/model.h"

namespace surveysync::sandbox {

struct SurveySpec {
  std::uint64_t seed = 1;
  int index = 0;       ///< which survey of the account
  int questions = 0;   ///< 0: the catalogue; else that many plain questions
  int version = 0;     ///< how often its definition was edited
  Seconds anchor = 0;  ///< the end of the generated past
};

/// The survey as its author sees it at `spec.version`, deleted questions included and marked.
SurveyDef make_survey(const SurveySpec& spec);

/// The same survey's head alone: much cheaper.
SurveyHead make_survey_head(const SurveySpec& spec);

/// The id make_survey gives to survey `index`.
std::int64_t survey_id(std::uint64_t seed, int index);

}  // namespace surveysync::sandbox
