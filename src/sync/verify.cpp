#include "sync/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "store/archive.h"
#include "sync/deep_compare.h"
#include "sync/definition_compare.h"
#include "sync/prepare.h"
#include "sync/store_door.h"

namespace surveysync::sync {
namespace {

// A difference is looked at once more.
constexpr int kLooks = 2;

bool counts_agree(const PartitionVerdict& verdict) {
  const auto& held = verdict.holdings;
  return verdict.vendor_total == held.stored_live + held.quarantined + held.excluded;
}

class Verification {
 public:
  Verification(const Job& job, bool deep, sources::Source& source, const store::OpenSession& open, Observer& observer,
               Clock& clock, std::stop_token stop)
      : job_(job), deep_(deep), source_(source), open_(open), observer_(observer), clock_(clock) {
    forward_.emplace(std::move(stop), Forward{stop_});
  }

  VerifyReport tell() {
    report_.source = job_.source;
    const std::int64_t before = source_.requests();
    try {
      work();
    } catch (const Error& error) {
      end_with(error);
    } catch (const std::exception& error) {
      end_with(Error(ErrorKind::bug, std::string("unexpected: ") + error.what(), "please report this with the log"));
    }
    if (!report_.error && stop_.stop_requested()) report_.error = Error(ErrorKind::cancelled, "stopped");
    report_.requests = source_.requests() - before;
    return std::move(report_);
  }

 private:
  struct Forward {
    std::stop_source& run;
    void operator()() const { run.request_stop(); }
  };

  void work() {
    StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
    door.perform([&](store::Session& session) {
      check_privacy_key(job_, session.ledger(), nullptr, clock_);
      source_.assume(session.ledger().capabilities(job_.source));
    });
    std::vector<model::Partition> listed = source_.partitions(scope(), stop_.get_token());
    std::erase_if(listed, [&](const model::Partition& partition) { return !asked_for(partition.name); });
    compare_lists(door, listed);
    for (const model::StreamSpec& stream : source_.streams()) {
      if (!stream.certified || !is_followed(stream)) continue;
      if (!stream.of_account)
        compare_all(stream, listed);
      else if (job_.only.empty())
        compare_all(stream, {model::Partition{}});
    }
    if (report_.partitions.empty() && !job_.only.empty()) {
      throw Error(ErrorKind::config,
                  fmt::format("{}: nothing of it can be counted by survey, its records stand in lists of the account",
                              job_.source),
                  fmt::format("`surveysync verify {}` compares these lists", job_.source));
    }
  }

  bool asked_for(const std::string& partition) const {
    return job_.following.follows(partition) && (job_.only.empty() || job_.only.contains(partition));
  }

  bool is_followed(const model::StreamSpec& stream) const { return job_.following.reads(stream); }

  /// What the vendor's list shows against what is stored.
  void compare_lists(StoreDoor& door, const std::vector<model::Partition>& listed) {
    std::set<std::string> at_vendor, live, stored;
    const bool by_partition = std::ranges::any_of(
        source_.streams(), [](const model::StreamSpec& stream) { return stream.reading == model::Reading::by_change; });
    for (const model::Partition& partition : listed)
      at_vendor.insert(partition.name);
    door.perform([&](store::Session& session) {
      store::Archive archive(session.connection());
      for (const model::StreamSpec& stream : source_.streams()) {
        if (stream.of_account || stream.reading != model::Reading::by_change) continue;
        for (const model::Partition& partition : archive.partitions(job_.source, stream, true))
          live.insert(partition.name);
        for (const model::Partition& partition : archive.partitions(job_.source, stream))
          stored.insert(partition.name);
      }
      for (const store::PartitionState& state : session.ledger().states(job_.source))
        stored.insert(state.partition);
    });
    for (const std::string& name : at_vendor)
      if (by_partition && !stored.contains(name)) report_.unknown_here.push_back(name);
    for (const std::string& name : live) {
      if (at_vendor.contains(name) || !asked_for(name)) continue;
      const sources::Found found = source_.find_partition(name, scope(), stop_.get_token());
      if (found.presence != sources::Presence::present) report_.unknown_at_vendor.push_back(name);
    }
    for (const std::string& name : job_.only) {
      if (at_vendor.contains(name) || live.contains(name)) continue;
      PartitionVerdict& verdict = report_.partitions.emplace_back();
      verdict.partition = name;
      verdict.error = job_.following.follows(name) ? "not in the account's list, and not stored"
                                                   : "not followed: see surveys.include and exclude";
    }
  }

