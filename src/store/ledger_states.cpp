// Ledger: where partitions stand, the plan that the next run takes over, and hooks.
#include "pg/binary.h"
#include "store/fenced.h"
#include "store/ledger.h"

namespace surveysync::store {
namespace {

constexpr const char* kForget = "DELETE FROM surveysync.sighting WHERE source = $1 AND stream = $2 AND partition = $3";

/// $4 to $13.
constexpr const char* kStandingColumns =
    "total, newest, newest_at, hint, removed, tombstoned, settled, balanced, probed_at, swept_at";
constexpr const char* kSetStanding =
    "total = excluded.total, newest = excluded.newest, newest_at = excluded.newest_at, hint = excluded.hint, "
    "removed = excluded.removed, tombstoned = excluded.tombstoned, settled = excluded.settled, "
    "balanced = excluded.balanced, probed_at = excluded.probed_at, swept_at = excluded.swept_at";

pg::Param count_or_null(const std::optional<std::int64_t>& value) {
  return value ? pg::int8(*value) : pg::null_of(pg::oid::kInt8);
}

std::optional<std::int64_t> known(std::int64_t total) {
  return total < 0 ? std::nullopt : std::optional(total);
}

std::vector<pg::Param> key_of(const Fence& fence, const std::string& stream, const std::string& partition) {
  return {pg::text(fence.source), pg::text(stream), pg::text(partition)};
}

void append(std::vector<pg::Param>& params, const Standing& standing) {
  for (pg::Param& param : std::vector<pg::Param>{
           count_or_null(known(standing.total)), pg::text(pg::storable(standing.newest)),
           pg::timestamptz(standing.newest_at), pg::text(pg::storable(standing.hint)), count_or_null(standing.removed),
           pg::int8(standing.tombstoned), pg::boolean(standing.settled), pg::boolean(standing.balanced),
           pg::timestamptz(standing.probed_at), pg::timestamptz(standing.swept_at)}) {
    params.push_back(std::move(param));
  }
}

std::optional<std::int64_t> count_at(const pg::Result& rows, std::size_t row, std::size_t column) {
  return rows.is_null(row, column) ? std::nullopt : std::optional(rows.integer(row, column));
}

PartitionState state_at(const pg::Result& rows, std::size_t row) {
  PartitionState state{rows.text(row, 0),
                       rows.text(row, 1),
                       rows.text(row, 2),
                       rows.text(row, 3),
                       rows.boolean(row, 4),
                       static_cast<int>(rows.integer(row, 5)),
                       {}};
  state.standing = {.total = count_at(rows, row, 6).value_or(-1),
                    .newest = rows.text(row, 7),
                    .newest_at = rows.time(row, 8),
                    .hint = rows.text(row, 9),
                    .removed = count_at(rows, row, 10),
                    .tombstoned = rows.integer(row, 11),
                    .settled = rows.boolean(row, 12),
                    .balanced = rows.boolean(row, 13),
                    .probed_at = rows.time(row, 14),
                    .swept_at = rows.time(row, 15)};
  return state;
}

}  // namespace

std::vector<PartitionState> Ledger::states(const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      std::string("SELECT stream, partition, title, bookmark, position <> '', page_size, ") + kStandingColumns +
          " FROM surveysync.checkpoint WHERE source = $1 ORDER BY stream, partition",
      params);
  std::vector<PartitionState> states;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    states.push_back(state_at(rows, row));
  return states;
}

void Ledger::save_standing(const Fence& fence, const std::string& stream, const std::string& partition,
                           const Standing& standing) {
  std::vector<pg::Param> params = key_of(fence, stream, partition);
  append(params, standing);
  write_fenced(connection_, fence,
               std::string("INSERT INTO surveysync.checkpoint (source, stream, partition, ") + kStandingColumns +
                   ", updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, pg_catalog.now()) "
                   "ON CONFLICT (source, stream, partition) DO UPDATE SET " +
                   kSetStanding + ", updated_at = excluded.updated_at",
               std::move(params));
}

void Ledger::close_pass(const Fence& fence, const model::Checkpoint& checkpoint, const Standing& standing) {
  std::vector<pg::Param> params = key_of(fence, checkpoint.stream, checkpoint.partition);
  append(params, standing);
  params.push_back(pg::text(checkpoint.bookmark));
  params.push_back(pg::int4(checkpoint.page_size));
  std::vector<pg::Statement> statements = {
      {std::string("INSERT INTO surveysync.checkpoint (source, stream, partition, ") + kStandingColumns +
           ", bookmark, page_size, position, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
           "$13, $14, $15, '', pg_catalog.now()) ON CONFLICT (source, stream, partition) DO UPDATE SET " +
           kSetStanding +
           ", bookmark = excluded.bookmark, page_size = excluded.page_size, position = excluded.position, "
           "updated_at = excluded.updated_at",
       std::move(params)},
      {kForget, key_of(fence, checkpoint.stream, checkpoint.partition)}};
  write_fenced(connection_, fence, std::move(statements));
}

