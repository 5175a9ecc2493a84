#include "report/web_standing.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/web_style.h"
#include "report/web_words.h"

namespace surveysync::report {
namespace {

/// What the newest run of a source came to, as far as the page knows.
const RunView* last_run_of(const StatusView& view, const std::string& source) {
  if (!view.database) return nullptr;
  const auto& runs = view.database->runs;
  const auto run = std::ranges::find_if(runs, [&](const RunView& known) { return known.source == source; });
  return run == runs.end() ? nullptr : &*run;
}

std::string counted(std::size_t number, std::size_t of, std::string_view what) {
  return fmt::format("{} of {} {}", number, of, what);
}

}  // namespace

std::string_view name_of(Tone tone) {
  switch (tone) {
    case Tone::ok:
      return "ok";
    case Tone::idle:
      return "idle";
    case Tone::run:
      return "run";
    case Tone::warn:
      return "warn";
    case Tone::bad:
      return "bad";
  }
  return "idle";
}

const LaneView* lane_of(const StatusView& view, const std::string& source) {
  const auto lane = std::ranges::find_if(view.lanes, [&](const LaneView& known) { return known.source == source; });
  return lane == view.lanes.end() ? nullptr : &*lane;
}

const ProgressView* progress_of(const StatusView& view, const std::string& source) {
  const auto found =
      std::ranges::find_if(view.progress, [&](const ProgressView& known) { return known.source == source; });
  return found == view.progress.end() ? nullptr : &*found;
}

std::string refused_verdict(const StatusView& view, const SourceView& source) {
  const LaneView* const lane = lane_of(view, source.name);
  for (const KeyView& key : source.keys)
    if (key.slot == "secret" && !key.verdict.empty()) return key.verdict;
  return lane != nullptr && lane->held ? "refused" : "";
}

Standing standing_of(const StatusView& view, const SourceView& source) {
  if (!source.configured) return {Tone::idle, "idle", "no longer configured"};
  if (const std::string verdict = refused_verdict(view, source); !verdict.empty())
    return {Tone::bad, "held",
            fmt::format("held: key {}", verdict == "refused" ? verdict : "refused (" + verdict + ")")};
  const LaneView* const lane = lane_of(view, source.name);
  if (progress_of(view, source.name) != nullptr || (lane != nullptr && lane->running))
    return {Tone::run, "run", "loading"};
  if (!source.worked_by.empty()) return {Tone::run, "run", "loading elsewhere"};
  if (source.proof == Proof::unbalanced) return {Tone::bad, "bad", "not balanced"};
  if (const RunView* const run = last_run_of(view, source.name); run != nullptr && run->outcome == "failed")
    return {Tone::warn, "warn", "last run failed"};
  if (!source.clocks.certified) return {Tone::idle, "idle", "not certified yet"};
  if (view.at - *source.clocks.certified > source.stale_after) return {Tone::warn, "warn", "overdue"};
  if (const RunView* const run = last_run_of(view, source.name); run != nullptr && run->outcome == "partial")
    return {Tone::warn, "warn", "partly loaded"};
  return {Tone::ok, "ok", "complete"};
}

Standing standing_of(Proof proof) {
  switch (proof) {
    case Proof::none:
      return {Tone::idle, "idle", "none yet"};
    case Proof::balanced:
      return {Tone::ok, "ok", "balanced"};
    case Proof::unbalanced:
      return {Tone::bad, "bad", "not balanced"};
    case Proof::by_list:
      return {Tone::idle, "ok", "with the lists"};
    case Proof::not_followed:
      return {Tone::idle, "idle", "not followed"};
    case Proof::deleted:
      return {Tone::idle, "idle", "deleted at the vendor"};
  }
  return {};
}

Standing standing_of_outcome(const std::string& outcome) {
  if (outcome.empty()) return {Tone::run, "run", "running"};
  if (outcome == "succeeded") return {Tone::ok, "ok", outcome};
  if (outcome == "failed") return {Tone::bad, "bad", outcome};
  if (outcome == "partial") return {Tone::warn, "warn", outcome};
  return {Tone::idle, "idle", outcome};
}

std::vector<IncidentView> open_incidents(const StatusView& view) {
  std::vector<IncidentView> open;
  if (view.database) open = view.database->incidents;
  for (const IncidentView& told : view.told) {
    const bool known = std::ranges::find(open, told.key, &IncidentView::key) != open.end();
    if (!known && (!view.database || told.opened_at > view.database->taken_at)) open.push_back(told);
  }
  std::ranges::stable_partition(open, [](const IncidentView& one) { return one.severity == "critical"; });
  return open;
}

std::string state(const Standing& standing) {
  return fmt::format(R"(<span class="state {}">{}{}</span>)", name_of(standing.tone), icon(standing.icon),
                     html(standing.text));
}

Standing standing_of(const StatusView& view) {
  if (!view.database) return {Tone::idle, "idle", view.trouble.empty() ? "Starting" : "The database cannot be read"};
  if (!view.trouble.empty())
    return {Tone::warn, "warn", view.away ? "The database does not answer" : "The database cannot be read"};
  std::vector<std::pair<const SourceView*, Standing>> all;
  for (const SourceView& source : view.database->sources)
    if (source.configured) all.emplace_back(&source, standing_of(view, source));
  if (all.empty()) return {Tone::idle, "idle", "No source is configured"};
  const auto count = [&](Tone tone) {
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const auto& one) { return one.second.tone == tone; }));
  };
  const std::size_t bad = count(Tone::bad), warn = count(Tone::warn), run = count(Tone::run), idle = count(Tone::idle);
  const auto first = [&](Tone tone) {
    return *std::ranges::find_if(all, [&](const auto& one) { return one.second.tone == tone; });
  };
  const auto one = [&](Tone tone) {
    const auto [source, standing] = first(tone);
    const bool verb = standing.text.starts_with("held") || standing.text.starts_with("loading");
    return Standing{tone, standing.icon, source->name + (verb ? " is " : ": ") + standing.text};
  };
  if (bad + warn > 1)
    return {bad > 0 ? Tone::bad : Tone::warn, "warn", counted(bad + warn, all.size(), "sources need attention")};
  if (bad == 1) return one(Tone::bad);
  if (warn == 1) return one(Tone::warn);
  if (run == 1) return one(Tone::run);
  if (run > 1) return {Tone::run, "run", counted(run, all.size(), "sources are loading")};
  if (idle == all.size()) return {Tone::idle, "idle", "Nothing was loaded yet"};
  if (idle > 0) return {Tone::idle, "idle", counted(idle, all.size(), "sources were not loaded yet")};
  std::string text = fmt::format("All {} sources are complete", all.size());
  if (all.size() == 1) text = all[0].first->name + " is complete";
  if (all.size() == 2) text = fmt::format("{} and {} are complete", all[0].first->name, all[1].first->name);
  const std::size_t open = open_incidents(view).size();
  if (open == 0) return {Tone::ok, "ok", text};
  return {Tone::warn, "warn",
          text + (open == 1 ? "; an incident is open" : fmt::format("; {} incidents are open", open))};
}

}  // namespace surveysync::report
