// What happens at AlfaOne: invites are sent, accepted, started, completed, revoked; things come, change and go.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/alfaone_store.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr Millis kDay = 86400000;

using Stage = AlfaOneThing::Stage;

bool is_open(Stage stage) {
  return stage == Stage::pending || stage == Stage::accepted || stage == Stage::started;
}

}  // namespace

// Later than everything before, so that what comes last is newest.
Millis AlfaOneStore::tick(Seconds now) {
  Draw draw({spec_.seed, 0x71C, ++changes_});
  last_ = std::max(last_ + 1, now * 1000 + draw.below(200));
  return last_;
}

// A thing by number, or any; null when nothing fits.
AlfaOneThing* AlfaOneStore::pick(AlfaOneKind kind, std::int64_t number, bool deleted) {
  std::vector<AlfaOneThing*> fitting;
  for (AlfaOneThing& thing : things(kind)) {
    if (thing.deleted == deleted && (number == 0 || thing.number == number)) fitting.push_back(&thing);
  }
  return fitting.empty() ? nullptr : Draw({spec_.seed, 0x91C, ++changes_}).pick(fitting);
}

// False when the invite is not one to which this can happen.
bool AlfaOneStore::change_invite(AlfaOneThing& invite, Change::Op op, Millis at) {
  if ((op == Change::Op::restore) != invite.deleted) return false;
  if (op == Change::Op::remove || op == Change::Op::restore) {
    invite.deleted = op == Change::Op::remove;
    invites_[invite.assessment] += invite.deleted ? -1 : 1;
    return true;
  }
  if (!is_open(invite.stage)) return false;
  if (op == Change::Op::disqualify) {
    invite.revoked = at;
    invite.stage = Stage::revoked;
  } else if (op == Change::Op::late) {
    invite.expires = std::min(invite.expires, at);
    invite.stage = Stage::expired;
  } else if (op == Change::Op::complete) {
    if (!invite.accepted) invite.accepted = at;
    if (!invite.started) invite.started = at;
    invite.completed = at;
    invite.stage = Stage::completed;
  } else if (invite.stage == Stage::pending) {
    invite.accepted = at;
    invite.stage = Stage::accepted;
  } else if (invite.stage == Stage::accepted) {
    invite.started = at;
    invite.stage = Stage::started;
  } else {
    invite.completed = at;
    invite.stage = Stage::completed;
  }
  return true;
}

void AlfaOneStore::change_invites(const Change& change, Millis at, Changed& out) {
  std::vector<AlfaOneThing*> fitting;
  for (AlfaOneThing& invite : things(AlfaOneKind::invite)) {
    const bool named = (change.survey == 0 || invite.assessment == change.survey) &&
                       (change.response == 0 || invite.number == change.response);
    AlfaOneThing trial = invite;
    const std::int64_t before = invites_[invite.assessment];
    if (named && change_invite(trial, change.op, at)) fitting.push_back(&invite);
    invites_[invite.assessment] = before;
  }
  std::int64_t wanted = change.response != 0 ? 1 : change.count;
  if (change.percent > 0) wanted = static_cast<std::int64_t>(fitting.size()) * change.percent / 100;
  Draw draw({spec_.seed, 0xC0A, ++changes_});
  for (std::int64_t i = 0; i < wanted && !fitting.empty(); ++i) {
    const std::size_t chosen = draw.index(fitting.size());
    change_invite(*fitting[chosen], change.op, at);
    out.survey = fitting[chosen]->assessment;
    out.responses.push_back(fitting[chosen]->number);
    fitting[chosen] = fitting.back();
    fitting.pop_back();
  }
  std::sort(out.responses.begin(), out.responses.end());
}

