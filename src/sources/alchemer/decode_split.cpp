#include <fmt/format.h>

#include <map>
#include <set>

#include "base/error.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/decode_cells.h"
#include "sources/alchemer/decode_context.h"
#include "sources/alchemer/tables.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {

namespace {

using json::Value;
using QuestionId = std::int64_t;

/// An item of the surveyquestion list, without its tree.
struct Listed {
  std::string_view raw;
  std::vector<QuestionId> children;
  bool has_options = false;
};

/// Takes one definition apart. The tree of the detail stays parsed; list items are parsed one after the other.
class DefinitionSplitter {
 public:
  DefinitionSplitter(const DetailSlice& detail, const QuestionSlices& questions, model::Page& out)
      : detail_(detail), questions_(questions), out_(out) {}

  void run(std::string_view list_item) {
    read_list();
    const Value tree = tree_document_.parse(detail_.raw);
    const std::optional<std::int64_t> id = tree["id"].as_int();
    if (!tree.is_object() || !id) throw Error(ErrorKind::malformed, "survey without a numeric id");
    survey_id_ = *id;
    language_ = first_language(tree["languages"]);
    add_survey(tree, list_item);
    for_each_child(tree["pages"], [&](std::string_view, Value page) { index_children(page["questions"]); });
    index_listed_children();
    add_pages(tree["pages"]);
    add_unplaced();
  }

 private:
  static std::string first_language(Value languages) {
    if (languages.is_string()) return std::string(languages.text());
    std::string first;
    for_each_child(languages, [&](std::string_view, Value name) {
      if (first.empty()) first = name.text();
    });
    return first;
  }

  void read_list() {
    json::Document document;
    for (const std::string_view raw : questions_.raw) {
      if (raw == "null") continue;
      try {
        const Value item = document.parse(raw);
        const std::optional<QuestionId> id = item["id"].as_int();
        if (!id) {
          quarantine_slice(raw, questions_.origin, "question without a numeric id");
          continue;
        }
        Listed listed{raw, {}, !item["options"].is_blank()};
        for_each_child(item["sub_questions"], [&](std::string_view, Value sub) {
          if (const auto child = sub["id"].as_int()) listed.children.push_back(*child);
        });
        if (!listed_.contains(*id)) list_order_.push_back(*id);
        listed_[*id] = std::move(listed);
      } catch (const Error& error) {
        quarantine_slice(raw, questions_.origin, error.what());
      }
    }
  }

  /// Notes who is whose sub-question: a child also appears as an item of its own, in the list and perhaps in the tree.
  void index_children(Value questions) {
    for_each_child(questions, [&](std::string_view, Value question) {
      const std::optional<QuestionId> id = question["id"].as_int();
      if (id) {
        Value& known = in_tree_[*id];  // a row may stand below its table and by itself: the fuller object counts
        if (question.raw().size() > known.raw().size()) known = question;
      }
      for_each_child(question["sub_questions"], [&](std::string_view, Value sub) {
        const std::optional<QuestionId> child = sub["id"].as_int();
        if (id && child) add_child(*id, *child);
      });
      index_children(question["sub_questions"]);
    });
  }

  void index_listed_children() {
    for (const QuestionId id : list_order_) {
      for (const QuestionId child : listed_.at(id).children)
        add_child(id, child);
    }
  }

  void add_child(QuestionId parent, QuestionId child) {
    if (parent == child || parent_of_.contains(child)) return;
    // A circle (only a broken definition has one) is cut where it would close.
    for (auto up = parent_of_.find(parent); up != parent_of_.end(); up = parent_of_.find(up->second)) {
      if (up->second == child) return;
    }
    parent_of_[child] = parent;
    children_[parent].push_back(child);
  }

  void add_survey(Value tree, std::string_view list_item) {
    json::Document list_document;
    const Value listed = list_item.empty() ? Value() : list_document.parse_copy(list_item);
    std::string context = survey_context(tree, listed);
    if (json::Storable storable = json::make_storable(context); storable.altered) context = *storable.altered;
    add({.table = table::kSurvey, .key = {survey_id_}, .context = std::move(context)}, detail_.raw, detail_.origin);
  }

