#pragma once
// Flags by which rows of a stream that is read by name (Reading::named) say that what they name was not had. The source
// sets them, the ledger counts them and asks again.

#include <string_view>

namespace surveysync::model {

/// What the row names was not fetched. Without kLeftOutFlag it is asked for again, ever more rarely.
inline constexpr std::string_view kUnfetchedFlag = "file";
/// It was left out on purpose (above a limit): asked for again only when somebody asks for everything (`resync`).
inline constexpr std::string_view kLeftOutFlag = "file_limit";

}  // namespace surveysync::model
