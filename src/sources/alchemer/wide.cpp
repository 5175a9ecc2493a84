#include "sources/alchemer/wide.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "sources/alchemer/wide_definitions.h"
#include "sources/alchemer/wide_names.h"

namespace surveysync::sources::alchemer {
namespace {

using model::WideColumn;
using model::WideFeed;
using model::WideTake;
using model::WideType;

// Bytes of a title in a name, and of a question's name where something is named after it.
constexpr std::size_t kTitlePart = 40, kShortPart = 48, kStem = 30;

bool one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

/// What a question is answered with.
enum class Form : std::uint8_t { nothing, value, coded, choices, ranks, score, dots };

Form form_of(const WideQuestion& question) {
  // Of the actions only hidden values are kept with a response.
  if (question.base_type == "DECORATIVE" || one_of(question.type, {"INSTRUCTIONS", "MEDIA"})) return Form::nothing;
  if (question.base_type == "ACTION" && question.type != "HIDDEN") return Form::nothing;
  const bool options = !question.options.empty();
  if (question.type == "NPS") return Form::score;
  if (one_of(question.type, {"HEATMAP", "HEAT_MAP", "HEATMAP_IMAGE"})) return Form::dots;
  if (!options) return Form::value;
  if (one_of(question.type, {"RADIO", "MENU", "DROPDOWN", "LIKERT", "STAR_RATING", "RATING"})) return Form::coded;
  if (one_of(question.type, {"CHECKBOX", "IMAGE_SELECT", "MULTI_SELECT"})) return Form::choices;
  if (question.type.find("RANK") != std::string::npos) return Form::ranks;
  return Form::value;
}

bool is_whole(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  return !digits.empty() && digits.size() <= 18 && (digits.size() == 1 || digits.front() != '0') &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

/// Reporting values are numbers where all of them are.
WideType type_of_codes(const std::vector<WideOption>& options) {
  return std::ranges::all_of(options, is_whole, &WideOption::value) ? WideType::integer : WideType::text;
}

std::vector<model::WideLabel> labels_of(const std::vector<WideOption>& options) {
  std::vector<model::WideLabel> labels;
  for (const WideOption& option : options) {
    if (option.value.empty() || option.title.empty()) continue;
    const auto known = std::ranges::find(labels, option.value, &model::WideLabel::value);
    if (known == labels.end()) {
      labels.push_back({option.value, option.title});
    } else if (known->text != option.title) {
      known->text += " / " + option.title;
    }
  }
  return labels;
}

/// Where answers of a question stand: it is asked alone, or as a row of a grid whose answers name the row.
struct Place {
  const WideQuestion* grid = nullptr;

  /// Feeds of the question's part `item`, however the vendor nests it.
  void feed(WideColumn& column, const WideQuestion& question, const std::string& item, const WideFeed& how) const {
    WideFeed feed = how;
    feed.question_id = question.id;
    feed.item = item;
    column.feeds.push_back(feed);
    if (grid == nullptr) return;
    feed.question_id = grid->id;
    feed.item = std::to_string(question.id) + (item.empty() ? "" : "/" + item);
    column.feeds.push_back(feed);
  }
};

class Planner {
 public:
  model::WidePlan plan(const std::vector<WideQuestion>& questions) {
    for (const WideQuestion& question : questions)
      add(question, {}, "");
    name_columns();
    return std::move(plan_);
  }

 private:
  static std::set<std::string> fixed_names() {
    std::set<std::string> names;
    for (const model::WideFixed& fixed : wide_spec().fixed)
      names.insert(fixed.name);
    return names;
  }

  /// The older a question or option is, the sooner it has its name: what is added later never renames a column that
  /// queries use already. The vendor's ids grow.
  void name_columns() {
    const auto age = [this](std::size_t at) {
      const WideColumn& out = plan_.columns[at];
      return std::tuple(out.row_id.value_or(out.question_id), out.option_id.value_or(0), at);
    };
    std::vector<std::size_t> order(plan_.columns.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, age);
    WideNames names(fixed_names());
    for (const std::size_t at : order)
      plan_.columns[at].name = names.take(stems_[at].text, stems_[at].mark);
  }

  /// By short name, or by title and id; a row of a grid by the grid's name, its title and id.
  std::string stem_of(const WideQuestion& question, const std::string& grid_stem) {
    const std::string id = std::to_string(question.id);
    if (const std::string name = name_part(question.shortname, kShortPart); !name.empty()) return name;
    const std::string title = name_part(question.title, kTitlePart);
    if (grid_stem.empty()) return title.empty() ? "q_" + id : WideNames::marked(title, id);
    const std::string grid = name_part(grid_stem, kStem);
    return title.empty() ? WideNames::marked(grid, id) : WideNames::marked(grid + "_" + name_part(title, 20), id);
  }

  /// What a column's name is made of: alone where it is free, else with the mark.
  struct Stem {
    std::string text, mark;
  };

  void keep(WideColumn column, Stem stem) {
    plan_.columns.push_back(std::move(column));
    stems_.push_back(std::move(stem));
  }

  static WideColumn column(const WideQuestion& question, const Place& place, WideType type) {
    WideColumn out;
    out.type = type;
    out.title = title_of(question, place);
    out.question_type = question.type;
    out.question_id = place.grid == nullptr ? question.id : place.grid->id;
    if (place.grid != nullptr) out.row_id = question.id;
    return out;
  }

  static std::string title_of(const WideQuestion& question, const Place& place) {
    std::string title = place.grid == nullptr ? question.title : place.grid->title + ": " + question.title;
    if (title.empty()) title = question.shortname;
    return question.deleted ? title + " (deleted)" : title;
  }

  void add(const WideQuestion& question, const Place& place, const std::string& grid_stem) {
    const std::string id = std::to_string(question.id);
    const Form form = form_of(question);
    if (form == Form::nothing) return;
    if (!question.rows.empty()) return add_grid(question, stem_of(question, grid_stem));
    const std::string stem = stem_of(question, grid_stem);
    switch (form) {
      case Form::coded:
        add_coded(question, place, stem);
        break;
      case Form::choices:
        add_choices(question, place, stem);
        break;
      case Form::ranks:
        add_ranks(question, place, stem);
        break;
      case Form::score:
        add_value(question, place, stem, WideType::integer);
        break;
      case Form::dots:
        add_dots(question, place, stem);
        break;
      default:
        add_cells_or_value(question, place, stem);
    }
    add_comment(question, place, stem);
  }

  void add_grid(const WideQuestion& grid, const std::string& stem) {
    for (const WideQuestion& row : grid.rows)
      add(row, {&grid}, stem);
    add_comment(grid, {}, stem);
  }

  void add_value(const WideQuestion& question, const Place& place, const std::string& stem, WideType type) {
    WideColumn out = column(question, place, type);
    out.day_first = question.day_first;
    if (type == WideType::integer) out.labels = labels_of(question.options);
    place.feed(out, question, "", {});
    keep(std::move(out), {stem, std::to_string(question.id)});
  }

  WideType type_of_value(const WideQuestion& question, const Place& place) const {
    const bool sum = place.grid != nullptr && place.grid->kind == "NUMBER";
    if (question.kind == "NUMBER" || sum) return WideType::numeric;
    return question.kind == "DATE" ? WideType::date : WideType::text;
  }

  /// A field; or, in a grid of two levels, a field a column of the grid.
  void add_cells_or_value(const WideQuestion& question, const Place& place, const std::string& stem) {
    const WideType type = type_of_value(question, place);
    const bool cells = place.grid != nullptr || one_of(question.type, {"CONT_SUM", "MULTI_TEXTBOX", "MULTI_SLIDER"});
    if (!cells || question.options.empty()) return add_value(question, place, stem, type);
    if (question.options.size() == 1) {
      add_value(question, place, stem, type);
      add_cell_feed(plan_.columns.back(), question, place, question.options.front());
      return;
    }
    for (const WideOption& option : question.options) {
      WideColumn out = option_column(question, place, option, type);
      out.day_first = question.day_first;
      add_cell_feed(out, question, place, option);
      keep(std::move(out), option_stem(option, stem));
    }
  }

  static void add_cell_feed(WideColumn& out, const WideQuestion& row, const Place& place, const WideOption& option) {
    place.feed(out, row, std::to_string(option.id), {});
  }

  void add_coded(const WideQuestion& question, const Place& place, const std::string& stem) {
    const bool others = std::ranges::any_of(question.options, &WideOption::other);
    WideColumn out = column(question, place, type_of_codes(question.options));
    out.labels = labels_of(question.options);
    place.feed(out, question, "", {.take = others ? WideTake::known : WideTake::answer});
    for (const WideOption& option : question.options) {
      if (!option.other) continue;
      const std::string code = option.value.empty() ? option.title : option.value;
      place.feed(out, question, "", {.take = WideTake::other_code, .option_id = option.id, .code = code});
    }
    keep(std::move(out), {stem, std::to_string(question.id)});
    add_other_texts(question, place, stem);
  }

  /// What the vendor says of an option that was only ticked, where an answer has a place of its own for each option.
  static std::string code_at(const std::string& item, const WideOption& option) {
    if (item.empty()) return {};
    return option.value.empty() ? option.title : option.value;
  }

  /// What was typed beside options.
  void add_other_texts(const WideQuestion& question, const Place& place, const std::string& stem) {
    for (const WideOption& option : question.options) {
      if (!option.other) continue;
      const std::string id = std::to_string(option.id);
      WideColumn out = column(question, place, WideType::text);
      out.option_id = option.id;
      out.title += " - " + option.title + " (text)";
      for (const std::string& item : {std::string(), id, id + "-other"})
        place.feed(out, question, item,
                   {.take = WideTake::other_text, .option_id = option.id, .code = code_at(item, option)});
      keep(std::move(out), {WideNames::marked(stem, "other"), id});
    }
  }

  /// By the name that the author gave it, or by its question's and its title.
  static Stem option_stem(const WideOption& option, const std::string& stem) {
    const std::string id = std::to_string(option.id), part = name_part(option.title, 20);
    if (std::string name = name_part(option.name, kShortPart); !name.empty()) return {std::move(name), id};
    return {part.empty() ? WideNames::marked(stem, id) : name_part(stem, kTitlePart) + "_" + part, id};
  }

  static WideColumn option_column(const WideQuestion& question, const Place& place, const WideOption& option,
                                  WideType type) {
    WideColumn out = column(question, place, type);
    out.option_id = option.id;
    out.title += " - " + option.title + (option.deleted ? " (deleted)" : "");
    return out;
  }

  void add_choices(const WideQuestion& question, const Place& place, const std::string& stem) {
    const int group = groups_++;
    for (const WideOption& option : question.options) {
      WideColumn out = option_column(question, place, option, WideType::boolean);
      const std::string id = std::to_string(option.id);
      out.group = group;
      out.labels = {{"true", option.title}};
      for (const std::string& item : {id, id + "-other"})
        place.feed(out, question, item, {.take = WideTake::chosen});
      place.feed(out, question, "", {.take = WideTake::chosen, .option_id = option.id});
      keep(std::move(out), option_stem(option, stem));
    }
    add_other_texts(question, place, stem);
  }

  void add_ranks(const WideQuestion& question, const Place& place, const std::string& stem) {
    for (const WideOption& option : question.options) {
      WideColumn out = option_column(question, place, option, WideType::integer);
      const std::string id = std::to_string(option.id);
      for (const std::string& item : {id, id + "-other"})
        place.feed(out, question, item, {.take = WideTake::rank});
      keep(std::move(out), option_stem(option, stem));
    }
  }

  /// Dots have no names that could be columns: how many there are.
  void add_dots(const WideQuestion& question, const Place& place, const std::string& stem) {
    WideColumn out = column(question, place, WideType::integer);
    out.title += " (number of dots)";
    out.feeds.push_back({.question_id = question.id, .take = WideTake::count});
    keep(std::move(out), {stem, std::to_string(question.id)});
  }

  void add_comment(const WideQuestion& question, const Place& place, const std::string& stem) {
    if (!question.comment) return;
    WideColumn out = column(question, place, WideType::text);
    out.title += " (comment)";
    place.feed(out, question, "", {.take = WideTake::comment});
    keep(std::move(out), {WideNames::marked(stem, "comment"), std::to_string(question.id)});
  }

  model::WidePlan plan_;
  std::vector<Stem> stems_;  ///< of the columns, in their order
  int groups_ = 0;
};

}  // namespace

const model::WideSpec& wide_spec() {
  static const model::WideSpec kSpec{"alchemer_wide",
                                     "survey",
                                     "response",
                                     {{"response_id", "The vendor's id of the response"},
                                      {"status", "Complete, Partial, Disqualified"},
                                      {"is_test_data", "Made by the survey's author, not by a respondent"},
                                      {"date_submitted", "When it was submitted"},
                                      {"date_started", "When it was started"},
                                      {"date_updated", "Last change at the vendor"}},
                                     1};
  return kSpec;
}

model::WidePlan plan_wide(const std::vector<model::WideDefinition>& definitions) {
  const std::vector<WideQuestion> questions = read_wide_definitions(definitions);
  return Planner().plan(questions);
}

}  // namespace surveysync::sources::alchemer
