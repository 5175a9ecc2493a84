#include "app/providers.h"

#include "sources/alchemer/alchemer.h"
#include "sources/alfaone/alfaone.h"

namespace surveysync::app {

const std::vector<const sources::SourceType*>& providers() {
  static const std::vector<const sources::SourceType*> all{
      &sources::alchemer::source_type(),
      &sources::alfaone::source_type(),
  };
  return all;
}

const sources::SourceType* find_provider(std::string_view name) {
  for (const sources::SourceType* type : providers()) {
    if (type->name == name) return type;
  }
  return nullptr;
}

}  // namespace surveysync::app
