// Positions of a pass as text from the ledger: read or refused, written the same again, and a pass over a list that
// grows, shrinks and repeats ids as it is read always comes to an end with pages inside the list.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>

#include "fuzz/support/check.h"
#include "sources/alchemer/pages.h"

namespace surveysync::fuzz {
namespace {

using namespace sources::alchemer;

void check_text(std::string_view text) {
  const auto position = PagePosition::parse(text);
  if (!position) return;
  SURVEYSYNC_PROMISE(position->remaining >= 0 && position->floor >= 0);
  const auto again = PagePosition::parse(position->text());
  SURVEYSYNC_PROMISE(again && again->text() == position->text(), position->text());
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  check_text(view_of(data, size));
  return 0;
}
