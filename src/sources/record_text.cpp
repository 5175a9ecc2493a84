#include "sources/record_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace surveysync::sources {

namespace {

constexpr std::size_t kTextBlock = 512UL * 1024;

/// Copies `text` into the page's memory, kPadding readable bytes behind it. Texts share blocks: the last one is filled
/// while it has room, and never grows beyond what it reserved, so that views stay valid.
std::string_view keep(std::string_view text, model::Page& out) {
  const std::size_t need = text.size() + json::kPadding;
  if (out.texts.empty() || out.texts.back()->capacity() - out.texts.back()->size() < need) {
    out.texts.push_back(std::make_unique<std::string>());
    out.texts.back()->reserve(std::max(need, kTextBlock));
  }
  std::string& block = *out.texts.back();
  const std::size_t at = block.size();
  block.append(text).append(json::kPadding, '\0');
  return std::string_view(block).substr(at, text.size());
}

}  // namespace

Body::Body(std::string&& bytes)
    : text(std::make_unique<std::string>(std::move(bytes))), repair(json::Repair::apply(*text)) {
  text->reserve(text->size() + json::kPadding);
}

std::optional<std::string> Body::original(std::string_view slice) const {
  return repair.altered() ? repair.original(*text, slice) : std::nullopt;
}

void add_record(RecordName name, std::string_view slice, RecordText text, model::Page& out) {
  const std::string_view sent = text.altered ? std::string_view(*text.altered) : slice;  // after privacy, mended
  const json::Storable storable = json::make_storable(sent);
  const std::string_view vendor = text.original ? std::string_view(*text.original) : sent;
  model::Record record;
  record.table = name.table;
  record.key = std::move(name.key);
  record.context = std::move(name.context);
  record.hash = model::hash_of(vendor);
  if (storable.nul) record.flags.emplace_back("nul");
  const bool bad_bytes = text.original && !json::is_utf8(*text.original);
  if (storable.surrogate || bad_bytes) record.flags.emplace_back("utf8");
  if (text.original && !bad_bytes && !storable.nul) record.flags.emplace_back("control");
  if (text.original || storable.altered) record.original = keep(vendor, out);
  if (storable.altered) {
    record.payload = keep(*storable.altered, out);
  } else {
    record.payload = text.altered ? keep(sent, out) : slice;
  }
  out.records.push_back(std::move(record));
}

std::string raw_key(std::string_view raw, const model::Page& out) {
  std::string key = "raw:";
  for (const std::uint8_t byte : model::hash_of(raw))
    key += fmt::format("{:02x}", byte);
  // Two that are the same to the byte are still two: the vendor counts both.
  const auto twins = std::ranges::count_if(
      out.quarantined, [&](const model::Quarantined& item) { return item.record_key.starts_with(key); });
  return twins > 0 ? fmt::format("{}#{}", key, twins + 1) : key;
}

void quarantine(std::string raw, std::string reason, model::Page& out) {
  std::string key = raw_key(raw, out);
  out.quarantined.push_back({std::move(key), std::move(reason), std::move(raw)});
}

}  // namespace surveysync::sources
