#include "sources/alchemer/objects.h"

#include <algorithm>

#include "http/client.h"
#include "sources/alchemer/response_file.h"

namespace surveysync::sources::alchemer {
namespace {

using model::ColumnType;

ColumnType column_type(As as) {
  switch (as) {
    case As::text:
      return ColumnType::text;
    case As::integer:
      return ColumnType::int64;
    case As::number:
      return ColumnType::numeric;
    case As::boolean:
      return ColumnType::boolean;
    case As::date:
      return ColumnType::timestamp;
    case As::structure:
      return ColumnType::jsonb;
  }
  return ColumnType::text;
}

std::string id_column(std::string_view stream) {
  return std::string(stream) + "_id";
}

/// Responses name the contacts of campaigns by their ids; contact lists have ids of their own.
std::vector<model::ContactColumn> contact_columns(const ObjectKind& kind) {
  std::vector<model::ContactColumn> columns;
  for (const ObjectField& field : kind.fields) {
    if (kind.of_people && (field.name == "email_address" || field.name == "email"))
      columns.push_back({std::string(field.column_name()), "email"});
  }
  if (kind.stream == "campaign_contact") columns.push_back({id_column(kind.stream), "contact"});
  if (kind.stream == "contact") columns.push_back({id_column(kind.stream), "list_contact"});
  return columns;
}

model::StreamSpec spec_of(const ObjectKind& kind) {
  model::Table table{"alchemer", std::string(kind.stream), object_key(kind), {}};
  for (const ObjectField& field : kind.fields)
    table.columns.push_back({std::string(field.column_name()), column_type(field.as)});
  if (!kind.others.empty()) table.columns.push_back({std::string(kind.others), ColumnType::jsonb});
  table.scope = kind.of_survey ? 1 : 0;
  table.contact_columns = contact_columns(kind);
  model::StreamSpec spec{std::string(kind.stream), {std::move(table)}};
  spec.reading = model::Reading::whole;
  spec.of_account = !kind.of_survey;
  spec.on_request = kind.large;
  return spec;
}

}  // namespace

const ObjectKind* object_kind(std::string_view stream) {
  const auto kinds = object_kinds();
  const auto found = std::ranges::find(kinds, stream, &ObjectKind::stream);
  return found == kinds.end() ? nullptr : &*found;
}

std::string object_path(const ObjectKind& kind, std::span<const model::KeyPart> parents) {
  std::string path = "/v5/";
  std::string_view rest = kind.path;
  for (const model::KeyPart& part : parents) {
    const std::size_t gap = rest.find("{}");
    if (gap == std::string_view::npos) break;
    path.append(rest.substr(0, gap)).append(http::percent_encode(model::key_text({part})));
    rest.remove_prefix(gap + 2);
  }
  return path.append(rest);
}

std::vector<model::Column> object_key(const ObjectKind& kind) {
  std::vector<model::Column> key;
  if (kind.of_survey) key.push_back({"survey_id", ColumnType::int64});
  if (!kind.parent.empty()) key.push_back({id_column(kind.parent), ColumnType::int64});
  key.push_back({id_column(kind.stream), ColumnType::int64});
  return key;
}

std::vector<model::StreamSpec> object_specs() {
  std::vector<model::StreamSpec> specs;
  for (const ObjectKind& kind : object_kinds())
    specs.push_back(spec_of(kind));
  specs.push_back(file_spec());
  return specs;
}

}  // namespace surveysync::sources::alchemer
