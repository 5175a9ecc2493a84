#include "sandbox/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/phrases.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr std::string_view kQuestionProperties =
    R"({"required":false,"soft-required":false,"hidden":false,"messages":{"r_extreme_label":[],"l_extreme_label":{"English":"Low"}},)"
    R"("question_description":{"English":""},"show_rules":{"operator":"AND","atom":{"type":"1","value":"x"}},"custom_css":null,)"
    R"("option_sort":true,"outbound":[{"fieldname":"f_1","mapping":"1"}],"map_key":"%"})";

// Builds one survey from top to bottom; ids are given at the end, so that page order is not id order.
class Builder {
 public:
  explicit Builder(const SurveySpec& spec)
      : spec_(spec), draw_({spec.seed, 0xDEF, static_cast<std::uint64_t>(spec.index)}) {
    static const std::vector<std::vector<std::string>> kSets{
        {"English", "French", "Spanish"}, {"English"}, {"English", "French"}};
    survey_.languages = kSets[static_cast<std::size_t>(spec.index) % kSets.size()];
  }

  SurveyDef build() {
    describe_survey();
    if (spec_.questions > 0) {
      plain_pages();
    } else {
      page_of_choices();
      page_of_composites();
      page_of_objects();
    }
    number_questions();
    apply_edits();
    return std::move(survey_);
  }

  SurveyHead build_head() {
    describe_survey();
    return std::move(survey_);
  }

 private:
  void describe_survey();
  void plain_pages();
  void page_of_choices();
  void page_of_composites();
  void page_of_objects();
  void number_questions();
  void apply_edits();

  Title title(const Phrase& phrase, std::string_view suffix = {}) const {
    Title out;
    for (const std::string& language : survey_.languages) {
      const bool french = language == "French", spanish = language == "Spanish";
      const std::string_view html = french ? phrase.french_html : spanish ? phrase.spanish_html : phrase.english_html;
      const std::string_view plain = french    ? phrase.french_plain
                                     : spanish ? phrase.spanish_plain
                                               : phrase.english_plain;
      out.texts.push_back({language, fmt::format("{}{}", html, suffix), fmt::format("{}{}", plain, suffix)});
    }
    return out;
  }

  void page(Title page_title, std::string description, std::string properties) {
    survey_.pages.push_back({static_cast<std::int64_t>(survey_.pages.size() * 2 + 1),
                             std::move(page_title),
                             std::move(description),
                             std::move(properties),
                             {}});
  }

  QuestionDef question(QuestionKind kind, std::string_view type, std::string_view base = "Question") {
    QuestionDef out;
    const auto count = ++made_;
    out.kind = kind;
    out.type = type;
    out.base_type = base;
    out.title = title(draw_.pick(kQuestions), fmt::format(" ({})", count));
    if (count % 3 == 0) out.shortname = "";
    if (count % 3 == 1) out.shortname = fmt::format("q_{}", count);
    out.varname = count % 5 == 0 ? R"([""])" : "[]";
    out.properties = kQuestionProperties;
    out.properties.replace(out.properties.find('%'), 1, type);
    if (count % 4 != 0) out.has_deps = count % 4 == 1;
    if (count % 2 == 0) out.comment = count % 6 == 0;
    return out;
  }

  void add_options(QuestionDef& to, int count) {
    for (int i = 0; i < count; ++i) {
      OptionDef option{next_option_++, title(kChoices[static_cast<std::size_t>(i) % kChoices.size()]), "", "{}"};
      option.value = i % 3 == 2 ? std::to_string(i + 1) : fmt::format("value {}", i + 1);
      if (i % 3 == 1) option.properties = "null";
      if (i % 3 == 2) option.properties = R"({"disabled":false,"piping_exclude":"false","left-label":{"English":""}})";
      to.options.push_back(std::move(option));
    }
  }

  // A title that the author typed as digits arrives as a bare number.
  void number_title(OptionDef& option, int number) const {
    for (LocalText& text : option.title.texts)
      text.html = text.plain = std::to_string(number);
    option.title.as_number = true;
  }

