// Addresses as people write them, and the lookups on a response.
#include <fmt/format.h>

#include "base/error.h"
#include "http/message.h"
#include "http/transport.h"

namespace surveysync::http {

std::string_view Response::header(std::string_view name) const {
  return find_header(headers, name);
}

Endpoint Endpoint::parse(std::string_view url) {
  // What stands before an @ or behind a ? may be a secret, and is not shown.
  const std::string_view shown =
      url.find('@') == std::string_view::npos ? url.substr(0, url.find_first_of("?#")) : "...";
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorKind::config, fmt::format("the address \"{}\" cannot be used: {}", shown, why),
                 "write it as https://host[:port][/prefix]");
  };
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      throw Error(ErrorKind::config, "an address holds a blank or a control character");
    }
  }
  Endpoint endpoint;
  const std::size_t mark = url.find("://");
  if (mark == std::string_view::npos) throw refuse("it has no scheme");
  endpoint.scheme = url.substr(0, mark);
  if (endpoint.scheme != "https" && endpoint.scheme != "http") throw refuse("its scheme is not https");
  endpoint.port = endpoint.scheme == "https" ? 443 : 80;
  std::string_view rest = url.substr(mark + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) throw refuse("it has a query or a fragment");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  endpoint.prefix = rest.substr(slash);
  while (endpoint.prefix.ends_with('/'))
    endpoint.prefix.pop_back();
  if (authority.find('@') != std::string_view::npos) throw refuse("it holds a user name or a password");
  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end = bracketed ? authority.find(']') : std::min(authority.rfind(':'), authority.size());
  if (host_end == std::string_view::npos) throw refuse("its [ is not closed");
  endpoint.host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  std::string_view port = authority.substr(host_end + (bracketed ? 1 : 0));
  if (!port.empty()) {
    const auto number = port.front() == ':' ? parse_size(port.substr(1)) : std::nullopt;
    if (!number || *number == 0 || *number > 65'535) throw refuse("its port is no port");
    endpoint.port = static_cast<std::uint16_t>(*number);
  }
  if (endpoint.host.empty() || (!bracketed && endpoint.host.find(':') != std::string::npos))
    throw refuse("its host is missing");
  return endpoint;
}

std::string Endpoint::display() const {
  const bool bare = host.find(':') == std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", scheme, bare ? "" : "[", host, bare ? "" : "]", port, prefix);
}

}  // namespace surveysync::http
