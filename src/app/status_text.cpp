#include "app/status_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/capability_text.h"
#include "app/human.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kNoteColumns = 60, kValueColumn = 18;

constexpr std::string_view kRefusedRule = "credentials_refused";

std::string line_of(std::string_view name, const std::string& value) {
  return fmt::format("  {:<16}{}\n", name, report::printable(value));
}

/// What to do, and below it the commands, each on a line of its own.
std::string step_text(const std::string& next_step) {
  std::string text;
  for (std::size_t begin = 0; begin < next_step.size();) {
    const std::size_t end = std::min(next_step.find('\n', begin), next_step.size());
    text += line_of(begin == 0 ? "what to do" : "", (begin == 0 ? "" : "  ") + next_step.substr(begin, end - begin));
    begin = end + 1;
  }
  return text;
}

std::string incident_text(const store::Incident& incident, UtcTime now) {
  return line_of("incident", fmt::format("{}, {}, since {} UTC ({})", incident.key, incident.severity,
                                         moment(incident.opened_at), ago(incident.opened_at, now))) +
         line_of("", incident.evidence) + step_text(incident.next_step);
}

bool has_incident(const StatusSource& source, std::string_view rule) {
  return std::ranges::find(source.incidents, rule, &store::Incident::rule) != source.incidents.end();
}

/// Nothing is asked of the vendor until a person acts.
bool is_held(const StatusSource& source) {
  return source.refused || has_incident(source, kRefusedRule);
}

std::string service_text(const StatusSource& source, UtcTime now) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) { text += line_of(name, value); };
  if (!source.worked_by.empty()) line("worked by", spoken_process(source.worked_by));
  if (source.next_run && source.worked_by.empty() && !is_held(source)) {
    const bool late = source.next_run->at <= now;
    line(late ? "run due" : "next run",
         fmt::format("{} UTC ({}, {}; {})", moment(source.next_run->at), ago(source.next_run->at, now),
                     source.next_run->reason, late ? "no daemon has begun it yet" : "where a daemon runs"));
  }
  if (source.refused)
    line("key", fmt::format("{} is refused ({}) since {}", source.refused->fingerprint, source.refused->verdict,
                            moment(source.refused->refused_at)));
  // Its incident says the same.
  if (source.refused && !has_incident(source, kRefusedRule)) text += step_text(source.refused->next_step);
  for (const store::Incident& incident : source.incidents)
    text += incident_text(incident, now);
  return text;
}

/// `by_list`: what a survey holds is certified with lists of the account.
std::string verdict(const StatusSurvey& survey, bool by_list) {
  const store::ClockRow& clocks = survey.clocks;
  if (survey.deleted) return "deleted at the vendor";
  if (!clocks.followed) return "not followed";
  if (!clocks.balanced) return by_list ? "with the lists" : "no certificate yet";
  return *clocks.balanced ? "balanced" : "NOT BALANCED";
}

/// The first line of what went wrong, or that it was not asked about for longer than it should.
std::string survey_note(const StatusSurvey& survey, const StatusSource& source, UtcTime now) {
  if (!survey.error.empty())
    return shortened(report::printable(survey.error.substr(0, survey.error.find('\n'))), kNoteColumns);
  const bool watched = survey.clocks.followed && !survey.deleted && survey.probed_at;
  if (watched && now - *survey.probed_at > source.probe_all)
    return fmt::format("not probed since {} UTC", moment(survey.probed_at));
  return {};
}

std::string learned_text(const StatusSource& source, UtcTime now) {
  if (source.capabilities.empty()) return {};
  std::string text =
      fmt::format("  {:<16}{}\n", "reads", source.fallback.empty() ? "changes by their date" : source.fallback);
  if (source.fallback.empty()) return text;  // all is as usual: --json and `check` have the evidence
  std::string_view title = "learned";
  for (const model::Capability& capability : source.capabilities) {
    text += fmt::format("  {:<16}{}\n", title, capability_line(capability, now));
    title = "";
  }
  return text;
}

std::string lists_text(const StatusSource& source, UtcTime now) {
  TextTable table(
      {{"LIST"}, {"STORED", Align::right}, {"VENDOR", Align::right}, {"CERTIFICATE"}, {"CERTIFIED", Align::right}});
  for (const store::ListRow& list : source.lists) {
    table.add({list.stream, grouped(list.stored_live), grouped(list.total), list.balanced ? "balanced" : "NOT BALANCED",
               ago(list.last_certified, now)});
  }
  return table.empty() ? "" : "\n" + table.text(2);
}

