// Which columns each type of question becomes, what they are called, and which answers fill them.
#include "sources/alchemer/wide.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "sources/alchemer/wide_names.h"

namespace surveysync::sources::alchemer {
namespace {

using model::WideColumn;
using model::WideDefinition;
using model::WideTake;

/// Definitions of one survey as the store hands them over.
class Survey {
 public:
  struct Question {
    std::int64_t id;
    std::string type = "TEXTBOX", title = {}, shortname = {};
    std::int64_t parent = 0;
    std::string properties = "{}", varname = "[]";
    bool comment = false, deleted = false;
    std::string base_type = "Question";
    std::int64_t page = 1;
  };
  Survey& question(const Question& q) {
    rows_.push_back(
        {"question",
         fmt::format(
             R"({{"question_id":{},"parent_question_id":{},"page_id":{},"position":{},"base_type":{},"type":{},)"
             R"("title":{},"shortname":{},"varname":{},"properties":{},"payload":{{"comment":{}}},"deleted_at":{}}})",
             q.id, q.parent == 0 ? "null" : std::to_string(q.parent), q.page, ++position_, json::quote(q.base_type),
             json::quote(q.type), json::quote(q.title), json::quote(q.shortname), q.varname, q.properties, q.comment,
             q.deleted ? "\"2026-01-01\"" : "null")});
    return *this;
  }
  Survey& option(std::int64_t question, std::int64_t id, const std::string& title, const std::string& value,
                 bool other = false) {
    rows_.push_back({"option", fmt::format(R"({{"question_id":{},"option_id":{},"position":{},"title":{},"value":{},)"
                                           R"("payload":{{"properties":{{"other":{}}}}},"deleted_at":null}})",
                                           question, id, ++position_, json::quote(title), json::quote(value), other)});
    return *this;
  }
  model::WidePlan plan() const { return plan_wide(rows_); }

