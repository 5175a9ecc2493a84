#pragma once
// A person who was erased, as somebody's role in another record: {"grader":{"name":"Jo","email":"jo@x.org"}}. The
// record stays; what describes the person in it goes. Pure; any thread.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace surveysync::store {

/// Whether an address, as it stands in a record, is an erased person's.
using IsErasedAddress = std::function<bool(const std::string& address)>;

/// The JSON object `raw` with null in place of each object within it that has such an address in a member whose name
/// speaks of mail. What people wrote is not looked at. Empty when nothing changes, and for what is no JSON.
std::optional<std::string> without_persons(std::string_view raw, const IsErasedAddress& is_erased);

}  // namespace surveysync::store
