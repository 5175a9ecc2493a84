#include "app/check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

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

std::size_t CheckReport::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count(results_, verdict, &CheckResult::verdict));
}

std::string check_line(const CheckResult& result, bool colours) {
  static constexpr std::string_view kColours[] = {"\033[32m", "\033[33m", "\033[1;31m"};
  const std::string_view colour = colours ? kColours[static_cast<std::size_t>(result.verdict)] : "";
  std::string line = fmt::format("{}{}{}  {:<31}  {}\n", colour, name_of(result.verdict), colours ? "\033[0m" : "",
                                 result.name, report::printable(result.message));
  std::istringstream hints(result.hint);
  bool first = true;
  for (std::string hint; std::getline(hints, hint); first = false)
    line += fmt::format("      {} {}\n", first ? "hint:" : "     ", report::printable(hint));
  return line;
}

std::string checks_json(const CheckReport& report) {
  JsonWriter writer;
  writer.begin_object().field("ok", !report.failed());
  for (const auto& [key, verdict] :
       {std::pair("passed", Verdict::pass), std::pair("warnings", Verdict::warn), std::pair("failed", Verdict::fail)}) {
    writer.field(key, static_cast<std::int64_t>(report.count(verdict)));
  }
  writer.key("checks").begin_array();
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

std::string checks_summary(const CheckReport& report, bool colours) {
  const std::size_t warnings = report.count(Verdict::warn);
  const std::string_view colour = !colours          ? ""
                                  : report.failed() ? "\033[1;31m"
                                  : warnings > 0    ? "\033[33m"
                                                    : "\033[32m";
  return fmt::format("\n{}{} checks: {} passed, {} warning{}, {} failed{}\n", colour, report.results().size(),
                     report.count(Verdict::pass), warnings, warnings == 1 ? "" : "s", report.count(Verdict::fail),
                     colours ? "\033[0m" : "");
}

}  // namespace surveysync::app
