#include "sandbox/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace surveysync::sandbox {
namespace {

std::optional<std::int64_t> positive(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

void insert_behind(std::string& record, std::string_view mark, std::string_view what) {
  const std::size_t at = record.find(mark);
  if (at != std::string::npos) record.insert(at + mark.size(), what);
}

void spoil_one(std::string& record, const Fault& fault) {
  if (fault.kind == "bad-utf8") {
    insert_behind(record, R"("answer":")", "\xFF");
  } else if (fault.kind == "lone-surrogate") {
    insert_behind(record, R"("answer":")", R"(\ud83d)");
  } else if (fault.kind == "deep-nesting") {
    const auto depth = static_cast<std::size_t>(fault.number("depth", 5000));
    insert_behind(record, "{", fmt::format(R"("nested":{}{},)", std::string(depth, '['), std::string(depth, ']')));
  } else if (fault.kind == "bad-record") {
    const std::string form = fault.text("form", "noid");
    const std::size_t comma = record.find(',');
    if (form == "scalar") {
      record = "\"oops\"";
    } else if (form == "array") {
      record = "[1,2]";
    } else if (form == "badid") {
      record.replace(0, comma, R"({"id":"abc")");
    } else if (form == "number") {
      record.insert(1, R"("size":1e999,)");
    } else if (form == "syntax") {
      record.resize(record.size() / 2);
    } else {
      record.replace(0, comma + 1, "{");
    }
  }
}

}  // namespace

std::string joined(const std::vector<std::string>& records) {
  std::string out = "[";
  for (const std::string& record : records) {
    if (out.size() > 1) out.push_back(',');
    out += record;
  }
  out.push_back(']');
  return out;
}

Paging read_paging(const Query& query, int cap) {
  Paging out;
  out.page_echo = "1";
  out.size_echo = "50";
  if (const auto text = query.get("page")) {
    const auto value = positive(*text);
    out.valid = value.has_value();
    out.page = value.value_or(1);
    out.page_echo = fmt::format("\"{}\"", out.page);
  }
  if (const auto text = query.get("resultsperpage")) {
    const auto value = positive(*text);
    out.valid = out.valid && value.has_value();
    out.size = std::min<std::int64_t>(value.value_or(50), cap);
    out.size_echo = fmt::format("\"{}\"", out.size);
  }
  return out;
}

Paging capped(Paging paging, const Fault* cap) {
  const std::int64_t rows = cap == nullptr ? paging.size : std::max<std::int64_t>(1, cap->number("rows", 50));
  if (rows >= paging.size) return paging;
  paging.size = rows;
  if (cap->text("echo", "used") != "asked")
    paging.size_echo = paging.size_echo.starts_with('"') ? fmt::format("\"{}\"", rows) : std::to_string(rows);
  return paging;
}

void spoil_records(std::vector<std::string>& records, const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    if (fault.kind == "null-rows") {
      const auto count = static_cast<std::size_t>(fault.number("count", 1));
      for (std::size_t i = 0; i < count; ++i) {
        records.insert(records.begin() + static_cast<std::ptrdiff_t>(std::min(i * 3, records.size())), "null");
      }
      continue;
    }
    if (records.empty()) continue;
    const std::string mark = fmt::format(R"({{"id":"{}",)", fault.number("response", -1));
    const auto named = std::find_if(records.begin(), records.end(),
                                    [&](const std::string& record) { return record.starts_with(mark); });
    if (named != records.end()) {
      spoil_one(*named, fault);
    } else if (!fault.args.contains("response")) {
      spoil_one(records[static_cast<std::size_t>(fault.number("index", 0)) % records.size()], fault);
    }
  }
}

std::string paged_envelope(const Paging& paging, std::int64_t total, const std::vector<std::string>& records,
                           const std::vector<Fault>& faults) {
  if (const Fault* lie = find_fault(faults, "lie-total"))
    total = std::max<std::int64_t>(0, total + lie->number("by", 1));
  const std::int64_t pages = (total + paging.size - 1) / paging.size;
  std::string size_echo = paging.size_echo;
  if (const Fault* lie = find_fault(faults, "lie-page-size")) size_echo = std::to_string(lie->number("rows", 7));
  const std::string data = find_fault(faults, "null-data") != nullptr ? "null" : joined(records);
  return fmt::format(
      R"({{"result_ok":true,"total_count":"{}","page":{},"total_pages":{},"results_per_page":{},"data":{}}})", total,
      paging.page_echo, pages, size_echo, data);
}

std::string structure_envelope(const std::vector<std::string>& records) {
  return fmt::format(
      R"({{"result_ok":true,"total_count":{0},"page":1,"total_pages":1,"results_per_page":{0},"data":{1}}})",
      records.size(), joined(records));
}

std::string single_envelope(std::string_view object) {
  return fmt::format(R"({{"result_ok":true,"data":{}}})", object);
}

}  // namespace surveysync::sandbox
