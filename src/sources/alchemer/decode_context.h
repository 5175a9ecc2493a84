#pragma once
// What a definition's record depends on beyond its own bytes, as a small JSON text in Record::context: written when a
// definition is taken apart, read when the record is decoded, and part of its hash. Private to decode_split.cpp and
// decode_definition.cpp. Plain values; nothing is thrown for texts that this room wrote.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace surveysync::sources::alchemer {

/// The place of a page, question or option in its survey.
struct Place {
  std::string language;  ///< the survey's first
  std::optional<std::int64_t> page_id, parent_question_id;
  std::optional<std::int64_t> position;  ///< 1-based

  /// {"language":"English","page":1,"parent":5,"position":2}
  std::string text() const;
  static Place read(json::Document& document, std::string_view context);
};

/// Fields of a survey that its detail did not hold, from its entry in the survey list: {"statistics":{...}}.
std::string survey_context(json::Value detail, json::Value list_item);

}  // namespace surveysync::sources::alchemer
