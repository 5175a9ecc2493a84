#include "sources/alchemer/window.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = std::min(text.find('/'), text.size());
    fields.push_back(text.substr(0, end));
    if (end == text.size()) return fields;
    text.remove_prefix(end + 1);
  }
}

std::string name_of(const Dated& record) {
  return fmt::format("record {} of {}", record.id > 0 ? std::to_string(record.id) : "?", record.stamp);
}

/// The lower edge of what was asked for.
const std::string& lowest_asked(const WindowPosition& position) {
  return position.newest_first || position.edge.empty() ? position.from : position.edge;
}

/// Why a record cannot be what was asked for; empty when it can.
std::string misfit(const WindowPosition& position, const Dated& record) {
  if (position.tie.page > 0 && record.stamp != position.edge)
    return fmt::format("the filter is ignored: {} came for {}", name_of(record), position.edge);
  if (record.stamp < lowest_asked(position))
    return fmt::format("the filter is ignored: {} is older than {}", name_of(record), lowest_asked(position));
  const bool late = (!position.until.empty() && record.stamp >= position.until) ||
                    (position.newest_first && !position.edge.empty() && record.stamp > position.edge);
  if (late) return fmt::format("the filter is ignored: {} is newer than asked for", name_of(record));
  return {};
}

/// Why the page is not what was asked for; empty when it is.
std::string doubt(const WindowPosition& position, const WindowSeen& seen) {
  std::string_view before;
  std::int64_t last_id = position.tie.last_id;
  for (const Dated& record : seen.records) {
    if (record.stamp.empty()) {
      if (record.id > 0) return fmt::format("record {} has no date_updated, and passes the filter", record.id);
      continue;  // broken: quarantined, and met again by the next page
    }
    if (std::string why = misfit(position, record); !why.empty()) return why;
    if (position.tie.page > 0) {
      if (record.id > 0 && record.id <= last_id)
        return fmt::format("records of {} are not listed by id: {} after {}", position.edge, record.id, last_id);
      last_id = std::max(last_id, record.id);
    } else if (!before.empty() && (position.newest_first ? record.stamp > before : record.stamp < before)) {
      return fmt::format("the order is ignored: {} comes after {}", name_of(record), before);
    }
    before = record.stamp;
  }
  return {};
}

WindowStep refuse(std::string why) {
  return {{}, std::move(why)};
}

/// Past the second of a tie.
WindowStep beyond_tie(WindowPosition position) {
  const auto second = std::chrono::seconds(position.newest_first ? -1 : 1);
  position.edge = moved(position.edge, second);
  position.tie = {};
  const bool over = position.newest_first ? position.edge < position.from
                                          : !position.until.empty() && position.edge >= position.until;
  return over ? WindowStep{} : WindowStep{std::move(position), {}};
}

WindowStep after_tie_page(WindowPosition position, const WindowSeen& seen) {
  WindowPosition::Tie& tie = position.tie;
  if (!seen.total) return refuse("the vendor sent no total_count");
  if (tie.page == 1) tie.total = *seen.total;
  if (*seen.total != tie.total) {
    return refuse(
        fmt::format("records of {} changed while they were read: {} became {}", position.edge, tie.total, *seen.total));
  }
  tie.read += seen.rows;
  if (tie.read >= tie.total) return beyond_tie(std::move(position));
  if (seen.rows == 0) {
    return refuse(fmt::format("of {} records of {} only {} are listed", tie.total, position.edge, tie.read));
  }
  ++tie.page;
  for (const Dated& record : seen.records)
    tie.last_id = std::max(tie.last_id, record.id);
  return {std::move(position), {}};
}

bool holds_the_rest(const WindowSeen& seen) {
  if (seen.rows == 0) return true;
  return seen.total ? seen.rows >= *seen.total : seen.rows < seen.asked && seen.rows < seen.uncapped;
}

