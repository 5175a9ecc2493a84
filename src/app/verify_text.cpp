#include "app/verify_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kTitleColumns = 32;
constexpr std::size_t kErrorColumns = 80;

std::string word(const sync::PartitionVerdict& verdict) {
  if (!verdict.error.empty()) return "not compared";
  return verdict.equal() ? "equal" : "DIFFERENT";
}

std::string keys_line(std::string_view what, std::int64_t count, const std::vector<std::string>& keys) {
  if (count == 0) return {};
  std::string text = fmt::format("  {} ({}): {}", what, grouped(count), fmt::join(keys, ", "));
  const auto listed = static_cast<std::int64_t>(keys.size());
  if (count > listed) text += fmt::format(" and {} more", grouped(count - listed));
  return text + "\n";
}

std::string list_line(std::string_view what, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("  {}: {}\n", what, fmt::join(names, ", "));
}

bool is_list(const sync::PartitionVerdict& verdict) {
  return verdict.partition.empty();
}

/// "3 of 4 surveys", "3 of 4 lists".
std::string compared_text(const sync::VerifyReport& report, std::int64_t equal) {
  const bool lists = !report.partitions.empty() && std::ranges::all_of(report.partitions, is_list);
  return fmt::format("{} of {} {}", grouped(equal), grouped(static_cast<std::int64_t>(report.partitions.size())),
                     lists ? "lists" : "surveys");
}

std::string table_text(const sync::VerifyReport& report, bool deep) {
  std::vector<TextTable::Heading> headings = {{"STREAM"},
                                              {"SURVEY"},
                                              {"TITLE"},
                                              {"VENDOR", Align::right},
                                              {"STORED", Align::right},
                                              {"QUARANTINED", Align::right},
                                              {"EXCLUDED", Align::right}};
  if (deep) {
    for (const char* const heading : {"MISSING", "EXTRA", "OTHER CONTENT"})
      headings.push_back({heading, Align::right});
  }
  headings.push_back({"VERDICT"});
  TextTable table(std::move(headings));
  for (const sync::PartitionVerdict& verdict : report.partitions) {
    if (verdict.error.empty() && verdict.equal()) continue;
    std::vector<std::string> row = {verdict.stream,
                                    is_list(verdict) ? "all" : verdict.partition,
                                    shortened(report::printable(verdict.title), kTitleColumns),
                                    grouped(verdict.vendor_total),
                                    grouped(verdict.holdings.stored_live),
                                    grouped(verdict.holdings.quarantined),
                                    grouped(verdict.holdings.excluded)};
    if (deep) {
      for (const std::int64_t count : {verdict.missing, verdict.extra, verdict.different})
        row.push_back(grouped(count));
    }
    row.push_back(word(verdict));
    table.add(std::move(row));
  }
  return table.empty() ? "" : table.text(2);
}

void write_keys(JsonWriter& writer, std::string_view name, const std::vector<std::string>& keys) {
  writer.key(name).begin_array();
  for (const std::string& key : keys)
    writer.value(key);
  writer.end_array();
}

void write_verdict(JsonWriter& writer, const sync::PartitionVerdict& verdict, bool deep) {
  writer.begin_object()
      .field("stream", verdict.stream)
      .field("survey_id", verdict.partition)
      .field("title", verdict.title)
      .field("equal", verdict.error.empty() && verdict.equal())
      .text_or_null("error", verdict.error)
      .field("vendor_total", verdict.vendor_total)
      .field("stored_live", verdict.holdings.stored_live)
      .field("quarantined", verdict.holdings.quarantined)
      .field("excluded", verdict.holdings.excluded);
  if (deep) {
    writer.field("missing", verdict.missing).field("extra", verdict.extra).field("different", verdict.different);
    write_keys(writer, "missing_keys", verdict.missing_keys);
    write_keys(writer, "extra_keys", verdict.extra_keys);
    write_keys(writer, "different_keys", verdict.different_keys);
  }
  writer.end_object();
}

}  // namespace

std::string verify_text(const sync::VerifyReport& report, bool deep) {
  const auto failed = std::ranges::count_if(report.partitions, [](const auto& p) { return !p.error.empty(); });
  const auto equal =
      std::ranges::count_if(report.partitions, [](const auto& p) { return p.error.empty() && p.equal(); });
  std::string text =
      fmt::format("{}: {}: {} equal by {}{}, {} requests\n", report.source,
                  differs(report)               ? "DIFFERENT"
                  : report.error || failed != 0 ? "could not be compared"
                                                : "equal",
                  compared_text(report, equal), deep ? "ids and content" : "count",
                  failed == 0 ? "" : fmt::format(", {} not compared", grouped(failed)), grouped(report.requests));
  text += table_text(report, deep);
  for (const sync::PartitionVerdict& verdict : report.partitions) {
    text += keys_line("missing here", verdict.missing, verdict.missing_keys);
    text += keys_line("not at the vendor", verdict.extra, verdict.extra_keys);
    text += keys_line("other content here", verdict.different, verdict.different_keys);
    if (!verdict.error.empty()) {
      text += fmt::format("  {}: {}\n", is_list(verdict) ? verdict.stream : verdict.partition,
                          shortened(report::printable(verdict.error), kErrorColumns));
    }
  }
  text += list_line("surveys that the vendor does not list", report.unknown_at_vendor);
  text += list_line("surveys that were never stored", report.unknown_here);
  return text;
}

std::string verify_json(std::span<const sync::VerifyReport> reports, bool deep) {
  JsonWriter writer;
  writer.begin_object().key("sources").begin_array();
  for (const sync::VerifyReport& report : reports) {
    writer.begin_object()
        .field("source", report.source)
        .field("equal", !differs(report) && !report.error)
        .field("deep", deep)
        .field("requests", report.requests)
        .text_or_null("error", report.error ? report.error->full_text() : std::string());
    writer.key("surveys").begin_array();
    for (const sync::PartitionVerdict& verdict : report.partitions)
      write_verdict(writer, verdict, deep);
    writer.end_array();
    write_keys(writer, "unknown_at_vendor", report.unknown_at_vendor);
    write_keys(writer, "unknown_here", report.unknown_here);
    writer.end_object();
  }
  return writer.end_array().end_object().done();
}

}  // namespace surveysync::app
