#pragma once
// "Did you mean": the nearest of the known words, for keys, verbs and source names that nobody knows. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace surveysync::app {

/// Edits (insert, delete, replace, swap of neighbours) between two words.
std::size_t edit_distance(std::string_view one, std::string_view two);

/// The known word that `word` probably meant; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "; did you mean \"...\"?", or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// Error(config): there is no `what` called `name`.
Error unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);

}  // namespace surveysync::app
