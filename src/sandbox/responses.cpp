// The responses of a survey: lists by order and filter, and one on its own.
#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/envelope.h"

namespace surveysync::sandbox {
namespace {

void read_order(RowsAsked& asked, std::string_view order) {
  asked.descending = order.starts_with('-');
  if (asked.descending) order.remove_prefix(1);
  if (order == "date_submitted") asked.order = RowOrder::submitted;
  if (order == "date_updated") asked.order = RowOrder::updated;
  if (asked.order == RowOrder::id) asked.descending = false;
}

// Only part of the rows have no date_updated: such a column sorts and compares as null. Where it is missing for all,
// the vendor does not know the name.
bool is_partly_undated(const Fault* undated) {
  return undated != nullptr && (undated->args.contains("before") || undated->args.contains("share"));
}

// What indexes cannot answer: all rows are looked at. Null comes before everything.
RowsFound scanned(const Account& account, std::vector<Row> rows, const RowsAsked& asked, const Fault* undated) {
  const auto key = [&](const Row& row) -> Seconds {
    if (asked.order == RowOrder::id) return row.id;
    if (asked.order == RowOrder::submitted) return account.region().wall(row.submitted);
    return has_updated(undated, row) ? account.updated().wall(row.updated) : 0;
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return asked.descending ? key(b) < key(a) : key(a) < key(b); });
  RowsFound out;
  out.total = rows.size();
  const std::size_t first = std::min(asked.first, rows.size());
  const std::size_t last = first + std::min(asked.count, rows.size() - first);
  out.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(first), rows.begin() + static_cast<std::ptrdiff_t>(last));
  return out;
}

}  // namespace

Reply Vendor::response_object(Call& call, std::int64_t survey) {
  if (call.parts.size() == 3) return response_list(call, survey);
  if (call.parts.size() == 4) return one_response(call, survey, call.id(3));
  if (call.parts.size() == 5 && call.parts[4] == "file") return file_object(call, survey, call.id(3));
  return refusal(404, "Method not implemented");
}

RowsFound Vendor::find_rows(const Call& call, std::int64_t survey, RowsAsked asked, std::vector<Filter> filters) const {
  const Fault* hidden = call.fault("hide-row");
  const Fault* undated = call.fault("no-date-updated");
  if (undated != nullptr && !is_partly_undated(undated)) {
    std::erase_if(filters, [](const Filter& filter) { return filter.field == "date_updated"; });
    if (asked.order == RowOrder::updated) asked.order = RowOrder::id;
    asked.descending = asked.descending && asked.order != RowOrder::id;
    undated = nullptr;
  }
  if (undated == nullptr) narrow(asked, filters, account_);
  if (filters.empty() && hidden == nullptr && undated == nullptr) return account_.page(survey, asked, call.now);
  RowsAsked candidates;
  candidates.submitted = asked.submitted;
  candidates.updated = asked.updated;
  std::vector<Row> rows = account_.page(survey, candidates, call.now).rows;
  std::erase_if(rows, [&](const Row& row) { return !row_passes(account_, survey, row, filters, undated); });
  const std::size_t counted = rows.size();
  if (hidden != nullptr) std::erase_if(rows, [&](const Row& row) { return row.id == hidden->number("response", 0); });
  RowsFound out = scanned(account_, std::move(rows), asked, undated);
  if (hidden != nullptr && hidden->text("counted", "yes") != "no") out.total = counted;
  return out;
}