  void add_rows(QuestionDef& to, QuestionKind kind, std::string_view type, int count, int options) {
    std::vector<OptionDef> shared;
    if (options > 0) {
      add_options(to, options);
      shared = to.options;
    }
    for (int i = 0; i < count; ++i) {
      QuestionDef row = question(kind, type);
      row.options = shared;
      to.rows.push_back(std::move(row));
    }
  }

  QuestionDef& put(QuestionDef made) { return survey_.pages.back().questions.emplace_back(std::move(made)); }

  SurveySpec spec_;
  Draw draw_;
  SurveyDef survey_;
  int made_ = 0;
  std::int64_t next_option_ = 10001;
};

void Builder::describe_survey() {
  survey_.id = survey_id(spec_.seed, spec_.index);
  const std::string_view kind = spec_.questions > 0 ? "Wide survey" : "Catalogue";
  survey_.title = fmt::format("{} {} \xE2\x80\x93 caf\xC3\xA9/th\xC3\xA9", kind, spec_.index + 1);
  survey_.internal_title = fmt::format("internal {} v{}", spec_.index + 1, spec_.version);
  survey_.type = "Standard Survey";
  static constexpr std::string_view kStatuses[] = {"Launched", "Launched", "Closed", "Archived"};
  survey_.status = kStatuses[static_cast<std::size_t>(spec_.index) % 4];
  // Noon UTC: never inside a repeated hour, so that the zoneless dates of a survey have one meaning.
  const Seconds noon = spec_.anchor - spec_.anchor % 86400 - 43200;
  survey_.created = noon - (420 + spec_.index) * Seconds{86400} + draw_.below(3600);
  survey_.modified = survey_.created + 5 * Seconds{86400} + draw_.below(3600);
  survey_.teams = {644416};
  if (spec_.index % 2 == 1) survey_.teams = {644416, 644417 + spec_.index};
}

void Builder::plain_pages() {
  for (int i = 0; i < spec_.questions; ++i) {
    if (i % 20 == 0) page(title(kQuestions[1]), "[]", "[]");
    if (i % 4 == 0) {
      add_options(put(question(QuestionKind::radio, "RADIO")), 5);
    } else if (i % 4 == 2) {
      put(question(QuestionKind::essay, "ESSAY"));
    } else {
      put(question(QuestionKind::textbox, "TEXTBOX"));
    }
  }
}

void Builder::page_of_choices() {
  page(title(kQuestions[6]), "[]", "[]");
  put(question(QuestionKind::decoration, "INSTRUCTIONS", "Decorative")).shortname.reset();
  QuestionDef& radio = put(question(QuestionKind::radio, "RADIO"));
  add_options(radio, 5);
  number_title(radio.options[3], 5);
  QuestionDef& menu = put(question(QuestionKind::menu, "MENU"));
  add_options(menu, 4);
  menu.options.back().is_other = true;
  menu.options.back().properties = R"({"other":true,"requireother":true})";
  menu.varname = fmt::format(R"({{"{}-other":""}})", menu.options.back().id);
  QuestionDef& checkbox = put(question(QuestionKind::checkbox, "CHECKBOX"));
  add_options(checkbox, 6);
  checkbox.options[5].properties = R"({"none":true,"show_rules":{},"show_rules_logic_map":null})";
  checkbox.varname = fmt::format(R"({{"{}":"own_a","{}":"own_b"}})", checkbox.options[0].id, checkbox.options[1].id);
  checkbox.comment = true;
  put(question(QuestionKind::textbox, "TEXTBOX"));
  put(question(QuestionKind::essay, "ESSAY"));
  put(question(QuestionKind::textbox, "DATE"));
  add_options(put(question(QuestionKind::nps, "NPS")), 11);
  put(question(QuestionKind::action, "EMAIL", "Action"));
}

