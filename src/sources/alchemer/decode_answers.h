#pragma once
// The entries of survey_data as rows of alchemer.answer: product.md section 3, table "How an entry of survey_data
// becomes rows". Private to decode_response.cpp. One object serves one response on one thread. Odd shapes become rows
// and notices, never errors, but for entries that name no question: Error(malformed).

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/stream.h"
#include "sources/alchemer/decode_cells.h"
#include "sources/alchemer/tables.h"

namespace surveysync::sources::alchemer {

class AnswerDecoder {
 public:
  AnswerDecoder(CellMaker& make, std::int64_t survey_id, std::int64_t response_id);

  /// Decodes all of `survey_data` and appends its rows to the batch, keys unique.
  void decode(json::Value survey_data);

 private:
  using Row = std::array<model::Cell, std::size(kAnswerColumns)>;
  using RowInBatch = std::span<model::Cell>;
  struct Fields;  // the members of an entry, sub-question, option or cell
  struct Choice;  // an id like 10391 or "10391-other"

  Fields read_fields(json::Value object);
  static Choice choice_of(json::Value id, std::string_view key);
  void decode_entry(std::string_view key, json::Value entry);
  void fill_common(Row& row, const Fields& fields);
  void decode_plain(const Row& base, const Fields& fields);
  bool decode_answer(Row& row, json::Value answer, json::Value answer_id, std::string_view where);
  bool decode_structure(const Row& base, json::Value answer);
  void decode_options(const Row& base, json::Value options, std::string_view row_prefix);
  void decode_ranking(const Row& base, json::Value ranking);
  void decode_dots(const Row& base, json::Value dots);
  void decode_subquestions(const Row& base, json::Value subquestions);
  void decode_row(const Row& base, std::string_view key, json::Value sub);
  void decode_cells(const Row& base, std::string_view row_id, json::Value cells);
  void decode_part(Row row, const Fields& fields, std::string_view item);
  void add(const Row& row);
  void drop_repeated();

  CellMaker& make_;
  std::vector<RowInBatch> rows_;  // in the batch's memory, not yet its rows
  Row blank_;
};

}  // namespace surveysync::sources::alchemer
