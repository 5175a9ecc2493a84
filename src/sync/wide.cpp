#include "sync/wide.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "store/views.h"
#include "sync/store_door.h"

namespace surveysync::sync {
namespace {

using store::Views;
using store::WideLayout;
using store::WideState;

constexpr const char *kDependentObjects = "2BP01", *kTooLarge = "54000", *kOtherColumns = "42P16", *kNoTable = "42P01",
                     *kNoColumn = "42703";
// How often readers are asked to let go of a table, and how long is waited between.
constexpr int kLockAttempts = 6;
constexpr Duration kLockPause = std::chrono::milliseconds(500);

/// One partition's wide tables.
class WidePartition {
 public:
  WidePartition(const WideRun& run, StoreDoor& door, std::string partition)
      : run_(run),
        door_(door),
        partition_(std::move(partition)),
        streams_(store::WideStreams::of(*run.source.wide(), run.source.streams())) {
    outcome_.partition = partition_;
    outcome_.table = streams_.spec.schema + "." + store::wide_name(run.fence.source, partition_);
  }

  WideOutcome tell(bool anew) {
    const SteadyTime started = run_.clock.now();
    try {
      bring_up(anew);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      outcome_.error = error.full_text();
      in_place_will_do_ = false;
      fail(error.what(), error.hint());
      if (door_.gave_up() || error.kind() == ErrorKind::locked) throw;
    }
    if (outcome_.error.empty() && (outcome_.rebuilt || outcome_.rows > 0)) {
      run_.observer.on_event(
          event::WideUpdated{scope(), outcome_.table, outcome_.rows, outcome_.rebuilt, run_.clock.now() - started});
    }
    return outcome_;
  }

 private:
  void bring_up(bool anew) {
    std::optional<WideState> stored;
    std::vector<model::WideDefinition> definitions;
    act([&](Views& views) {
      stored = views.state(run_.fence.source, partition_);
      definitions = views.definitions(run_.fence.source, partition_);
    });
    const WideState old = stored.value_or(WideState());
    plan_ = run_.source.plan_wide(definitions);
    lay_out(old.most_columns);
    const bool same = stored && old.version == streams_.spec.version && old.columns == layout_.columns;
    if (same && !anew && followed(old)) return;
    // Where only rows may be wrong, they can be made right in place too.
    in_place_will_do_ = same && old.columns == layout_.columns;
    if (rebuild(old)) return;
    // Readers hold on to the old tables: they get what these can hold.
    if (old.tables.empty()) return;
    if (in_place_will_do_) return follow(old, 0);
    follow_blocked(old);
  }

  /// False when they must be made anew: a changed row is too large, so that they are laid out narrower; or somebody
  /// took a table or a column away.
  bool followed(const WideState& old) {
    try {
      follow(old, old.run_id);
      return true;
    } catch (const Error& error) {
      if (error.sqlstate() == kNoTable || error.sqlstate() == kNoColumn) return false;
      if (error.sqlstate() != kTooLarge || most_ <= store::kFewerColumns) throw;
      lay_out(store::kFewerColumns);
      return false;
    }
  }

  void lay_out(int most) {
    layout_ = store::lay_out(streams_.spec, plan_, store::wide_name(run_.fence.source, partition_), most);
    most_ = most;
  }

  Views::Target target() const { return {partition_, plan_, layout_}; }

  WideState standing() const {
    WideState state;
    state.run_id = run_.scope.run_id;
    state.version = streams_.spec.version;
    state.most_columns = most_;
    state.columns = layout_.columns;
    state.words = layout_.words;
    for (const store::WidePart& part : layout_.parts)
      state.tables.push_back(part.table);
    return state;
  }

  /// The columns are what they were: rows of later runs than `since`, and words.
  void follow(const WideState& old, std::int64_t since) {
    WideState from = old;
    from.run_id = since;
    update(from);
    if (!old.swept || since == 0) act([&](Views& views) { outcome_.rows += views.sweep(run_.fence, target()); });
    if (old.words != layout_.words) describe();
    act([&](Views& views) { views.save(run_.fence, partition_, standing()); });
  }

