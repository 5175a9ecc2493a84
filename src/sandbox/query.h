#pragma once
// The query string as the vendor reads it: parameters, and the filters hidden in filter[field][n] or altfilter. Unknown
// names are simply not looked at. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/account.h"
#include "sandbox/faults.h"

namespace surveysync::sandbox {

/// Percent-decoded pairs in the order sent.
class Query {
 public:
  explicit Query(std::string_view text);
  /// The last value of `name`.
  std::optional<std::string> get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// One condition; all of a request must hold.
struct Filter {
  std::string field, op, value;
};

struct Filters {
  std::vector<Filter> all;
  bool broken = false;  ///< a field without operator, an operator nobody knows
};
Filters read_filters(const Query& query);

/// Whether a filter concerns the field that the fault names (any field when it names none).
bool names_field(const std::vector<Filter>& filters, const Fault& fault);
/// Drops the conditions on the fault's field (on all when it names none).
void ignore_fields(std::vector<Filter>& filters, const Fault& fault);
/// Leaves away what stands behind the digits of times, as a vendor does that knows only its own clock.
void drop_zones(std::vector<Filter>& filters);
/// Moves the times of date conditions by the fault's hours and minutes, as a vendor does that compares in another zone
/// than it shows.
void shift_times(std::vector<Filter>& filters, const Fault& fault);

/// Moves what indexes can answer (dates compared by <, =, >) from `filters` into the ranges of `asked`.
void narrow(RowsAsked& asked, std::vector<Filter>& filters, const Account& account);

/// Whether a plain text passes a condition; texts compare without case.
bool text_passes(const Filter& filter, const std::optional<std::string>& have);

/// Whether the vendor has a date_updated for this row under a no-date-updated fault (null: always).
bool has_updated(const Fault* undated, const Row& row);
/// Whether a row passes. Fields that the vendor does not know are ignored.
bool row_passes(const Account& account, std::int64_t survey, const Row& row, const std::vector<Filter>& filters,
                const Fault* undated);
bool survey_passes(const Account& account, const SurveyHead& survey, const std::vector<Filter>& filters);

}  // namespace surveysync::sandbox
