#include "app/key_slots.h"

#include "app/providers.h"
#include "base/error.h"
#include "http/key_verdict.h"
#include "http/oauth1.h"

namespace surveysync::app {

std::string KeySlot::display() const {
  return token ? reference.display() + " + " + token->display() : reference.display();
}

Credential KeySlot::read() const {
  Credential key = reference.read(lines);
  if (!token) return key;
  try {
    return joined(std::move(key), token->read(http::kTokenLines));
  } catch (const Error& failure) {
    throw Error(failure.kind(), failure.what(), http::authorize_again(source));
  }
}

std::vector<KeySlot> key_slots(const SourceConfig& source) {
  std::vector<KeySlot> slots;
  if (source.auth.type == "oauth1") {
    slots.push_back(
        {"secret", SecretReference::parse(source.auth.consumer), http::kConsumerLines, std::nullopt, source.name});
    if (!source.auth.token.empty()) slots.front().token = SecretReference::parse(source.auth.token);
    return slots;
  }
  const sources::SourceType* const type = find_provider(source.type);
  const std::size_t lines = type ? type->credential_lines : 1;
  slots.push_back({"secret", SecretReference::parse(source.auth.secret), lines, std::nullopt, source.name});
  if (!source.auth.next.empty())
    slots.push_back({"next", SecretReference::parse(source.auth.next), lines, std::nullopt, source.name});
  return slots;
}

}  // namespace surveysync::app
