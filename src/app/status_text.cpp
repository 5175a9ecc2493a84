#include "app/status_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/capability_text.h"
#include "app/human.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kNoteColumns = 60;

std::string service_text(const StatusSource& source, UtcTime now) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<16}{}\n", name, report::printable(value));
  };
  if (!source.worked_by.empty()) line("worked by", source.worked_by);
  if (source.next_run && source.worked_by.empty() && !source.refused) {
    line("next run", fmt::format("{} UTC ({}, {}; where a daemon runs)", moment(source.next_run->at),
                                 ago(source.next_run->at, now), source.next_run->reason));
  }
  if (source.refused) {
    line("key", fmt::format("{} is refused ({}) since {}", source.refused->fingerprint, source.refused->verdict,
                            moment(source.refused->refused_at)));
    line("next step", source.refused->next_step);
  }
  for (const store::Incident& incident : source.incidents)
    line("incident", fmt::format("{} since {}: {}", incident.key, moment(incident.opened_at), incident.evidence));
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
  if (!run.error.empty()) text += fmt::format("  error           {}\n", run.error);
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

std::string run_words(const store::RunRow& run) {
  if (run.outcome.empty()) return fmt::format("run {} is running", run.run_id);
  std::string text = fmt::format("run {} {}", run.run_id, run.outcome);
  if (!run.error.empty())
    text += fmt::format(" ({})", shortened(report::printable(run.error.substr(0, run.error.find('\n'))), kNoteColumns));
  return text;
}

}  // namespace

std::string status_text(const std::vector<StatusSource>& sources, UtcTime now) {
  std::string text;
  for (const StatusSource& source : sources)
    text += (text.empty() ? "" : "\n") + source_text(source, now);
  return text.empty() ? "no sources are configured\n" : text;
}

std::string status_line(const StatusSource& source) {
  std::string text = source.source + ": ";
  text += source.last_run ? run_words(*source.last_run) : "has never run";
  const auto add = [&](const std::string& part) { text += ", " + part; };
  if (source.clocks.last_certified) add("certified " + moment(source.clocks.last_certified));
  if (source.clocks.balanced) add(*source.clocks.balanced ? "balanced" : "NOT BALANCED");
  if (source.refused) add(fmt::format("key {} REFUSED ({})", source.refused->fingerprint, source.refused->verdict));
  if (!source.incidents.empty()) add(fmt::format("{} incidents open", source.incidents.size()));
  if (!source.worked_by.empty()) add("worked by " + source.worked_by);
  if (source.next_run && source.worked_by.empty() && !source.refused)
    add(fmt::format("next run {} ({})", moment(source.next_run->at), source.next_run->reason));
  return report::printable(text);
}

std::string fitting(const std::string& text, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(shortened(text.substr(begin, end - begin), columns));
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
