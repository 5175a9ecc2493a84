#include "sources/alchemer/decode_context.h"

#include <fmt/format.h>

namespace surveysync::sources::alchemer {

namespace {

constexpr std::string_view kListFields[] = {"created_on", "modified_on", "statistics", "status",
                                            "team",       "title",       "type"};

void append(std::string& out, std::string_view name, std::string_view raw) {
  out += fmt::format("{}\"{}\":{}", out.size() > 1 ? "," : "", name, raw);
}

void append(std::string& out, std::string_view name, std::optional<std::int64_t> number) {
  if (number) append(out, name, std::to_string(*number));
}

}  // namespace

std::string Place::text() const {
  std::string out = "{";
  if (!language.empty()) append(out, "language", json::quote(language));
  append(out, "page", page_id);
  append(out, "parent", parent_question_id);
  append(out, "position", position);
  return out + "}";
}

Place Place::read(json::Document& document, std::string_view context) {
  if (context.empty()) return {};
  const json::Value root = document.parse_copy(context);
  return {std::string(root["language"].text()), root["page"].as_int(), root["parent"].as_int(),
          root["position"].as_int()};
}

std::string survey_context(json::Value detail, json::Value list_item) {
  std::string out = "{";
  for (const std::string_view name : kListFields) {
    const json::Value fallback = list_item[name];
    if (detail[name].is_blank() && !fallback.is_blank()) append(out, name, fallback.raw());
  }
  return out.size() > 1 ? out + "}" : std::string();
}

}  // namespace surveysync::sources::alchemer
