#include "sources/alfaone/decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sources/alfaone/list.h"
#include "sources/alfaone/times.h"
#include "sources/cells.h"

namespace surveysync::sources::alfaone {
namespace {

using json::Value;
using model::Cell;

constexpr std::string_view kContacts = "contacts";
constexpr std::string_view kInviteStatuses[] = {"pending", "accepted", "started", "completed", "expired", "revoked"};
// Fields of invites and members that say nothing about who somebody is.
const std::vector<std::string>& impersonal() {
  static const std::vector<std::string> kNames = {"id",
                                                  "_id",
                                                  "inviteId",
                                                  "memberId",
                                                  "assessmentId",
                                                  "organizationId",
                                                  "userId",
                                                  "graderId",
                                                  "assessmentName",
                                                  "status",
                                                  "role",
                                                  "type",
                                                  "questionReplayLimit",
                                                  "answerRecordLimit",
                                                  "proctoringSettings",
                                                  "sentAt",
                                                  "expiresAt",
                                                  "acceptedAt",
                                                  "startedAt",
                                                  "completedAt",
                                                  "revokedAt",
                                                  "createdAt",
                                                  "updatedAt",
                                                  "joinedAt",
                                                  "invitedAt",
                                                  "lastLoginAt",
                                                  "deletedAt",
                                                  "invite_id",
                                                  "member_id",
                                                  "assessment_id",
                                                  "organization_id",
                                                  "user_id",
                                                  "grader_id",
                                                  "assessment_name",
                                                  "question_replay_limit",
                                                  "answer_record_limit",
                                                  "proctoring_settings",
                                                  "sent_at",
                                                  "expires_at",
                                                  "accepted_at",
                                                  "started_at",
                                                  "completed_at",
                                                  "revoked_at",
                                                  "created_at",
                                                  "updated_at",
                                                  "joined_at",
                                                  "invited_at",
                                                  "last_login_at",
                                                  "deleted_at"};
  return kNames;
}
const std::vector<std::string>& makers() {
  static const std::vector<std::string> kNames = {"createdBy",      "updatedBy",  "owner",      "author",
                                                  "assignedGrader", "created_by", "updated_by", "assigned_grader"};
  return kNames;
}

/// The member of a record that a column shows.
Value member_of(Value object, const ColumnDef& column) {
  Value value = object[camel_case(column.name)];
  if (value.is_absent()) value = object[column.name];
  if (value.is_absent() && !column.other.empty()) value = object[column.other];
  return value;
}

Cell cell_of(Value value, const ColumnDef& column, CellMaker& make) {
  switch (column.type) {
    case Col::text:
      return make.text_or_empty(value, column.name);
    case Col::int32:
      return make.int32(value, column.name);
    case Col::int64:
      return make.int64(value, column.name);
    case Col::numeric:
      return make.numeric(value, column.name);
    case Col::boolean:
      return make.boolean(value, column.name);
    case Col::timestamp:
      return make.date(value, parse_time(value.text()));
    case Col::text_array:
      return make.texts(value, column.name);
    case Col::json:
    case Col::jsonb:
    case Col::int64_array:
      break;
  }
  return make.verbatim(value);
}

bool is_known(std::string_view name, const Resource& resource) {
  if (name == "id" || name == "_id" || std::ranges::count(resource.known, name) > 0) return true;
  return std::ranges::any_of(resource.columns, [&](const ColumnDef& column) {
    return name == column.name || name == column.other || name == camel_case(column.name);
  });
}

void note_news(Value object, const Resource& resource, CellMaker& make) {
  for (const json::Member& member : object.members())
    if (!is_known(member.key, resource)) make.new_field(member.key, member.value);
  if (resource.stream != "invite") return;
  const std::string_view status = object["status"].text();
  if (!status.empty() && std::ranges::count(kInviteStatuses, status) == 0) make.new_value("status", status);
}

/// `raw` after the rules, where they alter it. False when they cannot be applied, with the reason.
bool protect(std::string_view raw, const Privacy& privacy, const MemberRules& rules, std::optional<std::string>& into,
             std::string& why) {
  try {
    if (auto altered = rewrite(raw, rules, privacy.digest.get())) into = std::move(altered);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    why = error.what();
    return rules.keeps_all();
  }
}

std::string first_of(const RecordText& text, std::string_view raw) {
  if (text.original) return *text.original;
  return text.altered ? *text.altered : std::string(raw);
}

}  // namespace

Privacy understood(Privacy privacy) {
  const auto contacts = privacy.fields.find(std::string(kContacts));
  if (contacts != privacy.fields.end() && contacts->second == "off") contacts->second = "drop";
  return privacy;
}

MemberRules privacy_rules(const Resource& resource, const Privacy& privacy) {
  const Treatment treatment = privacy.of(std::string(kContacts));
  MemberRules rules;
  if (treatment == Treatment::keep) return rules;
  if (resource.stream == "invite" || resource.stream == "member") {
    rules.others(treatment);
    rules.treat(impersonal(), Treatment::keep);
  } else {
    rules.treat(makers(), treatment);
  }
  return rules;
}

void key_record(const Resource& resource, const Privacy& privacy, const MemberRules& rules, Arrived arrived,
                model::Page& out) {
  const std::string id = id_of(arrived.raw, resource);
  RecordName name;
  if (!arrived.partition.empty()) name.key.emplace_back(arrived.partition);
  name.key.emplace_back(id);
  RecordText text;
  text.original = std::move(arrived.original);
  std::string why;
  const bool applied = protect(arrived.raw, privacy, rules, text.altered, why) &&
                       (!text.original || protect(*text.original, privacy, rules, text.original, why));
  if (!applied) {
    const std::string key = id.empty() ? raw_key(arrived.raw, out) : model::key_text(name.key);
    out.quarantined.push_back({key, withheld_reason(why), withheld(arrived.raw)});
  } else if (id.empty()) {
    quarantine(first_of(text, arrived.raw), fmt::format("{} without an id that can be read", resource.stream), out);
  } else {
    add_record(std::move(name), arrived.raw, std::move(text), out);
  }
}

void decode_record(const Resource& resource, json::Document& document, const model::Record& record,
                   model::RowBatch& rows) {
  const Value object = document.parse(record.payload);
  if (!object.is_object()) throw Error(ErrorKind::malformed, fmt::format("{} is no object", resource.stream));
  CellMaker make(rows, record.payload, resource.stream);
  const std::span<Cell> row = rows.add_row(0, resource.columns.size());
  for (std::size_t i = 0; i < resource.columns.size(); ++i) {
    row[i] = i < record.key.size() ? make.keep_cell(std::get<std::string>(record.key[i]))
                                   : cell_of(member_of(object, resource.columns[i]), resource.columns[i], make);
  }
  note_news(object, resource, make);
}

std::string without_members(std::string_view raw, std::span<const std::string_view> names) {
  std::vector<json::RawMember> members;
  json::scan_members(raw, members);
  std::string out = "{";
  for (const json::RawMember& member : members) {
    if (std::ranges::any_of(names, [&](std::string_view name) { return json::key_is(member.key, name); })) continue;
    const auto begin = static_cast<std::size_t>(member.key.data() - 1 - raw.data());
    const auto end = static_cast<std::size_t>(member.value.data() + member.value.size() - raw.data());
    out.append(out.size() > 1 ? "," : "").append(raw.substr(begin, end - begin));
  }
  return out + "}";
}

}  // namespace surveysync::sources::alfaone