/// The last stamp on the page; empty when there is none.
std::string_view last_stamp(std::span<const Dated> records) {
  for (std::size_t i = records.size(); i > 0; --i)
    if (!records[i - 1].stamp.empty()) return records[i - 1].stamp;
  return {};
}

}  // namespace

std::string WindowPosition::text() const {
  return fmt::format("{}{}/{}/{}/{}/{}/{}/{}/{}/{}", kWindowPrefix, newest_first ? 'd' : 'a', from, until, edge,
                     tie.page, tie.size, tie.total, tie.last_id, tie.read);
}

std::optional<WindowPosition> WindowPosition::parse(std::string_view text) {
  if (!text.starts_with(kWindowPrefix)) return std::nullopt;
  const auto fields = split(text.substr(kWindowPrefix.size()));
  if (fields.size() != 9 || (fields[0] != "a" && fields[0] != "d")) return std::nullopt;
  WindowPosition position{fields[0] == "d", std::string(fields[1]), std::string(fields[2]), std::string(fields[3]), {}};
  const auto may_be_wall = [](const std::string& stamp) { return stamp.empty() || is_wall(stamp); };
  if (!is_wall(position.from) || !may_be_wall(position.until) || !may_be_wall(position.edge)) return std::nullopt;
  WindowPosition::Tie& tie = position.tie;
  const std::array numbers{&tie.page, &tie.size, &tie.total, &tie.last_id, &tie.read};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string_view digits = fields[4 + i];
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *numbers[i]);
    if (error != std::errc() || end != digits.data() + digits.size() || *numbers[i] < 0) return std::nullopt;
  }
  if (tie.page > 0 && (tie.size < 1 || position.edge.empty())) return std::nullopt;
  return position;
}

http::Query filter_updated(const Conditions& conditions) {
  http::Query query;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    query.emplace_back(fmt::format("filter[field][{}]", i), "date_updated");
    query.emplace_back(fmt::format("filter[operator][{}]", i), conditions[i].first);
    query.emplace_back(fmt::format("filter[value][{}]", i), conditions[i].second);
  }
  return query;
}

http::Query window_query(const WindowPosition& position) {
  Conditions conditions{{">=", lowest_asked(position)}};
  const bool tie = position.tie.page > 0;
  if (tie) {
    conditions = {{">=", position.edge}, {"<=", position.edge}};
  } else {
    if (position.newest_first && !position.edge.empty()) conditions.emplace_back("<=", position.edge);
    if (!position.until.empty() && (!position.newest_first || position.edge.empty()))
      conditions.emplace_back("<", position.until);
  }
  http::Query query = filter_updated(conditions);
  // Within one second the list's own order counts, which is by id.
  if (!tie) query.emplace_back("order_by", position.newest_first ? "-date_updated" : "date_updated");
  return query;
}

WindowStep after_window_page(const WindowPosition& position, const WindowSeen& seen, const Zone& zone) {
  if (std::string why = doubt(position, seen); !why.empty()) return refuse(std::move(why));
  if (position.tie.page > 0) return after_tie_page(position, seen);
  if (holds_the_rest(seen)) return {};
  const std::string_view last = last_stamp(seen.records);
  if (last.empty()) return refuse("no record of the page shows when it changed");
  const std::string_view edge = position.newest_first ? std::string_view(position.edge) : lowest_asked(position);
  WindowPosition next = position;
  next.edge = last;
  if (last != edge) {
    // The clock goes through such an hour twice: an edge in it would leave out what changed the second time.
    if (is_repeated(last, zone)) return refuse(fmt::format("more changes than a page holds around {}", last));
    return {std::move(next), {}};
  }
  if (!seen.total) {
    return refuse(fmt::format("more records of {} than a page holds, and totals do not count them", last));
  }
  next.tie = {1, seen.asked, 0, 0, 0};
  return {std::move(next), {}};
}

}  // namespace surveysync::sources::alchemer
