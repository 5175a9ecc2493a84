#pragma once
// Wide tables of surveys: which of them are due, and each step by which one is brought up to date. Every step is one
// short transaction under the lease; a table is made anew beside the old one and takes its place at once, so that
// readers never see fewer rows, and a process that dies leaves the old one. One connection, one thread. Throws what pg
// throws, and Error(locked) from the fence.

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "store/lease.h"
#include "store/views_layout.h"

namespace surveysync::store {

/// surveysync.wide, one row: where the tables of a partition stand.
struct WideState {
  std::int64_t run_id = 0;
  int version = 0, most_columns = kMostColumns;
  std::optional<model::Hash> columns, words;
  std::vector<std::string> tables;
  bool swept = true;
};

class Views {
 public:
  /// `streams` outlives it.
  Views(pg::Connection& connection, WideStreams streams) : connection_(connection), streams_(streams) {}

  /// Partitions whose tables are missing or do not stand at the last run that changed their records or definitions.
  std::vector<std::string> due(const std::string& source);
  /// All partitions that have definitions.
  std::vector<std::string> all(const std::string& source);
  std::optional<WideState> state(const std::string& source, const std::string& partition);
  /// Every stored definition of the partition, also of what the vendor deleted.
  std::vector<model::WideDefinition> definitions(const std::string& source, const std::string& partition);

  /// One partition's tables and how they are made.
  struct Target {
    std::string partition;
    const model::WidePlan& plan;
    const WideLayout& layout;
  };
  /// Makes empty tables beside those that are there; what an earlier attempt left is dropped.
  void begin_rebuild(const Fence& fence, const Target& target);
  /// Fills them with the next records above `after`; the last one's id, nothing at the end. May be repeated.
  std::optional<std::int64_t> fill(const Fence& fence, const Target& target, std::int64_t after);
  /// They take the place of the `old` ones, with labels, comments, dictionary and `state`. Error(conflict) when readers
  /// hold a table for longer than kLockWait, Error(refused_schema) with SQLSTATE 2BP01 when something depends on one.
  void finish_rebuild(const Fence& fence, const Target& target, const WideState& old, const WideState& state);
  /// Rows of the new tables.
  std::int64_t count(const Target& target);
  /// Drops what was begun.
  void abandon_rebuild(const Fence& fence, const Target& target);

  /// Brings rows of records written after `state.run_id` up to date, those above `after`; the last one's id, nothing at
  /// the end. `rows` grows by what was written. May be repeated.
  std::optional<std::int64_t> update(const Fence& fence, const Target& target, const WideState& state,
                                     std::int64_t after, std::int64_t& rows);
  /// Takes out rows without a live record; how many.
  std::int64_t sweep(const Fence& fence, const Target& target);
  /// Titles and labels: comments, views, dictionary. `view_anew`: the view's columns have other types than before, and
  /// it must be dropped; else Error(refused_schema) with SQLSTATE 42P16.
  void describe(const Fence& fence, const Target& target, bool view_anew);
  void save(const Fence& fence, const std::string& partition, const WideState& state);

  /// `layout` without the columns that the partition's tables do not have as yet: how they are kept up to date while
  /// they cannot be replaced.
  WideLayout within_tables(const WideLayout& layout, const std::vector<std::string>& tables);
  /// Who owns a table of this layout instead: another partition of a source whose name ends alike. Empty: nobody.
  std::string other_owner(const std::string& source, const std::string& partition, const WideLayout& layout);
  /// What depends on the tables beside our own views: "view public.mine", ...
  std::vector<std::string> dependents(const std::vector<std::string>& tables);

  /// How long readers are waited for with a table locked; others wait behind us meanwhile.
  static constexpr const char* kLockWait = "1500ms";
  /// Records of one transaction.
  static constexpr std::int64_t kSlice = 2000;

 private:
  /// The rights that others have on these tables and views, to be given again on those that take their place.
  std::vector<pg::Statement> grants(const std::vector<std::string>& names);
  std::vector<std::string> partitions(const std::string& sql, std::vector<pg::Param> params);

  pg::Connection& connection_;
  const WideStreams streams_;
};

}  // namespace surveysync::store
