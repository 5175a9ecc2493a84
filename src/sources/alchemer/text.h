#pragma once
// Titles as people read them: HTML becomes plain text, and one language is chosen of several. Pure, any thread, nothing
// thrown.

#include <string>
#include <string_view>

#include "base/json.h"

namespace surveysync::sources::alchemer {

/// `html` without tags, comments, scripts and styles; entities resolved once; white space (no-break space included)
/// collapsed and trimmed. A tag that separates (br, p, div, li, td, ...) counts as a blank, others vanish. A '<' that
/// begins no tag stays.
std::string plain_text(std::string_view html);

/// The plain text of a title: {language: text}, or a text or number for all languages; `language` first, then English,
/// then the first that is not empty. Empty when there is none.
std::string title_text(json::Value title, std::string_view language);

}  // namespace surveysync::sources::alchemer
