#pragma once
// JSON values into cells, and what was odd about them into notices. For the decoders of every provider.
// A maker belongs to one record on one thread; nothing is thrown for values, they become NULL with a notice or a flag.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/stream.h"

namespace surveysync::sources {

/// What a value looks like without what it says: letters become x, digits 9, objects keep their first names. For
/// people.
std::string scrub(json::Value value);

class CellMaker {
 public:
  /// `subject` begins the names of notices: "response". `payload` holds every text that needs no copy.
  CellMaker(model::RowBatch& batch, std::string_view payload, std::string_view subject)
      : batch_(batch), payload_(payload), subject_(subject) {}

  /// A scalar's text; NULL when blank; NULL with a notice for arrays and objects.
  model::Cell text(json::Value value, std::string_view field);
  /// The same, but keeps "" as a text.
  model::Cell text_or_empty(json::Value value, std::string_view field);
  /// The bytes as sent, `[]` and `""` too; NULL when absent or null.
  model::Cell verbatim(json::Value value);
  model::Cell int64(json::Value value, std::string_view field);
  model::Cell int32(json::Value value, std::string_view field);
  model::Cell boolean(json::Value value, std::string_view field);
  model::Cell numeric(json::Value value, std::string_view field);
  /// A date read by the provider: NULL when blank; NULL and the flag "date" when `read` made nothing of it.
  model::Cell date(json::Value value, std::optional<UtcTime> read);
  /// A list of texts, one text being a list of one; NULL when there is none (an empty list is one).
  model::Cell texts(json::Value value, std::string_view field);

  /// A text that stays valid with the batch: a view into the payload, or a copy.
  std::string_view keep(std::string_view text);
  model::Cell keep_cell(std::string_view text) { return model::Cell::of(keep(text)); }

  /// "<subject>.<field>: <what>", once a record.
  void notice(std::string_view field, std::string_view what, json::Value sample);
  /// "<subject>.field: new field `name`".
  void new_field(std::string_view name, json::Value sample);
  /// "<subject>.<field>: new value `text`".
  void new_value(std::string_view field, std::string_view text);
  void flag(std::string_view name);

  model::RowBatch& batch() { return batch_; }

 private:
  void add_notice(std::string what, std::string sample);
  model::RowBatch& batch_;
  std::string_view payload_, subject_;
};

/// The name of a JSON type, for notices.
std::string_view type_name(json::Type type);

}  // namespace surveysync::sources
