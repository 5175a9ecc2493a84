#pragma once
// Just enough HTTP/1.1 for a vendor that must be able to misbehave at every byte: a request as read, a reply as meant,
// and how the reply is to go wrong on its way out. Poco's server is not used because it would repair what we want to
// break.

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "sandbox/socket.h"

namespace surveysync::sandbox {

struct HttpRequest {
  std::string method, target, path, query, body;
  std::map<std::string, std::string> headers;  ///< names in lower case
  bool accepts_gzip() const;
};

/// How a reply leaves the house.
struct Damage {
  enum class Kind {
    none,
    cut,
    cut_chunk,
    bad_chunk,
    length_negative,
    length_twice,
    length_long,
    drip,
    stall_headers,
    stall_body,
    endless,
    no_answer,
    close_after
  };
  Kind kind = Kind::none;
  std::size_t bytes = 0;  ///< where it begins
  Duration time{};        ///< of a stall, or between dripped bytes
  Connection::Ending ending = Connection::Ending::clean;
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  enum class Gzip { when_asked, members, cut, bad_crc };
  Gzip gzip = Gzip::when_asked;
  Damage damage;
  /// The client gets exactly what was meant.
  bool intact() const { return damage.kind == Damage::Kind::none && gzip == Gzip::when_asked; }
};

/// Reads one request; empty when the client has closed. `pending` holds what was read beyond it, between calls.
std::optional<HttpRequest> read_request(Connection& from, std::string& pending);

/// What writing needs beside the reply.
struct Delivery {
  Clock& clock;
  std::string date;  ///< of the Date header
  std::stop_token stop;
};
/// Sends `reply`; true when the connection may serve another request.
bool send_reply(Connection& to, const HttpRequest& request, const Reply& reply, const Delivery& delivery);

/// gzip in one member.
std::string gzip(std::string_view text);

}  // namespace surveysync::sandbox
