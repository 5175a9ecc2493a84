#include "http/proxy_login.h"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace surveysync::http {
namespace {

constexpr Duration kShownAgain = std::chrono::minutes(1);

Credential read_lines(const SecretReference& reference) {
  try {
    return reference.read(1);
  } catch (const Error&) {
    return reference.read(2);
  }
}

}  // namespace

std::string ProxyLogin::remedy() const {
  return fmt::format(
      "put the proxy's user and password into {}, in one line \"user:password\" or in two; they are read "
      "again by themselves",
      reference_.display());
}

/// Under the lock.
void ProxyLogin::load() {
  try {
    const Credential found = read_lines(reference_);
    const bool is_one = found.lines.size() == 1;
    const std::string_view first = found.lines[0].expose();
    const std::size_t colon = first.find(':');
    if (is_one == (colon == std::string_view::npos))
      throw Error(ErrorKind::config, is_one ? "the line has no colon" : "a user's name holds no colon");
    std::string whole(first);
    if (!is_one) whole.append(":").append(found.lines[1].expose());
    masker_.add(is_one ? Secret(std::string(first.substr(colon + 1))) : found.lines[1].clone());
    print_ = fingerprint(whole);
    login_ = Secret(std::move(whole));
    masker_.add(*login_);
  } catch (const Error& failure) {
    login_.reset();
    throw Error(ErrorKind::unavailable,
                fmt::format("the proxy's login {} cannot be used: {}", reference_.display(), failure.message()),
                failure.hint().empty() ? remedy() : failure.hint());
  }
}

Secret ProxyLogin::authorization() {
  const std::lock_guard lock(mutex_);
  if (!login_ || !reference_.watched_path().empty()) load();
  if (print_ == refused_print_ && clock_.now() < refused_until_)
    throw Error(ErrorKind::unavailable, "the proxy has refused this login: " + refused_why_, remedy());
  const std::string_view plain = login_->expose();
  std::string text((plain.size() + 2) / 3 * 4 + 1, '\0');  // one for the zero that OpenSSL writes behind
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(plain.data()),
                  static_cast<int>(plain.size()));
  text.pop_back();
  return Secret("Basic " + text);
}

std::string ProxyLogin::refused(const std::string& why) {
  const std::lock_guard lock(mutex_);
  refused_print_ = print_;
  refused_why_ = why;
  refused_until_ = clock_.now() + kShownAgain;
  login_.reset();
  return remedy();
}

}  // namespace surveysync::http