void Ledger::forget_sightings(const Fence& fence, const std::string& stream, const std::string& partition) {
  write_fenced(connection_, fence, kForget, key_of(fence, stream, partition));
}

void Ledger::save_plan(const Fence& fence, const std::vector<PlannedPartition>& plan) {
  using namespace pg::oid;
  std::vector<pg::ArrayBuilder> columns;
  for (const std::uint32_t type : {kInt4, kText, kText, kInt8, kInt8, kBytea, kInt8, kText, kTimestamptz})
    columns.emplace_back(type);
  const auto count = [](pg::TupleBuffer& out, const std::optional<std::int64_t>& value) {
    value ? out.int8(*value) : out.null();
  };
  std::int32_t ordinal = 0;
  for (const PlannedPartition& planned : plan) {
    columns[0].next().int4(ordinal++);
    columns[1].next().bytes(planned.partition.name);
    columns[2].next().bytes(pg::storable(planned.partition.title));
    columns[3].next().int8(planned.partition.expected_records);
    count(columns[4].next(), planned.partition.removed);
    columns[5].next().bytes(planned.partition.context);
    count(columns[6].next(), known(planned.total));
    columns[7].next().bytes(pg::storable(planned.newest));
    pg::TupleBuffer& newest_at = columns[8].next();
    planned.newest_at ? newest_at.timestamptz(*planned.newest_at) : newest_at.null();
  }
  std::vector<pg::Param> params = {pg::text(fence.source)};
  for (pg::ArrayBuilder& column : columns)
    params.push_back(column.take());
  std::vector<pg::Statement> statements = {
      {"DELETE FROM surveysync.plan WHERE source = $1", {pg::text(fence.source)}},
      {"INSERT INTO surveysync.plan (source, ordinal, partition, title, expected, removed, context, total, newest, "
       "newest_at, planned_at) SELECT $1, u.*, pg_catalog.now() FROM unnest($2::int4[], $3::text[], $4::text[], "
       "$5::int8[], $6::int8[], $7::bytea[], $8::int8[], $9::text[], $10::timestamptz[]) AS u",
       std::move(params)}};
  write_fenced(connection_, fence, std::move(statements));
}

std::optional<std::vector<PlannedPartition>> Ledger::take_plan(const Fence& fence, Duration max_age) {
  std::vector<pg::Statement> statements = {
      {"SELECT partition, title, expected, context, removed, total, newest, newest_at, "
       "pg_catalog.clock_timestamp() - planned_at <= pg_catalog.make_interval(secs => $2::int8), planned_at FROM "
       "surveysync.plan "
       "WHERE source = $1 ORDER BY ordinal",
       {pg::text(fence.source), pg::int8(std::chrono::duration_cast<std::chrono::seconds>(max_age).count())}},
      {"DELETE FROM surveysync.plan WHERE source = $1", {pg::text(fence.source)}}};
  const std::vector<pg::Result> results = write_fenced(connection_, fence, std::move(statements));
  const pg::Result& rows = results[0];
  if (rows.rows() == 0 || !rows.boolean(0, 8)) return std::nullopt;
  std::vector<PlannedPartition> plan;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    plan.push_back({{rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2), std::string(rows.bytes(row, 3)),
                     count_at(rows, row, 4)},
                    count_at(rows, row, 5).value_or(-1),
                    rows.text(row, 6),
                    rows.time(row, 7),
                    rows.time(row, 9).value_or(UtcTime())});
  }
  return plan;
}

std::vector<std::int64_t> Ledger::runs_without_hook(const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      "SELECT run_id FROM surveysync.run WHERE source = $1 AND certified AND hook_at IS NULL ORDER BY run_id", params);
  std::vector<std::int64_t> runs;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    runs.push_back(rows.integer(row, 0));
  return runs;
}

void Ledger::note_hook(const Fence& fence, std::int64_t run_id) {
  write_fenced(connection_, fence,
               "UPDATE surveysync.run SET hook_at = pg_catalog.now() WHERE source = $1 AND run_id = $2",
               {pg::text(fence.source), pg::int8(run_id)});
}

}  // namespace surveysync::store