std::string surveys_text(const StatusSource& source, UtcTime now) {
  const bool by_list = !source.lists.empty() && std::ranges::none_of(source.surveys, [](const StatusSurvey& survey) {
    return survey.clocks.balanced.has_value();
  });
  TextTable table({{"SURVEY"},
                   {"TITLE"},
                   {"RESPONSES", Align::right},
                   {"CERTIFICATE"},
                   {"ATTEMPT", Align::right},
                   {"SUCCESS", Align::right},
                   {"CERTIFIED", Align::right},
                   {"PROBED", Align::right},
                   {"NEWEST CHANGE", Align::right},
                   {"NOTE"}});
  for (const StatusSurvey& survey : source.surveys) {
    const store::ClockRow& clocks = survey.clocks;
    table.add({clocks.partition, shortened(report::printable(clocks.title), 40),
               by_list ? "-" : grouped(clocks.stored_live), verdict(survey, by_list), ago(clocks.last_attempt, now),
               ago(clocks.last_success, now), ago(clocks.last_certified, now), ago(survey.probed_at, now),
               ago(clocks.newest_change, now), survey_note(survey, source, now)});
  }
  return table.empty() ? "" : "\n" + table.text(2);
}

std::string source_text(const StatusSource& source, UtcTime now) {
  std::string text = source.source;
  if (!source.configured) text += " (no longer configured)";
  if (!source.last_run) return text + ": has never run\n";
  const store::RunRow& run = *source.last_run;
  text += fmt::format(": last run {} {}, {}\n", run.run_id, run.outcome.empty() ? "is running" : run.outcome,
                      ago(run.finished_at ? run.finished_at : std::optional(run.started_at), now));
  const bool told = has_incident(source, "run_failed") || has_incident(source, "quarantine_limit");
  if (!source.last_trouble.empty() && !told) text += line_of("error", source.last_trouble);
  const auto clock = [&](std::string_view name, const std::optional<UtcTime>& time) {
    text +=
        fmt::format("  {:<16}{}\n", name, time ? fmt::format("{} UTC ({})", moment(time), ago(time, now)) : "never");
  };
  clock("last attempt", source.clocks.last_attempt);
  clock("last success", source.clocks.last_success);
  clock("last certified", source.clocks.last_certified);
  clock("newest change", source.clocks.newest_change);
  text += service_text(source, now);
  text += learned_text(source, now);
  return text + lists_text(source, now) + surveys_text(source, now);
}

/// How a source stands in one word or two, and how bad that is.
std::pair<int, std::string> standing(const StatusSource& source) {
  if (!source.configured) return {5, "no longer configured"};
  if (is_held(source)) return {0, "HELD"};
  if (source.clocks.balanced && !*source.clocks.balanced) return {0, "NOT BALANCED"};
  const bool bad = source.last_run && (source.last_run->outcome == "failed" || source.last_run->outcome == "partial");
  if (bad) return {1, "last run " + source.last_run->outcome};
  if (!source.incidents.empty()) return {2, "incident open"};
  if (!source.worked_by.empty()) return {4, "loading"};
  if (!source.clocks.last_certified) return {3, "not certified yet"};
  return {4, "complete"};
}

/// One line a source, trouble first.
std::string overview_text(const std::vector<StatusSource>& sources, UtcTime now) {
  if (sources.size() < 2) return {};
  std::vector<const StatusSource*> order;
  for (const StatusSource& source : sources)
    order.push_back(&source);
  std::ranges::stable_sort(order, {}, [](const StatusSource* source) { return standing(*source).first; });
  TextTable table(
      {{"SOURCE"}, {"STATE"}, {"CERTIFIED", Align::right}, {"NEXT RUN", Align::right}, {"INCIDENTS", Align::right}});
  for (const StatusSource* const source : order) {
    const bool waits = source->next_run && source->worked_by.empty() && !is_held(*source);
    table.add({source->source, standing(*source).second, ago(source->clocks.last_certified, now),
               waits ? ago(source->next_run->at, now) : "-",
               source->incidents.empty() ? "-" : fmt::format("{}", source->incidents.size())});
  }
  return table.text() + "\n";
}

/// What the account of some sources may still ask.
std::string budget_text(const report::BudgetView& budget, UtcTime now) {
  std::string state = "free";
  if (budget.booked_until && *budget.booked_until > now)
    state = fmt::format("in use, the next request in {}", spoken(*budget.booked_until - now));
  if (budget.resting_until && *budget.resting_until > now)
    state = fmt::format("resting, the vendor asked for it: {} more", spoken(*budget.resting_until - now));
  const std::string pace =
      budget.window == std::chrono::minutes(1) ? std::string("a minute") : "in " + spoken(budget.window);
  return fmt::format("budget of {}: {} requests {} of the vendor's {}, {}\n", report::printable(budget.account),
                     budget.share, pace, budget.vendor_limit, state);
}

