#include "sources/alfaone/details.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "sources/alfaone/decode.h"
#include "sources/alfaone/list.h"

namespace surveysync::sources::alfaone {
namespace {

// Refusals in a row before single records count as not offered; failures in a row before the vendor counts as down.
constexpr int kRefusals = 3, kFailures = 3;
// Records of a pass that are looked at again although nothing tells that they changed, and the days in which the turn
// of each of the others comes.
constexpr int kLooks = 20, kTurns = 7;
// A record is met several times in one run.
constexpr std::chrono::hours kSameRun{1};
constexpr std::size_t kMostRemembered = 20'000;
// Tries of one record: its list shows most of it, and the next run asks again.
constexpr int kAttempts = 3;

bool lacks(std::string_view raw, std::string_view camel) {
  try {
    const auto member = json::find_member(raw, camel);
    return !member || member->value == "null" || member->value == "\"\"";
  } catch (const Error&) {
    return false;  // a record that cannot be read is quarantined elsewhere
  }
}

std::vector<json::RawMember> members_of(std::string_view object) {
  std::vector<json::RawMember> members;
  try {
    json::scan_members(object, members);
  } catch (const Error&) {
    members.clear();  // no object: it has none
  }
  return members;
}

const json::RawMember* find(const std::vector<json::RawMember>& members, std::string_view key) {
  const auto found = std::ranges::find_if(members, [&](const json::RawMember& one) { return one.key == key; });
  return found == members.end() ? nullptr : &*found;
}

/// What is no more than this record's own trouble.
bool may_be_its_own(ErrorKind kind) {
  return kind == ErrorKind::malformed || kind == ErrorKind::unavailable || kind == ErrorKind::throttled;
}

}  // namespace

bool is_in_part(const Resource& resource, std::string_view raw) {
  if (resource.detail.empty() || !lacks(raw, resource.detail)) return false;
  // Of invites only revoked ones have more to show.
  return resource.stream != "invite" || scalar_of(raw, "status", "status") == "revoked";
}

bool is_in_full(const Resource& resource, std::string_view stored) {
  const std::vector<json::RawMember> members = members_of(stored);
  return std::ranges::any_of(members,
                             [&](const json::RawMember& one) { return json::key_is(one.key, resource.detail); });
}

bool says_all_of(std::string_view stored, std::string_view listed) {
  const std::vector<json::RawMember> known = members_of(stored), said = members_of(listed);
  return !said.empty() && std::ranges::all_of(said, [&](const json::RawMember& one) {
    const json::RawMember* const same = find(known, one.key);
    return same != nullptr && same->value == one.value;
  });
}

std::string with_members_of(std::string_view listed, std::string_view stored) {
  const std::vector<json::RawMember> said = members_of(listed), known = members_of(stored);
  std::string text(listed.substr(0, listed.rfind('}')));
  for (const json::RawMember& one : known)
    if (find(said, one.key) == nullptr) text += fmt::format(",\"{}\":{}", one.key, one.value);
  return text + "}";
}

void Details::begin_pass(const Resource& resource) {
  const std::lock_guard lock(mutex_);
  experience_[resource.stream].looks = 0;
}

bool Details::is_due(const Resource& resource, const std::string& id) {
  const auto day = std::chrono::floor<std::chrono::days>(clock_.utc_now()).time_since_epoch().count();
  const bool in_turn = model::hash_of(id).back() % kTurns == day % kTurns;
  const std::lock_guard lock(mutex_);
  Experience& known = experience_[resource.stream];
  const auto asked = known.asked_at.find(id);
  if (asked != known.asked_at.end() && clock_.now() - asked->second < kSameRun) return false;
  return in_turn || ++known.looks <= kLooks;
}

Details::Answer Details::ask(const Resource& resource, const std::string& id, const Scope& scope,
                             const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    Experience& known = experience_[resource.stream];
    if (!known.shown && known.refusals >= kRefusals) return {Answer::Kind::refused, {}, known.refusal, 0, false};
    if (known.asked_at.size() >= kMostRemembered) known.asked_at.clear();
    known.asked_at[id] = clock_.now();
  }
  Answer answer;
  try {
    answer.lone = ask_lone(client_, resource, id, {}, scope, stop, kAttempts);
    answer.requests = answer.lone.requests;
    if (answer.lone.kind == Lone::Kind::present && is_in_full(resource, answer.lone.object)) {
      answer.kind = Answer::Kind::full;
    } else if (answer.lone.kind == Lone::Kind::not_offered) {
      answer.kind = Answer::Kind::refused;
      answer.why = answer.lone.evidence;
    }
  } catch (const Error& error) {
    const bool refused = error.kind() == ErrorKind::denied || error.kind() == ErrorKind::rejected;
    if (!refused && !may_be_its_own(error.kind())) throw;
    answer.requests = 1;
    answer.kind = refused ? Answer::Kind::refused : Answer::Kind::failed;
    answer.why = error.what();
    answer = note(resource, std::move(answer));
    const std::lock_guard lock(mutex_);
    if (experience_[resource.stream].failures >= kFailures) throw;
    return answer;
  }
  return note(resource, std::move(answer));
}

Details::Answer Details::note(const Resource& resource, Answer answer) {
  const std::lock_guard lock(mutex_);
  Experience& known = experience_[resource.stream];
  answer.had_others = known.shown;
  known.failures = answer.kind == Answer::Kind::failed ? known.failures + 1 : 0;
  known.shown |= answer.kind == Answer::Kind::full;
  // One that shows no more than its entry says the same of the others.
  const bool in_vain = answer.kind == Answer::Kind::refused ||
                       (answer.kind == Answer::Kind::not_there && answer.lone.kind == Lone::Kind::present);
  known.refusals = in_vain ? known.refusals + 1 : 0;
  if (answer.kind == Answer::Kind::refused) known.refusal = answer.why;
  return answer;
}

}  // namespace surveysync::sources::alfaone
