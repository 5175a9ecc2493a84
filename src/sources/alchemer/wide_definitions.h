#pragma once
// Stored definitions of a survey as a tree that wide.cpp walks. Private to this folder. Pure, one thread. Throws
// Error(malformed) for a row that is no JSON.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/wide.h"

namespace surveysync::sources::alchemer {

struct WideOption {
  std::int64_t id = 0, position = 0;
  std::string title, value;
  std::string name;    ///< that the author gave it (varname)
  bool other = false;  ///< a text can be typed beside it
  bool deleted = false;
};

struct WideQuestion {
  std::int64_t id = 0, position = 0, page_position = 0;
  std::optional<std::int64_t> parent;
  std::string base_type, type;  ///< upper case: "RADIO"
  std::string kind;             ///< of a text field: "NUMBER", "DATE", ...; upper case
  bool day_first = false;       ///< of a date
  std::string title, shortname;
  bool comment = false;  ///< respondents can comment
  bool deleted = false;
  std::vector<WideOption> options;
  std::vector<WideQuestion> rows;
};

/// Questions without a parent, each with its rows and options, in their order; deleted ones last.
std::vector<WideQuestion> read_wide_definitions(const std::vector<model::WideDefinition>& definitions);

}  // namespace surveysync::sources::alchemer
