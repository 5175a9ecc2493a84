#pragma once
// One request on its way through the vendor: what was asked, and which faults met it. Private to vendor*.cpp.

#include "sandbox/vendor.h"

namespace surveysync::sandbox {

struct Vendor::Call {
  const HttpRequest& request;
  const std::stop_token& stop;
  Query query;
  std::vector<std::string> parts;  ///< path below /v5, ".json" removed
  std::vector<Fault> faults;
  Duration elapsed;
  Seconds now;

  const Fault* fault(std::string_view kind) const { return find_fault(faults, kind); }
  std::int64_t id(std::size_t part) const;  ///< 0 when the part is no number
};

inline Reply success(std::string body) {
  Reply out;
  out.body = std::move(body);
  return out;
}

/// What `write` writes, in the wire's handwriting.
template <typename Write>
std::string json_text(const Write& write) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::wire);
  write(json);
  return out;
}

/// A fault that answers instead of the vendor: status, 401, 429, html200, empty200, error200, redirect, timeout500.
std::optional<Reply> instead_of_answer(const Fault& fault);
/// A fault that spoils the bytes of a finished reply.
void spoil_reply(Reply& reply, const Fault& fault);

}  // namespace surveysync::sandbox
