#pragma once
// A plan of columns laid out over tables: their names, which columns each has, and digests by which it is seen whether
// anything changed. Pure. Inside of store/, and for tests.

#include <set>
#include <string>
#include <vector>

#include "model/stream.h"
#include "model/wide.h"

namespace surveysync::store {

/// The provider's wide tables: what it says of them, and the streams that they are made from.
struct WideStreams {
  const model::WideSpec& spec;
  const model::StreamSpec &definitions, &records;

  /// Throws Error(bug) where `streams` has not those that the spec names.
  static WideStreams of(const model::WideSpec& spec, const std::vector<model::StreamSpec>& streams);
  const model::Table& record() const { return records.tables.at(0); }
  const model::Table& answer() const { return records.tables.at(1); }
};

/// So many columns of a table at most, the record's own included, before the next one continues it.
inline constexpr int kMostColumns = 500;
/// The same where rows would be larger than the database takes: each text may need a pointer of 18 bytes.
inline constexpr int kFewerColumns = 400;

/// One table and its view with texts.
struct WidePart {
  std::string table, labels;                      ///< without schema
  std::vector<const model::WideColumn*> columns;  ///< behind the record's id, and in the first one its other columns
  bool first = false;
};

struct WideLayout {
  std::vector<WidePart> parts;
  model::Hash columns{}, words{};  ///< names, types and origins; titles and labels
};

/// "us_8611799".
std::string wide_name(const std::string& source, const std::string& partition);
/// Lays `plan`, which outlives the layout, out over tables of at most `most` columns.
WideLayout lay_out(const model::WideSpec& spec, const model::WidePlan& plan, const std::string& name, int most);
/// The name under which a table is filled before it takes the place of `table`.
std::string name_while_made(const std::string& table);

}  // namespace surveysync::store
