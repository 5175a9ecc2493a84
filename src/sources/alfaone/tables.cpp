#include "sources/alfaone/tables.h"

#include "base/error.h"

namespace surveysync::sources::alfaone {
namespace {

constexpr ColumnDef kAssessmentColumns[] = {
    {"assessment_id", Col::text, true},     {"name", Col::text},
    {"default_question_format", Col::text}, {"default_answer_format", Col::text},
    {"languages", Col::text_array},         {"question_count", Col::int32},
    {"invite_count", Col::int32},           {"total_points", Col::numeric},
    {"created_at", Col::timestamp},         {"updated_at", Col::timestamp},
};
// The vendor's pages about questions, members and tags are not known (vendor-api.md 2): fields are named as elsewhere.
constexpr ColumnDef kQuestionColumns[] = {
    {"assessment_id", Col::text, true},
    {"question_id", Col::text, true},
    {"position", Col::int32, false, "order"},
    {"type", Col::text},
    {"title", Col::text, false, "name"},
    {"text", Col::text, false, "questionText"},
    {"description", Col::text},
    {"format", Col::text},
    {"question_format", Col::text},
    {"answer_format", Col::text},
    {"points", Col::numeric},
    {"time_limit_seconds", Col::numeric, false, "timeLimit"},
    {"required", Col::boolean, false, "isRequired"},
    {"options", Col::jsonb},
    {"created_at", Col::timestamp},
    {"updated_at", Col::timestamp},
};
constexpr ColumnDef kInviteColumns[] = {
    {"invite_id", Col::text, true},        {"assessment_id", Col::text},        {"assessment_name", Col::text},
    {"recipient_email", Col::text},        {"recipient_name", Col::text},       {"status", Col::text},
    {"question_replay_limit", Col::int32}, {"answer_record_limit", Col::int32}, {"sent_at", Col::timestamp},
    {"expires_at", Col::timestamp},        {"accepted_at", Col::timestamp},     {"started_at", Col::timestamp},
    {"completed_at", Col::timestamp},      {"revoked_at", Col::timestamp},
};
constexpr ColumnDef kMemberColumns[] = {
    {"member_id", Col::text, true},
    {"email", Col::text},
    {"first_name", Col::text},
    {"last_name", Col::text},
    {"name", Col::text},
    {"role", Col::text},
    {"status", Col::text},
    {"created_at", Col::timestamp},
    {"updated_at", Col::timestamp},
};
constexpr ColumnDef kTagColumns[] = {
    {"tag_id", Col::text, true},    {"name", Col::text},
    {"color", Col::text},           {"description", Col::text},
    {"created_at", Col::timestamp}, {"updated_at", Col::timestamp},
};

constexpr std::string_view kAssessments[] = {"assessments", "data"};
constexpr std::string_view kQuestions[] = {"questions", "assessment_questions", "assessmentQuestions", "data"};
constexpr std::string_view kInvites[] = {"invites", "assessment_invites", "assessmentInvites", "data"};
constexpr std::string_view kMembers[] = {"members", "organization_users", "organizationUsers", "users", "data"};
constexpr std::string_view kTags[] = {"tags", "data"};

// What only GET invites/{id} shows; a list's item and the record alone are one text without them.
constexpr std::string_view kInviteAlone[] = {"assignedGrader", "proctoringSettings", "customMessage", "revokedAt"};

constexpr Resource kResources[] = {
    {"assessment", "/api/v1/assessments", "created_at", kAssessments, kAssessmentColumns, {}, "totalPoints", {}, true},
    {"question", "/questions", "created_at", kQuestions, kQuestionColumns, {}},
    {"invite", "/api/v1/invites", "sent_at", kInvites, kInviteColumns, kInviteAlone, "revokedAt", kInviteAlone, true},
    {"member", "/api/v1/members", "created_at", kMembers, kMemberColumns, {}},
    {"tag", "/api/v1/tags", "created_at", kTags, kTagColumns, {}},
};

model::Table table_of(const Resource& resource, std::size_t scope) {
  model::Table table;
  table.schema = "alfaone";
  table.name = resource.stream;
  table.scope = scope;
  for (const ColumnDef& column : resource.columns) {
    (column.key ? table.key : table.columns).push_back({std::string(column.name), column.type});
    if (column.name == "email" || column.name == "recipient_email")
      table.contact_columns.push_back({std::string(column.name), "email"});
  }
  return table;
}

/// A list of the account: whatever it holds is certified as one.
model::StreamSpec of_account(std::string_view stream) {
  model::StreamSpec spec;
  spec.name = stream;
  spec.tables = {table_of(resource_of(stream), 0)};
  spec.certified = true;
  spec.reading = model::Reading::whole;
  spec.of_account = true;
  return spec;
}

model::StreamSpec of_assessment(std::string_view stream) {
  model::StreamSpec spec;
  spec.name = stream;
  spec.tables = {table_of(resource_of(stream), 1)};
  spec.reading = model::Reading::whole;
  return spec;
}

}  // namespace

const Resource& resource_of(std::string_view stream) {
  for (const Resource& resource : kResources)
    if (resource.stream == stream) return resource;
  throw Error(ErrorKind::bug, "there is no stream \"" + std::string(stream) + "\"");
}

const std::vector<model::StreamSpec>& stream_specs() {
  static const std::vector<model::StreamSpec> kSpecs = {of_account("assessment"), of_assessment("question"),
                                                        of_account("invite"), of_account("member"), of_account("tag")};
  return kSpecs;
}

std::string camel_case(std::string_view snake_case) {
  std::string out;
  bool upper = false;
  for (const char c : snake_case) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

}  // namespace surveysync::sources::alfaone
