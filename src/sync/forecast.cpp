#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sources/numbered_pages.h"
#include "store/archive.h"
#include "sync/lease_keeper.h"
#include "sync/page_sizer.h"
#include "sync/prepare.h"

namespace surveysync::sync {
namespace {

// Records of a probe; as many as a run would ask for.
constexpr int kProbe = 3;
// Room for what was added since, where a whole survey is asked for.
constexpr int kLook = 25;

/// Pages of a complete pass over `total` records, while the vendor stands still.
std::int64_t pages_of_pass(std::int64_t total, int page_size) {
  std::int64_t pages = 0;
  for (sources::PagePosition position{total}; position.remaining > 0; ++pages) {
    position.remaining = sources::next_page(position, page_size).first_row();
    position.low = position.remaining;
  }
  return pages;
}

/// Pages of a moving window over `rows` changes: each begins with the last record of the one before.
std::int64_t pages_of_window(std::int64_t rows, int page_size) {
  if (rows <= page_size) return 1;
  const std::int64_t moved = std::max(1, page_size - 1);
  return 1 + (rows - page_size + moved - 1) / moved;
}

class Planning {
 public:
  Planning(const Lane& lane, Prepared prepared) : lane_(lane), prepared_(std::move(prepared)) {
    lane.door.perform([&](store::Session& session) { states_ = session.ledger().states(lane.job.source); });
    if (const model::StreamSpec* const stream = definition_stream(lane.job, lane.source))
      definition_requests_ = stream->requests_a_page;
    certified_ = certified_stream(lane.job, lane.source);
    if (certified_) abilities_ = lane.source.abilities(*certified_);
  }

  Forecast foretell() {
    forecast_.surveys = static_cast<std::int64_t>(prepared_.listed.size());
    forecast_.skipped = prepared_.plan.skipped;
    forecast_.requests = static_cast<std::int64_t>(prepared_.plan.vanished.size());
    for (const Task& task : prepared_.plan.tasks)
      add(task);
    glance_at_lists();
    const bool changed =
        forecast_.changed + forecast_.complete > 0 || std::ranges::any_of(prepared_.plan.tasks, &Task::definition);
    for (const Task& task : prepared_.plan.lists)
      if (!refused_.contains(task.list->name) && (changed || !task.if_changed)) add_list(task);
    keep();
    return forecast_;
  }

 private:
  void add(const Task& task) {
    if (task.definition) forecast_.requests += definition_requests_;
    switch (task.certified) {
      case Task::Certified::skip:
        ++forecast_.skipped;
        return;
      case Task::Certified::complete:
        return add_complete(task);
      case Task::Certified::probe:
        return add_probe(task);
    }
  }

  /// What one request shows of a list.
  struct Glance {
    std::int64_t total = -1;
    bool whole = false;  ///< all of it
    double in_part = 0;  ///< share of its records that are asked for alone
  };

  /// At first contact: how long the lists are, and which of them the vendor offers this key at all. One that it refuses
  /// is noted, so that the run that follows does not ask for it in every survey.
  void glance_at_lists() {
    std::vector<model::Capability> learned;
    for (const Task& task : prepared_.plan.lists) {
      if (task.proven || lane_.job.following.streams_named || glances_.contains(task.list->name)) continue;
      ++forecast_.repeated;
      Glance& glance = glances_[task.list->name];
      try {
        const model::Page page =
            lane_.source.fetch({*task.list, task.partition, "", page_size(task), false, lane_.scope}, lane_.stop);
        glance.total = page.total.value_or(-1);
        glance.whole = !page.next;
        const auto alone = std::ranges::count_if(page.records, &model::Record::in_part);
        if (!page.records.empty())
          glance.in_part = static_cast<double>(alone) / static_cast<double>(page.records.size());
      } catch (const Error& error) {
        if (policy(error.kind()).ends_run) throw;
        if (error.kind() != ErrorKind::denied) continue;
        refused_.insert(task.list->name);
        learned.push_back(
            {refused_capability(*task.list), std::string(kRefusedStream), error.what(), lane_.clock.utc_now()});
      }
    }
    if (learned.empty()) return;
    lane_.door.perform([&](store::Session& session) { session.ledger().save_capabilities(lane_.fence, learned); });
  }

  /// As much as last time, where there was one. A certified list is counted, read and looked at once more.
  void add_list(const Task& task) {
    const std::int64_t known = task.standing.total;
    if (!task.list->certified) {
      forecast_.requests += known >= 0 ? known : task.list->requests_a_page;
      return;
    }
    const auto glance = glances_.find(task.list->name);
    const std::int64_t told = glance == glances_.end() ? -1 : glance->second.total;
    const std::int64_t total = std::max<std::int64_t>(told >= 0 ? told : known, 0);
    const std::int64_t added = std::max<std::int64_t>(total - std::max<std::int64_t>(known, 0), 0);
    const bool whole = glance != glances_.end() && glance->second.whole;
    forecast_.requests += whole ? task.list->requests_a_page : 1 + pages_of_pass(total, page_size(task)) + 1;
    forecast_.rows += added;
    if (glance != glances_.end())
      forecast_.requests += static_cast<std::int64_t>(std::ceil(glance->second.in_part * static_cast<double>(added)));
  }

  void add_complete(const Task& task) {
    ++forecast_.complete;
    const std::int64_t total = ask(task, "", kProbe).total.value_or(task.partition.expected_records);
    if (!task.definition) forecast_.requests += definition_requests_;
    // The count, the pages, and a look at the newest end.
    forecast_.requests += 1 + pages_of_pass(total, page_size(task)) + 1;
    forecast_.rows += total;
    // Deletions that the vendor tells of are asked for one by one, and then the newest end once more.
    const std::int64_t deleted = task.partition.removed.value_or(0) - task.standing.removed.value_or(0);
    if (task.standing.removed && deleted > 0) forecast_.requests += deleted + 1;
  }

