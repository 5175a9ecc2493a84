#include "app/sync_summary.h"

#include <fmt/format.h>

#include <map>

#include "app/human.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kNamedPartitions = 5;

std::string indented(std::string_view text, std::string_view by) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += by;
  }
  return result;
}

/// Failures with the same text are one story: which surveys, then why.
std::string failures_text(const sync::RunReport& report) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_cause;
  for (const sync::PartitionFailure& failure : report.failures) {
    by_cause[{failure.stream, failure.message}].push_back(failure.partition);
  }
  std::string text;
  for (const auto& [cause, partitions] : by_cause) {
    std::vector<std::string> named(partitions.begin(), partitions.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                                partitions.size(), kNamedPartitions)));
    std::string names = fmt::format("{}", fmt::join(named, ", "));
    if (partitions.size() > named.size()) names += fmt::format(" and {} more", partitions.size() - named.size());
    text += fmt::format("\n  {} {}: {}", cause.first, names, indented(cause.second, "  "));
  }
  return text;
}

}  // namespace

std::string summary_text(std::span<const sync::RunReport> reports) {
  TextTable table({{"SOURCE"},
                   {"OUTCOME"},
                   {"NEW", Align::right},
                   {"UPDATED", Align::right},
                   {"UNCHANGED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"CERTIFICATES"},
                   {"REQUESTS", Align::right},
                   {"TOOK", Align::right},
                   {"RUN", Align::right}});
  for (const sync::RunReport& report : reports) {
    const std::int64_t certificates = report.certified + report.unbalanced;
    table.add({report.source, std::string(sync::name_of(report.outcome)), grouped(report.counts.inserted),
               grouped(report.counts.updated), grouped(report.counts.unchanged), grouped(report.counts.quarantined),
               certificates == 0 ? "none" : fmt::format("balanced {} of {}", report.certified, certificates),
               grouped(report.counts.requests), spoken(report.elapsed),
               report.run_id == 0 ? "-" : fmt::format("{}", report.run_id)});
  }
  return table.text();
}

std::vector<std::string> troubles(std::span<const sync::RunReport> reports) {
  std::vector<std::string> texts;
  for (const sync::RunReport& report : reports) {
    if (report.outcome == sync::Outcome::succeeded) continue;
    std::string text =
        fmt::format("source {} {}", report.source,
                    report.outcome == sync::Outcome::cancelled ? "was stopped; the next sync goes on from here"
                                                               : std::string(sync::name_of(report.outcome)));
    const bool cancelled = report.error && report.error->kind() == ErrorKind::cancelled;
    if (report.error && !cancelled) text += ": " + report.error->full_text();
    text += failures_text(report);
    if (report.unbalanced > 0) {
      text += fmt::format("\n  {} certificate{} not balance\n  hint: `surveysync run show {}` shows the numbers",
                          report.unbalanced, report.unbalanced == 1 ? " does" : "s do", report.run_id);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace surveysync::app
