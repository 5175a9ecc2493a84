// One row of every stream of a source, and what is known of the account.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "app/assembly.h"
#include "app/capability_text.h"
#include "app/check_judge.h"
#include "app/check_steps.h"
#include "app/human.h"
#include "store/ledger.h"

namespace surveysync::app {
namespace {

/// The first partition that the configuration follows.
const model::Partition* first_followed(const std::vector<model::Partition>& all, const SourceConfig& source) {
  const sources::Following following{{}, source.include, source.exclude};
  const auto found = std::find_if(all.begin(), all.end(), [&](const model::Partition& partition) {
    return following.follows(partition.name) && partition.expected_records > 0;
  });
  if (found != all.end()) return &*found;
  const auto any =
      std::find_if(all.begin(), all.end(), [&](const model::Partition& p) { return following.follows(p.name); });
  return any == all.end() ? nullptr : &*any;
}

/// The first page that holds a record; a pass may begin with a page that only tells the total.
model::Page first_records(sources::Source& source, const model::StreamSpec& stream, const model::Partition& partition,
                          const Scope& scope, const std::stop_token& stop) {
  constexpr int kMostPages = 3;
  std::string position;
  for (int tried = 1;; ++tried) {
    model::Page page = source.fetch(
        {.stream = stream, .partition = partition, .position = position, .page_size = 1, .scope = scope}, stop);
    const bool found = !page.records.empty() || !page.quarantined.empty();
    if (found || !page.next || tried == kMostPages) return page;
    position = *page.next;
  }
}

std::string check_stream(sources::Source& source, const model::StreamSpec& stream, const model::Partition& partition,
                         const Scope& scope, const std::stop_token& stop) {
  const model::Page page = first_records(source, stream, partition, scope, stop);
  if (!page.quarantined.empty()) {
    throw Error(ErrorKind::malformed, fmt::format("a record of survey {} cannot be read: {}", partition.name,
                                                  page.quarantined.front().reason));
  }
  const model::Decode decode = source.decoder(stream);
  model::RowBatch rows;
  std::size_t decoded = 0;
  for (const model::Record& record : page.records) {
    rows.clear();
    decode(record, rows);
    decoded += rows.rows().size();
  }
  const std::string of = partition.name.empty() ? "the account" : "survey " + partition.name;
  if (page.records.empty()) return of + " has no record yet";
  return fmt::format("{}: {} record{} read, {} row{} made of {}", of, page.records.size(),
                     page.records.size() == 1 ? "" : "s", decoded, decoded == 1 ? "" : "s",
                     page.records.size() == 1 ? "it" : "them");
}

/// Where a row is read from.
struct RowPlace {
  const model::Partition& partition;
  const Scope& scope;
};

/// One stream. One that the key may not read is a failure only where somebody asked for it.
void check_row(CheckReport& report, const std::string& what, SourceParts& parts, const SourceConfig& source,
               const model::StreamSpec& stream, const RowPlace& place, const std::stop_token& stop) {
  const Wanted wanted = who_wants(stream.on_request, stream.reading == model::Reading::by_change,
                                  parts.following().streams_named, source);
  try {
    report.pass(what, check_stream(parts.source(), stream, place.partition, place.scope, stop));
  } catch (const Error& refusal) {
    if (refusal.kind() == ErrorKind::denied || refusal.kind() == ErrorKind::rejected) {
      report.add(judge_denied(what, wanted, refusal.what()));
    } else {
      report.run(what, [&]() -> std::string { throw Error(refusal); });
    }
  }
}

/// Whose results these are.
struct Subject {
  const SourceConfig& source;
  std::string name;  ///< "source us"
};

/// The vendor's list; nothing where it could not be read.
std::optional<std::vector<model::Partition>> read_streams(CheckReport& report, SourceParts& parts,
                                                          const Subject& subject, const std::stop_token& stop) {
  const auto& [source, name] = subject;
  const Scope scope{source.name, 0, "", ""};
  std::vector<model::Partition> all;
  const bool listed = report.run(name + " surveys", [&] {
    all = parts.source().partitions(scope, stop);
    const sources::Following following{{}, source.include, source.exclude};
    const auto followed =
        std::count_if(all.begin(), all.end(), [&](const auto& p) { return following.follows(p.name); });
    return fmt::format("{} in the account, {} followed", grouped(static_cast<std::int64_t>(all.size())),
                       grouped(followed));
  });
  if (!listed) return std::nullopt;
  for (const std::string& id : source.include) {
    if (std::any_of(all.begin(), all.end(), [&](const model::Partition& p) { return p.name == id; })) continue;
    report.warn(name + " surveys", fmt::format("surveys.include names {}, which this key does not see", id));
  }
  const model::Partition* const partition = first_followed(all, source);
  const model::Partition account;
  for (const model::StreamSpec& stream : parts.source().streams()) {
    if (!parts.following().reads(stream) || stream.reading == model::Reading::named) continue;
    const std::string what = fmt::format("{} {}", name, stream.name);
    const model::Partition* const from = stream.of_account ? &account : partition;
    if (from == nullptr) {
      report.warn(what, "no survey to read a row from");
    } else {
      check_row(report, what, parts, source, stream, {*from, scope}, stop);
    }
  }
  return all;
}

/// What the account supports, as learned; a warning where changes cannot be read by their date.
void check_capabilities(CheckReport& report, const Subject& subject, store::Ledger& ledger, UtcTime now) {
  const std::string name = subject.name + " learned";
  std::vector<model::Capability> all;
  try {
    all = ledger.capabilities(subject.source.name);
  } catch (const Error&) {
    report.run(name, []() -> std::string { throw; });
    return;
  }
  const std::vector<model::Capability> told = told_capabilities(all);
  if (told.empty()) return report.pass(name, "nothing yet: the first sync tests what the account supports");
  for (const model::Capability& capability : told)
    report.pass(name, capability_line(capability, now));
  const std::string fallback = fallback_text(abilities_of(subject.source, all), all);
  if (fallback.empty()) {
    report.pass(subject.name + " changes", "read by their date");
  } else {
    report.warn(subject.name + " changes", fallback,
                "nothing is missed, but it takes more requests; `surveysync plan` counts them");
  }
}

/// Stored surveys that the vendor's list does not show any more.
void check_vanished(CheckReport& report, const Subject& subject, store::Ledger& ledger,
                    const std::vector<model::Partition>& listed) {
  const sources::Following following{{}, subject.source.include, subject.source.exclude};
  std::set<std::string> vanished;
  for (const store::PartitionState& state : ledger.states(subject.source.name)) {
    const bool stands = state.standing.total >= 0 || !state.standing.hint.empty() || state.open_pass;
    if (stands && !state.partition.empty() && following.follows(state.partition)) vanished.insert(state.partition);
  }
  for (const model::Partition& partition : listed)
    vanished.erase(partition.name);
  if (vanished.empty()) return;
  report.warn(subject.name + " surveys",
              fmt::format("stored, but not in the vendor's list: {}", fmt::join(vanished, ", ")),
              "the next sync asks for each alone: deleted at the vendor, or not open to this key any more");
}

}  // namespace

void check_streams(CheckReport& report, Program& program, const SourceConfig& source, SourceParts& parts,
                   pg::Connection* database) {
  const Subject subject{source, "source " + source.name};
  const auto listed = read_streams(report, parts, subject, program.stop());
  if (database == nullptr) return;
  store::Ledger ledger(*database);
  if (listed) check_vanished(report, subject, ledger, *listed);
  check_capabilities(report, subject, ledger, program.clock().utc_now());
}

}  // namespace surveysync::app