  void add_probe(const Task& task) {
    ++forecast_.probes;
    // A survey that fits on one page is asked for whole, like in a run: equal counts say nothing of which they are.
    const std::int64_t all = task.standing.total + kLook;
    const model::Page probe =
        ask(task, sources::newest_position(all <= page_size(task) ? static_cast<int>(all) : kProbe), kProbe);
    store::PlannedPartition& kept = probed_.emplace_back();
    kept.partition.name = task.partition.name;
    kept.total = probe.total.value_or(-1);
    kept.newest = probe.newest;
    kept.newest_at = probe.newest_at;
    if (!is_stored(probe)) kept.newest.clear();
    const store::Standing& known = task.standing;
    if (known.balanced && known.settled && known.newest == probe.newest && known.total == kept.total) return;
    ++forecast_.changed;
    if (!task.definition) forecast_.requests += definition_requests_;
    const store::PartitionState* const state = state_of(task.partition.name);
    if (!abilities_.windows || state == nullptr || state->bookmark.empty()) {
      forecast_.requests += 1 + pages_of_pass(std::max<std::int64_t>(kept.total, 0), page_size(task)) + 1;
      forecast_.rows += std::max<std::int64_t>(kept.total, 0);
      return;
    }
    std::int64_t rows = std::max<std::int64_t>(0, kept.total - known.total);
    if (abilities_.windows_counted)
      rows = ask(task, lane_.source.window_position(state->bookmark, lane_.job.lookback), kProbe).total.value_or(rows);
    forecast_.requests += pages_of_window(rows, page_size(task)) + 1;
    forecast_.rows += rows;
  }

  /// Every record of the page is stored and live with this content.
  bool is_stored(const model::Page& page) {
    std::vector<model::Key> keys;
    for (const model::Record& record : page.records)
      keys.push_back(record.key);
    std::vector<store::Archive::Stored> stored;
    lane_.door.perform([&](store::Session& session) {
      stored = store::Archive(session.connection()).lookup(lane_.job.source, *certified_, keys);
    });
    return std::ranges::all_of(page.records, [&](const model::Record& record) {
      const auto found = std::ranges::find(stored, record.key, &store::Archive::Stored::key);
      return found != stored.end() && !found->deleted && found->hash == record.hash;
    });
  }

  /// One question whose answer is only counted; a survey that does not answer will tell in the run.
  model::Page ask(const Task& task, const std::string& position, int records) {
    try {
      return lane_.source.fetch({*certified_, task.partition, position, records, false, lane_.scope}, lane_.stop);
    } catch (const Error& error) {
      if (policy(error.kind()).ends_run) throw;
      lane_.observer.on_event(
          event::Note{lane_.scope, Severity::warning, task.partition.name + " did not answer: " + error.what()});
      return {};
    }
  }

  const store::PartitionState* state_of(const std::string& partition) const {
    if (certified_ == nullptr) return nullptr;
    const auto found = std::ranges::find_if(
        states_, [&](const auto& s) { return s.stream == certified_->name && s.partition == partition; });
    return found == states_.end() ? nullptr : &*found;
  }

  int page_size(const Task& task) const {
    const store::PartitionState* const state = state_of(task.partition.name);
    return PageSizer(lane_.job.page_sizes, state ? state->page_size : 0).size();
  }

  /// For the run that follows at once.
  void keep() {
    std::vector<store::PlannedPartition> plan;
    for (const model::Partition& partition : prepared_.listed) {
      store::PlannedPartition entry{partition, -1, "", std::nullopt};
      const auto probed =
          std::ranges::find_if(probed_, [&](const auto& p) { return p.partition.name == partition.name; });
      if (probed != probed_.end()) {
        entry.total = probed->total;
        entry.newest = probed->newest;
        entry.newest_at = probed->newest_at;
      }
      plan.push_back(std::move(entry));
    }
    lane_.door.perform([&](store::Session& session) { session.ledger().save_plan(lane_.fence, plan); });
  }

  const Lane& lane_;
  const Prepared prepared_;
  std::vector<store::PartitionState> states_;
  std::vector<store::PlannedPartition> probed_;
  const model::StreamSpec* certified_ = nullptr;
  sources::Abilities abilities_;
  std::int64_t definition_requests_ = 0;
  std::set<std::string> refused_;          // streams
  std::map<std::string, Glance> glances_;  // by stream
  Forecast forecast_;
};

}  // namespace

Forecast forecast(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
                  Clock& clock, const std::stop_token& stop) {
  const std::int64_t before = source.requests();
  std::stop_source ended;
  const std::stop_callback forward(stop, [&ended] { ended.request_stop(); });
  const std::unique_ptr<store::Session> session = open_session(ended.get_token());
  const store::Fence fence = session->acquire_lease(job.source, job.lease_ttl);
  Forecast forecast;
  std::optional<Error> failure;
  {
    LeaseKeeper keeper(open_session, fence, job.lease_ttl, clock, ended);
    try {
      const Scope scope{job.source, 0, "", ""};
      StoreDoor door(open_session, scope, observer, clock, ended.get_token());
      const Lane lane{job, source, door, fence, scope, observer, clock, ended.get_token()};
      forecast = Planning(lane, prepare(lane, false)).foretell();
    } catch (const Error& error) {
      failure = error;
    }
    if (auto loss = keeper.loss()) failure = std::move(loss);
  }
  if (session->alive()) session->release_lease(fence);
  if (failure) throw Error(*failure);
  forecast.asked = source.requests() - before;
  return forecast;
}

}  // namespace surveysync::sync
