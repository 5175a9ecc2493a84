// What hangs on a survey beside its responses: campaigns, their messages, quotas, reports.
#include <fmt/format.h>

#include "sandbox/inventory.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr Seconds kDay = 86400;

Fields make_campaign(const ObjectDraft& draft, Draw& draw) {
  const std::int64_t survey = draft.path[0], id = draft.path[1];
  const bool email = id % 2 == 1;
  const Seconds created = draft.anchor - (300 + draw.below(90)) * kDay - 43200;
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id));
  out.text_or_null("invite_id", email ? std::optional(std::to_string(500000 + id % 1000)) : std::nullopt);
  out.text("type", "SurveyCampaign").text("link_type", email ? "email" : "link");
  out.text("subtype", draw.chance(300) ? "hiddenlink" : "standard");
  out.text("status", draw.chance(250) ? "Closed" : "Active");
  out.text("name", fmt::format("{} \xE2\x80\x93 {}", email ? "Mailing" : "Default Link", survey));
  out.text("uri", fmt::format("survey.alchemer.com/s3/{}/{}", survey, draw.hex(10)));
  out.text("SSL", draw.chance(500) ? "True" : "False");
  out.text_or_null("token_variables", draw.chance(300) ? std::optional<std::string>("a%3D1%26b%3D2") : std::nullopt);
  switch (draw.below(3)) {
    case 0:
      out.null("limit_responses");
      break;
    case 1:
      out.number("limit_responses", 500);
      break;
    default:
      out.text("limit_responses", "1,500");
  }
  out.text_or_null("close_message",
                   draw.chance(500) ? std::optional<std::string>("<p>Closed &amp; done</p>") : std::nullopt);
  out.null("link_open_date");
  out.text_or_null("link_close_date",
                   draw.chance(300) ? std::optional(draft.region->local(draft.anchor + 30 * kDay)) : std::nullopt);
  out.text("language", "Auto").text("date_created", draft.region->local(created));
  out.text("date_modified", draft.region->local(created + draw.below(100) * kDay));
  out.text_or_null("primary_theme_content", email ? std::nullopt : std::optional<std::string>("<div>\n\t</div>"));
  return out.raw("primary_theme_options", email ? "[]" : R"({"Logo":"https:\/\/example.com\/l.png","Width":"650"})");
}

Fields make_message(const ObjectDraft& draft, Draw& draw) {
  const std::int64_t id = draft.path[2];
  const bool reminder = id % 2 == 1;
  const Seconds created = draft.anchor - (100 + draw.below(90)) * kDay - 43200;
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("subtype", reminder ? "reminder" : "message");
  out.text("message_type", draw.chance(500) ? "html" : "plaintext").text("medium", "Email");
  out.number("invite_identity", 1 + draw.below(9)).text("status", draw.chance(500) ? "Sent" : "Building");
  out.raw("from", R"({"email":"survey@example.com","name":"R\u00e9my"})");
  out.text("subject", "We want to hear from you \xF0\x9F\x91\x8D");
  out.raw("body", R"({"text":"Dear [contact(\"first name\")],\r\n\r\nplease","html":"<p>Dear<\/p>"})");
  out.text("footer", "[account(\"physical address\")]").boolean("embed_question", false);
  draw.chance(500) ? out.null("disable_styles") : out.boolean("disable_styles", true);
  return out.text("date_created", draft.region->local(created))
      .text("date_modified", draft.region->local(created + 60));
}

Fields make_quota(const ObjectDraft& draft, Draw& draw) {
  const std::int64_t id = draft.path[1];
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id)).text("name", fmt::format("Quota {}", id));
  out.text("description", id % 2 == 0 ? "" : "East coast, men/women");
  out.text("limit", id % 2 == 0 ? "1,000" : "100").text("responses", std::to_string(draw.below(100)));
  out.text("distributed", draw.chance(500) ? "true" : "false");
  if (id % 2 == 0) return out.raw("groups", "[]");
  return out.raw("groups",
                 R"([{"id":"64a1bc2e3f001","rules":[{"id":"64a1bc2e3f002","input_value":"9_region","operator":"4",)"
                 R"("answers_type":"2","answers_values":"NY"}]}])");
}

Fields make_report(const ObjectDraft& draft, Draw& draw) {
  static constexpr std::string_view kTypes[] = {"summary", "profile", "turf"};
  const std::int64_t survey = draft.path[0], id = draft.path[1];
  const bool run = draw.chance(600);
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id)).text("surveyID", std::to_string(survey));
  out.text("name", fmt::format("Report {} \xE2\x80\x93 {}", id, survey)).text("type", draw.pick(kTypes));
  out.text("status", "Active");
  out.text("lastRun", run ? draft.region->local(draft.anchor - draw.below(90) * kDay) : "N/A");
  out.text("responses", run ? "1,401" : "0").text("version", "3");
  return out.text("publish_link", fmt::format("https://reporting.alchemer.com/r/{}_{}", id, draw.hex(20)));
}

}  // namespace

Fields make_survey_object(Kind kind, const ObjectDraft& draft) {
  Draw draw({draft.seed, 0x50B, static_cast<std::uint64_t>(kind), static_cast<std::uint64_t>(draft.path[0]),
             static_cast<std::uint64_t>(draft.path[1]), static_cast<std::uint64_t>(draft.path.back())});
  if (kind == Kind::campaign) return make_campaign(draft, draw);
  if (kind == Kind::email_message) return make_message(draft, draw);
  return kind == Kind::quota ? make_quota(draft, draw) : make_report(draft, draw);
}

}  // namespace surveysync::sandbox
