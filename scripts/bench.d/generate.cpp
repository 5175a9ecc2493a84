// Writes the benchmark's account as files that a plain web server can serve: survey list, details, question lists, and
// pages of responses in the vendor's wire form (PHP's JSON: slashes and non-ASCII escaped, no white space). Shares no
// code with the product.
//
//   generate FOLDER SURVEYS RESPONSES
//
// A response has 52 answers and about 10.3 kB. Deterministic: the same arguments write the same bytes.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kLeaves = 40;     // questions with one answer
constexpr int kCheckboxes = 4;  // questions with three chosen options each
constexpr int kQuestions = kLeaves + kCheckboxes;
constexpr int kPageOf = 11;  // questions on a page of the survey
constexpr long kFullPage = 500;
constexpr long kSmallPages = 25;  // totals probes and looks at the tail use sizes up to this
constexpr long kSamplePage = 100;
constexpr long kFirstSurvey = 8600001;
constexpr long kStart = 1735732800;  // 2025-01-01 12:00 UTC, Eastern standard time all through the set

// splitmix64: any (survey, response, question) draws the same numbers on every machine.
class Draw {
 public:
  Draw(std::uint64_t a, std::uint64_t b)
      : state_(a * 0x9E3779B97F4A7C15ULL ^ (b + 0x7F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  long below(long n) { return static_cast<long>(next() % static_cast<std::uint64_t>(n)); }

 private:
  std::uint64_t state_;
};

constexpr std::array kWords{
    "service", "product",   "support", "price",   "team",   "quality", "delivery", "website", "order",  "answer",
    "helpful", "slow",      "quick",   "clear",   "friend", "always",  "never",    "often",   "better", "caf\\u00e9",
    "would",   "recommend", "again",   "because", "staff",  "learned", "training", "session", "useful", "time"};

std::string words(Draw& draw, long count) {
  std::string out;
  for (long i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += kWords[static_cast<std::size_t>(draw.below(static_cast<long>(kWords.size())))];
  }
  return out;
}

std::string number(long value) {
  return std::to_string(value);
}
std::string in_quotes(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string local_time(long utc) {
  const std::time_t eastern = utc - 5L * 3600;
  std::tm parts{};
  gmtime_r(&eastern, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

bool is_checkbox(int question) {
  return question % kPageOf == 0;
}
long page_id(int question) {
  return 1 + (question - 1) / kPageOf;
}
long sku(int question, long option) {
  return 10001 + (question - 1) * 5L + option;
}
const char* type_of(int question) {
  if (is_checkbox(question)) return "CHECKBOX";
  constexpr std::array kTypes{"RADIO", "TEXTBOX", "MENU", "NPS", "ESSAY"};
  return kTypes[static_cast<std::size_t>(question) % kTypes.size()];
}
bool has_options(int question) {
  const std::string_view type = type_of(question);
  return type == "RADIO" || type == "MENU" || type == "CHECKBOX";
}
std::string question_title(long survey, int question) {
  Draw draw(static_cast<std::uint64_t>(survey), static_cast<std::uint64_t>(question));
  return "<strong>" + number(question) + ".<\\/strong> How " + words(draw, 4) + "?";
}
std::string option_title(int question, long option) {
  Draw draw(static_cast<std::uint64_t>(question) + 77, static_cast<std::uint64_t>(option));
  return words(draw, 3);
}

// --- definitions ---

std::string question_json(long survey, int question, bool with_varname) {
  std::string out = R"({"id":)" + number(question) + R"(,"base_type":"Question","type":")" + type_of(question) +
                    R"(","title":{"English":")" + question_title(survey, question) + R"("},"shortname":"q)" +
                    number(question) + '"';
  if (with_varname) out += R"(,"varname":[])";
  out += R"(,"description":[],"has_showhide_deps":false,"comment":false,"properties":{"required":true,"messages":[],)"
         R"("question_description":{"English":""}},"options":[)";
  if (has_options(question)) {
    for (long option = 0; option < 5; ++option) {
      out += (option > 0 ? "," : "") + (R"({"id":)" + number(sku(question, option)) + R"(,"title":{"English":")" +
                                        option_title(question, option) + R"("},"value":"v)" + number(option + 1) +
                                        R"(","properties":{"disabled":false}})");
    }
  }
  return out + "]}";
}

std::string survey_head(long survey, long responses, bool detail) {
  const std::string team = detail ? R"([{"id":"644416","name":"Research"}])" : R"("644416")";
  return R"({"id":")" + number(survey) + R"(","team":)" + team +
         R"(,"type":"Standard Survey","status":"Launched","created_on":"2024-12-20 09:00:00","modified_on":"2024-12-31 09:00:00",)"
         R"("title":"Survey )" +
         number(survey) + R"(","statistics":{"Complete":)" + number(responses) +
         R"(},"links":{"edit":)"
         R"("https:\/\/app.example\/distribute\/)" +
         number(survey) + R"("})";
}

