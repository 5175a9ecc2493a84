#include "sync/replay.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "store/archive.h"
#include "sync/offline_run.h"
#include "sync/prepare.h"
#include "sync/wide.h"

namespace surveysync::sync {
namespace {

// Records of one transaction: what a worker holds in memory.
constexpr std::size_t kPage = 250;

/// Writes pages of stored records again; one partition.
class PartitionReplay {
 public:
  PartitionReplay(OfflineRun& run, const OfflineRun::Task& task, StoreDoor& door, const model::Decode& decode,
                  const sources::Source& source)
      : run_(run), task_(task), door_(door), decode_(decode), source_(source) {}

  Counts tell() {
    const auto& tables = task_.stream.tables;
    const bool defines = std::ranges::any_of(tables, [](const model::Table& table) { return table.history; });
    if (defines)
      definitions();
    else
      records();
    return counts_;
  }

 private:
  void definitions() {
    store::Archive::Definitions found;
    read([&](store::Archive& archive) {
      found = archive.definitions(run_.fence().source, task_.stream, task_.partition.name);
    });
    if (!found.page.records.empty()) write(found.page);
    read([&](store::Archive& archive) { archive.mark(run_.fence(), task_.stream, found.marks); });
  }

  void records() {
    std::optional<model::Key> after;
    while (!run_.stop().stop_requested()) {
      model::Page page;
      read([&](store::Archive& archive) {
        page = archive.records(run_.fence().source, task_.stream, task_.partition.name, after, kPage);
      });
      if (page.records.empty()) return;
      after = page.records.back().key;
      protect(page);
      write(page);
    }
    throw Error(ErrorKind::cancelled, "stopped");
  }

  /// They may have been stored under other privacy rules.
  void protect(model::Page& page) {
    const auto protect = [&](std::string_view stored) {
      auto altered = source_.protect(task_.stream, task_.partition, std::string(stored));
      if (!altered) return std::optional<std::string_view>();
      const std::size_t size = altered->size();
      page.texts.push_back(std::make_unique<std::string>(std::move(*altered) + std::string(json::kPadding, '\0')));
      return std::optional(std::string_view(*page.texts.back()).substr(0, size));
    };
    for (model::Record& record : page.records) {
      const auto payload = protect(record.payload);
      const auto original = record.original ? protect(*record.original) : std::nullopt;
      if (!payload && !original) continue;
      record.payload = payload.value_or(record.payload);
      if (original) record.original = original;
      record.hash = model::hash_of(record.original.value_or(record.payload));
    }
  }

  template <class Reading>
  void read(const Reading& reading) {
    door_.perform([&](store::Session& session) {
      store::Archive archive(session.connection());
      reading(archive);
    });
  }

  /// Stores the page; where the partition stands is written back as it was.
  void write(const model::Page& page) {
    Counts stored;
    door_.perform([&](store::Session& session) {
      const auto saved = session.ledger().checkpoint(run_.fence().source, task_.stream.name, task_.partition.name);
      const model::Checkpoint same =
          saved.value_or(model::Checkpoint{task_.stream.name, task_.partition.name, "", "", 0});
      stored = session.writer().apply(
          page, decode_, same,
          {.stream = task_.stream, .partition = task_.partition, .run_id = run_.run_id(), .fence = run_.fence()});
    });
    counts_ += stored;
    run_.observer().on_event(
        event::PageStored{run_.scope(task_), stored, static_cast<std::int64_t>(page.records.size())});
  }

