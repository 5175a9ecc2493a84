#pragma once
// A stream of definitions over the real tables alchemer.survey, question and option: several main tables in one page,
// keys of one to three columns, lists. Records say in JSON what they become: {"title":"x"}; the context, if there is
// one, becomes the title instead.

#include "writer_fixture.h"

namespace surveysync::test {

/// Several main tables in one page, keys of one to three columns, lists.
class DefinitionsTest : public WriterTest {
 protected:
  DefinitionsTest() {
    using enum model::ColumnType;
    stream_.name = "survey";
    stream_.tables = {{"alchemer",
                       "survey",
                       {{"survey_id", int64}},
                       {{"title", text}, {"team_ids", int64_array}, {"languages", text_array}}},
                      {"alchemer", "question", {{"survey_id", int64}, {"question_id", int64}}, {{"title", text}}},
                      {"alchemer",
                       "option",
                       {{"survey_id", int64}, {"question_id", int64}, {"option_id", int64}},
                       {{"title", text}}}};
  }
  static void add_record(model::Page& page, std::size_t table, model::Key key, const std::string& text) {
    model::Record& record = add(page, 0, text);
    record.table = table;
    record.key = std::move(key);
  }
  static void decode_definition(const model::Record& record, model::RowBatch& batch) {
    using model::Cell;
    json::Document document;
    const json::Value root = document.parse_copy(record.payload);
    const auto row = batch.add_row(record.table, record.key.size() + (record.table == 0 ? 3 : 1));
    for (std::size_t i = 0; i < record.key.size(); ++i)
      row[i] = Cell::of(std::get<std::int64_t>(record.key[i]));
    row[record.key.size()] = Cell::of(batch.keep(record.context.empty() ? root["title"].text() : record.context));
    if (record.table != 0) return;
    std::vector<Cell> teams, languages;
    for (const json::Value& item : root["teams"].items())
      teams.push_back(Cell::of(item.as_int()));
    for (const json::Value& item : root["languages"].items())
      languages.push_back(Cell::of(batch.keep(item.text())));
    row[2] = Cell::of(batch.keep_list(teams));
    row[3] = Cell::of(batch.keep_list(languages));
  }
  Counts store(const model::Page& page) {
    return writer_.apply(page, decode_definition, {"survey", "77", "", "", 0}, target());
  }
};

}  // namespace surveysync::test