void Builder::page_of_composites() {
  Title empty;
  empty.form = Title::Form::empty_array;
  page(empty, "{}", R"({"hidden":false,"piped_from":"","page-group":""})");
  put(question(QuestionKind::hidden, "HIDDEN", "Action"));
  put(question(QuestionKind::file, "FILE"));
  QuestionDef& table = put(question(QuestionKind::table, "TABLE"));
  add_rows(table, QuestionKind::table_row, "RADIO", 3, 4);
  QuestionDef& group = put(question(QuestionKind::group, "GROUP"));
  add_rows(group, QuestionKind::group_row, "TEXTBOX", 4, 0);
  QuestionDef& grid = put(question(QuestionKind::rated_grid, "CONT_SUM"));
  add_rows(grid, QuestionKind::rated_row, "MENU", 3, 3);
  QuestionDef& multi = put(question(QuestionKind::multi_textbox, "MULTI_TEXTBOX"));
  add_rows(multi, QuestionKind::multi_row, "TEXTBOX", 2, 1);
  QuestionDef& matrix = put(question(QuestionKind::matrix, "MATRIX"));
  add_rows(matrix, QuestionKind::matrix_row, "TEXTBOX", 3, 3);
  QuestionDef& retired = put(question(QuestionKind::textbox, "TEXTBOX"));
  retired.deleted = true;
  put(question(QuestionKind::action, "LOGIC", "Action"));
}

void Builder::page_of_objects() {
  Title empty;
  empty.form = Title::Form::empty_object;
  page(empty, R"("")", "[]");
  add_options(put(question(QuestionKind::rank, "RANK")), 4);
  put(question(QuestionKind::signature, "SIGNATURE"));
  put(question(QuestionKind::heat_map, "HEATMAP"));
  put(question(QuestionKind::slider, "SLIDER"));
  add_options(put(question(QuestionKind::image_select, "IMAGE_SELECT")), 3);
  put(question(QuestionKind::odd_object, "VIDEO_FEEDBACK"));
  put(question(QuestionKind::odd_array, "CARD_SORT"));
  put(question(QuestionKind::conjoint, "CONJOINT_NEW"));
  put(question(QuestionKind::action, "JAVASCRIPT", "Action"));
  put(question(QuestionKind::action, "URLREDIRECT", "Action"));
}

void Builder::number_questions() {
  // Windows of seven are shuffled: ids rise in the large, and not in the small.
  std::vector<std::int64_t> ids(static_cast<std::size_t>(made_));
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int64_t>(i) + 2;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    std::swap(ids[i], ids[i + draw_.index(std::min<std::size_t>(7, ids.size() - i))]);
  }
  std::size_t next = 0;
  for (PageDef& here : survey_.pages) {
    for (QuestionDef& item : here.questions) {
      item.page_id = here.id;
      item.id = ids[next++];
      for (QuestionDef& row : item.rows) {
        row.page_id = here.id;
        row.id = ids[next++];
      }
    }
  }
}

void Builder::apply_edits() {
  for (int version = 1; version <= spec_.version; ++version) {
    QuestionDef added = question(QuestionKind::textbox, "TEXTBOX");
    added.id = 500 + version;
    added.page_id = survey_.pages.back().id;
    survey_.pages.back().questions.push_back(std::move(added));
  }
  if (spec_.version >= 1) {
    for (LocalText& text : survey_.pages[0].questions[0].title.texts) {
      text.html += fmt::format(" <i>v{}</i>", spec_.version);
      text.plain += fmt::format(" v{}", spec_.version);
    }
  }
  if (spec_.version >= 2) {
    auto& first = survey_.pages[0].questions;
    const auto textbox =
        std::find_if(first.begin(), first.end(), [](const QuestionDef& item) { return item.type == "TEXTBOX"; });
    if (textbox != first.end()) textbox->deleted = true;
  }
}

}  // namespace

std::int64_t survey_id(std::uint64_t seed, int index) {
  return 8600000 + static_cast<std::int64_t>(seed % 1000) * 1000 + index * 7;
}

SurveyDef make_survey(const SurveySpec& spec) {
  return Builder(spec).build();
}

SurveyHead make_survey_head(const SurveySpec& spec) {
  return Builder(spec).build_head();
}

const LocalText* Title::in(std::string_view language) const {
  for (const LocalText& text : texts) {
    if (text.language == language) return &text;
  }
  return texts.empty() ? nullptr : &texts.front();
}

std::string_view status_name(Status status) {
  switch (status) {
    case Status::complete:
      return "Complete";
    case Status::partial:
      return "Partial";
    case Status::disqualified:
      return "Disqualified";
  }
  return "";
}

}  // namespace surveysync::sandbox
