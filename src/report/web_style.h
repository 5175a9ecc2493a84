#pragma once
// The look of the status page: one style sheet inside the page, allowed by its hash in the content security policy, so
// that the page needs nothing from anywhere. Pure; any thread.

#include <string>
#include <string_view>

namespace surveysync::report {

/// Between <style> and </style>, byte for byte.
std::string_view style_sheet();
/// "sha256-..." of it, as the content security policy wants it.
const std::string& style_hash();
/// The icons, once in each page; used by `icon`.
std::string_view icon_sprite();
/// One of ok, warn, bad, held, run, idle, mark; hidden from screen readers, since the words beside it say the same.
std::string icon(std::string_view name);
/// /icon.svg: the page's mark.
std::string_view mark_svg();

}  // namespace surveysync::report