  void add_pages(Value pages) {
    std::int64_t position = 0;
    std::set<std::int64_t> seen;
    for_each_child(pages, [&](std::string_view, Value page) {
      if (!page.is_object()) return;
      ++position;
      const std::optional<std::int64_t> id = page["id"].as_int();
      if (!id) {
        quarantine_slice(page.raw(), detail_.origin, "page without a numeric id");
      } else if (seen.insert(*id).second) {
        add({.table = table::kPage, .key = {survey_id_, *id}, .context = Place{language_, {}, {}, position}.text()},
            page.raw(), detail_.origin);
      }
      std::int64_t place = 0;
      for_each_child(page["questions"], [&](std::string_view, Value question) {
        if (!question.is_object()) return;
        const std::optional<QuestionId> question_id = question["id"].as_int();
        if (!question_id) {
          quarantine_slice(question.raw(), detail_.origin, "question without a numeric id");
        } else if (!parent_of_.contains(*question_id) && !done_.contains(*question_id)) {
          add_question(*question_id, Place{language_, id, {}, ++place});
        }
      });
    });
  }

  /// Questions that only the list has: no page is known for them; their order is the list's.
  void add_unplaced() {
    std::int64_t place = 0;
    for (const QuestionId id : list_order_) {
      if (!done_.contains(id) && !parent_of_.contains(id)) add_question(id, Place{language_, {}, {}, ++place});
    }
    for (const auto& [child, parent] : parent_of_) {
      if (!done_.contains(child) && exists(child)) add_question(child, Place{language_, {}, parent, {}});
    }
  }

  bool exists(QuestionId id) const { return listed_.contains(id) || in_tree_.contains(id); }

  void add_question(QuestionId id, Place place) {
    if (!exists(id) || !done_.insert(id).second) return;
    const auto listed = listed_.find(id);
    const auto in_tree = in_tree_.find(id);
    const bool use_list = listed != listed_.end();
    add({.table = table::kQuestion, .key = {survey_id_, id}, .context = place.text()},
        use_list ? listed->second.raw : in_tree->second.raw(), use_list ? questions_.origin : detail_.origin);
    if (use_list && listed->second.has_options) {
      add_options(id, item_document_.parse(listed->second.raw), questions_.origin);
    } else if (in_tree != in_tree_.end()) {
      add_options(id, in_tree->second, detail_.origin);
    }
    std::int64_t position = 0;
    for (const QuestionId child : children_[id]) {
      if (exists(child)) add_question(child, Place{language_, place.page_id, id, ++position});
    }
  }

  void add_options(QuestionId question_id, Value question, const SliceOrigin& origin) {
    std::map<std::int64_t, std::size_t> places;
    std::vector<std::pair<std::int64_t, Value>> options;
    for_each_child(question["options"], [&](std::string_view, Value option) {
      if (!option.is_object()) return;
      const std::optional<std::int64_t> id = option["id"].as_int();
      if (!id) return quarantine_slice(option.raw(), origin, "option without a numeric id");
      if (const auto [place, is_new] = places.try_emplace(*id, options.size()); !is_new) {
        options[place->second].second = option;
      } else {
        options.emplace_back(*id, option);
      }
    });
    std::int64_t position = 0;
    for (const auto& [id, option] : options) {
      add({.table = table::kOption,
           .key = {survey_id_, question_id, id},
           .context = Place{language_, {}, {}, ++position}.text()},
          option.raw(), origin);
    }
  }

  void add(RecordName name, std::string_view slice, const SliceOrigin& origin) {
    add_record(std::move(name), slice, {std::nullopt, origin.original(slice)}, out_);
  }

  void quarantine_slice(std::string_view slice, const SliceOrigin& origin, std::string reason) {
    quarantine(origin.original(slice).value_or(std::string(slice)), std::move(reason), out_);
  }

  const DetailSlice& detail_;
  const QuestionSlices& questions_;
  model::Page& out_;
  json::Document tree_document_, item_document_;
  std::int64_t survey_id_ = 0;
  std::string language_;
  std::map<QuestionId, Listed> listed_;
  std::vector<QuestionId> list_order_;
  std::map<QuestionId, Value> in_tree_;
  std::map<QuestionId, QuestionId> parent_of_;
  std::map<QuestionId, std::vector<QuestionId>> children_;
  std::set<QuestionId> done_;
};

}  // namespace

void split_definition(const DetailSlice& detail, const QuestionSlices& questions, std::string_view list_item,
                      model::Page& out) {
  DefinitionSplitter(detail, questions, out).run(list_item);
}

}  // namespace surveysync::sources::alchemer