std::string run_words(const store::RunRow& run) {
  if (run.outcome.empty()) return fmt::format("run {} is running", run.run_id);
  std::string text = fmt::format("run {} {}", run.run_id, run.outcome);
  if (!run.error.empty())
    text += fmt::format(" ({})", shortened(report::printable(run.error.substr(0, run.error.find('\n'))), kNoteColumns));
  return text;
}

/// Whether a line says what people must read to its end.
bool is_words(std::string_view line) {
  constexpr std::string_view kWords[] = {"incident ", "what to do ", "error ", "key "};
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos || line.size() <= kValueColumn) return false;
  if (begin >= kValueColumn) return true;
  return begin == 2 && std::ranges::any_of(kWords, [&](auto word) { return line.substr(2).starts_with(word); });
}

/// Rows of tables are cut; words go on below, where they began.
void fit_line(std::string line, std::size_t columns, std::vector<std::string>& lines) {
  const std::string indent(kValueColumn, ' ');
  while (columns_of(line) > columns && columns > 2 * kValueColumn && is_words(line)) {
    std::size_t cut = shortened(line, columns).size() - std::string_view("…").size();
    cut = line.rfind(' ', std::min(cut, line.size() - 1));
    if (cut == std::string::npos || line.find_last_not_of(' ', cut) < kValueColumn) break;
    lines.push_back(line.substr(0, cut));
    line = indent + line.substr(cut + 1);
  }
  lines.push_back(shortened(line, columns));
}

}  // namespace

std::string status_text(const Status& status, UtcTime now) {
  std::string text = overview_text(status.sources, now);
  for (const store::Incident& incident : status.incidents)
    text += incident_text(incident, now);
  if (!status.incidents.empty()) text += "\n";
  if (status.sources.empty()) return text + "no sources are configured\n";
  for (const StatusSource& source : status.sources)
    text += source_text(source, now) + "\n";
  for (const report::BudgetView& budget : status.budgets)
    text += budget_text(budget, now);
  if (status.budgets.empty()) text.pop_back();
  return text;
}

std::string with_colours(std::string text) {
  constexpr std::string_view kRed = "\033[1;31m", kYellow = "\033[33m", kPlain = "\033[0m";
  const std::pair<std::string_view, std::string_view> words[] = {
      {"NOT BALANCED", kRed},        {"HELD", kRed},          {", critical,", kRed},
      {"is refused", kRed},          {", warning,", kYellow}, {"last run failed", kRed},
      {"last run partial", kYellow}, {"run due", kYellow}};
  for (const auto& [word, colour] : words) {
    for (std::size_t at = text.find(word); at != std::string::npos;
         at = text.find(word, at + colour.size() + word.size() + kPlain.size()))
      text.replace(at, word.size(), fmt::format("{}{}{}", colour, word, kPlain));
  }
  return text;
}

std::string status_line(const StatusSource& source) {
  std::string text = source.source + ": ";
  text += source.last_run ? run_words(*source.last_run) : "has never run";
  const auto add = [&](const std::string& part) { text += ", " + part; };
  if (source.clocks.last_certified) add("certified " + moment(source.clocks.last_certified));
  if (source.clocks.balanced) add(*source.clocks.balanced ? "balanced" : "NOT BALANCED");
  if (source.refused) add(fmt::format("key {} REFUSED ({})", source.refused->fingerprint, source.refused->verdict));
  if (!source.incidents.empty())
    add(source.incidents.size() == 1 ? "1 incident open" : fmt::format("{} incidents open", source.incidents.size()));
  if (!source.worked_by.empty()) add("worked by " + spoken_process(source.worked_by));
  if (source.next_run && source.worked_by.empty() && !is_held(source))
    add(fmt::format("next run {} ({})", moment(source.next_run->at), source.next_run->reason));
  return report::printable(text);
}

std::string fitting(const std::string& text, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    fit_line(text.substr(begin, end - begin), columns, lines);
    begin = end + 1;
  }
  if (lines.size() > rows && rows > 0) {
    const std::size_t left_out = lines.size() - rows + 1;
    lines.resize(rows - 1);
    lines.push_back(fmt::format("… {} more lines: `surveysync status` prints them all", left_out));
  }
  std::string fitted;
  for (const std::string& line : lines)
    fitted += line + "\n";
  return fitted;
}

}  // namespace surveysync::app