std::string detail(long survey, long responses) {
  std::string out = R"({"result_ok":true,"data":)" + survey_head(survey, responses, true) +
                    R"(,"forward_only":false,"languages":["English"],"internal_title":"bench )" + number(survey) +
                    R"(","title_ml":{"English":"Survey )" + number(survey) +
                    R"("},"theme":"1","blockby":"NONE","overall_quota":null,)"
                    R"("auto_close":null,"pages":[)";
  for (int first = 1; first <= kQuestions; first += kPageOf) {
    out += (first > 1 ? "," : "") + (R"({"id":)" + number(page_id(first)) + R"(,"title":{"English":"Page )" +
                                     number(page_id(first)) + R"("},"description":[],"properties":[],"questions":[)");
    for (int question = first; question < first + kPageOf && question <= kQuestions; ++question) {
      out += (question > first ? "," : "") + question_json(survey, question, false);
    }
    out += "]}";
  }
  return out + "]}}";
}

std::string question_list(long survey) {
  std::string out = R"({"result_ok":true,"total_count":)" + number(kQuestions) +
                    R"(,"page":1,"total_pages":1,"results_per_page":)" + number(kQuestions) + R"(,"data":[)";
  for (int question = 1; question <= kQuestions; ++question) {
    out += (question > 1 ? "," : "") + question_json(survey, question, true);
  }
  return out + "]}";
}

// --- responses ---

std::string checkbox_entry(long survey, int question, Draw& draw, const std::string& head) {
  std::string out = head + R"(,"type":"parent","question":")" + question_title(survey, question) +
                    R"(","section_id":)" + number(page_id(question)) + R"(,"shown":true,"options":{)";
  const long left_out = draw.below(5), also = (left_out + 1 + draw.below(4)) % 5;
  bool first = true;
  for (long option = 0; option < 5; ++option) {
    if (option == left_out || option == also) continue;
    const std::string id = number(sku(question, option));
    out += (first ? "\"" : ",\"") + id + R"(":{"id":)" + id + R"(,"option":")" + option_title(question, option) +
           R"(","answer":"v)" + number(option + 1) + R"("})";
    first = false;
  }
  return out + "}}";
}

std::string leaf_entry(long survey, int question, Draw& draw, const std::string& head) {
  const std::string_view type = type_of(question);
  std::string answer, answer_id;
  if (has_options(question)) {
    const long option = draw.below(5);
    answer = "v" + number(option + 1);
    answer_id = R"(,"answer_id":)" + number(sku(question, option));
  } else if (type == "NPS") {
    answer = number(draw.below(11));
  } else {
    answer = words(draw, type == "ESSAY" ? 7 + draw.below(6) : 4);
  }
  return head + R"(,"type":")" + std::string(type) + R"(","question":")" + question_title(survey, question) +
         R"(","section_id":)" + number(page_id(question)) + R"(,"original_answer":")" + answer + R"(","answer":")" +
         answer + '"' + answer_id + R"(,"shown":true})";
}

