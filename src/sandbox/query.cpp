#include "sandbox/query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <map>

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

constexpr std::array<std::string_view, 10> kOperators{"=",  "<>", "!=",      "<",           ">",
                                                      "<=", ">=", "is null", "is not null", "in"};

bool holds(std::string_view op, std::strong_ordering order) {
  if (op == "=") return order == std::strong_ordering::equal;
  if (op == "<>" || op == "!=") return order != std::strong_ordering::equal;
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  if (op == "<=") return order <= 0;
  return order >= 0;
}

// Text compares without case, as the vendor's database does.
bool text_holds(const Filter& filter, const std::optional<std::string>& have) {
  const std::string op = lower(filter.op);
  const bool absent = !have || have->empty();
  if (op == "is null") return absent;
  if (op == "is not null") return !absent;
  const std::string own = lower(have.value_or(""));
  if (op != "in") return holds(op, own.compare(lower(filter.value)) <=> 0);
  std::string_view list = filter.value;
  for (;;) {
    const std::size_t comma = list.find(',');
    if (lower(list.substr(0, comma)) == own) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// The wall clock of a column that a condition's value means: its digits, or the instant as that clock shows it.
std::optional<Seconds> wall_of(const Filter& filter, const Zone& clock) {
  const auto written = parse_written_time(filter.value);
  if (!written) return std::nullopt;
  return written->instant ? clock.wall(*written->instant) : written->wall;
}

bool time_holds(const Filter& filter, std::optional<Seconds> have, const Zone& clock) {
  const std::string op = lower(filter.op);
  if (op == "is null") return !have;
  if (op == "is not null") return have.has_value();
  if (!have) return false;
  const auto wall = wall_of(filter, clock);
  if (!wall) return op == "<>" || op == "!=";
  return holds(op == "in" ? "=" : op, clock.wall(*have) <=> *wall);
}

// False when the condition is not one of a range.
bool narrow_range(WallRange& range, const Filter& filter, const Zone& clock) {
  if (filter.op != "=" && filter.op != "<" && filter.op != ">" && filter.op != "<=" && filter.op != ">=") return false;
  const auto wall = wall_of(filter, clock);
  if (!wall) {
    range.narrow(1, 0);
    return true;
  }
  const bool up = filter.op.starts_with('>'), down = filter.op.starts_with('<');
  const Seconds open = filter.op.size() == 1 && filter.op != "=" ? 1 : 0;
  range.narrow(down ? 0 : *wall + open, up ? WallRange::kLatest : *wall - open);
  return true;
}

// "[question(2)]", "[question(2), option(10001)]", "[url("var")]".
std::optional<std::string> answered(const Account& account, std::int64_t survey, const Row& row,
                                    std::string_view field) {
  const Response response = account.response(survey, row);
  if (field.starts_with("[url(")) {
    for (const auto& [name, value] : response.url_variables) {
      if (field.find('"' + name + '"') != std::string_view::npos) return value;
    }
    return std::nullopt;
  }
  const auto number_after = [&](std::string_view word) {
    std::int64_t value = 0;
    const std::size_t at = field.find(word);
    if (at != std::string_view::npos)
      std::from_chars(field.data() + at + word.size(), field.data() + field.size(), value);
    return value;
  };
  const std::int64_t question = number_after("question("), option = number_after("option(");
  for (const Entry& entry : response.entries) {
    if (entry.question_id != question) continue;
    if (option == 0) return entry.shape == AnswerShape::scalar ? std::optional(entry.answer) : std::nullopt;
    for (const Choice& choice : entry.choices) {
      if (choice.sku == option) return choice.value;
    }
  }
  return std::nullopt;
}

bool row_holds(const Account& account, std::int64_t survey, const Row& row, const Filter& filter,
               const Fault* undated) {
  if (filter.field == "date_submitted") return time_holds(filter, row.submitted, account.region());
  if (filter.field == "date_updated") {
    return time_holds(filter, has_updated(undated, row) ? std::optional(row.updated) : std::nullopt, account.updated());
  }
  if (filter.field == "status") return text_holds(filter, std::string(status_name(row.status)));
  if (filter.field == "is_test_data") return text_holds(filter, row.test ? "1" : "0");
  if (filter.field == "contact_id") return text_holds(filter, account.response(survey, row).contact_id);
  if (filter.field.starts_with("[")) return text_holds(filter, answered(account, survey, row, filter.field));
  return true;
}

bool survey_holds(const Account& account, const SurveyHead& survey, const Filter& filter) {
  if (filter.field == "status") return text_holds(filter, survey.status);
  if (filter.field == "type") return text_holds(filter, survey.type);
  if (filter.field == "title") return text_holds(filter, survey.title);
  if (filter.field == "date_created") return time_holds(filter, survey.created, account.region());
  if (filter.field == "date_modified") return time_holds(filter, survey.modified, account.region());
  if (filter.field == "team") {
    return std::any_of(survey.teams.begin(), survey.teams.end(),
                       [&](std::int64_t team) { return text_holds(filter, std::to_string(team)); });
  }
  return true;
}

}  // namespace

Query::Query(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view item = text.substr(0, end);
    const std::size_t equals = std::min(item.find('='), item.size());
    if (!item.empty()) {
      items_.emplace_back(decoded(item.substr(0, equals)),
                          equals < item.size() ? decoded(item.substr(equals + 1)) : "");
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<std::string> Query::get(std::string_view name) const {
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->first == name) return item->second;
  }
  return std::nullopt;
}

Filters read_filters(const Query& query) {
  Filters out;
  std::map<std::string, Filter> by_number;
  const auto read = [&](const Query& from) {
    for (const auto& [name, value] : from.items()) {
      const auto number_of = [&](std::string_view prefix) { return name.substr(prefix.size()); };
      if (name.starts_with("filter[field]")) by_number[number_of("filter[field]")].field = value;
      if (name.starts_with("filter[operator]")) by_number[number_of("filter[operator]")].op = value;
      if (name.starts_with("filter[value]")) by_number[number_of("filter[value]")].value = value;
    }
  };
  read(query);
  if (const auto hidden = query.get("altfilter")) read(Query(*hidden));
  for (auto& [number, filter] : by_number) {
    const bool known = std::find(kOperators.begin(), kOperators.end(), lower(filter.op)) != kOperators.end();
    if (filter.field.empty() || !known) out.broken = true;
    out.all.push_back(std::move(filter));
  }
  return out;
}

bool names_field(const std::vector<Filter>& filters, const Fault& fault) {
  const std::string field = fault.text("field", "");
  return std::any_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return field.empty() || filter.field == field; });
}

