#include "store/views_pivot.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

using model::WideColumn;
using model::WideTake;
using model::WideType;

/// The value of a slot as its column's type; NULL where it does not fit.
std::string typed(const WideColumn& column, const std::string& slot, const std::string& group) {
  switch (column.type) {
    case WideType::text:
      return slot;
    case WideType::integer:
      // Counted repetitions make PostgreSQL's expressions slow: the length is asked instead.
      return fmt::format("CASE WHEN length({0}) <= 18 AND {0} ~ '^ *[-+]?[0-9]+ *$' THEN {0}::bigint END", slot);
    case WideType::numeric:
      return fmt::format(
          "CASE WHEN length({0}) <= 80 AND {0} ~ '^ *[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+) *%? *$' THEN btrim({0}, ' "
          "%')::numeric END",
          slot);
    case WideType::boolean:
      return fmt::format("CASE WHEN {} IS NOT NULL THEN true WHEN {} IS NOT NULL THEN false END", slot, group);
    case WideType::date:
      break;
  }
  // 2026-12-31, and 12/31/2026 or 31/12/2026; a day that its month has not is none.
  const std::string text = fmt::format("translate(btrim({}), '.-', '//')", slot);
  const auto date = [&](int year, int month, int day) {
    const auto part = [&](int at) { return fmt::format("split_part({}, '/', {})::int", text, at); };
    return fmt::format(
        "CASE WHEN {2} <= extract(day FROM make_date({0}, {1}, 1) + interval '1 month' - interval '1 day') THEN "
        "make_date({0}, {1}, {2}) END",
        part(year), part(month), part(day));
  };
  constexpr const char *kYear = "[1-9][0-9]{3}", *kMonth = "(0?[1-9]|1[0-2])", *kDay = "(0?[1-9]|[12][0-9]|3[01])";
  const bool day_first = column.day_first;
  return fmt::format("CASE WHEN {0} ~ '^{1}/{2}/{3}$' THEN {4} WHEN {0} ~ '^{5}/{6}/{1}$' THEN {7} END", text, kYear,
                     kMonth, kDay, date(1, 2, 3), day_first ? kDay : kMonth, day_first ? kMonth : kDay,
                     day_first ? date(3, 2, 1) : date(3, 1, 2));
}

/// Only what is needed: it is asked of every answer.
std::string value_of(const std::vector<std::int64_t>& takes) {
  struct Value {
    WideTake take;
    const char* sql;
  };
  static constexpr Value kValues[] = {
      {WideTake::answer, "a.answer"},
      {WideTake::known, "CASE WHEN NOT a.is_other THEN a.answer END"},
      {WideTake::other_code, "CASE WHEN a.is_other THEN m.code END"},
      {WideTake::other_text, "CASE WHEN a.is_other OR a.answer <> nullif(m.code, '') THEN a.answer END"},
      {WideTake::chosen, "'1'"},
      {WideTake::rank, "a.rank::text"},
      {WideTake::comment, "a.comment"}};
  const auto is_answer = [](std::int64_t take) { return take == static_cast<std::int64_t>(WideTake::answer); };
  if (std::ranges::all_of(takes, is_answer)) return "a.answer";
  std::string sql = "CASE m.take";
  for (const Value& value : kValues) {
    if (std::ranges::find(takes, static_cast<std::int64_t>(value.take)) != takes.end())
      sql += fmt::format(" WHEN {} THEN {}", static_cast<int>(value.take), value.sql);
  }
  return sql + " END";
}

}  // namespace

void WidePivot::Slots::add(const model::WideFeed& feed, const std::string& slot) {
  if (feed.take == WideTake::count) {
    counted.push_back(feed.question_id);
    counted_slots.push_back(slot);
    return;
  }
  questions.push_back(feed.question_id);
  items.push_back(feed.item);
  slots.push_back(slot);
  takes.push_back(static_cast<std::int64_t>(feed.take));
  options.push_back(feed.option_id.value_or(-1));
  codes.push_back(feed.code);
}