bool AlfaOneStore::change_assessment(const Change& change, Millis at, Changed& out) {
  if (change.op == Change::Op::add_survey) {
    AlfaOneThing thing;
    thing.kind = AlfaOneKind::assessment;
    thing.created = thing.updated = at;
    out.survey = add(thing).number;
    add_questions(out.survey, at);
    return true;
  }
  AlfaOneThing* thing = pick(AlfaOneKind::assessment, change.survey, change.op == Change::Op::restore_survey);
  if (thing == nullptr) return false;
  out.survey = thing->number;
  if (change.op == Change::Op::edit_definition) {
    ++versions_[thing->number];
    thing->updated = at;
  } else {
    thing->deleted = change.op == Change::Op::remove_survey;
  }
  return true;
}

Changed AlfaOneStore::apply(const Change& change, Seconds now) {
  const std::lock_guard lock(mutex_);
  const Millis at = tick(now);
  Changed out;
  using Op = Change::Op;
  if (change.op == Op::add_survey || change.op == Op::remove_survey || change.op == Op::restore_survey ||
      change.op == Op::edit_definition) {
    change_assessment(change, at, out);
    return out;
  }
  if (change.op != Op::insert) {
    change_invites(change, at, out);
    return out;
  }
  const AlfaOneThing* assessment = pick(AlfaOneKind::assessment, change.survey, false);
  if (assessment == nullptr) return out;
  out.survey = assessment->number;
  for (std::int64_t i = 0; i < change.count; ++i) {
    AlfaOneThing invite;
    invite.assessment = out.survey;
    invite.created = invite.updated = tick(now);
    invite.expires = invite.created + 30 * kDay;
    out.responses.push_back(add(invite).number);
  }
  return out;
}

// Null when nothing fits.
AlfaOneThing* AlfaOneStore::add_named(const AlfaOneEdit& edit, Millis at) {
  const bool below = edit.kind == AlfaOneKind::invite || edit.kind == AlfaOneKind::question;
  AlfaOneThing fresh;
  fresh.kind = edit.kind;
  if (below) {
    const AlfaOneThing* const parent = pick(AlfaOneKind::assessment, edit.assessment, false);
    if (parent == nullptr) return nullptr;
    fresh.assessment = parent->number;
  }
  fresh.created = fresh.updated = at;
  fresh.expires = at + 30 * kDay;
  return &add(fresh);
}

void AlfaOneStore::set_fields(const AlfaOneThing& thing, const AlfaOneEdit& edit) {
  Fields& fields =
      changed_fields_.try_emplace({edit.kind, thing.number}, Fields(JsonWriter::Style::truth)).first->second;
  if (edit.set) {
    fields.merge(*edit.set);
  } else if (edit.op == AlfaOneEdit::Op::edit) {
    const std::string_view name = edit.kind == AlfaOneKind::member     ? "lastName"
                                  : edit.kind == AlfaOneKind::invite   ? "recipientName"
                                  : edit.kind == AlfaOneKind::question ? "text"
                                                                       : "name";
    fields.text(name, fmt::format("edited {}", changes_));
  }
}

Done AlfaOneStore::edit(const AlfaOneEdit& edit, Seconds now) {
  using Op = AlfaOneEdit::Op;
  static constexpr std::string_view kOps[] = {"add", "edit", "delete", "restore"};
  const std::lock_guard lock(mutex_);
  Done out;
  out.op = fmt::format("{} {}", kOps[static_cast<std::size_t>(edit.op)], alfaone_table(edit.kind));
  for (std::int64_t i = 0; i < edit.count; ++i) {
    const Millis at = tick(now);
    AlfaOneThing* thing =
        edit.op == Op::add ? add_named(edit, at) : pick(edit.kind, edit.number, edit.op == Op::restore);
    if (thing == nullptr) break;
    if (edit.op == Op::remove || edit.op == Op::restore) {
      thing->deleted = edit.op == Op::remove;
      if (edit.kind == AlfaOneKind::invite) invites_[thing->assessment] += thing->deleted ? -1 : 1;
      if (edit.kind == AlfaOneKind::question) questions_[thing->assessment] += thing->deleted ? -1 : 1;
    }
    if (edit.op == Op::edit) thing->updated = at;
    set_fields(*thing, edit);
    out.ids.push_back(thing->number);
    out.names.push_back(id_of(edit.kind, thing->number));
  }
  return out;
}

}  // namespace surveysync::sandbox
