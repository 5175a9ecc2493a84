// Ledger: what a pass has not met, what is marked deleted, what is kept out.
#include <algorithm>

#include "pg/binary.h"
#include "store/deletion_sql.h"
#include "store/fenced.h"
#include "store/key_params.h"
#include "store/ledger.h"
#include "store/table_sql.h"
#include "store/version_sql.h"

namespace surveysync::store {
namespace {

/// Keys in one statement.
constexpr std::size_t kMarkedAtOnce = 50'000;

constexpr const char* kCountTombstones =
    "INSERT INTO surveysync.run_stream AS s (run_id, stream, partition, source, started_at, tombstoned) VALUES ($1, "
    "$2, "
    "$3, $4, $5, $6) ON CONFLICT (run_id, stream, partition) DO UPDATE SET tombstoned = s.tombstoned + "
    "excluded.tombstoned";

/// One fenced transaction that marks rows and counts them.
class Marking {
 public:
  Marking(pg::Connection& connection, const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream,
          const std::string& partition)
      : transaction_(connection), fence_(fence), run_id_(run_id), stream_(stream), partition_(partition) {
    const pg::Statement check = Lease::check_statement(fence);
    now_ = Lease::judge(transaction_.execute(check.sql, check.params), fence);
  }
  UtcTime now() const { return now_; }
  void mark(const std::string& sql, const std::vector<pg::Param>& params) {
    marked_ += transaction_.execute(sql, params).affected();
  }
  void set(const char* setting) { transaction_.execute(setting); }
  std::int64_t finish() {
    std::vector<pg::Statement> statements = {{kCountTombstones,
                                              {pg::int8(run_id_), pg::text(stream_.name), pg::text(partition_),
                                               pg::text(fence_.source), pg::timestamptz(now_), pg::int8(marked_)}}};
    for (const model::Table& table : stream_.tables) {
      if (!table.history || marked_ == 0) continue;
      statements.push_back({VersionSql(stream_, table).add_ends(),
                            {pg::text(fence_.source), pg::text(partition_), pg::timestamptz(now_), pg::int8(run_id_)}});
    }
    transaction_.execute_all(statements);
    transaction_.commit();
    return marked_;
  }

 private:
  pg::Transaction transaction_;
  const Fence& fence_;
  const std::int64_t run_id_;
  const model::StreamSpec& stream_;
  const std::string& partition_;
  UtcTime now_{};
  std::int64_t marked_ = 0;
};

std::vector<pg::Param> params_of(const std::string& source, const Ledger::UnseenQuestion& question) {
  return {pg::text(source),
          pg::text(question.stream.name),
          pg::text(question.partition),
          pg::timestamptz(question.since),
          pg::timestamptz(question.from),
          pg::timestamptz(question.until)};
}

/// "17/5": the last `own` parts of a key. Only the last of them may hold a slash itself.
void append_parts(std::string_view text, const model::Table& table, std::size_t own, model::Key& key) {
  for (std::size_t i = table.key.size() - own; i < table.key.size(); ++i) {
    const std::size_t slash = i + 1 == table.key.size() ? std::string_view::npos : text.find('/');
    key.push_back(key_part(std::string(text.substr(0, slash)), table.key[i]));
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  }
}

DeletionSql sql_of(const Ledger::UnseenQuestion& question) {
  const model::Table& table = question.stream.tables.at(0);
  if ((question.from || question.until) && !table.version) {
    throw Error(ErrorKind::bug, "a window over " + table.qualified() + ", whose rows have no date");
  }
  return {table, !question.partition.empty()};
}

}  // namespace

std::int64_t Ledger::count_unseen(const std::string& source, const UnseenQuestion& question) {
  return connection_.execute(sql_of(question).count_unseen(), params_of(source, question)).integer(0, 0);
}

std::vector<model::Key> Ledger::unseen(const std::string& source, const UnseenQuestion& question, std::size_t limit,
                                       bool random_sample) {
  std::vector<pg::Param> params = params_of(source, question);
  params.push_back(pg::int8(static_cast<std::int64_t>(limit)));
  const pg::Result rows = connection_.execute(sql_of(question).unseen(random_sample), params);
  const model::Table& table = question.stream.tables[0];
  const std::size_t own = own_keys(table, !question.partition.empty());
  std::vector<model::Key> keys;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Key& found = keys.emplace_back();
    if (own < table.key.size()) found.push_back(key_part(question.partition, table.key[0]));
    if (own == 1)
      found.push_back(key_part(rows, row, 0, table.key.back()));
    else
      append_parts(rows.text(row, 0), table, own, found);
  }
  return keys;
}

std::int64_t Ledger::mark_deleted(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream,
                                  const std::string& partition, const std::vector<model::Key>& keys) {
  if (keys.empty()) return 0;
  const model::Table& table = stream.tables.at(0);
  Marking marking(connection_, fence, run_id, stream, partition);
  for (std::size_t begin = 0; begin < keys.size(); begin += kMarkedAtOnce) {
    const std::size_t count = std::min(kMarkedAtOnce, keys.size() - begin);
    std::vector<pg::Param> params = key_params(fence.source, table, TableSql(table).fixed(), count,
                                               [&](std::size_t i) -> const model::Key& { return keys[begin + i]; });
    params.insert(params.begin() + 1, {pg::timestamptz(marking.now()), pg::int8(run_id)});
    marking.mark(DeletionSql(table, !partition.empty()).mark_keys(), params);
  }
  return marking.finish();
}

std::int64_t Ledger::mark_unseen_deleted(const Fence& fence, std::int64_t run_id, const UnseenQuestion& question) {
  Marking marking(connection_, fence, run_id, question.stream, question.partition);
  std::vector<pg::Param> params = params_of(fence.source, question);
  params.push_back(pg::timestamptz(marking.now()));
  params.push_back(pg::int8(run_id));
  marking.set(kNoLoops);
  marking.mark(sql_of(question).mark_unseen(), params);
  marking.set(kLoopsAgain);
  return marking.finish();
}

std::int64_t Ledger::mark_partition_deleted(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream,
                                            const std::string& partition) {
  Marking marking(connection_, fence, run_id, stream, partition);
  std::vector<pg::Param> params = {pg::text(fence.source), pg::timestamptz(marking.now()), pg::int8(run_id)};
  if (!partition.empty()) params.push_back(pg::text(partition));
  for (const model::Table& table : stream.tables) {
    if (!table.child) marking.mark(DeletionSql(table, !partition.empty()).mark_all(), params);
  }
  return marking.finish();
}

}  // namespace surveysync::store
