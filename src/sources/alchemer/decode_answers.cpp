#include "sources/alchemer/decode_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace surveysync::sources::alchemer {

namespace {

using json::Value;
using model::Cell;

constexpr std::size_t kQuestion = cell(kAnswerColumns, "question_id"), kItem = cell(kAnswerColumns, "item"),
                      kParent = cell(kAnswerColumns, "parent_question_id"), kRow = cell(kAnswerColumns, "row_id"),
                      kOption = cell(kAnswerColumns, "option_id"), kAnswer = cell(kAnswerColumns, "answer"),
                      kOriginal = cell(kAnswerColumns, "original_answer"),
                      kOptionTitle = cell(kAnswerColumns, "option_title"), kRank = cell(kAnswerColumns, "rank"),
                      kShown = cell(kAnswerColumns, "shown"), kIsOther = cell(kAnswerColumns, "is_other"),
                      kComment = cell(kAnswerColumns, "comment"), kType = cell(kAnswerColumns, "type"),
                      kPage = cell(kAnswerColumns, "page_id");
constexpr std::size_t kUsualAnswers = 96;
constexpr std::string_view kOther = "-other";

// In the order of Fields' members.
constexpr std::array<std::string_view, 13> kFieldNames = {
    "id",        "type",    "question",     "section_id", "shown",           "parent", "answer",
    "answer_id", "options", "subquestions", "comments",   "original_answer", "option"};
const NameSet& field_names() {
  static const NameSet kSet(kFieldNames);
  return kSet;
}

std::optional<std::int64_t> int_of_text(std::string_view text) {
  return json::int_of(text);
}

bool is_structure(Value value) {
  return value.is_object() || value.is_array();
}

/// {sku: {id, option, rank}}.
bool is_ranking(Value answer) {
  bool ranked = false;
  for_each_child(answer, [&](std::string_view, Value child) { ranked |= !child["rank"].is_absent(); });
  return ranked;
}

Value dots_of(Value answer) {
  const Value dots = answer["response"]["dots"];
  return dots.is_absent() ? answer["dots"] : dots;
}

}  // namespace

struct AnswerDecoder::Fields {
  std::array<Value, kFieldNames.size()> values;
  Value rank;
  const Value& id() const { return values[0]; }
  const Value& type() const { return values[1]; }
  const Value& section_id() const { return values[3]; }
  const Value& shown() const { return values[4]; }
  const Value& parent() const { return values[5]; }
  const Value& answer() const { return values[6]; }
  const Value& answer_id() const { return values[7]; }
  const Value& options() const { return values[8]; }
  const Value& subquestions() const { return values[9]; }
  const Value& comments() const { return values[10]; }
  const Value& original_answer() const { return values[11]; }
  const Value& option() const { return values[12]; }
};

struct AnswerDecoder::Choice {
  std::string_view text;           ///< as sent: "10391-other"; the item of its row
  std::optional<std::int64_t> id;  ///< 10391
  bool other = false;
};

AnswerDecoder::AnswerDecoder(CellMaker& make, std::int64_t survey_id, std::int64_t response_id) : make_(make) {
  blank_[cell(kAnswerColumns, "survey_id")] = Cell::of(survey_id);
  blank_[cell(kAnswerColumns, "response_id")] = Cell::of(response_id);
  blank_[kItem] = Cell::of(std::string_view(""));
  blank_[kIsOther] = Cell::of(false);
}

void AnswerDecoder::decode(Value survey_data) {
  if (survey_data.is_blank()) return;
  if (!is_structure(survey_data)) {
    make_.notice("entry", type_name(survey_data.type()), survey_data);
    return;
  }
  rows_.reserve(kUsualAnswers);
  for_each_child(survey_data, [&](std::string_view key, Value entry) { decode_entry(key, entry); });
  drop_repeated();
  for (const RowInBatch row : rows_)
    make_.batch().add_row(table::kAnswer, row);
}

void AnswerDecoder::add(const Row& row) {
  const RowInBatch kept = make_.batch().make_cells(row.size());
  std::ranges::copy(row, kept.begin());
  rows_.push_back(kept);
}

AnswerDecoder::Fields AnswerDecoder::read_fields(Value object) {
  Fields fields;
  for (const json::Member& member : object.members()) {
    const std::size_t at = field_names().find(member.key);
    if (at != NameSet::npos) {
      fields.values[at] = member.value;
    } else if (member.key == "rank") {
      fields.rank = member.value;
    } else if (!member.value.is_blank()) {
      make_.new_field(member.key, member.value);
    }
  }
  return fields;
}

AnswerDecoder::Choice AnswerDecoder::choice_of(Value id, std::string_view key) {
  Choice choice;
  choice.text = id.text().empty() ? key : id.text();
  std::string_view digits = choice.text;
  if (digits.ends_with(kOther)) {
    choice.other = true;
    digits.remove_suffix(kOther.size());
  }
  choice.id = int_of_text(digits);
  return choice;
}

