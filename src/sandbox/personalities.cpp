#include "sandbox/personalities.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sandbox/alchemer.h"
#include "sandbox/alfaone.h"

namespace surveysync::sandbox {
namespace {

template <typename Vendor>
std::unique_ptr<Personality> make(const SandboxOptions& options, VendorClock& clock) {
  return std::make_unique<Vendor>(options, clock);
}

struct Named {
  std::string_view name;
  std::unique_ptr<Personality> (*make)(const SandboxOptions&, VendorClock&);
};
constexpr Named kPersonalities[] = {{"alchemer", make<Alchemer>}, {"alfaone", make<AlfaOne>}};

}  // namespace

std::vector<std::string_view> personality_names() {
  std::vector<std::string_view> out;
  for (const Named& item : kPersonalities)
    out.push_back(item.name);
  return out;
}

std::unique_ptr<Personality> make_personality(const SandboxOptions& options, VendorClock& clock) {
  std::string all;
  for (const Named& item : kPersonalities) {
    if (options.provider.empty() || options.provider == item.name) return item.make(options, clock);
    all += fmt::format("{}{}", all.empty() ? "" : ", ", item.name);
  }
  throw Error(ErrorKind::config, fmt::format("provider '{}' is unknown", options.provider), "one of " + all);
}

}  // namespace surveysync::sandbox
