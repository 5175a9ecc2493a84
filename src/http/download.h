#pragma once
// Fetches one file from an address that a vendor gave us: another host, no key, nothing repeated, nothing of it trusted
// but its certificate. Such an address is a credential while it lives: it appears in no message. Any thread. Throws
// Error: cancelled, unavailable, rejected (an address or answer that will not do), malformed.

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"

namespace surveysync::http {

struct DownloadOptions {
  std::string ca_file = {};  ///< replaces the system's store when not empty
  std::string proxy = {};
  std::shared_ptr<ProxyLogin> proxy_login = nullptr;
  std::vector<std::string> no_proxy = {};
  Duration connect_timeout = std::chrono::seconds(10);
  Duration request_timeout = std::chrono::seconds(45);  ///< the whole file
  std::size_t limit = 25UL << 20;                       ///< bytes; a larger one is not read to its end
};

struct Download {
  std::string bytes;
  std::string content_type;  ///< as sent; empty where none was
  bool too_large = false;    ///< then there are no bytes
};

/// What is wrong with the address of a file; empty: nothing. https everywhere, http to this machine only.
std::string download_mistake(std::string_view url);

/// GETs `url` within the options' time.
Download download(const std::string& url, const DownloadOptions& options, Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::http