WidePivot::WidePivot(const WideStreams& streams, const WidePart& part, const model::WidePlan& plan)
    : streams_(streams), empty_(part.columns.empty()) {
  for (std::size_t i = 0; i < (part.first ? streams.spec.fixed.size() : 1); ++i)
    values_ += (i == 0 ? "r." : ", r.") + quoted(streams.spec.fixed[i].name);
  for (std::size_t i = 0; i < part.columns.size(); ++i)
    add_column(*part.columns[i], fmt::format("c{}", i));
  for (const WideColumn& column : plan.columns) {
    // A group may be spread over several tables.
    if (!groups_.contains(column.group)) continue;
    for (const model::WideFeed& feed : column.feeds)
      slots_.add(feed, groups_.at(column.group));
  }
}

void WidePivot::add_column(const WideColumn& column, const std::string& slot) {
  for (const model::WideFeed& feed : column.feeds)
    slots_.add(feed, slot);
  definition_ += fmt::format("{}{} text", definition_.empty() ? "" : ", ", slot);
  if (column.group < 0) {
    values_ += ", " + typed(column, "c." + slot, "NULL");
    return;
  }
  const auto [group, is_new] = groups_.try_emplace(column.group, fmt::format("g{}", column.group));
  if (is_new) definition_ += fmt::format(", {} text", group->second);
  values_ += ", " + typed(column, "c." + slot, "c." + group->second);
}

/// (record's id, slot, value) of each answer that fills something.
std::string WidePivot::answers(const std::string& condition, std::vector<pg::Param>& params) const {
  std::string of_answer = condition;
  for (std::size_t at = of_answer.find("r."); at != std::string::npos; at = of_answer.find("r.", at))
    of_answer.replace(at, 2, "a.");
  const std::string id = "a." + quoted(streams_.spec.fixed.front().name),
                    from = fmt::format(" FROM {} AS a JOIN unnest(", qualified(streams_.answer())),
                    of_partition = fmt::format(" WHERE a.source = $1 AND a.{} = $2::text::bigint AND {}",
                                               quoted(streams_.answer().key[0].name), of_answer);
  std::size_t next = params.size() + 1;
  params.insert(params.end(),
                {pg::int8_array(slots_.questions), pg::text_array(slots_.items), pg::text_array(slots_.slots),
                 pg::int8_array(slots_.takes), pg::int8_array(slots_.options), pg::text_array(slots_.codes)});
  std::string sql = fmt::format(
      "SELECT {0} AS id, m.slot, {1} AS value{2}${3}::bigint[], ${4}::text[], ${5}::text[], ${6}::bigint[], "
      "${7}::bigint[], ${8}::text[]) AS m (question_id, item, slot, take, option_id, code) ON a.question_id = "
      "m.question_id AND a.item = m.item COLLATE \"C\" AND (m.option_id = -1 OR m.option_id = a.option_id){9}",
      id, value_of(slots_.takes), from, next, next + 1, next + 2, next + 3, next + 4, next + 5, of_partition);
  if (slots_.counted.empty()) return sql;
  next = params.size() + 1;
  params.insert(params.end(), {pg::int8_array(slots_.counted), pg::text_array(slots_.counted_slots)});
  return sql + fmt::format(
                   " UNION ALL SELECT {0}, m.slot, count(*)::text{1}${2}::bigint[], ${3}::text[]) AS m (question_id, "
                   "slot) ON a.question_id = m.question_id{4} GROUP BY {0}, m.slot",
                   id, from, next, next + 1, of_partition);
}

std::string WidePivot::select(const std::string& condition, std::vector<pg::Param>& params) const {
  const std::string own = "SELECT " + values_ + " FROM " + qualified(streams_.record()) + " AS r",
                    where =
                        fmt::format(" WHERE r.source = $1 AND r.{} = $2::text::bigint AND r.deleted_at IS NULL AND {}",
                                    quoted(streams_.record().key[0].name), condition);
  if (empty_) return own + where;
  return own +
         fmt::format(
             " LEFT JOIN (SELECT s.id, json_object_agg(s.slot, s.value) AS v FROM ({}) AS s WHERE s.value IS NOT NULL "
             "GROUP BY s.id) AS p ON p.id = r.{} CROSS JOIN LATERAL json_to_record(coalesce(p.v, '{{}}'::json)) AS c "
             "({})",
             answers(condition, params), quoted(streams_.spec.fixed.front().name), definition_) +
         where;
}

}  // namespace surveysync::store
