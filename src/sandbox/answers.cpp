#include <fmt/format.h>

#include <algorithm>

#include "sandbox/json_writer.h"
#include "sandbox/phrases.h"
#include "sandbox/random.h"
#include "sandbox/respondent.h"

namespace surveysync::sandbox {
namespace {

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

std::string sentence(Draw& draw, int words) {
  std::string out;
  for (int i = 0; i < words; ++i) {
    if (i > 0) out.push_back(' ');
    out += draw.pick(kWords);
  }
  return out;
}

std::string essay(Draw& draw) {
  using namespace std::string_literals;
  switch (draw.below(12)) {
    case 0:
      return "before"s + '\0' + "after";
    case 1:
      return fmt::format("half an emoji: {} end", kLoneSurrogate);
    case 2:
      return "first line\nsecond line\r\nthird\ttabbed";
    case 3:
      return "<b>bold</b> & <script>alert('x')</script> &amp;";
    case 4:
      return sentence(draw, 260);
    case 5:
      return "family \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7 \\ back\\slash \x7F \x01 "
             "control";
    default:
      return sentence(draw, 12 + static_cast<int>(draw.below(30)));
  }
}

// One respondent answering one survey.
class Sitting {
 public:
  Sitting(std::uint64_t seed, const SurveyDef& survey, const Row& row, bool recruited_early)
      : seed_(seed),
        survey_(survey),
        row_(row),
        early_(recruited_early),
        wide_(survey.pages.front().questions.front().kind != QuestionKind::decoration) {}

  std::vector<Entry> answer_all();

 private:
  void answer(const QuestionDef& item, Draw draw);
  void answer_scalar(Entry& entry, const QuestionDef& item, Draw& draw);
  void answer_composite(Entry& entry, const QuestionDef& item, Draw& draw);
  void answer_object(Entry& entry, const QuestionDef& item, Draw& draw);
  void answer_table_rows(const QuestionDef& table, Draw& draw);
  Entry open(const QuestionDef& item, Draw& draw) const;
  void choose(Entry& entry, const QuestionDef& item, Draw& draw) const;
  std::string asked(const QuestionDef& item) const;
  Draw draw_for(const QuestionDef& item, int edit) const {
    return Draw({seed_, 0xA25, u64(survey_.id), u64(row_.id), u64(item.id), u64(edit)});
  }
  // The last edit that touched this question: an edit rewrites about a third of the answers.
  int edit_of(const QuestionDef& item) const {
    for (int edit = row_.edits; edit > 0; --edit) {
      if (Draw({seed_, 0xED1, u64(row_.id), u64(item.id), u64(edit)}).chance(330)) return edit;
    }
    return 0;
  }

