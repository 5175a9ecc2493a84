#include <sstream>

#include "base/error.h"
#include "fixture.h"
#include "sandbox/truth.h"

namespace surveysync::sandbox {
namespace {

std::string wire_of(const Entry& entry) {
  Response response;
  response.entries.push_back(entry);
  std::string out;
  JsonWriter json(out, JsonWriter::Style::wire);
  write_survey_data(json, response);
  return out;
}

std::vector<std::string> truth_of(const Entry& entry) {
  Response response;
  response.row.id = 3;
  response.entries.push_back(entry);
  std::string out;
  truth_of_answers(out, 7, response);
  std::vector<std::string> lines;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

Entry entry_of(std::string type, AnswerShape shape) {
  Entry entry;
  entry.question_id = 12;
  entry.page_id = 1;
  entry.type = std::move(type);
  entry.question = "<b>Q</b>";
  entry.shape = shape;
  return entry;
}

TEST(SandboxJson, WritesLikePhp) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::wire);
  using namespace std::string_literals;
  json.begin_object()
      .key("a/b")
      .text("\xC3\xA9 \xF0\x9F\x98\x80 "s + '\0' + std::string(kLoneSurrogate) + "\n\x01\"\\")
      .key("n")
      .number(-5)
      .end_object();
  EXPECT_EQ(out, R"({"a\/b":"\u00e9 \ud83d\ude00 \u0000\ud83d\n\u0001\"\\","n":-5})");
  std::string stored;
  JsonWriter(stored, JsonWriter::Style::truth).text("/\xC3\xA9"s + '\0' + std::string(kLoneSurrogate));
  EXPECT_EQ(stored, "\"/\xC3\xA9\xE2\x90\x80\xEF\xBF\xBD\"");
}

TEST(SandboxZone, KnowsTheRepeatedHour) {
  const Zone eastern("America/New_York");
  EXPECT_EQ(eastern.local_with_suffix(1762061400), "2025-11-02 01:30:00 EDT");
  EXPECT_EQ(eastern.local_with_suffix(1762065000), "2025-11-02 01:30:00 EST");
  EXPECT_TRUE(eastern.repeated(1762061400));
  EXPECT_FALSE(eastern.repeated(1762070000));
  EXPECT_EQ(utc_iso(1762061400), "2025-11-02T05:30:00Z");
  EXPECT_EQ(parse_written_time("2025-11-02 01:30:00 EST")->instant, 1762065000);
  EXPECT_EQ(parse_written_time("2025-11-02T01:30:00-04:00")->instant, 1762061400);
  EXPECT_FALSE(parse_written_time("2025-11-02")->instant.has_value());
  EXPECT_FALSE(parse_written_time("soon").has_value());
  EXPECT_THROW(Zone("Mars/Olympus"), Error);
}

TEST(SandboxTruth, OtherAnswer) {
  Entry entry = entry_of("MENU", AnswerShape::scalar);
  entry.answer = "my own";
  entry.answer_id = 10391;
  entry.is_other = true;
  EXPECT_EQ(
      wire_of(entry),
      R"({"12":{"id":12,"type":"MENU","question":"<b>Q<\/b>","section_id":1,"answer":"my own","answer_id":"10391-other","shown":true}})");
  EXPECT_EQ(
      truth_of(entry),
      std::vector<std::string>{
          R"({"survey_id":7,"response_id":3,"question_id":12,"item":"","parent_question_id":null,"row_id":null,"option_id":10391,"answer":"my own",)"
          R"("original_answer":null,"option_title":null,"rank":null,"shown":true,"is_other":true,"comment":null,"type":"MENU","page_id":1})"});
}

TEST(SandboxTruth, OptionsWithACommentOfTheirOwn) {
  Entry entry = entry_of("parent", AnswerShape::options);
  entry.choices = {{10001, "One", "1", true, 0}, {10002, "Two", "2", false, 0}};
  entry.comments = "why";
  EXPECT_EQ(
      wire_of(entry),
      R"({"12":{"id":12,"type":"parent","question":"<b>Q<\/b>","section_id":1,"options":{"10001":{"id":10001,"option":"One","answer":"1"},)"
      R"("10002":{"id":10002,"option":"Two"}},"comments":"why","shown":true}})");
  const auto rows = truth_of(entry);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_NE(
      rows[0].find(
          R"("item":"10001","parent_question_id":null,"row_id":null,"option_id":10001,"answer":"1","original_answer":null,"option_title":"One")"),
      std::string::npos);
  EXPECT_NE(rows[1].find(R"("option_id":10002,"answer":null)"), std::string::npos);
  EXPECT_NE(rows[2].find(R"("item":"")"), std::string::npos);
  EXPECT_NE(rows[2].find(R"("comment":"why")"), std::string::npos);
}

