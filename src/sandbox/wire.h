#pragma once
// The account as Alchemer v5 puts it on the wire, quirks included: ids and counts as strings, [] for empty objects,
// dates with and without zone, several shapes of one field. Only the model goes in and only bytes come out. Pure; any
// thread.

#include "sandbox/json_writer.h"
#include "sandbox/model.h"

namespace surveysync::sandbox {

/// How the response objects of one reply are to look.
struct WireStyle {
  const Zone* region = nullptr;   ///< clock of date_submitted, date_started, created_on; not null
  const Zone* updated = nullptr;  ///< clock of date_updated; not null
  bool suffix = true;             ///< behind date_submitted and date_started
  bool new_field = false;         ///< a field nobody has seen yet
  bool type_drift = false;        ///< a scalar that became an array
  bool scalar_for_array = false;  ///< and the other way round
  bool new_status = false;        ///< a status that no page of the vendor names
};

/// `dated`: with its date_updated.
void write_response(JsonWriter& out, const Response& response, const WireStyle& style, bool dated);
/// survey_data alone: an object by question id, or [].
void write_survey_data(JsonWriter& out, const Response& response);

/// An item of the survey list.
void write_survey_item(JsonWriter& out, const SurveyHead& survey, const Statistics& counts, const Zone& region);
enum class SurveyPart : std::uint8_t { everything, meta_only };
/// The survey on its own, with its tree of pages, questions, options and sub_questions.
void write_survey_detail(JsonWriter& out, const SurveyDef& survey, const Statistics& counts, const Zone& region,
                         SurveyPart part);
void write_page(JsonWriter& out, const SurveyDef& survey, const PageDef& page);
/// As the surveyquestion list shows it (with varname) or as the tree does (without).
enum class QuestionView : std::uint8_t { list, tree };
void write_question(JsonWriter& out, const SurveyDef& survey, const QuestionDef& question, QuestionView view);
enum class OptionView : std::uint8_t { in_question, alone };
void write_option(JsonWriter& out, const OptionDef& option, OptionView view);
void write_title(JsonWriter& out, const Title& title);
void write_statistics(JsonWriter& out, const Statistics& counts);

}  // namespace surveysync::sandbox
