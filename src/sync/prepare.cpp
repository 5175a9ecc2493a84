#include "sync/prepare.h"

#include <algorithm>
#include <type_traits>

namespace surveysync::sync {
namespace {

using sources::Source;

// Partitions that the account's capabilities are learned from, when the first ones leave something unknown.
constexpr std::size_t kSampledPartitions = 3;
// What could not be found out is tried again after this, if that is sooner than Job::recheck.
constexpr auto kUnknownAgain = std::chrono::hours(20);
// How long a run takes over what `surveysync plan` asked.
constexpr auto kPlanLasts = std::chrono::minutes(5);
constexpr std::string_view kDecodedWith = "decoded_with";
constexpr std::string_view kUnknown = "unknown";

/// What `question` finds out from the ledger.
template <class Question>
auto asked(const Lane& lane, const Question& question) {
  std::invoke_result_t<Question, store::Ledger&> answer{};
  lane.door.perform([&](store::Session& session) { answer = question(session.ledger()); });
  return answer;
}

std::vector<model::Capability> known_capabilities(const Lane& lane) {
  return asked(lane, [&](store::Ledger& ledger) { return ledger.capabilities(lane.job.source); });
}

void save(const Lane& lane, const std::vector<model::Capability>& capabilities) {
  lane.door.perform([&](store::Session& session) { session.ledger().save_capabilities(lane.fence, capabilities); });
}

bool is_known_well(const model::Capability& capability, const Lane& lane) {
  const auto age = lane.clock.utc_now() - capability.learned_at;
  const Duration limit =
      capability.value == kUnknown ? std::min<Duration>(lane.job.recheck, kUnknownAgain) : lane.job.recheck;
  return age < limit;
}

/// Asks a few partitions, the most promising first, until nothing is unknown; one that fails is passed over (its own
/// walk will tell).
std::vector<model::Capability> learn_from(const Lane& lane, const std::vector<model::Partition>& sample,
                                          std::size_t most) {
  std::vector<model::Capability> learned;
  const auto unknown = [&] {
    return std::ranges::any_of(lane.source.learnable(), [&](const std::string& name) {
      const auto found = std::ranges::find(learned, name, &model::Capability::name);
      return found == learned.end() || found->value == kUnknown;
    });
  };
  for (std::size_t i = 0; i < std::min(sample.size(), most) && unknown(); ++i) {
    try {
      for (model::Capability& found : lane.source.learn({sample[i]}, lane.scope, lane.stop)) {
        const auto known = std::ranges::find(learned, found.name, &model::Capability::name);
        if (known == learned.end())
          learned.push_back(std::move(found));
        else if (known->value == kUnknown)
          *known = std::move(found);
      }
    } catch (const Error& error) {
      if (policy(error.kind()).ends_run) throw;
      lane.observer.on_event(
          event::Note{lane.scope, Severity::warning, "nothing learned from " + sample[i].name + ": " + error.what()});
    }
  }
  return learned;
}

/// What could not be judged this time stays as it was judged before.
void keep_what_was_known(const std::vector<model::Capability>& known, std::vector<model::Capability>& learned) {
  for (model::Capability& capability : learned) {
    const auto before = std::ranges::find(known, capability.name, &model::Capability::name);
    if (capability.value != kUnknown || before == known.end()) continue;
    capability.value = before->value;
    capability.evidence = before->evidence;
  }
}

/// Makes the source know the account: from the database, and anew where that is missing or old.
void learn(const Lane& lane, std::vector<model::Partition> sample, Prepared& prepared) {
  lane.door.perform([&](store::Session& session) {
    check_privacy_key(lane.job, session.ledger(), lane.job.dry_run ? nullptr : &lane.fence, lane.clock);
  });
  std::vector<model::Capability> known = known_capabilities(lane);
  lane.source.assume(known);
  const bool fresh = std::ranges::all_of(lane.source.learnable(), [&](const std::string& name) {
    return std::ranges::any_of(known, [&](const auto& c) { return c.name == name && is_known_well(c, lane); });
  });
  if (!fresh && !sample.empty()) {
    std::ranges::stable_sort(sample, std::greater{}, &model::Partition::expected_records);
    // What nobody could tell at first contact is asked of one partition now and then; another may have come.
    const bool again = std::ranges::all_of(lane.source.learnable(), [&](const std::string& name) {
      return std::ranges::any_of(known, [&](const auto& c) {
        return c.name == name && lane.clock.utc_now() - c.learned_at < lane.job.recheck;
      });
    });
    std::vector<model::Capability> learned = learn_from(lane, sample, again ? 1 : kSampledPartitions);
    keep_what_was_known(known, learned);
    for (const model::Capability& c : learned)
      lane.observer.on_event(event::CapabilityLearned{lane.scope, c.name, c.value, c.evidence});
    if (!learned.empty()) {
      if (!lane.job.dry_run) save(lane, learned);
      for (const model::Capability& c : learned)
        std::erase_if(known, [&](const auto& old) { return old.name == c.name; });
      known.insert(known.end(), learned.begin(), learned.end());
    }
    lane.source.assume(known);
  }
  const auto decoded = std::ranges::find(known, std::string(kDecodedWith), &model::Capability::name);
  prepared.decode_again = decoded != known.end() && decoded->value != lane.source.decoding();
  if (decoded == known.end() && !lane.job.dry_run) save_decoding(lane);
}

/// Streams that are read whole, without those that the vendor refused this key not long ago and that nobody named.
std::vector<std::reference_wrapper<const model::StreamSpec>> offered_lists(const Lane& lane) {
  const std::vector<model::Capability> known = known_capabilities(lane);
  std::vector<std::reference_wrapper<const model::StreamSpec>> lists;
  for (const model::StreamSpec& stream : followed_streams(lane.job, lane.source)) {
    const bool refused = std::ranges::any_of(known, [&](const model::Capability& capability) {
      return capability.name == refused_capability(stream) && capability.value == kRefusedStream &&
             is_known_well(capability, lane);
    });
    if (stream.reading == model::Reading::whole && (!refused || lane.job.following.streams_named))
      lists.emplace_back(stream);
  }
  return lists;
}

/// What somebody named, in the configuration or on the command line, must be there: a permission may have been lost.
void find_missing(const Lane& lane, const std::vector<store::PartitionState>& states, Prepared& prepared) {
  const Job& job = lane.job;
  std::set<std::string> wanted = job.only.empty() ? job.following.include : job.only;
  for (const std::string& excluded : job.following.exclude)
    if (job.only.empty()) wanted.erase(excluded);
  for (const model::Partition& partition : prepared.listed)
    wanted.erase(partition.name);
  for (const std::string& name : wanted) {
    const bool followed = job.following.follows(name);
    const bool stored = std::ranges::any_of(states, [&](const auto& s) { return s.partition == name; });
    if (followed && stored) continue;  // it vanished: it is asked for alone
    prepared.missing.push_back(
        {"survey", name, followed ? "not in the account's list" : "not followed: see surveys.include and exclude",
         ErrorKind::denied});
  }
  const bool any = std::ranges::any_of(prepared.listed, [&](const auto& p) { return job.only.contains(p.name); });
  if (!job.only.empty() && !any && prepared.missing.size() == job.only.size()) {
    throw Error(
        ErrorKind::config, "none of the surveys named is in the account's list and followed",
        "`surveysync status` and the vendor's site show the ids; surveys.include and exclude say what is followed");
  }
}

}  // namespace

std::vector<std::reference_wrapper<const model::StreamSpec>> followed_streams(const Job& job, const Source& source) {
  std::vector<std::reference_wrapper<const model::StreamSpec>> streams;
  for (const model::StreamSpec& stream : source.streams()) {
    if (job.following.reads(stream)) streams.emplace_back(stream);
  }
  return streams;
}

const model::StreamSpec* certified_stream(const Job& job, const Source& source) {
  for (const model::StreamSpec& stream : followed_streams(job, source))
    if (stream.certified && stream.reading == model::Reading::by_change) return &stream;
  return nullptr;
}

const model::StreamSpec* definition_stream(const Job& job, const Source& source) {
  for (const model::StreamSpec& stream : followed_streams(job, source))
    if (!stream.certified && stream.reading == model::Reading::by_change) return &stream;
  return nullptr;
}

std::string refused_capability(const model::StreamSpec& stream) {
  return "stream_" + stream.name;
}

void check_privacy_key(const Job& job, store::Ledger& ledger, const store::Fence* fence, Clock& clock) {
  if (job.privacy_key.empty()) return;
  ledger.require_privacy_key(job.source, job.privacy_key);
  const std::string name(store::kPrivacyKey);
  const std::vector<model::Capability> known = ledger.capabilities(job.source);
  if (fence == nullptr || std::ranges::find(known, name, &model::Capability::name) != known.end()) return;
  ledger.save_capabilities(
      *fence, {{name, job.privacy_key, "values are hashed by the key with this fingerprint", clock.utc_now()}});
}

void save_decoding(const Lane& lane) {
  save(lane, {{std::string(kDecodedWith), lane.source.decoding(), "rows are made with this", lane.clock.utc_now()}});
}

Prepared prepare(const Lane& lane, bool take_plan) {
  Prepared prepared;
  std::optional<std::vector<store::PlannedPartition>> planned;
  if (take_plan && !lane.job.dry_run)
    planned = asked(lane, [&](store::Ledger& ledger) { return ledger.take_plan(lane.fence, kPlanLasts); });
  if (planned) {
    for (const store::PlannedPartition& entry : *planned)
      prepared.listed.push_back(entry.partition);
  } else {
    prepared.listed = lane.source.partitions(lane.scope, lane.stop);
  }
  std::erase_if(prepared.listed, [&](const model::Partition& p) { return !lane.job.following.follows(p.name); });
  const std::vector<store::PartitionState> states =
      asked(lane, [&](store::Ledger& ledger) { return ledger.states(lane.job.source); });
  find_missing(lane, states, prepared);
  std::vector<model::Partition> sample = prepared.listed;
  if (!lane.job.only.empty())
    std::erase_if(sample, [&](const model::Partition& p) { return !lane.job.only.contains(p.name); });
  learn(lane, std::move(sample), prepared);

  const model::StreamSpec* const certified = certified_stream(lane.job, lane.source);
  const model::StreamSpec* const definition = definition_stream(lane.job, lane.source);
  prepared.plan = make_plan(
      {lane.job, prepared.listed, states, certified ? certified->name : "", definition ? definition->name : "",
       certified ? lane.source.abilities(*certified) : sources::Abilities(),
       asked(lane, [](store::Ledger& ledger) { return ledger.now(); }), prepared.decode_again, offered_lists(lane)});
  if (planned) {
    for (Task& task : prepared.plan.tasks) {
      const auto found =
          std::ranges::find_if(*planned, [&](const auto& p) { return p.partition.name == task.partition.name; });
      if (found != planned->end() && found->total >= 0) task.probed = *found;
    }
  }
  return prepared;
}

}  // namespace surveysync::sync