void ignore_fields(std::vector<Filter>& filters, const Fault& fault) {
  const std::string field = fault.text("field", "");
  std::erase_if(filters, [&](const Filter& filter) { return field.empty() || filter.field == field; });
}

void shift_times(std::vector<Filter>& filters, const Fault& fault) {
  const Seconds by = fault.number("hours", 0) * 3600 + fault.number("minutes", 0) * 60;
  const std::string field = fault.text("field", "");
  for (Filter& filter : filters) {
    if (!filter.field.starts_with("date_") || (!field.empty() && filter.field != field)) continue;
    const auto written = parse_written_time(filter.value);
    if (!written) continue;
    filter.value = written->instant ? utc_iso(*written->instant + by) : wall_text(written->wall + by);
  }
}

void drop_zones(std::vector<Filter>& filters) {
  for (Filter& filter : filters) {
    if (!filter.field.starts_with("date_")) continue;
    if (const auto written = parse_written_time(filter.value)) filter.value = wall_text(written->wall);
  }
}

void narrow(RowsAsked& asked, std::vector<Filter>& filters, const Account& account) {
  std::erase_if(filters, [&](const Filter& filter) {
    if (filter.field == "date_submitted") return narrow_range(asked.submitted, filter, account.region());
    if (filter.field == "date_updated") return narrow_range(asked.updated, filter, account.updated());
    return false;
  });
}

bool text_passes(const Filter& filter, const std::optional<std::string>& have) {
  return text_holds(filter, have);
}

bool has_updated(const Fault* undated, const Row& row) {
  if (undated == nullptr) return true;
  if (undated->args.contains("before")) {
    const auto before = parse_written_time(undated->text("before", ""));
    return before && row.updated >= before->instant.value_or(before->wall);
  }
  if (!undated->args.contains("share")) return false;
  return row.touched || Draw({0xDA7E, static_cast<std::uint64_t>(row.id)}).below(100) >= undated->number("share", 100);
}

bool row_passes(const Account& account, std::int64_t survey, const Row& row, const std::vector<Filter>& filters,
                const Fault* undated) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return row_holds(account, survey, row, filter, undated); });
}

bool survey_passes(const Account& account, const SurveyHead& survey, const std::vector<Filter>& filters) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return survey_holds(account, survey, filter); });
}

}  // namespace surveysync::sandbox
