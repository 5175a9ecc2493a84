#include "sandbox/alfaone_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr Millis kDay = 86400000;
constexpr Millis kRecent = 40 * kDay;
constexpr std::array<std::string_view, 5> kTables{"assessment", "question", "invite", "member", "tag"};

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

bool open_stage(AlfaOneThing::Stage stage) {
  return stage == AlfaOneThing::Stage::pending || stage == AlfaOneThing::Stage::accepted ||
         stage == AlfaOneThing::Stage::started;
}

}  // namespace

std::string millis_text(Millis at) {
  std::string out = utc_iso(at / 1000);
  out.pop_back();
  return fmt::format("{}.{:03}Z", out, at % 1000);
}

std::string_view stage_name(AlfaOneThing::Stage stage) {
  static constexpr std::string_view kNames[] = {"pending", "accepted", "started", "completed", "expired", "revoked"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string_view alfaone_table(AlfaOneKind kind) {
  return kTables[static_cast<std::size_t>(kind)];
}

std::optional<AlfaOneKind> alfaone_kind(std::string_view table) {
  for (std::size_t i = 0; i < kTables.size(); ++i) {
    if (kTables[i] == table) return static_cast<AlfaOneKind>(i);
  }
  return std::nullopt;
}

AlfaOneStore::AlfaOneStore(const AlfaOneSpec& spec) : spec_(spec), last_(spec.anchor * 1000) {
  const Millis end = spec_.anchor * 1000;
  const auto old = [&](AlfaOneKind kind, int index) {
    Draw draw({spec_.seed, 0xA0, static_cast<std::uint64_t>(kind), u64(index)});
    return end - 500 * kDay + index * 7 * kDay + draw.below(kDay);
  };
  const auto plain = [&](AlfaOneKind kind, int index) {
    AlfaOneThing thing;
    thing.kind = kind;
    thing.created = thing.updated = old(kind, index);
    return add(thing).number;
  };
  for (int i = 0; i < spec_.members; ++i)
    plain(AlfaOneKind::member, i);
  for (int i = 0; i < spec_.tags; ++i)
    plain(AlfaOneKind::tag, i);
  for (int i = 0; i < spec_.assessments; ++i) {
    const std::int64_t number = plain(AlfaOneKind::assessment, i);
    add_questions(number, old(AlfaOneKind::assessment, i));
    add_invites(number);
  }
}

AlfaOneThing& AlfaOneStore::add(AlfaOneThing thing) {
  auto& all = things(thing.kind);
  thing.number = static_cast<std::int64_t>(all.size()) + 1;
  numbers_[static_cast<std::size_t>(thing.kind)].emplace(id_of(thing.kind, thing.number), thing.number);
  if (thing.kind == AlfaOneKind::invite) ++invites_[thing.assessment];
  if (thing.kind == AlfaOneKind::question) ++questions_[thing.assessment];
  return all.emplace_back(thing);
}

void AlfaOneStore::add_questions(std::int64_t assessment, Millis at) {
  Draw draw({spec_.seed, 0x9E, u64(assessment)});
  const std::int64_t count = spec_.questions > 0 ? spec_.questions : 3 + draw.below(7);
  for (std::int64_t i = 0; i < count; ++i) {
    AlfaOneThing thing;
    thing.kind = AlfaOneKind::question;
    thing.assessment = assessment;
    thing.created = thing.updated = at + i * 61000 + draw.below(1000);
    add(thing);
  }
}

void AlfaOneStore::add_invites(std::int64_t assessment) {
  Draw draw({spec_.seed, 0x1A71, u64(assessment)});
  const std::int64_t count = spec_.invites_min + draw.below(spec_.invites_max - spec_.invites_min + 1);
  const Millis end = spec_.anchor * 1000, span = 400 * kDay;
  for (std::int64_t i = 0; i < count; ++i) {
    AlfaOneThing thing;
    thing.assessment = assessment;
    // Half of them lie in the last weeks, so that many are still open.
    const bool recent = i * 2 >= count;
    const Millis from = recent ? end - kRecent : end - span, width = recent ? kRecent : span - kRecent;
    const std::int64_t half = count / 2 + 1, place = recent ? i - count / 2 : i;
    thing.created = from + width / (half + 1) * (place + 1) - draw.below(std::min<Millis>(3600000, width / (half + 1)));
    // Some are sent in one go, to the millisecond.
    if (draw.chance(50) && i > 0 && place > 0) thing.created = things(AlfaOneKind::invite).back().created;
    thing.updated = thing.created;
    thing.expires = thing.created + 30 * kDay;
    live_past(add(thing));
  }
}

// What a candidate did until the end of the generated past.
void AlfaOneStore::live_past(AlfaOneThing& invite) const {
  using Stage = AlfaOneThing::Stage;
  Draw draw({spec_.seed, 0x5A6E, u64(invite.number)});
  const Millis end = spec_.anchor * 1000;
  const auto reach = [&](std::optional<Millis>& when, Millis after, Stage stage) {
    const Millis at = after + 60000 + draw.below(3 * kDay);
    if (at >= end) return false;
    when = at;
    invite.stage = stage;
    return true;
  };
  const std::int64_t luck = draw.below(100);
  if (luck >= 25 && reach(invite.accepted, invite.created, Stage::accepted) && luck >= 35 &&
      reach(invite.started, *invite.accepted, Stage::started) && luck >= 45) {
    reach(invite.completed, *invite.started, Stage::completed);
  }
  if (!open_stage(invite.stage)) return;
  if (luck % 10 == 3) {
    reach(invite.revoked, invite.started.value_or(invite.accepted.value_or(invite.created)), Stage::revoked);
  } else if (invite.expires < end) {
    invite.stage = Stage::expired;
  }
}

std::vector<AlfaOneThing> AlfaOneStore::all(AlfaOneKind kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<AlfaOneThing> out;
  std::copy_if(things(kind).begin(), things(kind).end(), std::back_inserter(out), [&](const AlfaOneThing& thing) {
    if (thing.deleted) return false;
    const bool orphan = kind == AlfaOneKind::question &&
                        things(AlfaOneKind::assessment)[static_cast<std::size_t>(thing.assessment - 1)].deleted;
    return !orphan;
  });
  return out;
}

std::int64_t AlfaOneStore::number_of(AlfaOneKind kind, const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto& numbers = numbers_[static_cast<std::size_t>(kind)];
  const auto found = numbers.find(id);
  return found == numbers.end() ? 0 : found->second;
}

std::optional<AlfaOneThing> AlfaOneStore::find(AlfaOneKind kind, const std::string& id) const {
  const std::int64_t number = number_of(kind, id);
  const std::lock_guard lock(mutex_);
  if (number == 0) return std::nullopt;
  const AlfaOneThing& thing = things(kind)[static_cast<std::size_t>(number - 1)];
  return thing.deleted ? std::nullopt : std::optional(thing);
}

// A version 4 UUID.
std::string AlfaOneStore::id_of(AlfaOneKind kind, std::int64_t number) const {
  Draw draw({spec_.seed, 0x001D, static_cast<std::uint64_t>(kind), u64(number)});
  std::string hex = draw.hex(32);
  hex[12] = '4';
  hex[16] = "89ab"[draw.index(4)];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

}  // namespace surveysync::sandbox
