#include "sandbox/change_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/time.h"

namespace surveysync::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, Change::Op>, 13> kOps{
    {{"insert", Change::Op::insert},
     {"complete", Change::Op::complete},
     {"edit", Change::Op::edit},
     {"delete", Change::Op::remove},
     {"restore", Change::Op::restore},
     {"disqualify", Change::Op::disqualify},
     {"late", Change::Op::late},
     {"edit-definition", Change::Op::edit_definition},
     {"add-survey", Change::Op::add_survey},
     {"delete-survey", Change::Op::remove_survey},
     {"restore-survey", Change::Op::restore_survey},
     {"mass-delete", Change::Op::remove},
     {"tie", Change::Op::edit}}};

constexpr std::array<std::pair<std::string_view, SurveyFate>, 4> kFates{{{"listed", SurveyFate::listed},
                                                                         {"vanished", SurveyFate::vanished},
                                                                         {"404", SurveyFate::absent},
                                                                         {"null", SurveyFate::null}}};

template <typename Names>
auto named(const Names& names, std::string_view name, std::string_view what) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& item) { return item.first == name; });
  if (found != names.end()) return found->second;
  std::string all;
  for (const auto& item : names)
    all += fmt::format("{}{}", all.empty() ? "" : ", ", item.first);
  throw Error(ErrorKind::config, fmt::format("{} '{}' is unknown", what, name), fmt::format("one of {}", all));
}

Seconds seconds(const Poco::JSON::Object& from, const std::string& name, Seconds otherwise) {
  if (!from.has(name)) return otherwise;
  const auto text = from.getValue<std::string>(name);
  const auto time = parse_duration(text);
  if (!time)
    throw Error(ErrorKind::config, fmt::format("{}: cannot read '{}'", name, text), "a duration like 30s or 2h");
  return std::chrono::duration_cast<std::chrono::seconds>(*time).count();
}

Status status_of(const std::string& name) {
  return name == "Partial" ? Status::partial : name == "Disqualified" ? Status::disqualified : Status::complete;
}

}  // namespace

std::string op_name(Change::Op op) {
  return std::string(
      std::find_if(kOps.begin(), kOps.end(), [op](const auto& item) { return item.second == op; })->first);
}

Change read_change(const Poco::JSON::Object& from) {
  const auto name = from.optValue<std::string>("op", "");
  Change out;
  out.op = named(kOps, name, "op");
  // A tie is of inserts or of edits, and of several.
  if (name == "tie") out.op = named(kOps, from.optValue<std::string>("of", "edit"), "of");
  if (name == "tie" || name == "mass-delete") out.count = 10;
  out.survey = from.optValue<std::int64_t>("survey", 0);
  out.response = from.optValue<std::int64_t>("response", 0);
  out.count = from.optValue<std::int64_t>("count", out.count);
  out.percent = from.optValue<int>("percent", 0);
  out.status = status_of(from.optValue<std::string>("status", "Complete"));
  out.silent = from.optValue<bool>("silent", false);
  out.test = from.optValue<bool>("test", false);
  out.spread = seconds(from, "spread", out.spread);
  out.age = seconds(from, "age", out.age);
  if (from.has("lag")) out.lag = seconds(from, "lag", 0);
  out.fate = named(kFates, from.optValue<std::string>("as", "listed"), "as");
  return out;
}

}  // namespace surveysync::sandbox