Reply Vendor::response_list(Call& call, std::int64_t survey) {
  Paging paging = capped(read_paging(call.query, spec_.page_cap), call.fault("cap-page"));
  Filters filters = read_filters(call.query);
  if (!paging.valid || filters.broken) return refusal(400, "Invalid parameter");
  if (const Fault* refused = call.fault("refuse-filter"); refused != nullptr && names_field(filters.all, *refused))
    return refusal(static_cast<int>(refused->number("code", 400)), refused->text("message", "Invalid filter"));
  if (const Fault* ignored = call.fault("ignore-filter")) ignore_fields(filters.all, *ignored);
  if (const Fault* shifted = call.fault("shift-filter")) shift_times(filters.all, *shifted);
  if (call.fault("ignore-offset") != nullptr) drop_zones(filters.all);
  if (call.fault("same-page") != nullptr) paging.page = 1;
  RowsAsked asked;
  const Fault* unordered = call.fault("ignore-order");
  const std::string order = call.query.get("order_by").value_or("");
  if (unordered == nullptr || order.find(unordered->text("field", "")) == std::string::npos) read_order(asked, order);
  asked.first = paging.first();
  asked.count = static_cast<std::size_t>(paging.size);
  if (call.fault("shuffle-ties") != nullptr) asked.shuffle_ties = ++shuffles_;
  RowsFound found = find_rows(call, survey, asked, filters.all);
  if (call.fault("total-ignores-filter") != nullptr) found.total = account_.listed(survey, call.now);
  std::vector<std::string> records;
  for (const Row& row : found.rows)
    records.push_back(record_of(call, survey, row));
  spoil_records(records, call.faults);
  return success(paged_envelope(paging, static_cast<std::int64_t>(found.total), records, call.faults));
}

WireStyle Vendor::style_of(const Call& call) const {
  WireStyle out{&account_.region(), &account_.updated()};
  out.suffix = spec_.suffix;
  out.new_field = call.fault("new-field") != nullptr;
  out.type_drift = call.fault("type-drift") != nullptr;
  out.scalar_for_array = call.fault("scalar-for-array") != nullptr;
  out.new_status = call.fault("new-status") != nullptr;
  return out;
}

// How a deleted response answers is not known: without an option it differs by its id, so that a client meets the ways.
Reply Vendor::one_response(Call& call, std::int64_t survey, std::int64_t response) {
  const auto row = account_.row(survey, response, call.now);
  if (!row) return refusal(404, "Response not found");
  DeletedAnswer answer = spec_.deleted_answer;
  if (answer == DeletedAnswer::by_id) {
    static constexpr DeletedAnswer kWays[] = {DeletedAnswer::refused_404, DeletedAnswer::refused_200,
                                              DeletedAnswer::null, DeletedAnswer::status};
    answer = kWays[row->id % 4];
  }
  if (row->deleted && answer == DeletedAnswer::refused_404) return refusal(404, "Response not found");
  if (row->deleted && answer == DeletedAnswer::refused_200) return refusal(200, "Response not found");
  if (row->deleted && answer == DeletedAnswer::null) return success(R"({"result_ok":true,"data":null})");
  if (row->deleted && answer == DeletedAnswer::html_404) {
    Reply out = refusal(404, "");
    out.content_type = "text/html; charset=UTF-8";
    out.body = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n";
    return out;
  }
  return success(single_envelope(record_of(call, survey, *row)));
}

std::string Vendor::record_of(const Call& call, std::int64_t survey, const Row& row) const {
  const WireStyle style = style_of(call);
  const Fault* undated = call.fault("no-date-updated");
  const bool ordinary = !style.new_field && !style.type_drift && undated == nullptr;
  if (const auto ready = ordinary ? prepared_.find(survey, row) : nullptr) return *ready;
  return json_text(
      [&](JsonWriter& out) { write_response(out, account_.response(survey, row), style, has_updated(undated, row)); });
}

std::int64_t Vendor::prepare(std::int64_t survey, Seconds since) {
  WireStyle style{&account_.region(), &account_.updated()};
  style.suffix = spec_.suffix;
  RowsAsked asked;
  asked.order = RowOrder::updated;
  asked.updated.narrow(account_.updated().wall(since), WallRange::kLatest);
  const std::vector<Row> rows = account_.page(survey, asked, clock_.now()).rows;
  for (const Row& row : rows) {
    prepared_.put(survey, row, json_text([&](JsonWriter& out) {
                    write_response(out, account_.response(survey, row), style, true);
                  }));
  }
  return static_cast<std::int64_t>(rows.size());
}

}  // namespace surveysync::sandbox