void AnswerDecoder::decode_entry(std::string_view key, Value entry) {
  if (entry.is_blank()) return;
  const Fields fields = read_fields(entry);
  const std::optional<std::int64_t> id = fields.id().as_int() ? fields.id().as_int() : int_of_text(key);
  if (!id) throw Error(ErrorKind::malformed, "an entry of survey_data names no question");
  Row base = blank_;
  base[kQuestion] = Cell::of(*id);
  if (!entry.is_object()) {
    make_.notice("entry", type_name(entry.type()), entry);
    base[kAnswer] = make_.keep_cell(is_structure(entry) ? entry.raw() : entry.text());
    add(base);
    return;
  }
  fill_common(base, fields);
  base[kParent] = make_.int64(fields.parent(), "parent");
  decode_plain(base, fields);
  decode_options(base, fields.options(), "");
  decode_subquestions(base, fields.subquestions());
}

/// What is filled wherever it is sent.
void AnswerDecoder::fill_common(Row& row, const Fields& fields) {
  if (!fields.type().is_blank()) row[kType] = make_.text(fields.type(), "type");
  if (!fields.shown().is_blank()) row[kShown] = make_.boolean(fields.shown(), "shown");
  if (!fields.section_id().is_blank()) row[kPage] = make_.int64(fields.section_id(), "section_id");
}

/// The '' row of an entry: its own answer, and its comment even where that is all there is.
void AnswerDecoder::decode_plain(const Row& base, const Fields& fields) {
  Row row = base;
  const bool structured = is_structure(fields.answer()) && decode_structure(base, fields.answer());
  const bool answered = !structured && decode_answer(row, fields.answer(), fields.answer_id(), "answer");
  const bool commented = !fields.comments().is_blank();
  if (!answered && !commented) return;
  if (commented) {
    row[kComment] =
        is_structure(fields.comments()) ? Cell::of(fields.comments().raw()) : make_.text(fields.comments(), "comments");
    if (is_structure(fields.comments())) {
      make_.notice("comments", type_name(fields.comments().type()), fields.comments());
    }
  }
  if (answered) {
    row[kOriginal] = is_structure(fields.original_answer()) && !fields.original_answer().is_blank()
                         ? Cell::of(fields.original_answer().raw())
                         : make_.text(fields.original_answer(), "original_answer");
  }
  add(row);
}

/// Fills answer, option_id and is_other; false when nothing was answered.
bool AnswerDecoder::decode_answer(Row& row, Value answer, Value answer_id, std::string_view where) {
  if (!answer_id.is_blank()) {
    const Choice choice = choice_of(answer_id, {});
    row[kOption] = Cell::of(choice.id);
    row[kIsOther] = Cell::of(choice.other);
    if (!choice.id) make_.notice("answer_id", "no number", answer_id);
  }
  if (answer.is_blank()) return !answer_id.is_blank() && answer_id.text() != "0";
  if (!is_structure(answer)) {
    row[kAnswer] = make_.keep_cell(answer.text());
    return true;
  }
  if (const Value signature = answer["signature"]; !signature.is_absent()) {
    row[kAnswer] = make_.text(answer["name"], "signature");
    return !signature.is_blank() || !row[kAnswer].is_null();
  }
  make_.notice(where, type_name(answer.type()), answer);
  row[kAnswer] = Cell::of(answer.raw());
  return true;
}

/// Answers that are several rows: ranking and heat map. False when `answer` is neither.
bool AnswerDecoder::decode_structure(const Row& base, Value answer) {
  if (const Value dots = dots_of(answer); !dots.is_absent()) {
    decode_dots(base, dots);
    return true;
  }
  if (!is_ranking(answer)) return false;
  decode_ranking(base, answer);
  return true;
}

void AnswerDecoder::decode_options(const Row& base, Value options, std::string_view row_prefix) {
  if (options.is_blank()) return;
  if (!is_structure(options)) {
    make_.notice("options", type_name(options.type()), options);
    return;
  }
  for_each_child(options, [&](std::string_view key, Value option) {
    if (option.type() == json::Type::null) return;
    Row row = base;
    Fields fields;
    if (option.is_object()) {
      fields = read_fields(option);
      row[kOptionTitle] = make_.text(fields.option(), "option");
      row[kAnswer] = is_structure(fields.answer()) && !fields.answer().is_blank()
                         ? Cell::of(fields.answer().raw())
                         : make_.text_or_empty(fields.answer(), "options");
      row[kOriginal] = make_.text(fields.original_answer(), "original_answer");
      row[kRank] = make_.int32(fields.rank, "rank");
      row[kComment] = make_.text(fields.comments(), "comments");
    } else {
      make_.notice("options", type_name(option.type()), option);
      row[kAnswer] = make_.keep_cell(is_structure(option) ? option.raw() : option.text());
    }
    const Choice choice = choice_of(fields.id(), key);
    row[kOption] = Cell::of(choice.id);
    row[kIsOther] = Cell::of(choice.other);
    row[kItem] = make_.keep_cell(row_prefix.empty() ? choice.text : fmt::format("{}/{}", row_prefix, choice.text));
    add(row);
  });
}