TEST(SandboxTruth, RowsAndCells) {
  Entry rows = entry_of("parent", AnswerShape::rows);
  rows.cells = {{20, 0, "MENU", "first", "good", 10005}, {21, 0, "MENU", "second", std::nullopt, std::nullopt, true}};
  EXPECT_EQ(
      wire_of(rows),
      R"({"12":{"id":12,"type":"parent","question":"<b>Q<\/b>","section_id":1,"subquestions":{"20":{"id":20,"type":"MENU","parent":12,)"
      R"("question":"first","answer":"good","answer_id":10005},"21":null},"shown":true}})");
  ASSERT_EQ(truth_of(rows).size(), 1U);
  EXPECT_NE(
      truth_of(rows)[0].find(R"("item":"20","parent_question_id":null,"row_id":20,"option_id":10005,"answer":"good")"),
      std::string::npos);
  Entry cells = entry_of("parent", AnswerShape::cells);
  cells.cells = {{20, 10001, "TEXTBOX", "r", "x", std::nullopt},
                 {20, 10002, "TEXTBOX", "r", std::nullopt, std::nullopt}};
  EXPECT_NE(
      wire_of(cells).find(
          R"("subquestions":{"20":{"10001":{"id":10001,"type":"TEXTBOX","parent":12,"question":"r","answer":"x","shown":true},"10002":{)"),
      std::string::npos);
  ASSERT_EQ(truth_of(cells).size(), 1U);
  EXPECT_NE(truth_of(cells)[0].find(
                R"("item":"20/10001","parent_question_id":null,"row_id":20,"option_id":10001,"answer":"x")"),
            std::string::npos);
}

TEST(SandboxTruth, NothingAnsweredMakesNoRow) {
  EXPECT_TRUE(truth_of(entry_of("RADIO", AnswerShape::none)).empty());
  EXPECT_NE(wire_of(entry_of("RADIO", AnswerShape::none)).find(R"("answer":null)"), std::string::npos);
}

TEST(SandboxTruth, EveryShapeOccursAndTheTruthCountsAsTheListsDo) {
  SandboxOptions options = small_options();
  options.responses_min = options.responses_max = 400;
  Running vendor(options);
  const std::string wire = vendor.get(vendor.responses(), "resultsperpage=500").body;
  for (const char* shape : {R"(-other")",
                            R"("survey_data":[])",
                            R"("url_variables":[])",
                            R"("type":"url"}})",
                            R"("url_variables":{"utm_source":"mail\/)",
                            R"("url_variables":{"utm_source":{"value":)",
                            R"(\u0000)",
                            R"("rank":")",
                            R"("signature":)",
                            R"("imageW":640)",
                            R"("original_answer":)",
                            R"("comments":"comment)",
                            R"("response_time":null)",
                            R"("referer":null)",
                            R"(EST")",
                            R"(EDT")",
                            R"("latitude":"")",
                            R"("latitude":null)",
                            R"("data_quality":[])",
                            R"("opentext.gibberish":true)",
                            R"(:null,")",
                            R"(_test")",
                            R"("parent":)",
                            R"("clips":)",
                            R"(["left","right",)",
                            R"("type":"CONJOINT_NEW")",
                            R"("link_id":null)"}) {
    EXPECT_NE(wire.find(shape), std::string::npos) << shape;
  }
  const auto lines = [&](const std::string& table) {
    const std::string body = vendor.control("GET", "/truth/" + table).body;
    return std::count(body.begin(), body.end(), '\n');
  };
  EXPECT_EQ(lines("survey"), 2);
  EXPECT_EQ(lines("response"), 800);
  EXPECT_EQ(lines("page"), 6);
  EXPECT_GT(lines("answer"), 5000);
  EXPECT_GT(lines("option"), 50);
  const auto listed = vendor.get("/v5/survey/" + std::to_string(vendor.first_survey()) + "/surveyquestion")
                          .json()
                          ->getValue<int>("total_count");
  EXPECT_EQ(lines("question"), 2 * listed);
}

TEST(SandboxTruth, FollowsChanges) {
  Running vendor;
  const auto survey = vendor.first_survey();
  const auto change = [&](const std::string& op, const std::string& rest) {
    return vendor.control("POST", "/change", "{\"op\":\"" + op + "\",\"survey\":" + std::to_string(survey) + rest + "}")
        .json()
        ->getArray("responses");
  };
  const std::string truth_path = "/truth/response?survey=" + std::to_string(survey);
  const std::string path = vendor.responses();
  const auto id = change("insert", ",\"status\":\"Partial\"")->getElement<int>(0);
  const std::string mark = "\"response_id\":" + std::to_string(id) + ",\"status\":";
  EXPECT_NE(vendor.control("GET", truth_path).body.find(mark + "\"Partial\""), std::string::npos);
  const std::string named = ",\"response\":" + std::to_string(id);
  change("complete", named);
  EXPECT_NE(vendor.control("GET", truth_path).body.find(mark + "\"Complete\""), std::string::npos);
  change("edit", named);
  EXPECT_NE(vendor.get(path + "/" + std::to_string(id)).body.find("edited 1 times"), std::string::npos);
  change("delete", named);
  EXPECT_EQ(vendor.control("GET", truth_path).body.find(mark), std::string::npos);
  EXPECT_EQ(head_value(vendor.get(path).body, "total_count"), R"("60")");
  change("restore", named);
  EXPECT_EQ(head_value(vendor.get(path).body, "total_count"), R"("61")");
  change("disqualify", named);
  const auto before =
      vendor.get("/v5/survey/" + std::to_string(survey) + "/surveyquestion").json()->getValue<int>("total_count");
  change("edit-definition", "");
  EXPECT_EQ(vendor.get("/v5/survey/" + std::to_string(survey) + "/surveyquestion").json()->getValue<int>("total_count"),
            before + 1);
  vendor.control("POST", "/change", R"({"op":"add-survey","count":5})");
  EXPECT_EQ(vendor.get("/v5/survey").json()->getValue<std::string>("total_count"), "3");
  EXPECT_EQ(vendor.control("POST", "/change", R"({"op":"explode"})").status, 400);
  EXPECT_EQ(vendor.control("POST", "/change", "{").status, 400);
}

}  // namespace
}  // namespace surveysync::sandbox
