#include "base/error.h"

namespace surveysync {
namespace {

// One row a kind, in the order of the enumeration: name, retry_call, retry_page, ends_run, tells_person.
constexpr ErrorPolicy kPolicies[] = {
    {"cancelled", false, false, true, false},      // stop token, shutdown
    {"unavailable", true, false, false, true},     // refused, timeout, reset, 5xx; SQLSTATE 08, 53, 57P
    {"throttled", true, false, false, false},      // 429, quota text in a body
    {"unauthorized", false, false, true, true},    // 401 and the probe agrees
    {"denied", false, false, false, true},         // 403 or 404 on a partition, probe fine
    {"rejected", false, false, false, true},       // 400, 422
    {"malformed", true, false, false, true},       // cut body, wrong shape, page loop
    {"conflict", false, true, false, false},       // 40001, 40P01, 55P03
    {"refused_row", false, true, false, true},     // 22, 23
    {"refused_schema", false, false, true, true},  // 42
    {"in_doubt", false, true, false, false},       // connection lost in commit
    {"locked", false, false, true, false},         // lease held elsewhere
    {"config", false, false, true, true},          // bad file, missing secret, wrong schema version
    {"bug", false, false, true, true},             // impossible state
};
static_assert(std::size(kPolicies) == kErrorKinds);

}  // namespace

const ErrorPolicy& policy(ErrorKind kind) {
  return kPolicies[static_cast<std::size_t>(kind)];
}

Error::Error(ErrorKind kind, std::string message, std::string hint)
    : kind_(kind), message_(std::move(message)), hint_(std::move(hint)), shown_(message_) {}

Error& Error::with_context(std::string_view what) & {
  shown_.insert(0, std::string(what) + ": ");
  return *this;
}

bool Error::asks_for_less() const noexcept {
  const bool overloaded = http_status_ == 500 || http_status_ == 503 || http_status_ == 504;
  return kind_ == ErrorKind::unavailable && (timed_out_ || overloaded);
}

std::string Error::full_text() const {
  return hint_.empty() ? shown_ : shown_ + "\n  hint: " + hint_;
}

}  // namespace surveysync
