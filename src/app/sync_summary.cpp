#include "app/sync_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/human.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kNamedPartitions = 5;
constexpr std::size_t kTitleColumns = 32;

std::string indented(std::string_view text, std::string_view by) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += by;
  }
  return result;
}

/// "1, 2, 3, 4, 5 and 2 more".
std::string named(const std::vector<std::string>& names) {
  const std::size_t count = std::min(names.size(), kNamedPartitions);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  if (names.size() > count) text += fmt::format(" and {} more", names.size() - count);
  return text;
}

/// Failures with the same text are one story: which surveys, then why.
std::string failures_text(const sync::RunReport& report) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_cause;
  for (const sync::PartitionFailure& failure : report.failures) {
    by_cause[{failure.stream, failure.message}].push_back(failure.partition);
  }
  std::string text;
  for (const auto& [cause, partitions] : by_cause) {
    text += fmt::format("\n  {} {}: {}", cause.first, named(partitions), indented(cause.second, "  "));
  }
  return text;
}

std::string certificates_text(const sync::RunReport& report) {
  const std::int64_t issued = report.certified + report.unbalanced;
  return issued == 0 ? "none" : fmt::format("balanced {} of {}", grouped(report.certified), grouped(issued));
}

std::string braked_text(const std::string& source, const SourceStory::Braked& braked) {
  if (braked.partition.empty()) {
    return fmt::format(
        "source {}: stopped by the deletion brake: {}; nothing was marked deleted\n"
        "  hint: look at the vendor; if it is true: surveysync resync {} --yes",
        source, report::printable(braked.reason), source);
  }
  return fmt::format(
      "source {}: survey {} was stopped by the deletion brake: {} of {} stored responses are missing at the vendor "
      "({}); "
      "nothing was marked deleted\n"
      "  hint: look at the vendor; if they were really deleted: surveysync resync {} --survey {} --yes",
      source, braked.partition, grouped(braked.missing), grouped(braked.stored), report::printable(braked.reason),
      source, braked.partition);
}

bool changed(const Counts& counts) {
  return counts.inserted + counts.updated + counts.tombstoned + counts.quarantined != 0;
}

std::string certificate_word(const std::optional<store::Certificate>& certificate) {
  if (!certificate) return "-";
  if (certificate->balanced) return "would balance";
  return fmt::format("would NOT balance: vendor {}, here {}", grouped(certificate->total_after),
                     grouped(certificate->stored_live + certificate->quarantined + certificate->excluded));
}

}  // namespace

std::string summary_text(std::span<const sync::RunReport> reports) {
  TextTable table({{"SOURCE"},
                   {"OUTCOME"},
                   {"NEW", Align::right},
                   {"UPDATED", Align::right},
                   {"UNCHANGED", Align::right},
                   {"DELETED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"CERTIFICATES"},
                   {"SKIPPED", Align::right},
                   {"REQUESTS", Align::right},
                   {"TOOK", Align::right},
                   {"RUN", Align::right}});
  std::string queued;
  for (const sync::RunReport& report : reports) {
    if (report.queued_as != 0) {
      queued += fmt::format("{}: another process works it; the run is left to it as request {}\n", report.source,
                            report.queued_as);
      continue;
    }
    table.add({report.source, std::string(sync::name_of(report.outcome)), grouped(report.counts.inserted),
               grouped(report.counts.updated), grouped(report.counts.unchanged), grouped(report.counts.tombstoned),
               grouped(report.counts.quarantined), certificates_text(report), grouped(report.skipped),
               grouped(report.counts.requests), spoken(report.elapsed),
               report.run_id == 0 ? "-" : fmt::format("{}", report.run_id)});
  }
  return (table.empty() ? std::string() : table.text()) + queued;
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
      text += fmt::format("\n  {} certificate{} not balance", grouped(report.unbalanced),
                          report.unbalanced == 1 ? " does" : "s do");
      if (report.run_id != 0)
        text += fmt::format("\n  hint: `surveysync run show {}` shows the numbers", report.run_id);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> notices(const sync::RunReport& report, const SourceStory& story) {
  std::vector<std::string> texts;
  for (const SourceStory::Braked& braked : story.braked)
    texts.push_back(braked_text(report.source, braked));
  for (const auto& [reason, surveys] : story.frozen) {
    texts.push_back(
        fmt::format("source {}: deletion marks are frozen in {}: {}\n"
                    "  hint: give the key back its permission; until then deletions there are not seen",
                    report.source, named(surveys), report::printable(reason)));
  }
  if (!story.gone.empty()) {
    std::vector<std::string> surveys;
    for (const auto& [survey, evidence] : story.gone)
      surveys.push_back(fmt::format("{} ({})", survey, report::printable(evidence)));
    texts.push_back(fmt::format("source {}: the vendor has deleted {} {}: the rows are marked deleted", report.source,
                                surveys.size() == 1 ? "survey" : "surveys", named(surveys)));
  }
  return texts;
}

std::string changes_text(const sync::RunReport& report) {
  TextTable table({{"SURVEY"},
                   {"STREAM"},
                   {"TITLE"},
                   {"NEW", Align::right},
                   {"UPDATED", Align::right},
                   {"DELETED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"CERTIFICATE"}});
  std::int64_t equal = 0;
  for (const sync::PartitionChange& change : report.changes) {
    const bool unbalanced = change.certificate && !change.certificate->balanced;
    if (!changed(change.counts) && !unbalanced) {
      ++equal;
      continue;
    }
    table.add({change.partition, change.stream, shortened(report::printable(change.title), kTitleColumns),
               grouped(change.counts.inserted), grouped(change.counts.updated), grouped(change.counts.tombstoned),
               grouped(change.counts.quarantined), certificate_word(change.certificate)});
  }
  std::string text = table.empty() ? fmt::format("{}: nothing would change\n", report.source)
                                   : fmt::format("{}: would change\n{}", report.source, table.text(2));
  const auto parts = [](std::int64_t count) { return fmt::format("{} part{}", grouped(count), count == 1 ? "" : "s"); };
  if (equal != 0) text += fmt::format("  {} read and equal\n", parts(equal));
  if (report.skipped != 0) {
    text += fmt::format("  {} survey{} skipped: not due for a probe\n", grouped(report.skipped),
                        report.skipped == 1 ? "" : "s");
  }
  return text;
}

}  // namespace surveysync::app
