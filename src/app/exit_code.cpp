#include "app/exit_code.h"

#include <algorithm>
#include <set>

namespace surveysync::app {
namespace {

using Kinds = std::set<ErrorKind>;

/// The row of the table for one kind of failure, when nothing else is known.
int code_of(ErrorKind kind, int signal) {
  switch (kind) {
    case ErrorKind::config:
    case ErrorKind::refused_schema:  // a missing migration or grant: somebody must set the database up
      return kExitUsage;
    case ErrorKind::unauthorized:
    case ErrorKind::denied:
      return kExitRefused;
    case ErrorKind::unavailable:
    case ErrorKind::throttled:
    case ErrorKind::in_doubt:
      return kExitUnavailable;
    case ErrorKind::locked:
      return kExitLocked;
    case ErrorKind::cancelled:
      return signal == 0 ? kExitUnexpected : 128 + signal;
    case ErrorKind::rejected:
    case ErrorKind::malformed:
    case ErrorKind::conflict:
    case ErrorKind::refused_row:
    case ErrorKind::bug:
      return kExitUnexpected;
  }
  return kExitUnexpected;
}

bool has_code(const Kinds& kinds, int code) {
  return std::any_of(kinds.begin(), kinds.end(), [&](ErrorKind kind) { return code_of(kind, 0) == code; });
}

/// What a source failed of: the error that ended its run, or else those of its partitions.
Kinds causes(const sync::RunReport& report) {
  Kinds kinds;
  if (report.error) return {report.error->kind()};
  for (const sync::PartitionFailure& failure : report.failures)
    kinds.insert(failure.kind);
  return kinds;
}

/// What a whole command amounts to.
struct Summary {
  bool any_good = false;  ///< some source succeeded, or some of its surveys did
  bool any_bad = false;   ///< some source or survey failed
  bool any_unbalanced = false;
  bool any_braked = false;
  bool any_cancelled = false;
  Kinds fatal;  ///< what ended whole runs
  Kinds all;    ///< all causes
};

Summary summarize(std::span<const sync::RunReport> reports) {
  Summary summary;
  for (const sync::RunReport& report : reports) {
    summary.any_good |= report.outcome == sync::Outcome::succeeded || report.outcome == sync::Outcome::partial;
    summary.any_bad |= report.outcome == sync::Outcome::failed || report.outcome == sync::Outcome::partial;
    summary.any_cancelled |= report.outcome == sync::Outcome::cancelled;
    summary.any_unbalanced |= report.unbalanced > 0;
    summary.any_braked |= report.braked > 0;
    if (report.error) summary.fatal.insert(report.error->kind());
    summary.all.merge(causes(report));
  }
  return summary;
}

/// The first row that applies, from the top.
int code_of(const Summary& summary, int signal) {
  if (has_code(summary.fatal, kExitUsage)) return kExitUsage;
  if (!summary.any_good && has_code(summary.all, kExitRefused)) return kExitRefused;
  if (!summary.any_good && has_code(summary.all, kExitUnavailable)) return kExitUnavailable;
  if (summary.any_braked) return kExitConfirm;
  if (summary.any_unbalanced) return kExitUnbalanced;
  if (summary.any_bad && summary.any_good) {
    // A source that another process works has not failed: it is being worked.
    return has_code(summary.all, kExitLocked) && summary.all.size() == 1 ? kExitLocked : kExitPartial;
  }
  if (has_code(summary.fatal, kExitLocked)) return kExitLocked;
  if (summary.any_bad) return kExitUnexpected;
  if (summary.any_cancelled) return code_of(ErrorKind::cancelled, signal);
  return kExitOk;
}

Summary summarize(std::span<const sync::VerifyReport> reports) {
  Summary summary;
  for (const sync::VerifyReport& report : reports) {
    summary.any_unbalanced |= differs(report);
    const bool some_failed = std::ranges::any_of(report.partitions, [](const auto& p) { return !p.error.empty(); });
    const bool some_compared = std::ranges::any_of(report.partitions, [](const auto& p) { return p.error.empty(); });
    if (!report.error) {
      summary.any_bad |= some_failed;
      summary.any_good |= some_compared || !some_failed;
      continue;
    }
    const bool cancelled = report.error->kind() == ErrorKind::cancelled;
    summary.any_cancelled |= cancelled;
    summary.any_bad |= !cancelled;
    summary.any_good |= some_compared && !cancelled;
    summary.fatal.insert(report.error->kind());
    summary.all.insert(report.error->kind());
  }
  return summary;
}

}  // namespace

int exit_code_of(const Error& error, int signal) {
  return code_of(error.kind(), signal);
}

int exit_code_of(std::span<const sync::RunReport> reports, int signal) {
  return code_of(summarize(reports), signal);
}

int exit_code_of(std::span<const sync::VerifyReport> reports, int signal) {
  return code_of(summarize(reports), signal);
}

bool differs(const sync::VerifyReport& report) {
  return !report.unknown_at_vendor.empty() || !report.unknown_here.empty() ||
         std::ranges::any_of(report.partitions, [](const auto& p) { return p.error.empty() && !p.equal(); });
}

}  // namespace surveysync::app