  void update(const WideState& from) {
    std::optional<std::int64_t> after = 0;
    while (after) {
      const std::int64_t above = *after;
      act([&](Views& views) { after = views.update(run_.fence, target(), from, above, outcome_.rows); });
      if (after) note_slice(*after);
    }
  }

  void describe() {
    try {
      act([&](Views& views) { views.describe(run_.fence, target(), false); });
    } catch (const Error& error) {
      if (error.sqlstate() != kOtherColumns) throw;
      act([&](Views& views) { views.describe(run_.fence, target(), true); });
    }
  }

  /// New tables beside the old ones, then in their place. False when readers keep the old ones from being replaced.
  bool rebuild(const WideState& old) {
    if (!may_replace(old)) return false;
    try {
      build();
    } catch (const Error& error) {
      if (error.sqlstate() != kTooLarge || most_ <= store::kFewerColumns) throw;
      act([&](Views& views) { views.abandon_rebuild(run_.fence, target()); });
      lay_out(store::kFewerColumns);
      if (!may_replace(old)) return false;
      build();
    }
    if (!replace(old)) return false;
    outcome_.rebuilt = true;
    return true;
  }

  bool may_replace(const WideState& old) {
    std::string owner;
    std::vector<std::string> dependents;
    act([&](Views& views) {
      owner = views.other_owner(run_.fence.source, partition_, layout_);
      dependents = views.dependents(old.tables);
    });
    if (!owner.empty()) {
      throw Error(ErrorKind::config, fmt::format("its name belongs to the wide table of {}", owner),
                  "give one of the sources another name, or wide = false");
    }
    if (dependents.empty()) return true;
    note_blocked(dependents);
    return false;
  }

  void note_blocked(const std::vector<std::string>& dependents) {
    fail(fmt::format("its columns changed, and it cannot be replaced while {} depends on it: rows are kept up to date "
                     "in the columns that it has",
                     fmt::join(dependents, ", ")),
         fmt::format("drop {} and make it again after `surveysync views rebuild {} --survey {}`",
                     fmt::join(dependents, ", "), run_.fence.source, partition_));
  }

  void build() {
    act([&](Views& views) { views.begin_rebuild(run_.fence, target()); });
    std::optional<std::int64_t> after = 0;
    while (after) {
      const std::int64_t above = *after;
      act([&](Views& views) { after = views.fill(run_.fence, target(), above); });
      if (after) note_slice(*after);
    }
    act([&](Views& views) { outcome_.rows = views.count(target()); });
  }

  /// The short moment in which readers are held off; asked for again and again rather than for long.
  bool replace(const WideState& old) {
    const WideState now = standing();
    const auto settled = [&](store::Session& session) {
      const auto state = Views(session.connection(), streams_).state(run_.fence.source, partition_);
      return state && state->run_id == now.run_id && state->columns == now.columns;
    };
    for (int attempt = 1;; ++attempt) {
      try {
        door_.perform(
            [&](store::Session& session) {
              Views(session.connection(), streams_).finish_rebuild(run_.fence, target(), old, now);
            },
            settled);
        return true;
      } catch (const Error& error) {
        const bool readers = error.kind() == ErrorKind::conflict;
        if (!readers && error.sqlstate() != kDependentObjects) throw;
        if (readers && attempt < kLockAttempts) {
          if (!run_.clock.wait_for(kLockPause, run_.stop)) throw Error(ErrorKind::cancelled, "stopped");
          continue;
        }
        act([&](Views& views) { views.abandon_rebuild(run_.fence, target()); });
        fail(fmt::format("the new table is ready and cannot take its place: {}", error.what()),
             readers ? "the next run tries again; end queries that hold the table for long"
                     : "drop what depends on it, and make it again after the next run");
        return false;
      }
    }
  }