  OfflineRun& run_;
  const OfflineRun::Task& task_;
  StoreDoor& door_;
  const model::Decode& decode_;
  const sources::Source& source_;
  Counts counts_;
};

/// Quarantined bytes obey the privacy rules of today too.
void protect_quarantined(OfflineRun& run, StoreDoor& door, const sources::Source& source) {
  constexpr std::size_t kItems = 20;  // each may hold a record of megabytes
  std::int64_t after = 0;
  while (!run.stop().stop_requested()) {
    std::vector<store::QuarantinedItem> items;
    door.perform([&](store::Session& session) {
      items = store::Archive(session.connection()).quarantined(run.fence().source, {}, after, kItems);
    });
    if (items.empty()) return;
    after = items.back().quarantine_id;
    for (const store::QuarantinedItem& item : items) {
      const auto& streams = source.streams();
      const auto stream = std::ranges::find(streams, item.stream, &model::StreamSpec::name);
      if (stream == streams.end()) continue;
      const auto altered = source.protect(*stream, {item.partition, "", 0, "", std::nullopt}, item.raw);
      if (!altered) continue;
      door.perform([&](store::Session& session) {
        store::Archive(session.connection()).replace_raw(run.fence(), item.quarantine_id, *altered);
      });
    }
  }
}

std::vector<OfflineRun::Task> stored_tasks(OfflineRun& run, const Job& job, sources::Source& source) {
  store::Archive archive(run.lane().connection());
  std::set<std::string> missing = job.only;
  std::vector<OfflineRun::Task> tasks;
  for (const model::StreamSpec& stream : source.streams()) {
    for (model::Partition& partition : archive.partitions(job.source, stream)) {
      missing.erase(partition.name);
      if (job.only.empty() || job.only.contains(partition.name)) tasks.push_back({stream, std::move(partition)});
    }
  }
  for (const std::string& name : missing)
    run.add_failure({"survey", name, "nothing of it is stored", ErrorKind::config});
  return tasks;
}

/// What became of one quarantined record.
enum class Retried : std::uint8_t { stored, superseded, stays };

/// Tries quarantined records one by one, on the lane's thread.
class Retry {
 public:
  Retry(OfflineRun& run, sources::Source& source, StoreDoor& door) : run_(run), source_(source), door_(door) {}

  void tell(const std::vector<std::int64_t>& ids) {
    std::set<std::int64_t> missing(ids.begin(), ids.end());
    std::int64_t after = 0;
    while (!run_.stop().stop_requested()) {
      std::vector<store::QuarantinedItem> items;
      door_.perform([&](store::Session& session) {
        items = store::Archive(session.connection()).quarantined(run_.fence().source, ids, after, kItems);
      });
      if (items.empty()) break;
      after = items.back().quarantine_id;
      std::vector<std::int64_t> stay;
      for (const store::QuarantinedItem& item : items) {
        missing.erase(item.quarantine_id);
        if (retry(item) == Retried::stays) stay.push_back(item.quarantine_id);
      }
      door_.perform(
          [&](store::Session& session) { store::Archive(session.connection()).note_retried(run_.fence(), stay); });
      Counts staying;
      staying.quarantined = static_cast<std::int64_t>(stay.size());
      run_.add(staying);
    }
    for (const std::int64_t id : missing)
      run_.add_failure({"quarantine", std::to_string(id), "no such entry", ErrorKind::config});
    finish();
  }

 private:
  // Each may hold a record of megabytes.
  static constexpr std::size_t kItems = 20;

  Retried retry(const store::QuarantinedItem& item) {
    const auto& streams = source_.streams();
    const auto stream = std::ranges::find(streams, item.stream, &model::StreamSpec::name);
    if (stream == streams.end()) return Retried::stays;
    const model::Partition partition{item.partition, "", 0, "", std::nullopt};
    std::optional<model::Page> page = decodable(*stream, partition, item.raw);
    Retried outcome = Retried::stays;
    if (page) {
      // Nobody asked the vendor just now: an older version never replaces a newer one.
      page->cached = true;
      door_.perform([&](store::Session& session) { outcome = store(session, *stream, partition, *page, item); });
    }
    if (outcome != Retried::stays) {
      door_.perform([&](store::Session& session) {
        store::Archive(session.connection()).release(run_.fence(), {item.quarantine_id});
      });
    }
    return outcome;
  }

  /// The record with its key, if it can be decoded by now.
  std::optional<model::Page> decodable(const model::StreamSpec& stream, const model::Partition& partition,
                                       const std::string& raw) {
    try {
      model::Page page = source_.reread(stream, partition, raw);
      if (page.records.size() != 1) return std::nullopt;
      const model::Record& record = page.records.front();
      // Its place among its like is not in the bytes: the next run reads it with the whole definition.
      if (stream.tables.at(record.table).history && record.context.empty()) return std::nullopt;
      model::RowBatch rows;
      decoder(stream)(record, rows);
      page.quarantined.clear();
      return page;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::malformed) throw;
      return std::nullopt;
    }
  }