std::string response_json(long survey, long id) {
  Draw draw(static_cast<std::uint64_t>(survey) << 20U, static_cast<std::uint64_t>(id));
  const long started = kStart + id * 37, submitted = started + 120 + draw.below(900);
  std::array<char, 32> hex{};
  (void)std::snprintf(hex.data(), hex.size(), "%014llx.%08llu", static_cast<unsigned long long>(draw.next() >> 8U),
                      static_cast<unsigned long long>(draw.next() % 100000000U));
  std::string out =
      R"({"id":")" + number(id) + R"(","contact_id":"","status":"Complete","is_test_data":"0","date_submitted":")" +
      local_time(submitted) + R"( EST","session_id":")" + number(started) + "_" + hex.data() +
      R"(","language":"English","date_started":")" + local_time(started) + R"( EST","date_updated":")" +
      local_time(submitted + 5L * 3600) + R"(","link_id":")" + number(900000 + draw.below(40)) +
      R"(","url_variables":{"src":{"key":"src","value":"mail)" + number(draw.below(9)) +
      R"(","type":"url"}},"ip_address":"203.0.113.)" + number(draw.below(255)) +
      R"(","referer":"https:\/\/example.org\/r\/)" + number(draw.below(1000)) +
      R"(","user_agent":"Mozilla\/5.0 (X11; Linux x86_64; rv:128.0) Gecko\/20100101 Firefox\/128.0",)"
      R"("response_time":)" +
      number(submitted - started) +
      R"(,"data_quality":{"straightlining":[],"opentext":{"gibberish":[],"badwords":[]}},"longitude":"-77.)" +
      number(1000 + draw.below(9000)) + R"(","latitude":"38.)" + number(1000 + draw.below(9000)) +
      R"(","country":"United States","city":"Arlington","region":"VA","postal":"2220)" + number(draw.below(10)) +
      R"(","dma":"511","comments":null,"survey_data":{)";
  for (int question = 1; question <= kQuestions; ++question) {
    const std::string head = (question > 1 ? ",\"" : "\"") + number(question) + R"(":{"id":)" + number(question);
    out +=
        is_checkbox(question) ? checkbox_entry(survey, question, draw, head) : leaf_entry(survey, question, draw, head);
  }
  return out + "}}";
}

// --- files ---

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) {
    std::cerr << "generate: cannot write " << path << "\n";
    std::exit(1);
  }
}

std::string page_text(const std::vector<std::string>& all, long page, long size) {
  const long total = static_cast<long>(all.size());
  std::string out = R"({"result_ok":true,"total_count":")" + number(total) + R"(","page":")" + number(page) +
                    R"(","total_pages":)" + number((total + size - 1) / size) + R"(,"results_per_page":")" +
                    number(size) + R"(","data":[)";
  for (long row = (page - 1) * size; row < page * size && row < total; ++row) {
    if (row > (page - 1) * size) out += ',';
    out += all[static_cast<std::size_t>(row)];
  }
  return out + "]}";
}

void write_responses(const std::filesystem::path& folder, long survey, long responses) {
  std::vector<std::string> all;
  all.reserve(static_cast<std::size_t>(responses));
  for (long id = 1; id <= responses; ++id)
    all.push_back(response_json(survey, id));
  const auto write_page = [&](long size, long page) {
    write(folder / ("s" + number(size) + "-p" + number(page) + ".json"), page_text(all, page, size));
  };
  for (long page = 1; page <= (responses + kFullPage - 1) / kFullPage; ++page)
    write_page(kFullPage, page);
  write_page(kSamplePage, 1);
  for (long size = 1; size <= kSmallPages; ++size) {
    write_page(size, 1);
    write_page(size, (responses + size - 1) / size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: generate FOLDER SURVEYS RESPONSES\n";
    return 2;
  }
  const std::filesystem::path root(argv[1]);
  const long surveys = std::strtol(argv[2], nullptr, 10), responses = std::strtol(argv[3], nullptr, 10);
  std::string list;
  for (long i = 0; i < surveys; ++i) {
    const long survey = kFirstSurvey + i;
    const auto folder = root / number(survey);
    std::filesystem::create_directories(folder);
    write(folder / "detail.json", detail(survey, responses));
    write(folder / "questions.json", question_list(survey));
    write_responses(folder, survey, responses);
    list += (i > 0 ? "," : "") + survey_head(survey, responses, false) + "}";
  }
  write(root / "surveys.json", R"({"result_ok":true,"total_count":)" + in_quotes(number(surveys)) +
                                   R"(,"page":"1","total_pages":1,"results_per_page":"500","data":[)" + list + "]}");
  write(root / "none.json", R"({"result_ok":true,"total_count":)" + in_quotes(number(surveys)) +
                                R"(,"page":"2","total_pages":1,"results_per_page":"500","data":[]})");
  return 0;
}
