#include "sandbox/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/error.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr std::array<std::string_view, 52> kKinds{"status",
                                                  "401",
                                                  "429",
                                                  "cut",
                                                  "cut-chunk",
                                                  "bad-chunk",
                                                  "bad-length",
                                                  "gzip-members",
                                                  "gzip-cut",
                                                  "gzip-crc",
                                                  "drip",
                                                  "stall",
                                                  "slow",
                                                  "html200",
                                                  "empty200",
                                                  "bom",
                                                  "error200",
                                                  "bad-utf8",
                                                  "lone-surrogate",
                                                  "null-rows",
                                                  "null-data",
                                                  "bad-record",
                                                  "same-page",
                                                  "lie-total",
                                                  "lie-page-size",
                                                  "deep-nesting",
                                                  "huge",
                                                  "ignore-filter",
                                                  "ignore-order",
                                                  "hide-row",
                                                  "redirect",
                                                  "new-field",
                                                  "type-drift",
                                                  "scalar-for-array",
                                                  "new-status",
                                                  "timeout500",
                                                  "wrong-content-type",
                                                  "no-date-updated",
                                                  "no-answer",
                                                  "reset",
                                                  "close-idle",
                                                  "flat",
                                                  "cap-page",
                                                  "total-ignores-filter",
                                                  "shift-filter",
                                                  "refuse-filter",
                                                  "forbidden",
                                                  "shuffle-ties",
                                                  "ignore-offset",
                                                  "denied",
                                                  "bare-keys",
                                                  "download-url"};

constexpr std::array<std::string_view, 39> kKeys{
    "n",     "from",    "to",          "every",    "path",   "survey", "code",    "body",     "wording", "inside",
    "text",  "as",      "retry-after", "bytes",    "mode",   "ms",     "at",      "response", "index",   "count",
    "by",    "rows",    "depth",       "location", "rest",   "form",   "type",    "kind",     "times",   "message",
    "hours", "minutes", "echo",        "field",    "before", "share",  "surveys", "lists",    "counted"};

template <typename Names>
bool known(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Fault parse(std::string_view rule) {
  const std::size_t colon = std::min(rule.find(':'), rule.size());
  Fault out{std::string(rule.substr(0, colon)), {}};
  if (!known(kKinds, out.kind)) {
    throw Error(ErrorKind::config, fmt::format("unknown fault kind '{}'", out.kind),
                "src/sandbox/README.md lists the kinds");
  }
  std::string_view rest = colon < rule.size() ? rule.substr(colon + 1) : std::string_view();
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, comma);
    const std::size_t equals = item.find('=');
    const std::string key(item.substr(0, equals));
    if (equals == std::string_view::npos || !known(kKeys, key)) {
      throw Error(ErrorKind::config, fmt::format("fault {}: cannot read '{}'", out.kind, item),
                  "write key=value, separated by commas");
    }
    out.args[key] = item.substr(equals + 1);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

// survey=ID, surveys=ID+ID, or surveys=30%: of each account the same ones.
bool names_survey(const Fault& fault, std::int64_t survey) {
  if (fault.args.contains("survey") && fault.number("survey", 0) != survey) return false;
  const std::string list = fault.text("surveys", "");
  if (list.empty()) return true;
  if (list.back() == '%')
    return Draw({0xFA17, static_cast<std::uint64_t>(survey)}).below(100) < fault.number("surveys", 0);
  return ("+" + list + "+").find(fmt::format("+{}+", survey)) != std::string::npos;
}

bool numbered(const Fault& fault, std::int64_t nth) {
  constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
  if (fault.args.contains("n")) return nth == fault.number("n", 1);
  const std::int64_t from = fault.number("from", 1);
  const std::int64_t last =
      fault.args.contains("times") ? from + fault.number("times", 1) - 1 : fault.number("to", kEver);
  if (nth < from || nth > last) return false;
  return (nth - from + 1) % std::max<std::int64_t>(1, fault.number("every", 1)) == 0;
}

}  // namespace

std::string Fault::text(const std::string& key, std::string_view otherwise) const {
  const auto found = args.find(key);
  return found == args.end() ? std::string(otherwise) : found->second;
}

std::int64_t Fault::number(const std::string& key, std::int64_t otherwise) const {
  const auto found = args.find(key);
  if (found == args.end()) return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return error == std::errc() ? value : otherwise;
}

Duration Fault::time(const std::string& key, Duration otherwise) const {
  const auto found = args.find(key);
  if (found == args.end()) return otherwise;
  if (const auto parsed = parse_duration(found->second)) return *parsed;
  return std::chrono::milliseconds(number(key, 0));
}

void Faults::add(std::string_view rule) {
  Fault fault = parse(rule);
  const std::lock_guard lock(mutex_);
  rules_.push_back({std::move(fault), 0});
}

void Faults::clear() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
}

void Faults::remove(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  std::erase_if(rules_, [kind](const Rule& rule) { return rule.fault.kind == kind; });
}

std::optional<Fault> Faults::standing(std::string_view kind, std::string_view path, std::int64_t survey) const {
  const std::lock_guard lock(mutex_);
  for (const Rule& rule : rules_) {
    const Fault& fault = rule.fault;
    const bool counted = std::any_of(fault.args.begin(), fault.args.end(), [](const auto& item) {
      return item.first == "n" || item.first == "from" || item.first == "to" || item.first == "every" ||
             item.first == "times";
    });
    const bool here = path.find(fault.text("path", "")) != std::string_view::npos && names_survey(fault, survey);
    if (fault.kind == kind && !counted && here) return fault;
  }
  return std::nullopt;
}

std::vector<Fault> Faults::meet(std::string_view path, std::int64_t survey) {
  const std::lock_guard lock(mutex_);
  std::vector<Fault> out;
  for (Rule& rule : rules_) {
    if (path.find(rule.fault.text("path", "")) == std::string_view::npos) continue;
    if (!names_survey(rule.fault, survey)) continue;
    if (numbered(rule.fault, ++rule.seen)) out.push_back(rule.fault);
  }
  return out;
}

const Fault* find_fault(const std::vector<Fault>& faults, std::string_view kind) {
  const auto at = std::find_if(faults.begin(), faults.end(), [kind](const Fault& fault) { return fault.kind == kind; });
  return at == faults.end() ? nullptr : &*at;
}

}  // namespace surveysync::sandbox