  Retried store(store::Session& session, const model::StreamSpec& stream, const model::Partition& partition,
                const model::Page& page, const store::QuarantinedItem& item) {
    const std::string& source = run_.fence().source;
    const model::Record& record = page.records.front();
    store::Archive archive(session.connection());
    if (record.table == 0) {
      const auto changed = archive.changed_at(source, stream, record.key);
      if (changed && *changed > item.last_seen_at) return Retried::superseded;
    }
    const store::Exclusions excluded = session.ledger().exclusions(source, stream.name, partition.name);
    const auto saved = session.ledger().checkpoint(source, stream.name, partition.name);
    const model::Checkpoint same = saved.value_or(model::Checkpoint{stream.name, partition.name, "", "", 0});
    const Counts counts = session.writer().apply(page, decoder(stream), same,
                                                 {.stream = stream,
                                                  .partition = partition,
                                                  .run_id = run_.run_id(),
                                                  .fence = run_.fence(),
                                                  .excluded = &excluded});
    touched_.insert({stream.name, partition.name});
    if (counts.quarantined > 0) {
      // The database refused it, and the writer noted that under the record's key: one entry a record.
      return item.record_key == model::key_text(record.key) ? Retried::stays : Retried::superseded;
    }
    run_.add(counts);
    run_.observer().on_event(event::PageStored{{source, run_.run_id(), stream.name, partition.name}, counts, 1});
    return Retried::stored;
  }

  model::Decode& decoder(const model::StreamSpec& stream) {
    const auto known = decoders_.find(stream.name);
    if (known != decoders_.end()) return known->second;
    return decoders_.emplace(stream.name, source_.decoder(stream)).first->second;
  }

  void finish() {
    for (const auto& [stream, partition] : touched_) {
      door_.perform([&](store::Session& session) {
        session.ledger().finish_partition(run_.fence(), run_.run_id(), stream, partition, "succeeded", 0, "");
      });
    }
  }

  OfflineRun& run_;
  sources::Source& source_;
  StoreDoor& door_;
  std::map<std::string, model::Decode> decoders_;
  std::set<std::pair<std::string, std::string>> touched_;
};

}  // namespace

RunReport replay(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
                 Clock& clock, const std::stop_token& stop) {
  OfflineRun run(job, "replay", source, open_session, observer, clock, stop);
  return run.tell([&] {
    check_privacy_key(job, run.lane().ledger(), &run.fence(), clock);
    source.assume(run.lane().ledger().capabilities(job.source));
    const std::vector<OfflineRun::Task> tasks = stored_tasks(run, job, source);
    run.carry(tasks, [&](const OfflineRun::Task& task, StoreDoor& door, const model::Decode& decode) {
      return PartitionReplay(run, task, door, decode, source).tell();
    });
    StoreDoor door(open_session, run.scope(), observer, clock, run.stop());
    protect_quarantined(run, door, source);
    if (job.wide)
      rebuild_wide({source, open_session, run.fence(), run.scope(), observer, clock, run.stop(), job.workers},
                   job.only);
  });
}

RunReport rebuild_views(const Job& job, sources::Source& source, const store::OpenSession& open_session,
                        Observer& observer, Clock& clock, const std::stop_token& stop) {
  OfflineRun run(job, "views", source, open_session, observer, clock, stop);
  return run.tell([&] {
    const std::vector<WideOutcome> outcomes = rebuild_wide(
        {source, open_session, run.fence(), run.scope(), observer, clock, run.stop(), job.workers}, job.only);
    std::set<std::string> missing = job.only;
    run.add_partitions(static_cast<std::int64_t>(outcomes.size()));
    for (const WideOutcome& outcome : outcomes) {
      missing.erase(outcome.partition);
      Counts counts;
      counts.updated = outcome.rows;
      run.add(counts);
      if (!outcome.error.empty()) run.add_failure({"wide", outcome.partition, outcome.error, ErrorKind::rejected});
    }
    if (outcomes.empty() && !missing.empty()) {
      throw Error(ErrorKind::config, "no definition of survey " + *missing.begin() + " is stored",
                  "`surveysync discover " + job.source + "` lists surveys, `surveysync sync` stores them");
    }
    run.add_partitions(static_cast<std::int64_t>(missing.size()));
    for (const std::string& name : missing)
      run.add_failure({"wide", name, "no definition of it is stored", ErrorKind::config});
  });
}

RunReport retry_quarantined(const Job& job, const std::vector<std::int64_t>& ids, sources::Source& source,
                            const store::OpenSession& open_session, Observer& observer, Clock& clock,
                            const std::stop_token& stop) {
  OfflineRun run(job, "retry", source, open_session, observer, clock, stop);
  return run.tell([&] {
    check_privacy_key(job, run.lane().ledger(), &run.fence(), clock);
    source.assume(run.lane().ledger().capabilities(job.source));
    StoreDoor door(open_session, run.scope(), observer, clock, run.stop());
    Retry(run, source, door).tell(ids);
    if (job.wide)
      update_wide({source, open_session, run.fence(), run.scope(), observer, clock, run.stop(), job.workers});
  });
}

}  // namespace surveysync::sync
