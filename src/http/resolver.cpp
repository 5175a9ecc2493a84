#include "http/resolver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>

namespace surveysync::http {
namespace {

/// What the looking thread and the waiting one share; whoever is last frees it.
struct Lookup {
  Lookup() : done(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (done < 0) throw Error(ErrorKind::unavailable, "no descriptor left for a name lookup");
  }
  ~Lookup() { ::close(done); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  std::mutex mutex;
  std::vector<std::string> addresses;
  std::string failure;
  const int done;
};

void look_up(const std::string& host, Lookup& lookup) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  {
    const std::lock_guard lock(lookup.mutex);
    if (failure != 0) lookup.failure = ::gai_strerror(failure);
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      char text[NI_MAXHOST];
      if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
        continue;
      if (std::find(lookup.addresses.begin(), lookup.addresses.end(), text) == lookup.addresses.end()) {
        lookup.addresses.emplace_back(text);
      }
    }
  }
  if (found != nullptr) ::freeaddrinfo(found);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(lookup.done, &one, sizeof one);
}

}  // namespace

bool is_numeric(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::vector<std::string> resolve(const std::string& host, Patience& patience) {
  if (is_numeric(host)) return {host};
  patience.now_doing("looking up " + host);
  const auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([host, lookup] { look_up(host, *lookup); }).detach();
  } catch (const std::system_error& failure) {
    throw Error(ErrorKind::unavailable, fmt::format("looking up {} failed: {}", host, failure.what()));
  }
  patience.await(lookup->done, POLLIN);
  const std::lock_guard lock(lookup->mutex);
  if (lookup->addresses.empty()) {
    throw Error(ErrorKind::unavailable, fmt::format("looking up {} failed: {}", host, lookup->failure));
  }
  return lookup->addresses;
}

}  // namespace surveysync::http
