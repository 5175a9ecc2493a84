#include "app/suggest.h"

#include <fmt/format.h>

#include <algorithm>

namespace surveysync::app {

std::size_t edit_distance(std::string_view one, std::string_view two) {
  std::vector<std::vector<std::size_t>> cost(one.size() + 1, std::vector<std::size_t>(two.size() + 1));
  for (std::size_t i = 0; i <= one.size(); ++i)
    cost[i][0] = i;
  for (std::size_t k = 0; k <= two.size(); ++k)
    cost[0][k] = k;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    for (std::size_t k = 1; k <= two.size(); ++k) {
      const std::size_t replaced = cost[i - 1][k - 1] + (one[i - 1] == two[k - 1] ? 0 : 1);
      cost[i][k] = std::min({cost[i - 1][k] + 1, cost[i][k - 1] + 1, replaced});
      const bool swapped = i > 1 && k > 1 && one[i - 1] == two[k - 2] && one[i - 2] == two[k - 1];
      if (swapped) cost[i][k] = std::min(cost[i][k], cost[i - 2][k - 2] + 1);
    }
  }
  return cost[one.size()][two.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  // A third of the letters may be wrong; of very short words one.
  std::size_t bound = std::max<std::size_t>(1, std::min<std::size_t>(4, word.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < bound) {
      bound = distance;
      best = candidate;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  // A word that was not written to its end.
  const auto whole = std::find_if(known.begin(), known.end(),
                                  [&](const std::string& candidate) { return candidate.starts_with(word); });
  return whole == known.end() ? std::string() : *whole;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string best = nearest(word, known);
  return best.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", best);
}

Error unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  return {ErrorKind::config, fmt::format("there is no {} \"{}\"{}", what, name, did_you_mean(name, known)),
          known.empty() ? "none is configured" : fmt::format("configured: {}", fmt::join(known, ", "))};
}

}  // namespace surveysync::app
