// AlfaOne's things as its API shows them.
#include <fmt/format.h>

#include "sandbox/alfaone_store.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr std::string_view kPeople[] = {"Zo\xC3\xAB M\xC3\xBCller", "Ann O'Hara", "\xE6\x9D\x8E \xE9\x9B\xB7",
                                        "Bo \"Bobby\" Lee",
                                        "Ana/Mar\xC3\xAD"
                                        "a"};
constexpr std::string_view kFormats[] = {"text", "audio", "video", "mixed"};

Draw draw_for(std::uint64_t seed, const AlfaOneThing& thing) {
  return Draw({seed, 0xFACE, static_cast<std::uint64_t>(thing.kind), static_cast<std::uint64_t>(thing.number)});
}

void time(Fields& out, std::string_view name, const std::optional<Millis>& at) {
  out.text_or_null(name, at ? std::optional(millis_text(*at)) : std::nullopt);
}

// Points of a question, in halves.
std::int64_t half_points(std::uint64_t seed, std::int64_t question) {
  return 2 + Draw({seed, 0x90147, static_cast<std::uint64_t>(question)}).below(19);
}

std::string halves(std::int64_t count) {
  return count % 2 == 0 ? std::to_string(count / 2) : fmt::format("{}.5", count / 2);
}

void render_member(Fields& out, const AlfaOneThing& thing, Draw& draw) {
  out.text("email", fmt::format("member{}@example.com", thing.number));
  out.text("firstName", draw.pick(kPeople)).text("lastName", fmt::format("N\xC2\xB0 {}", thing.number));
  out.text("role", thing.number == 1 ? "owner" : draw.chance(500) ? "admin" : "reviewer");
}

void render_tag(Fields& out, const AlfaOneThing& thing, Draw& draw) {
  out.text("name", fmt::format("tag {} \xE2\x80\x93 R&D/\xC3\xA9quipe", thing.number));
  out.text_or_null("color", draw.chance(250) ? std::nullopt : std::optional("#" + draw.hex(6)));
}

}  // namespace

std::string AlfaOneStore::assessment_name(std::int64_t number) const {
  static constexpr std::string_view kJobs[] = {"Software Engineer", "Caf\xC3\xA9 Manager", "Sales/Support \"A\""};
  const auto version = versions_.find(number);
  const std::string edited = version == versions_.end() ? "" : fmt::format(" (v{})", version->second + 1);
  const auto changed = changed_fields_.find({AlfaOneKind::assessment, number});
  if (changed != changed_fields_.end()) {
    if (changed->second.has("name")) return std::string(changed->second.value("name"));
  }
  std::string json;
  JsonWriter(json, JsonWriter::Style::truth)
      .text(fmt::format("{} {}{}", Draw({spec_.seed, 0x10B, static_cast<std::uint64_t>(number)}).pick(kJobs), number,
                        edited));
  return json;
}

void AlfaOneStore::render_assessment(Fields& out, const AlfaOneThing& thing, View view) const {
  Draw draw = draw_for(spec_.seed, thing);
  out.raw("name", assessment_name(thing.number)).text("defaultQuestionFormat", draw.pick(kFormats));
  out.text("defaultAnswerFormat", draw.pick(kFormats));
  static constexpr std::string_view kLanguages[] = {R"(["en"])", R"(["en","es"])", "[]"};
  out.raw("languages", std::string(kLanguages[static_cast<std::size_t>(thing.number) % 3]));
  const auto count = [&](const auto& counts) {
    const auto found = counts.find(thing.number);
    return found == counts.end() ? std::int64_t{0} : found->second;
  };
  out.number("questionCount", count(questions_)).number("inviteCount", count(invites_));
  time(out, "createdAt", thing.created);
  time(out, "updatedAt", thing.updated);
  if (view == View::list) return;
  std::int64_t points = 0;
  for (const AlfaOneThing& question : things(AlfaOneKind::question)) {
    if (question.assessment == thing.number && !question.deleted) points += half_points(spec_.seed, question.number);
  }
  out.raw("totalPoints", halves(points));
}

