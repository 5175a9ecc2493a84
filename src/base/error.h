#pragma once
// What went wrong, and what that means for whoever must act. One exception class, one table.
// Thrown at the doors (http, pg), by decoders of configuration, and by our own broken invariants; caught in four places
// only: http/client (retry a call), store/writer (retry a transaction), sync/run (outcome of a partition), the top of a
// lane. Any thread; values own their text. Never put a secret or a URL with its query into a message.

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync {

/// What can be done about a failure; docs/ARCHITECTURE.md lists who retries what.
enum class ErrorKind : std::uint8_t {
  cancelled,       ///< we were asked to stop
  unavailable,     ///< the other side cannot answer now
  throttled,       ///< we are too fast
  unauthorized,    ///< the key is refused, and the probe agrees
  denied,          ///< this one thing is not for us
  rejected,        ///< our request is wrong
  malformed,       ///< the answer is not what was promised
  conflict,        ///< try the transaction again
  refused_row,     ///< the database refuses a value
  refused_schema,  ///< the database refuses our SQL
  in_doubt,        ///< the answer to COMMIT was lost
  locked,          ///< another process works the source
  config,          ///< we cannot start
  bug,             ///< our own invariant is broken
};
inline constexpr std::size_t kErrorKinds = static_cast<std::size_t>(ErrorKind::bug) + 1;

/// What one kind asks of the program. The whole table is kPolicies in error.cpp.
struct ErrorPolicy {
  std::string_view name;  ///< stable short name: log field, counter label, ledger column
  bool retry_call;        ///< http/client may repeat the call, within its budget
  bool retry_page;        ///< store/writer or sync/run may repeat the page
  bool ends_run;          ///< the whole run ends, not just the partition
  bool tells_person;      ///< an operator must hear of it
};

/// The row of the table for `kind`. Never fails.
const ErrorPolicy& policy(ErrorKind kind);

/// An error with its kind, a lower-case message (what was attempted, on what, what the other side said), an optional
/// hint (what a person can do), and a context chain added on the way up.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::string hint = {});

  ErrorKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  int http_status() const noexcept { return http_status_; }           ///< 0 when none
  const std::string& sqlstate() const noexcept { return sqlstate_; }  ///< empty when none
  std::optional<std::chrono::seconds> retry_after() const noexcept { return retry_after_; }
  /// The other side did not answer within its time (HTTP only): the vendor needs a rest afterwards.
  bool timed_out() const noexcept { return timed_out_; }
  /// The vendor failed under the weight of the question (vendor-api.md 1.5): a smaller page may succeed.
  bool asks_for_less() const noexcept;

  Error& with_context(std::string_view what) &;  ///< prepends "what: " to the message as shown
  Error& with_http_status(int status) & {
    http_status_ = status;
    return *this;
  }
  Error& with_sqlstate(std::string state) & {
    sqlstate_ = std::move(state);
    return *this;
  }
  Error& with_retry_after(std::chrono::seconds wait) & {
    retry_after_ = wait;
    return *this;
  }
  Error& with_timed_out(bool value) & {
    timed_out_ = value;
    return *this;
  }

  /// Context and message in one line, without the hint.
  const char* what() const noexcept override { return shown_.c_str(); }
  /// what(), then "\n  hint: ..." when there is one: the text for a terminal.
  std::string full_text() const;

 private:
  ErrorKind kind_;
  int http_status_ = 0;
  bool timed_out_ = false;
  std::optional<std::chrono::seconds> retry_after_;
  std::string message_, hint_, sqlstate_, shown_;
};

}  // namespace surveysync