  std::uint64_t seed_;
  const SurveyDef& survey_;
  const Row& row_;
  bool early_;
  bool wide_;  // a plain survey: everything answered, no odd text
  std::string language_;
  std::vector<Entry> entries_;
};

std::vector<Entry> Sitting::answer_all() {
  if (row_.without_answers) return {};
  Draw habits({seed_, 0x0E5, u64(survey_.id), u64(row_.id), 1});
  language_ = chosen_language(seed_, survey_, row_);
  std::size_t pages = survey_.pages.size();
  if (row_.status != Status::complete) pages = 1 + habits.index(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    for (const QuestionDef& item : survey_.pages[i].questions) {
      if (item.deleted && !early_) continue;
      answer(item, draw_for(item, edit_of(item)));
    }
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.question_id < b.question_id; });
  return std::move(entries_);
}

std::string Sitting::asked(const QuestionDef& item) const {
  const LocalText* text = item.title.in(language_);
  return text == nullptr ? std::string() : text->html;
}

Entry Sitting::open(const QuestionDef& item, Draw& draw) const {
  Entry entry;
  entry.question_id = item.id;
  entry.page_id = item.page_id;
  entry.type = item.type;
  entry.question = draw.chance(20) ? std::string() : asked(item);
  return entry;
}

void Sitting::answer(const QuestionDef& item, Draw draw) {
  if (item.kind == QuestionKind::decoration || item.kind == QuestionKind::action) return;
  Entry entry = open(item, draw);
  const std::int64_t luck = draw.below(1000);
  const bool answered = wide_ || luck >= 220;
  entry.shown = wide_ || (answered ? luck >= 250 : luck >= 100);
  if (item.kind == QuestionKind::table) {
    entry.shown = false;
    if (draw.chance(500)) entries_.push_back(entry);
    answer_table_rows(item, draw);
    return;
  }
  if (answered) {
    answer_scalar(entry, item, draw);
    answer_composite(entry, item, draw);
    answer_object(entry, item, draw);
  } else if (item.kind == QuestionKind::checkbox) {
    entry.type = "parent";
  }
  if (item.comment.value_or(false) && draw.chance(300)) entry.comments = fmt::format("comment: {}", sentence(draw, 4));
  entries_.push_back(std::move(entry));
}

void Sitting::choose(Entry& entry, const QuestionDef& item, Draw& draw) const {
  const OptionDef& option = draw.pick(item.options);
  entry.shape = AnswerShape::scalar;
  entry.answer_id = option.id;
  entry.answer = option.value;
  if (option.is_other) {
    entry.is_other = true;
    entry.answer = fmt::format("other: {}", sentence(draw, 3));
  } else {
    entry.answer_id_as_text = draw.chance(30);
    if (draw.chance(60)) entry.original_answer = fmt::format("{} (as it was)", option.value);
  }
}

void Sitting::answer_scalar(Entry& entry, const QuestionDef& item, Draw& draw) {
  const auto text = [&](std::string value) {
    entry.shape = AnswerShape::scalar;
    entry.answer = std::move(value);
  };
  switch (item.kind) {
    case QuestionKind::radio:
    case QuestionKind::menu:
      choose(entry, item, draw);
      break;
    case QuestionKind::nps: {
      const std::size_t score = draw.index(11);
      text(std::to_string(score));
      entry.answer_id = item.options[score].id;
      entry.bare_number = draw.chance(200);
      break;
    }
    case QuestionKind::textbox:
      text(item.type == "DATE" ? fmt::format("{:02}/17/2025", draw.below(12) + 1) : sentence(draw, 5));
      break;
    case QuestionKind::essay:
      text(wide_ ? sentence(draw, 40) : essay(draw));
      break;
    case QuestionKind::hidden:
      text(fmt::format("hidden {}", draw.below(100)));
      entry.answer_id = 10901;
      break;
    case QuestionKind::file:
      text(fmt::format("{}-{}_r\xC3\xA9sum\xC3\xA9 {}.pdf", draw.below(100), draw.hex(32), row_.id));
      entry.answer_id = 10902;
      break;
    case QuestionKind::slider:
      text(std::to_string(draw.below(101)));
      entry.bare_number = draw.chance(300);
      break;
    default:
      break;
  }
}

void Sitting::answer_table_rows(const QuestionDef& table, Draw& draw) {
  for (const QuestionDef& row : table.rows) {
    Entry entry = open(row, draw);
    entry.parent = table.id;
    if (!draw.chance(200)) {
      const OptionDef& option = draw.pick(row.options);
      entry.shape = AnswerShape::scalar;
      entry.answer = option.value;
      entry.answer_id = option.id;
    }
    entries_.push_back(std::move(entry));
  }
}

void Sitting::answer_composite(Entry& entry, const QuestionDef& item, Draw& draw) {
  const auto reply = [&]() { return draw.chance(250) ? std::nullopt : std::optional<std::string>(sentence(draw, 2)); };
  switch (item.kind) {
    case QuestionKind::checkbox:
    case QuestionKind::image_select:
      entry.type = "parent";
      for (const OptionDef& option : item.options) {
        if (!draw.chance(400)) continue;
        const LocalText* title = option.title.in(language_);
        entry.choices.push_back(
            {option.id, title == nullptr ? std::string() : title->plain, option.value, !draw.chance(40)});
      }
      if (!entry.choices.empty()) entry.shape = AnswerShape::options;
      break;
    case QuestionKind::group:
    case QuestionKind::rated_grid:
      entry.type = "parent";
      entry.shape = AnswerShape::rows;
      for (const QuestionDef& row : item.rows) {
        Cell cell{row.id, 0, row.type, asked(row), reply(), std::nullopt};
        if (item.kind == QuestionKind::rated_grid && cell.answer) {
          const OptionDef& option = draw.pick(row.options);
          cell.answer = option.value;
          cell.answer_id = option.id;
        }
        cell.entry_is_null = !cell.answer && draw.chance(300);
        entry.cells.push_back(std::move(cell));
      }
      break;
    case QuestionKind::multi_textbox:
    case QuestionKind::matrix:
      entry.type = "parent";
      entry.shape = AnswerShape::cells;
      for (const QuestionDef& row : item.rows) {
        for (const OptionDef& column : row.options) {
          Cell cell{row.id, column.id, "TEXTBOX", asked(row), reply(), std::nullopt};
          cell.entry_is_null = !cell.answer && row.options.size() > 1 && draw.chance(300);
          cell.shown = !draw.chance(100);
          entry.cells.push_back(std::move(cell));
        }
      }
      break;
    default:
      break;
  }
}

void Sitting::answer_object(Entry& entry, const QuestionDef& item, Draw& draw) {
  switch (item.kind) {
    case QuestionKind::rank: {
      entry.shape = AnswerShape::ranking;
      std::int64_t rank = 1 + draw.below(2);
      for (const OptionDef& option : item.options) {
        if (rank > 4) break;
        const LocalText* title = option.title.in(language_);
        entry.choices.push_back(
            {option.id, title == nullptr ? std::string() : title->plain, std::nullopt, true, rank++});
      }
      break;
    }
    case QuestionKind::signature:
      entry.shape = AnswerShape::signature;
      entry.answer = fmt::format("Jos\xC3\xA9 {}", draw.pick(kWords));
      break;
    case QuestionKind::heat_map:
      entry.shape = AnswerShape::heat_map;
      for (std::int64_t id = 1; id <= 1 + draw.below(3); ++id) {
        entry.dots.push_back({id, draw.below(640), draw.below(480), sentence(draw, 1),
                              draw.chance(500) ? std::optional<std::string>(sentence(draw, 3)) : std::nullopt});
      }
      break;
    case QuestionKind::odd_object:
      entry.shape = AnswerShape::raw;
      entry.answer = fmt::format(R"({{"clips":[{{"id":{},"length":12}}],"state":"done"}})", draw.below(100));
      break;
    case QuestionKind::odd_array:
      entry.shape = AnswerShape::raw;
      entry.answer = fmt::format(R"(["left","right",{}])", draw.below(10));
      break;
    case QuestionKind::conjoint:
      entry.shape = AnswerShape::raw;
      entry.answer = fmt::format(R"({{"sets":{{"1":{{"best":{},"worst":null}}}},"seen":true}})", draw.below(5));
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<Entry> make_entries(std::uint64_t seed, const SurveyDef& survey, const Row& row, Seconds anchor) {
  const bool early = row.started < anchor - 200 * Seconds{86400};
  return Sitting(seed, survey, row, early).answer_all();
}

}  // namespace surveysync::sandbox
