#include "sources/alchemer/wide_names.h"

#include <Poco/UTF8String.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace surveysync::sources::alchemer {
namespace {

// Reserved in PostgreSQL (pg_get_keywords and the system columns), SPSS, Stata or R; small letters, sorted.
constexpr auto kReserved = std::to_array<std::string_view>({"all",
                                                            "analyse",
                                                            "analyze",
                                                            "and",
                                                            "any",
                                                            "array",
                                                            "as",
                                                            "asc",
                                                            "asymmetric",
                                                            "authorization",
                                                            "binary",
                                                            "both",
                                                            "break",
                                                            "by",
                                                            "byte",
                                                            "case",
                                                            "cast",
                                                            "check",
                                                            "cmax",
                                                            "cmin",
                                                            "collate",
                                                            "collation",
                                                            "column",
                                                            "concurrently",
                                                            "constraint",
                                                            "create",
                                                            "cross",
                                                            "ctid",
                                                            "current_catalog",
                                                            "current_date",
                                                            "current_role",
                                                            "current_schema",
                                                            "current_time",
                                                            "current_timestamp",
                                                            "current_user",
                                                            "default",
                                                            "deferrable",
                                                            "desc",
                                                            "distinct",
                                                            "do",
                                                            "double",
                                                            "else",
                                                            "end",
                                                            "eq",
                                                            "except",
                                                            "false",
                                                            "fetch",
                                                            "float",
                                                            "for",
                                                            "foreign",
                                                            "freeze",
                                                            "from",
                                                            "full",
                                                            "function",
                                                            "ge",
                                                            "grant",
                                                            "group",
                                                            "gt",
                                                            "having",
                                                            "if",
                                                            "ilike",
                                                            "in",
                                                            "inf",
                                                            "initially",
                                                            "inner",
                                                            "int",
                                                            "intersect",
                                                            "into",
                                                            "is",
                                                            "isnull",
                                                            "join",
                                                            "lateral",
                                                            "le",
                                                            "leading",
                                                            "left",
                                                            "like",
                                                            "limit",
                                                            "localtime",
                                                            "localtimestamp",
                                                            "long",
                                                            "lt",
                                                            "na",
                                                            "nan",
                                                            "natural",
                                                            "ne",
                                                            "next",
                                                            "not",
                                                            "notnull",
                                                            "null",
                                                            "offset",
                                                            "on",
                                                            "only",
                                                            "or",
                                                            "order",
                                                            "outer",
                                                            "overlaps",
                                                            "placing",
                                                            "primary",
                                                            "references",
                                                            "repeat",
                                                            "returning",
                                                            "right",
                                                            "select",
                                                            "session_user",
                                                            "similar",
                                                            "some",
                                                            "strl",
                                                            "symmetric",
                                                            "table",
                                                            "tableoid",
                                                            "tablesample",
                                                            "then",
                                                            "to",
                                                            "trailing",
                                                            "true",
                                                            "union",
                                                            "unique",
                                                            "user",
                                                            "using",
                                                            "variadic",
                                                            "verbose",
                                                            "when",
                                                            "where",
                                                            "while",
                                                            "window",
                                                            "with",
                                                            "xmax",
                                                            "xmin"});
static_assert(std::ranges::is_sorted(kReserved));

/// The character at `at`: its code and length; length 0 for what is no UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || lead > 0xF4) return {};
  std::uint32_t code = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  return {code, size};
}

/// Punctuation, blanks, symbols and pictures of Unicode; what is left are letters, marks and digits.
bool is_symbol(std::uint32_t code) {
  struct Span {
    std::uint32_t first, last;
  };
  static constexpr Span kSymbols[] = {
      {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},       {0xD7, 0xD7},     {0xF7, 0xF7},
      {0x2000, 0x206F}, {0x2070, 0x209F}, {0x20A0, 0x20CF}, {0x2100, 0x2BFF},   {0x2E00, 0x2E7F}, {0x3000, 0x3004},
      {0x3008, 0x3020}, {0x3030, 0x3030}, {0xD800, 0xF8FF}, {0xFE00, 0xFE6F},   {0xFEFF, 0xFF0F}, {0xFF1A, 0xFF20},
      {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1F000, 0x10FFFF}};
  return std::ranges::any_of(kSymbols, [&](const Span& span) { return code >= span.first && code <= span.last; });
}

std::string_view without_last_underscores(std::string_view text) {
  return text.substr(0, text.find_last_not_of('_') + 1);
}

/// At most `most` bytes, whole characters.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return without_last_underscores(text.substr(0, end));
}

}  // namespace

std::string name_part(std::string_view text, std::size_t most) {
  std::string out;
  bool gap = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const std::uint32_t code = character.code;
    const bool letter = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    const bool kept = character.size > 0 && (code < 0x80 ? letter || (code >= '0' && code <= '9') : !is_symbol(code));
    if (kept) {
      const std::size_t needed = character.size + (gap && !out.empty() ? 1 : 0);
      if (out.size() + needed > most) break;
      if (gap && !out.empty()) out += '_';
      gap = false;
      if (code >= 'A' && code <= 'Z') {
        out += static_cast<char>(code | 32U);
      } else {
        out += text.substr(at, character.size);
      }
    } else {
      gap = true;
    }
    at += std::max<std::size_t>(1, character.size);
  }
  return out;
}

bool is_reserved(std::string_view name) {
  const bool stata_type =
      name.size() > 3 && name.starts_with("str") && name.find_first_not_of("0123456789", 3) == std::string_view::npos;
  return name.empty() || stata_type || (name.front() >= '0' && name.front() <= '9') ||
         std::ranges::binary_search(kReserved, name);
}

/// Programs that make no difference between capital and small letters do so in every script.
bool WideNames::claim(const std::string& name) {
  return !is_reserved(name) && taken_.insert(Poco::UTF8::toLower(name)).second;
}

std::string WideNames::marked(std::string_view stem, const std::string& mark) {
  return std::string(cut(stem, kLongestName - mark.size() - 1)) + "_" + mark;
}

std::string WideNames::take(const std::string& stem, const std::string& mark) {
  const std::string safe = stem.empty() ? "q" : stem.front() >= '0' && stem.front() <= '9' ? "q" + stem : stem;
  const std::string alone(cut(safe, kLongestName));
  if (claim(alone)) return alone;
  if (const std::string name = marked(safe, mark); claim(name)) return name;
  for (int number = 2;; ++number) {
    const std::string name = marked(safe, mark + "_" + std::to_string(number));
    if (claim(name)) return name;
  }
}

}  // namespace surveysync::sources::alchemer