void AlfaOneStore::render_question(Fields& out, const AlfaOneThing& thing) const {
  Draw draw = draw_for(spec_.seed, thing);
  out.text("assessmentId", id_of(AlfaOneKind::assessment, thing.assessment));
  out.text("text", fmt::format("Question {}: what would you do?\nTell us \xE2\x80\x93 in your words", thing.number));
  out.text("questionFormat", draw.pick(kFormats)).text("answerFormat", draw.pick(kFormats));
  out.raw("points", halves(half_points(spec_.seed, thing.number)));
  out.raw("timeLimitSeconds", draw.chance(400) ? "null" : std::to_string(30 * (1 + draw.below(10))));
  time(out, "createdAt", thing.created);
  time(out, "updatedAt", thing.updated);
}

void AlfaOneStore::render_invite(Fields& out, const AlfaOneThing& thing, View view) const {
  Draw draw = draw_for(spec_.seed, thing);
  out.text("assessmentId", id_of(AlfaOneKind::assessment, thing.assessment));
  out.raw("assessmentName", assessment_name(thing.assessment));
  out.text("recipientEmail", fmt::format("candidate{}@example.org", thing.number));
  out.text_or_null("recipientName", draw.chance(300) ? std::nullopt : std::optional<std::string>(draw.pick(kPeople)));
  out.text("status", stage_name(thing.stage));
  out.number("questionReplayLimit", 1 + draw.below(3)).number("answerRecordLimit", 1 + draw.below(3));
  time(out, "sentAt", thing.created);
  time(out, "expiresAt", thing.expires);
  time(out, "acceptedAt", thing.accepted);
  time(out, "startedAt", thing.started);
  time(out, "completedAt", thing.completed);
  if (view == View::list) return;
  if (draw.chance(400) && !things(AlfaOneKind::member).empty()) {
    const auto number = 1 + draw.below(static_cast<std::int64_t>(things(AlfaOneKind::member).size()));
    Fields grader(JsonWriter::Style::truth);
    grader.text("id", id_of(AlfaOneKind::member, number)).text("firstName", draw.pick(kPeople));
    grader.text("lastName", fmt::format("N\xC2\xB0 {}", number));
    out.raw("assignedGrader", grader.text("email", fmt::format("member{}@example.com", number)).json());
  } else {
    out.null("assignedGrader");
  }
  out.raw("proctoringSettings",
          fmt::format(R"({{"screenRecording":{},"webcamMonitoring":true,"requireIdCapture":true}})", draw.chance(500)));
  out.text_or_null("customMessage",
                   draw.chance(500) ? std::optional<std::string>("Good luck \xF0\x9F\x91\x8D\n") : std::nullopt);
  time(out, "revokedAt", thing.revoked);
}

Fields AlfaOneStore::render(const AlfaOneThing& thing, View view) const {
  const std::lock_guard lock(mutex_);
  Fields out(JsonWriter::Style::truth);
  out.text("id", id_of(thing.kind, thing.number));
  Draw draw = draw_for(spec_.seed, thing);
  switch (thing.kind) {
    case AlfaOneKind::assessment:
      render_assessment(out, thing, view);
      break;
    case AlfaOneKind::question:
      render_question(out, thing);
      break;
    case AlfaOneKind::invite:
      render_invite(out, thing, view);
      break;
    case AlfaOneKind::member:
      render_member(out, thing, draw);
      break;
    case AlfaOneKind::tag:
      render_tag(out, thing, draw);
      break;
  }
  if (thing.kind == AlfaOneKind::member || thing.kind == AlfaOneKind::tag) time(out, "createdAt", thing.created);
  const auto changed = changed_fields_.find({thing.kind, thing.number});
  if (changed != changed_fields_.end()) out.overlay(changed->second);
  return out;
}

}  // namespace surveysync::sandbox
