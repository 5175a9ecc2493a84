#pragma once
// HTML character references: the named ones of HTML 4 that occur in titles, and all numeric ones. Pure.

#include <string>
#include <string_view>

namespace surveysync::sources::alchemer {

/// The text of the reference at the front of `html` (which begins with '&'), as UTF-8; `size` becomes its length, 0
/// when there is none. Numbers that are no character give U+FFFD; 128 to 159 are read as Windows-1252, as browsers do.
std::string resolve_entity(std::string_view html, std::size_t& size);

}  // namespace surveysync::sources::alchemer