  void compare_all(const model::StreamSpec& stream, const std::vector<model::Partition>& partitions) {
    const std::size_t first = report_.partitions.size();
    std::int64_t expected = 0;
    for (const model::Partition& partition : partitions) {
      expected += partition.expected_records;
      PartitionVerdict& verdict = report_.partitions.emplace_back();
      verdict.stream = stream.name;
      verdict.partition = partition.name;
      verdict.title = partition.title;
    }
    observer_.on_event(event::RunPlanned{scope(), static_cast<std::int64_t>(partitions.size()), expected});
    std::atomic<std::size_t> next = 0;
    const auto count = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, job_.workers)), partitions.size());
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < count; ++i) {
      workers.emplace_back([&] {
        StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
        for (std::size_t at = next++; at < partitions.size() && !stop_.stop_requested(); at = next++)
          compare(stream, partitions[at], door, report_.partitions[first + at]);
      });
    }
  }

  /// One partition's verdict; what ends the whole run stops the others. Throws nothing.
  void compare(const model::StreamSpec& stream, const model::Partition& partition, StoreDoor& door,
               PartitionVerdict& verdict) {
    try {
      for (int look = 1; look <= kLooks; ++look) {
        compare_counts(stream, partition, door, look, verdict);
        if (counts_agree(verdict)) break;
      }
      if (deep_) compare_records(stream, partition, door, verdict);
    } catch (const Error& error) {
      verdict.error = error.full_text();
      if (policy(error.kind()).ends_run || door.gave_up()) end_with(error);
    } catch (const std::exception& error) {
      verdict.error = std::string("unexpected: ") + error.what();
    }
    if (!verdict.equal() && !stop_.stop_requested())
      observer_.on_event(event::Note{{job_.source, 0, stream.name, partition.name}, Severity::warning, told(verdict)});
  }

  void compare_records(const model::StreamSpec& certified, const model::Partition& partition, StoreDoor& door,
                       PartitionVerdict& verdict) {
    DeepCompare({job_, source_, certified, partition, clock_, stop_.get_token()}, door, verdict).run();
    for (const model::StreamSpec& stream : source_.streams()) {
      const bool defines = std::ranges::any_of(stream.tables, [](const model::Table& table) { return table.history; });
      if (defines && is_followed(stream))
        compare_definitions({job_, source_, stream, partition, clock_, stop_.get_token()}, door, verdict);
    }
  }

  /// The vendor's total by one request, and what the database has at that time. `look` varies the question, since the
  /// vendor's cache would answer the same one.
  void compare_counts(const model::StreamSpec& stream, const model::Partition& partition, StoreDoor& door, int look,
                      PartitionVerdict& verdict) {
    const bool newest = source_.abilities(stream).newest_first;
    const Scope where{job_.source, 0, stream.name, partition.name};
    const model::Page page = source_.fetch(
        {stream, partition, newest ? sources::newest_position(look) : "", job_.page_sizes.start, false, where},
        stop_.get_token());
    if (!page.total) throw Error(ErrorKind::malformed, "the vendor sent no total_count");
    verdict.vendor_total = *page.total;
    door.perform([&](store::Session& session) {
      store::Ledger& ledger = session.ledger();
      verdict.holdings = ledger.holdings(job_.source, stream, partition.name, ledger.now());
    });
  }

  static std::string told(const PartitionVerdict& verdict) {
    if (!verdict.error.empty()) return "could not be compared: " + verdict.error;
    return fmt::format(
        "differs: the vendor counts {}, the database {} live, {} in quarantine, {} excluded; {} missing, {} extra, {} "
        "different",
        verdict.vendor_total, verdict.holdings.stored_live, verdict.holdings.quarantined, verdict.holdings.excluded,
        verdict.missing, verdict.extra, verdict.different);
  }

  void end_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!report_.error) report_.error = error;
    stop_.request_stop();
  }

  Scope scope() const { return {job_.source, 0, "", ""}; }

  const Job& job_;
  const bool deep_;
  sources::Source& source_;
  const store::OpenSession& open_;
  Observer& observer_;
  Clock& clock_;
  std::stop_source stop_;
  std::optional<std::stop_callback<Forward>> forward_;
  std::mutex mutex_;
  VerifyReport report_;
};

}  // namespace

bool PartitionVerdict::equal() const {
  return error.empty() && counts_agree(*this) && missing == 0 && extra == 0 && different == 0;
}

bool VerifyReport::equal() const {
  return !error && unknown_at_vendor.empty() && unknown_here.empty() &&
         std::ranges::all_of(partitions, &PartitionVerdict::equal);
}

VerifyReport verify(const Job& job, bool deep, sources::Source& source, const store::OpenSession& open_session,
                    Observer& observer, Clock& clock, const std::stop_token& stop) {
  return Verification(job, deep, source, open_session, observer, clock, stop).tell();
}

}  // namespace surveysync::sync