void AnswerDecoder::decode_ranking(const Row& base, Value ranking) {
  for_each_child(ranking, [&](std::string_view key, Value option) {
    if (!option.is_object()) return;
    const Fields fields = read_fields(option);
    const Choice choice = choice_of(fields.id(), key);
    Row row = base;
    row[kItem] = make_.keep_cell(choice.text);
    row[kOption] = Cell::of(choice.id);
    row[kIsOther] = Cell::of(choice.other);
    row[kOptionTitle] = make_.text(fields.option(), "option");
    row[kRank] = make_.int32(fields.rank, "rank");
    add(row);
  });
}

void AnswerDecoder::decode_dots(const Row& base, Value dots) {
  std::size_t number = 0;
  for_each_child(dots, [&](std::string_view key, Value dot) {
    ++number;
    if (!dot.is_object()) return;
    Row row = base;
    const std::string_view id = dot["id"].text().empty() ? key : dot["id"].text();
    row[kItem] = make_.keep_cell(id.empty() ? std::to_string(number) : std::string(id));
    row[kAnswer] = make_.text(dot["answer"], "dots");
    row[kComment] = make_.text(dot["comment"], "dots");
    add(row);
  });
}

void AnswerDecoder::decode_subquestions(const Row& base, Value subquestions) {
  if (subquestions.is_blank()) return;
  if (!is_structure(subquestions)) {
    make_.notice("subquestions", type_name(subquestions.type()), subquestions);
    return;
  }
  for_each_child(subquestions, [&](std::string_view key, Value sub) { decode_row(base, key, sub); });
}

/// One value under `subquestions`: with an id of its own it is a row's answer, without one it holds the row's cells.
void AnswerDecoder::decode_row(const Row& base, std::string_view key, Value sub) {
  if (sub.is_blank()) return;
  const bool is_one_row = !sub["id"].text().empty() || !sub["answer"].is_absent() || !sub["options"].is_absent();
  if (is_structure(sub) && !is_one_row) return decode_cells(base, key, sub);
  Row row = base;
  if (!is_structure(sub)) {
    make_.notice("subquestions", type_name(sub.type()), sub);
    row[kItem] = make_.keep_cell(key);
    row[kRow] = Cell::of(int_of_text(key));
    row[kAnswer] = make_.keep_cell(sub.text());
    add(row);
    return;
  }
  const Fields fields = read_fields(sub);
  const std::string_view id = fields.id().text().empty() ? key : fields.id().text();
  row[kRow] = Cell::of(int_of_text(id));
  fill_common(row, fields);
  decode_part(row, fields, id);
  decode_options(row, fields.options(), id);
  if (!fields.subquestions().is_blank()) decode_cells(row, id, fields.subquestions());
}

void AnswerDecoder::decode_cells(const Row& base, std::string_view row_id, Value cells) {
  for_each_child(cells, [&](std::string_view key, Value sub) {
    if (sub.is_blank()) return;
    Row row = base;
    row[kRow] = Cell::of(int_of_text(row_id));
    const Fields fields = read_fields(sub);
    const Choice choice = choice_of(fields.id(), key);
    const std::string item = fmt::format("{}/{}", row_id, choice.text);
    row[kOption] = Cell::of(choice.id);
    row[kIsOther] = Cell::of(choice.other);
    if (!sub.is_object()) {
      make_.notice("subquestions", type_name(sub.type()), sub);
      row[kItem] = make_.keep_cell(item);
      row[kAnswer] = make_.keep_cell(is_structure(sub) ? sub.raw() : sub.text());
      add(row);
      return;
    }
    fill_common(row, fields);
    decode_part(row, fields, item);
  });
}

/// A row or cell of a grid: no row in the table when nothing was answered.
void AnswerDecoder::decode_part(Row row, const Fields& fields, std::string_view item) {
  const bool answered = decode_answer(row, fields.answer(), fields.answer_id(), "subquestions");
  const bool commented = !fields.comments().is_blank();
  if (!answered && !commented) return;
  row[kItem] = make_.keep_cell(item);
  row[kComment] = make_.text(fields.comments(), "comments");
  row[kOptionTitle] = make_.text(fields.option(), "option");
  if (answered) row[kOriginal] = make_.text(fields.original_answer(), "original_answer");
  add(row);
}

/// The key (question, item) must be unique: of repeated ones the last counts, as in JSON itself. Keys usually ascend,
/// so that nothing has to be looked up.
void AnswerDecoder::drop_repeated() {
  const auto key = [](const RowInBatch& row) { return std::pair(row[kQuestion].integer(), row[kItem].text()); };
  if (std::ranges::adjacent_find(rows_, std::greater_equal<>(), key) == rows_.end()) return;
  std::set<std::pair<std::int64_t, std::string_view>> seen;
  std::vector<RowInBatch> kept;
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    if (seen.insert(key(*row)).second) {
      kept.push_back(*row);
    } else {
      make_.notice("entry", "repeated answer", {});
    }
  }
  std::ranges::reverse(kept);
  rows_ = std::move(kept);
}

}  // namespace surveysync::sources::alchemer