  /// Old tables, new definitions: all rows once, then what changes, until they can be replaced.
  void follow_blocked(const WideState& old) {
    const WideLayout wanted = layout_;
    act([&](Views& views) { layout_ = views.within_tables(wanted, old.tables); });
    WideState from = old;
    // While columns has nothing, words tells which plan the rows follow.
    if (old.columns || old.words != wanted.columns) from.run_id = 0;
    update(from);
    if (!old.swept) act([&](Views& views) { outcome_.rows += views.sweep(run_.fence, target()); });
    WideState state = standing();
    state.most_columns = old.most_columns;
    state.columns = std::nullopt;
    state.words = wanted.columns;
    act([&](Views& views) { views.save(run_.fence, partition_, state); });
  }

  /// A table of a million rows takes longer than anybody waits for a sign of life.
  void note_slice(std::int64_t done) {
    run_.observer.on_event(
        event::Note{scope(), Severity::debug, fmt::format("{}: done up to record {}", outcome_.table, done)});
  }

  template <class Act>
  void act(const Act& acting) {
    if (run_.stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
    door_.perform([&](store::Session& session) {
      Views views(session.connection(), streams_);
      acting(views);
    });
  }

  void fail(const std::string& reason, const std::string& next_step) {
    if (in_place_will_do_) return;
    if (outcome_.error.empty()) outcome_.error = reason;
    run_.observer.on_event(event::WideFailed{scope(), outcome_.table, reason, next_step});
  }

  Scope scope() const { return {run_.scope.source, run_.scope.run_id, streams_.records.name, partition_}; }

  const WideRun& run_;
  StoreDoor& door_;
  const std::string partition_;
  const store::WideStreams streams_;
  model::WidePlan plan_;
  WideLayout layout_;
  int most_ = store::kMostColumns;
  bool in_place_will_do_ = false;
  WideOutcome outcome_;
};

/// Carries the partitions that `choose` names, with a few workers.
template <class Choose>
std::vector<WideOutcome> carry(const WideRun& run, bool anew, const Choose& choose) {
  if (run.source.wide() == nullptr || run.stop.stop_requested()) return {};
  std::vector<WideOutcome> outcomes;
  std::mutex mutex;
  std::vector<std::string> waiting;
  std::size_t at = 0;
  const auto next = [&]() -> const std::string* {
    const std::lock_guard lock(mutex);
    return at < waiting.size() && !run.stop.stop_requested() ? &waiting[at++] : nullptr;
  };
  const auto trouble = [&](const std::string& what) {
    if (!run.stop.stop_requested())
      run.observer.on_event(event::WideFailed{run.scope, run.source.wide()->schema, what, "the next run tries again"});
    const std::lock_guard lock(mutex);
    at = waiting.size();
  };
  const auto work = [&] {
    try {
      StoreDoor door(run.open, run.scope, run.observer, run.clock, run.stop);
      while (const std::string* partition = next()) {
        WideOutcome outcome = WidePartition(run, door, *partition).tell(anew);
        const std::lock_guard lock(mutex);
        outcomes.push_back(std::move(outcome));
      }
    } catch (const std::exception& error) {
      trouble(error.what());
    }
  };
  try {
    StoreDoor door(run.open, run.scope, run.observer, run.clock, run.stop);
    door.perform([&](store::Session& session) {
      Views views(session.connection(), store::WideStreams::of(*run.source.wide(), run.source.streams()));
      waiting = choose(views);
    });
  } catch (const std::exception& error) {
    trouble(error.what());
    return outcomes;
  }
  {
    const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, run.workers)), waiting.size());
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < count; ++i)
      workers.emplace_back(work);
  }
  return outcomes;
}

}  // namespace

std::vector<WideOutcome> update_wide(const WideRun& run) {
  return carry(run, false, [&](Views& views) { return views.due(run.fence.source); });
}

std::vector<WideOutcome> rebuild_wide(const WideRun& run, const std::set<std::string>& partitions) {
  return carry(run, true, [&](Views& views) {
    std::vector<std::string> all = views.all(run.fence.source);
    std::erase_if(all, [&](const std::string& name) { return !partitions.empty() && !partitions.contains(name); });
    return all;
  });
}

}  // namespace surveysync::sync
