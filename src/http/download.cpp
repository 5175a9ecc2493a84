#include "http/download.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/loopback.h"
#include "http/body.h"

namespace surveysync::http {
namespace {

constexpr std::string_view kShown = "a file";

struct Address {
  Endpoint endpoint;
  std::string target;
};

Address address_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t from = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", from), url.size());
  Address address;
  address.endpoint = Endpoint::parse(url.substr(0, end));
  std::string_view target = url.substr(end);
  target = target.substr(0, target.find('#'));
  if (!target.starts_with('/')) address.target = "/";
  address.target += target;
  return address;
}

}  // namespace

std::string download_mistake(std::string_view url) {
  constexpr std::size_t kLongest = 8000;
  if (url.size() > kLongest) return "it is too long";
  const auto unfit = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
  };
  if (std::ranges::any_of(url, unfit)) return "it holds a blank or a control character";
  try {
    const Address address = address_of(url);
    if (address.endpoint.scheme == "http" && !is_loopback(address.endpoint.host)) return "it is not https";
  } catch (const Error&) {
    return "it is no address";
  }
  return {};
}

Download download(const std::string& url, const DownloadOptions& options, Clock& clock, const std::stop_token& stop) {
  if (const std::string wrong = download_mistake(url); !wrong.empty())
    throw Error(ErrorKind::rejected, fmt::format("the address of {} cannot be used: {}", kShown, wrong));
  const Address address = address_of(url);
  TransportOptions transport;
  transport.endpoint = address.endpoint;
  transport.ca_file = options.ca_file;
  transport.proxy = options.proxy;
  transport.proxy_login = options.proxy_login;
  transport.no_proxy = options.no_proxy;
  transport.connect_timeout = options.connect_timeout;
  transport.body_limit = options.limit;
  transport.idle_connections = 0;
  Request request;
  request.target = address.target;
  request.display = kShown;
  Download file;
  try {
    Response answer = PocoTransport(transport, clock).exchange(request, Deadline(clock, options.request_timeout), stop);
    if (answer.status != 200) {
      throw Error(answer.status >= 500 ? ErrorKind::unavailable : ErrorKind::rejected,
                  fmt::format("fetching {} from {}: HTTP {}", kShown, address.endpoint.host, answer.status));
    }
    file.content_type = std::string(answer.header("Content-Type"));
    file.bytes = std::move(answer.body);
  } catch (const Error& error) {
    if (!error.message().starts_with(kTooLarge)) throw;
    file.too_large = true;
  }
  return file;
}

}  // namespace surveysync::http
