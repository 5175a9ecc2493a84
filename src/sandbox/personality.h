#pragma once
// What one simulated vendor is: its API, its data and their truth, its keys, and its own words on the control port.
// Sandbox, Control and Script know vendors only by this. Members are thread-safe.

#include <Poco/JSON/Object.h>

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/change.h"
#include "sandbox/chunked_body.h"
#include "sandbox/faults.h"
#include "sandbox/http.h"
#include "sandbox/limits.h"
#include "sandbox/query.h"
#include "sandbox/random.h"
#include "sandbox/request_log.h"
#include "sandbox/script.h"

namespace surveysync::sandbox {

/// What POST /key did: a key that clients may use from now on, as its file holds it; nothing when the key stayed.
using NewKey = std::optional<std::string>;

class Personality {
 public:
  virtual ~Personality() = default;

  virtual Reply answer(const HttpRequest& request, const std::stop_token& stop) = 0;
  virtual Faults& faults() = 0;
  virtual const RequestLog& requests() const = 0;
  virtual Limits::Counts counts() const = 0;

  virtual std::string key_file_name() const = 0;
  /// The key as its file holds it.
  virtual std::string key_text() const = 0;
  /// Throws Error{config} for an action it does not know.
  virtual NewKey change_key(const Poco::JSON::Object& wanted) = 0;

  virtual bool has_table(std::string_view table) const = 0;
  /// Appends the rows that a correct loader holds now.
  virtual void truth(ChunkedBody& body, const std::string& table, const Query& query) const = 0;

  virtual Changeable& account() = 0;
  /// Changes as POST /change names them. Throws Error{config}.
  virtual Change read_change(const Poco::JSON::Object& from) const = 0;
  /// The same for POST /object, whose bodies have a "kind". Throws Error{config}.
  virtual Act read_act(const Poco::JSON::Object& from) = 0;
  /// The answer to POST /change.
  virtual std::string shown(const Changed& changed) const = 0;
  /// One of the changes that come by themselves while the account is being read.
  virtual Change live_change(Draw& draw, bool deletes) const = 0;
  /// A control request that only this vendor knows.
  virtual std::optional<Reply> control(const HttpRequest& request) = 0;
};

/// Up to the first 1,000, as a JSON array.
std::string ids_text(const std::vector<std::int64_t>& ids);
/// An answer of the control port.
Reply json_reply(std::string body, int status = 200);

}  // namespace surveysync::sandbox
