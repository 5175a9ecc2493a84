#pragma once
// What a wide table is made of: one row a record, one typed column a question. A provider turns definitions into a
// plan, store/views turns the plan into tables. Plain values; a plan belongs to one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace surveysync::model {

/// The type of a column. A value that it cannot hold leaves NULL.
enum class WideType : std::uint8_t { text, integer, numeric, boolean, date };

/// Which part of an answer a column takes.
enum class WideTake : std::uint8_t {
  answer,      ///< its text
  known,       ///< its text, unless that was typed beside an other option
  other_code,  ///< WideFeed::code, where text was typed beside the option
  other_text,  ///< that text; also what differs from WideFeed::code, where the vendor does not mark it
  chosen,      ///< that it is there
  rank,
  comment,
  count,  ///< how many answers the question has; WideFeed::item does not matter
};

/// One kind of answer that fills a column; the first that says something counts.
struct WideFeed {
  std::int64_t question_id = 0;
  std::string item = {};  ///< as in the answer's key
  WideTake take = WideTake::answer;
  std::optional<std::int64_t> option_id = std::nullopt;  ///< only answers that name this option
  std::string code = {};  ///< for other_code and other_text: what the option is reported as
  bool operator==(const WideFeed&) const = default;
};

/// What a stored value means to people.
struct WideLabel {
  std::string value, text;
  bool operator==(const WideLabel&) const = default;
};

struct WideColumn {
  std::string name;  ///< unique in the plan, below 63 bytes of UTF-8, no quotes
  WideType type = WideType::text;
  bool day_first = false;     ///< dates are written 31/12/2026
  std::string title;          ///< all of it, plain text
  std::string question_type;  ///< the vendor's word
  std::int64_t question_id = 0;
  std::optional<std::int64_t> row_id = std::nullopt, option_id = std::nullopt;
  std::vector<WideLabel> labels = {};  ///< in the vendor's order; of a boolean: the text that true stands for
  std::vector<WideFeed> feeds = {};
  /// Booleans of one group are false where another of them is true, and null where none is. -1: no group.
  int group = -1;
  bool operator==(const WideColumn&) const = default;
};

/// The columns of a partition's wide table.
struct WidePlan {
  std::vector<WideColumn> columns;
};

/// One stored definition.
struct WideDefinition {
  std::string table;  ///< "question"
  std::string row;  ///< all its columns, payload included, as a JSON object; deleted_at tells whether it is still there
};

/// A column of the record itself.
struct WideFixed {
  std::string name, title;
};

/// What wide tables of a provider are made of.
struct WideSpec {
  std::string schema;                ///< "alchemer_wide"
  std::string definitions, records;  ///< names of streams; the records' second table holds the answers
  std::vector<WideFixed> fixed;      ///< columns of a record that lead its row, its own id (a number) first
  int version = 1;                   ///< grows when the same definitions give other plans: all tables are made anew
};

}  // namespace surveysync::model
