#include "app/check_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/json_writer.h"
#include "report/log_line.h"

namespace surveysync::app {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::warn:
      return "warn";
    case Verdict::fail:
      return "fail";
  }
  return "";
}

void CheckReport::add(CheckResult result) {
  told_(result);
  results_.push_back(std::move(result));
}

bool CheckReport::run(const std::string& name, const std::function<std::string()>& check) {
  try {
    pass(name, check());
    return true;
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    add({name, Verdict::fail, failure.what(), failure.hint()});
    return false;
  }
}

bool CheckReport::failed() const {
  return std::any_of(results_.begin(), results_.end(),
                     [](const CheckResult& result) { return result.verdict == Verdict::fail; });
}

std::string check_line(const CheckResult& result, bool colours) {
  static constexpr std::string_view kColours[] = {"\033[32m", "\033[33m", "\033[1;31m"};
  const std::string_view colour = colours ? kColours[static_cast<std::size_t>(result.verdict)] : "";
  std::string line = fmt::format("{}{}{}  {:<22}  {}\n", colour, name_of(result.verdict), colours ? "\033[0m" : "",
                                 result.name, report::printable(result.message));
  if (!result.hint.empty()) line += fmt::format("      hint: {}\n", report::printable(result.hint));
  return line;
}

std::string checks_json(const CheckReport& report) {
  JsonWriter writer;
  writer.begin_object().field("ok", !report.failed()).key("checks").begin_array();
  for (const CheckResult& result : report.results()) {
    writer.begin_object()
        .field("name", result.name)
        .field("verdict", name_of(result.verdict))
        .field("message", result.message)
        .text_or_null("hint", result.hint)
        .end_object();
  }
  return writer.end_array().end_object().done();
}

}  // namespace surveysync::app
