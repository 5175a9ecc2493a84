// Scripts for statistics programs, and CSV fields: what vendors write stays text in each language.
#include "app/dictionary_script.h"

#include <gtest/gtest.h>

namespace surveysync::app {
namespace {

std::vector<ScriptColumn> columns() {
  ScriptColumn rate{"rate", "bigint", "It's \"good\"", {{"1", "Bad"}, {"2", "d'accord $x `y' \\"}}};
  ScriptColumn color{"color", "text", "Caf\xC3\xA9", {{"red", "Red"}}};
  ScriptColumn cat{"cat", "boolean", "Cat", {{"true", "Cat"}}};
  return {{"response_id", "bigint", "Id", {}},
          {"at", "timestamptz", "At", {}},
          {"born", "date", "Born", {}},
          {"num", "numeric", "Num", {}},
          std::move(rate),
          std::move(color),
          std::move(cat)};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(DictionaryScript, Spss) {
  const std::string text = spss_script("us_1", columns());
  EXPECT_TRUE(has(text, "GET DATA /TYPE=TXT /FILE='us_1.csv'"));
  EXPECT_TRUE(has(
      text, "  response_id F20.0\n  at YMDHMS19\n  born SDATE10\n  num F20.0\n  rate F20.0\n  color A3\n  cat F1.0\n"))
      << text;
  EXPECT_TRUE(has(text, "/rate\n    'It''s \"good\"'"));
  EXPECT_TRUE(has(text, " rate\n    1 'Bad'\n    2 'd''accord $x `y'' \\'"));
  EXPECT_TRUE(has(text, " color\n    'red' 'Red'"));
  EXPECT_TRUE(has(text, " cat 0 'no' 1 'Cat'"));
  EXPECT_TRUE(has(text, "FORMATS num (F20.4)."));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 250U);
    begin = end + 1;
  }
}

TEST(DictionaryScript, R) {
  const std::string text = r_script("us_1", columns());
  EXPECT_TRUE(has(
      text,
      "colClasses = c(\"numeric\", \"character\", \"Date\", \"numeric\", \"numeric\", \"character\", \"numeric\")"));
  EXPECT_TRUE(has(text, "attr(data[[\"rate\"]], \"label\") <- \"It's \\\"good\\\"\""));
  EXPECT_TRUE(has(text, "coded(data[[\"rate\"]], c(1, 2),\n  c(\"Bad\", \"d'accord $x `y' \\\\\"))"));
  EXPECT_TRUE(has(text, "\"Caf\\U{e9}\"")) << "ASCII alone: the same in every locale";
  EXPECT_TRUE(has(text, "data[[\"cat\"]] <- data[[\"cat\"]] == 1"));
}

TEST(DictionaryScript, Stata) {
  const std::string text = stata_script("us_1", columns());
  EXPECT_TRUE(has(text, "rename (v1 v2 v3 v4 v5 v6 v7) ///\n  (response_id at born num rate color cat)\n")) << text;
  EXPECT_TRUE(has(text, "label define labels_5 2 `\"d'accord \\$x \\`y' \\\\\"', add")) << text;
  EXPECT_TRUE(has(text, "replace color_n = 1 if color == `\"red\"'"));
  EXPECT_TRUE(has(text, "label variable rate `\"It's 'good'\"'"));
  const std::string stem(40, 'a');
  const std::string names = stata_script("t", {{stem + "1", "text", "One", {}}, {stem + "2", "text", "Two", {}}});
  EXPECT_TRUE(has(names, "(" + std::string(32, 'a') + " " + std::string(30, 'a') + "_2)\n"));
  const std::string codes = stata_script(
      "t", {{"v9", "text", "", {{"d\"q", "Quoted"}}}, {"big", "bigint", "", {{"3000000000", "Large"}, {"1", "One"}}}});
  EXPECT_TRUE(has(codes, "if v9 == `\"d\"' + char(34) + `\"q\"'\n")) << codes;
  EXPECT_TRUE(has(codes, "* too large for it: label define labels_2 3000000000 ")) << codes;
  EXPECT_TRUE(has(codes, "label define labels_2 1 ")) << codes;
}

TEST(DictionaryScript, FieldsAndLines) {
  EXPECT_EQ(csv_field(std::nullopt), "");
  EXPECT_EQ(csv_field(""), "\"\"");
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_field(" x"), "\" x\"");
  EXPECT_EQ(one_line("a\nb\tc", 10), "a b c");
  EXPECT_EQ(one_line("caf\xC3\xA9", 4), "caf");
}

TEST(DictionaryScript, LabelsAreRead) {
  store::DictionaryRow row;
  row.variable = "rate";
  row.type = "bigint";
  row.labels = R"([{"label": "Bad", "value": 1}, {"label": "x", "value": "y"}])";
  const auto read = script_columns({row});
  ASSERT_EQ(read.at(0).labels.size(), 2U);
  EXPECT_EQ(read[0].labels[0].value, "1");
  EXPECT_EQ(read[0].labels[1].text, "x");
}

}  // namespace
}  // namespace surveysync::app
