#pragma once
// The SQL of wide tables: making them, filling them from the answers in slices of records, and what people read about
// them. Pure text; names are made by lay_out, texts of vendors are quoted here. The answers' table has the columns
// question_id, item, answer, option_id, is_other, rank and comment. Inside of store/.

#include <string>
#include <vector>

#include "pg/connection.h"
#include "store/views_layout.h"

namespace surveysync::store {

/// `text` as a literal that means the same whatever the server's settings.
std::string literal(std::string_view text);
/// The type's name in SQL.
std::string_view sql_type(model::WideType type);

class WideSql {
 public:
  /// Which rows a statement is about.
  struct Scope {
    std::string source, partition;
  };

  WideSql(const WideStreams& streams, Scope scope) : streams_(streams), scope_(std::move(scope)) {}

  /// CREATE TABLE and its comments, under the name of `part`.
  std::vector<pg::Statement> create(const WidePart& part) const;
  /// Comments on a table, or on the view with its texts.
  std::vector<pg::Statement> describe(const WidePart& part, bool labels) const;
  /// The view with the texts that people read.
  pg::Statement create_labels(const WidePart& part) const;
  pg::Statement drop_table(const std::string& table) const;
  pg::Statement drop_view(const std::string& view) const;
  pg::Statement rename(const std::string& table, const std::string& to) const;

  /// Inserts the live records above `after` and at or below `last` into `table`; those that are there stay.
  pg::Statement fill(const WidePart& part, const model::WidePlan& plan, const std::string& table, std::int64_t after,
                     std::int64_t last) const;
  /// Inserts or replaces the live ones among these records; equal rows are left alone.
  pg::Statement replace(const WidePart& part, const model::WidePlan& plan,
                        const std::vector<std::int64_t>& records) const;
  /// Takes out those of these records that are not live.
  pg::Statement remove(const WidePart& part, const std::vector<std::int64_t>& records) const;
  /// Takes out every row that no live record has.
  pg::Statement sweep(const WidePart& part) const;

  /// The last id of the next slice of live records above `after`; null at the end.
  pg::Statement next_live(std::int64_t after, std::int64_t limit) const;
  /// Ids of records written by later runs than `run_id`, above `after`, ascending.
  pg::Statement changed(std::int64_t run_id, std::int64_t after, std::int64_t limit) const;

  /// Writes the dictionary of these tables anew.
  std::vector<pg::Statement> dictionary(const WideLayout& layout) const;

 private:
  std::string table(const std::string& name) const;
  std::string record_id() const;
  std::string insert(const WidePart& part, const std::string& table) const;
  std::vector<std::string> names(const WidePart& part) const;

  const WideStreams streams_;
  const Scope scope_;
};

}  // namespace surveysync::store
