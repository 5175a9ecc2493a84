#pragma once
// What a correct loader must hold: rows with the column names of the contract, one JSON object a line, made from the
// model by the contract's mapping and never from the wire's bytes. Left out: what a loader makes itself (payloads,
// hashes, flags, run and change stamps). Pure; any thread. Functions append to `out`.

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/model.h"
#include "sandbox/wire.h"

namespace surveysync::sandbox {

void truth_of_survey(std::string& out, const SurveyHead& survey, const Statistics& counts);
void truth_of_pages(std::string& out, const SurveyDef& survey);
void truth_of_questions(std::string& out, const SurveyDef& survey);
void truth_of_options(std::string& out, const SurveyDef& survey);

/// Which personal columns a loader keeps.
enum class Privacy : std::uint8_t { keep, drop };
/// `dated`: the vendor sends its date_updated.
void truth_of_response(std::string& out, std::int64_t survey, const Response& response, Privacy privacy, bool dated);
/// For large surveys: the id, status and date_updated of a row; how many rows a survey lists.
void truth_of_id(std::string& out, std::int64_t survey, const Row& row);
void truth_of_count(std::string& out, std::int64_t survey, std::size_t listed);
/// A line of names, numbers and the JSON that the vendor sends, as text.
struct TruthKey {
  std::string_view name;
  std::int64_t id;
};
void truth_of_object(std::string& out, const std::vector<TruthKey>& keys, std::string_view payload);
/// Of `response`, what a loader can know of its uploaded files. `size` as for file_bytes.
void truth_of_files(std::string& out, std::int64_t survey, const Response& response, std::uint64_t seed,
                    std::size_t size);
void truth_of_answers(std::string& out, std::int64_t survey, const Response& response);

}  // namespace surveysync::sandbox