 private:
  std::vector<WideDefinition> rows_ = {{"survey", R"({"survey_id":1})"},
                                       {"page", R"({"page_id":1,"position":1})"},
                                       {"page", R"({"page_id":2,"position":0})"}};
  int position_ = 0;
};

std::string_view name_of(model::WideType type) {
  constexpr std::string_view kNames[] = {"text", "integer", "numeric", "boolean", "date"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view name_of(WideTake take) {
  constexpr std::string_view kNames[] = {"answer", "known", "code", "typed", "chosen", "rank", "comment", "count"};
  return kNames[static_cast<std::size_t>(take)];
}

/// "name type [answer 5:''] {1=Yes}" a column.
std::string text_of(const model::WidePlan& plan) {
  std::string text;
  for (const WideColumn& column : plan.columns) {
    text += fmt::format("{} {}", column.name, name_of(column.type));
    for (const model::WideFeed& feed : column.feeds) {
      text += fmt::format(" [{} {}:'{}'", name_of(feed.take), feed.question_id, feed.item);
      if (feed.option_id) text += fmt::format(" of {}", *feed.option_id);
      if (!feed.code.empty()) text += " is " + feed.code;
      text += "]";
    }
    if (!column.labels.empty()) text += " {";
    for (const model::WideLabel& label : column.labels)
      text += fmt::format("{}={};", label.value, label.text);
    text += column.labels.empty() ? "\n" : "}\n";
  }
  return text;
}

TEST(WidePlan, FieldsAreTextNumbersAndDates) {
  const Survey survey = Survey()
                            .question({.id = 2, .type = "TEXTBOX", .title = "Your name?"})
                            .question({.id = 3, .type = "ESSAY", .title = "Why", .shortname = "why"})
                            .question({.id = 4, .title = "Age", .properties = R"({"subtype":"NUMBER"})"})
                            .question({.id = 5, .title = "Born", .properties = R"({"map_key":"date"})"})
                            .question({.id = 6, .type = "SLIDER", .title = "How warm"})
                            .question({.id = 7, .type = "HIDDEN", .title = "Source", .base_type = "Action"})
                            .question({.id = 8, .type = "FILE", .title = "CV"})
                            .question({.id = 9, .type = "SIGNATURE", .title = "Sign"});
  EXPECT_EQ(text_of(survey.plan()),
            "your_name_2 text [answer 2:'']\n"
            "why text [answer 3:'']\n"
            "age_4 numeric [answer 4:'']\n"
            "born_5 date [answer 5:'']\n"
            "how_warm_6 numeric [answer 6:'']\n"
            "source_7 text [answer 7:'']\n"
            "cv_8 text [answer 8:'']\n"
            "sign_9 text [answer 9:'']\n");
}

TEST(WidePlan, WhatIsNotAnsweredHasNoColumn) {
  const Survey survey = Survey()
                            .question({.id = 2, .type = "INSTRUCTIONS", .title = "Read", .base_type = "Decorative"})
                            .question({.id = 3, .type = "LOGIC", .base_type = "Action"})
                            .question({.id = 4, .type = "EMAIL", .base_type = "Action"});
  EXPECT_TRUE(survey.plan().columns.empty());
}

TEST(WidePlan, ChoicesOfOneHaveTheirReportingValues) {
  const Survey numbers = Survey()
                             .question({.id = 2, .type = "RADIO", .title = "Rate", .shortname = "rate"})
                             .option(2, 10001, "Bad", "1")
                             .option(2, 10002, "Good", "2");
  EXPECT_EQ(text_of(numbers.plan()), "rate integer [answer 2:''] {1=Bad;2=Good;}\n");
  const Survey words = Survey()
                           .question({.id = 2, .type = "MENU", .title = "Color"})
                           .option(2, 10001, "Red", "red")
                           .option(2, 10002, "Blue", "02");
  EXPECT_EQ(text_of(words.plan()), "color_2 text [answer 2:''] {red=Red;02=Blue;}\n");
  const Survey repeated = Survey()
                              .question({.id = 2, .type = "RADIO", .title = "Rate"})
                              .option(2, 10001, "Good", "1")
                              .option(2, 10002, "Great", "1");
  EXPECT_EQ(text_of(repeated.plan()), "rate_2 integer [answer 2:''] {1=Good / Great;}\n");
}

TEST(WidePlan, OtherOptionsHaveTheirTextBesideTheirCode) {
  const Survey survey = Survey()
                            .question({.id = 2, .type = "RADIO", .title = "Pet", .shortname = "pet"})
                            .option(2, 10001, "Cat", "1")
                            .option(2, 10002, "Other", "9", true);
  EXPECT_EQ(
      text_of(survey.plan()),
      "pet integer [known 2:''] [code 2:'' of 10002 is 9] {1=Cat;9=Other;}\n"
      "pet_other text [typed 2:'' of 10002] [typed 2:'10002' of 10002 is 9] [typed 2:'10002-other' of 10002 is 9]\n");
}

TEST(WidePlan, ChoicesOfManyAreBooleans) {
  const model::WidePlan plan =
      Survey()
          .question(
              {.id = 2, .type = "CHECKBOX", .title = "Pets", .varname = R"({"10001":"own_cat"})", .comment = true})
          .option(2, 10001, "Cat", "1")
          .option(2, 10002, "Dog", "2")
          .option(2, 10003, "Dog!", "3")
          .plan();
  EXPECT_EQ(text_of(plan),
            "own_cat boolean [chosen 2:'10001'] [chosen 2:'10001-other'] [chosen 2:'' of 10001] {true=Cat;}\n"
            "pets_2_dog boolean [chosen 2:'10002'] [chosen 2:'10002-other'] [chosen 2:'' of 10002] {true=Dog;}\n"
            "pets_2_dog_10003 boolean [chosen 2:'10003'] [chosen 2:'10003-other'] [chosen 2:'' of 10003] {true=Dog!;}\n"
            "pets_2_comment text [comment 2:'']\n");
  EXPECT_EQ(plan.columns[0].group, plan.columns[1].group);
  EXPECT_EQ(plan.columns[0].title, "Pets - Cat");
  EXPECT_EQ(plan.columns[3].title, "Pets (comment)");
}

TEST(WidePlan, RanksScoresAndDots) {
  const Survey survey = Survey()
                            .question({.id = 2, .type = "RANK", .title = "Order"})
                            .option(2, 10001, "Tea", "t")
                            .question({.id = 3, .type = "NPS", .shortname = "nps"})
                            .option(3, 10002, "0", "0")
                            .question({.id = 4, .type = "HEATMAP", .shortname = "clicks"});
  EXPECT_EQ(text_of(survey.plan()),
            "order_2_tea integer [rank 2:'10001'] [rank 2:'10001-other']\n"
            "nps integer [answer 3:''] {0=0;}\n"
            "clicks integer [count 4:'']\n");
}

TEST(WidePlan, GridsHaveAColumnARow) {
  const Survey survey =
      Survey()
          .question({.id = 2, .type = "TABLE", .title = "Service"})
          .question({.id = 3, .type = "RADIO", .title = "Speed", .parent = 2})
          .option(3, 10001, "Bad", "1")
          .option(3, 10002, "Good", "2")
          .question({.id = 4, .type = "TEXTBOX", .title = "Words", .shortname = "words", .parent = 2});
  const model::WidePlan plan = survey.plan();
  EXPECT_EQ(text_of(plan),
            "service_2_speed_3 integer [answer 3:''] [answer 2:'3'] {1=Bad;2=Good;}\n"
            "words text [answer 4:''] [answer 2:'4']\n");
  EXPECT_EQ(plan.columns[0].title, "Service: Speed");
  EXPECT_EQ(plan.columns[0].question_id, 2);
  EXPECT_EQ(plan.columns[0].row_id, 3);
}

TEST(WidePlan, GridsOfTwoLevelsHaveAColumnACell) {
  const Survey matrix = Survey()
                            .question({.id = 2, .type = "MATRIX", .shortname = "m"})
                            .question({.id = 3, .title = "Row", .shortname = "r", .parent = 2})
                            .option(3, 10001, "One", "1")
                            .option(3, 10002, "Two", "2");
  EXPECT_EQ(text_of(matrix.plan()),
            "r_one text [answer 3:'10001'] [answer 2:'3/10001']\n"
            "r_two text [answer 3:'10002'] [answer 2:'3/10002']\n");
  const Survey single = Survey()
                            .question({.id = 2, .type = "MULTI_TEXTBOX", .shortname = "m"})
                            .question({.id = 3, .title = "Street", .parent = 2})
                            .option(3, 10001, "x", "x");
  EXPECT_EQ(text_of(single.plan()),
            "m_street_3 text [answer 3:''] [answer 2:'3'] [answer 3:'10001'] [answer 2:'3/10001']\n");
  const Survey sum = Survey()
                         .question({.id = 2, .type = "CONT_SUM", .shortname = "hours"})
                         .question({.id = 3, .title = "Work", .parent = 2});
  EXPECT_EQ(text_of(sum.plan()), "hours_work_3 numeric [answer 3:''] [answer 2:'3']\n");
}

TEST(WidePlan, GridsOfCheckboxesAreBooleans) {
  const Survey survey = Survey()
                            .question({.id = 2, .type = "TABLE", .shortname = "t"})
                            .question({.id = 3, .type = "CHECKBOX", .shortname = "when", .parent = 2})
                            .option(3, 10001, "Day", "1");
  EXPECT_EQ(text_of(survey.plan()),
            "when_day boolean [chosen 3:'10001'] [chosen 2:'3/10001'] [chosen 3:'10001-other'] [chosen "
            "2:'3/10001-other'] [chosen 3:'' of 10001] [chosen 2:'3' of 10001] {true=Day;}\n");
}

TEST(WidePlan, PagesAndPositionsGiveTheOrderAndDeletedOnesComeLast) {
  const Survey survey = Survey()
                            .question({.id = 2, .shortname = "gone", .deleted = true, .page = 2})
                            .question({.id = 9, .shortname = "second"})
                            .question({.id = 3, .shortname = "third"})
                            .question({.id = 4, .shortname = "first", .page = 2});
  std::string names;
  for (const WideColumn& column : survey.plan().columns)
    names += column.name + " ";
  EXPECT_EQ(names, "first second third gone ");
}

TEST(WidePlan, NamesAreUniqueWhateverAuthorsWrite) {
  const Survey survey = Survey()
                            .question({.id = 2, .shortname = "Age"})
                            .question({.id = 3, .shortname = "age"})
                            .question({.id = 4, .shortname = "status"})
                            .question({.id = 5, .shortname = "order"})
                            .question({.id = 6, .shortname = "age 2"})
                            .question({.id = 7, .title = "1. How?"})
                            .question({.id = 8, .title = "<>"});
  EXPECT_EQ(text_of(survey.plan()),
            "age text [answer 2:'']\n"
            "age_3 text [answer 3:'']\n"
            "status_4 text [answer 4:'']\n"
            "order_5 text [answer 5:'']\n"
            "age_2 text [answer 6:'']\n"
            "q1_how_7 text [answer 7:'']\n"
            "q_8 text [answer 8:'']\n");
}

TEST(WidePlan, WhatIsAddedRenamesNoColumn) {
  Survey survey = Survey()
                      .question({.id = 5, .type = "CHECKBOX", .title = "Pick", .shortname = "pick", .page = 2})
                      .option(5, 10001, "Good quality", "1")
                      .question({.id = 6, .shortname = "rate", .page = 2})
                      .question({.id = 7, .shortname = "rate 9", .page = 2});
  std::set<std::string> before;
  for (const WideColumn& column : survey.plan().columns)
    before.insert(column.name);
  EXPECT_EQ(before, (std::set<std::string>{"pick_good_quality", "rate", "rate_9"}));
  // On a page before the others, with the same names.
  survey.option(5, 10002, "Good quality", "2").question({.id = 9, .shortname = "rate"});
  std::set<std::string> after;
  for (const WideColumn& column : survey.plan().columns)
    after.insert(column.name);
  EXPECT_EQ(after,
            (std::set<std::string>{"pick_good_quality", "pick_good_quality_10002", "rate", "rate_9", "rate_9_2"}));
}

TEST(WidePlan, TwelveHundredLongTitlesStayUniqueAndShort) {
  Survey survey;
  for (std::int64_t id = 1; id <= 400; ++id) {
    const std::string title =
        "\xC3\x9C"
        "ber die Zufriedenheit mit \xE5\xAE\xA2\xE6\x88\xB7 und dem ganzen Rest des Lebens";
    survey.question({.id = id, .type = "CHECKBOX", .title = title, .shortname = id % 2 == 0 ? title + title : ""});
    for (std::int64_t option = 1; option <= 3; ++option)
      survey.option(id, 10000 + id * 3 + option, title, "v");
  }
  const model::WidePlan plan = survey.plan();
  EXPECT_EQ(plan.columns.size(), 1200U);
  std::set<std::string> names;
  for (const WideColumn& column : plan.columns) {
    EXPECT_LT(column.name.size(), 63U) << column.name;
    EXPECT_TRUE(json::is_utf8(column.name)) << column.name;
    names.insert(column.name);
  }
  EXPECT_EQ(names.size(), 1200U);
}

TEST(WideNames, PartsAreCutBetweenCharacters) {
  EXPECT_EQ(name_part("  What's your  na\xC3\xAFve caf\xC3\xA9?  ", 40), "what_s_your_na\xC3\xAFve_caf\xC3\xA9");
  EXPECT_EQ(name_part("caf\xC3\xA9", 4), "caf");
  EXPECT_EQ(name_part("ab_cd", 3), "ab");
  EXPECT_EQ(name_part("\xE5\xAE\xA2\xE6\x88\xB7\xE3\x80\x82", 40), "\xE5\xAE\xA2\xE6\x88\xB7");
  EXPECT_EQ(name_part("\xF0\x9F\x98\x80 \xE2\x80\x93 \xC2\xA0", 40), "");
  EXPECT_EQ(name_part("bad\xFF"
                      "byte\xC3",
                      40),
            "bad_byte");
}

TEST(WideNames, WordsOfTheLanguagesAreNotUsedAlone) {
  WideNames names({"taken"});
  EXPECT_EQ(names.take("select", "5"), "select_5");
  EXPECT_EQ(names.take("with", "5"), "with_5");
  EXPECT_EQ(names.take("ctid", "5"), "ctid_5");
  EXPECT_EQ(names.take("str5", "7"), "str5_7");
  EXPECT_EQ(names.take("\xC3\xA9", "6"), "\xC3\xA9");
  EXPECT_EQ(names.take("\xC3\x89", "5"), "\xC3\x89_5") << "SPSS takes capital and small letters for the same";
  EXPECT_EQ(names.take("taken", "5"), "taken_5");
  EXPECT_EQ(names.take("taken", "5"), "taken_5_2");
  EXPECT_EQ(names.take("", "5"), "q");
  EXPECT_EQ(names.take(std::string(80, 'x'), "5"), std::string(62, 'x'));
  EXPECT_EQ(names.take(std::string(80, 'x'), "5"), std::string(60, 'x') + "_5");
}

TEST(WidePlan, TheSameDefinitionsGiveTheSamePlan) {
  const Survey survey = Survey().question({.id = 2, .type = "RADIO", .title = "Pet"}).option(2, 10001, "Cat", "1");
  EXPECT_EQ(survey.plan().columns, survey.plan().columns);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
