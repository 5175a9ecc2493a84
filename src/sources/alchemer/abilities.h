#pragma once
// What an account's lists can be trusted with: the names of what is tested, the tests themselves (product.md 4.3), and
// what follows for windows. Learner asks through a function, so it knows no network. One thread.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/alchemer/list.h"
#include "sources/source.h"

namespace surveysync::sources::alchemer {

/// Names of capabilities, with their values; each may also be kUnknown.
namespace capability {
inline constexpr std::string_view kField = "updated_field";    ///< present | absent
inline constexpr std::string_view kOrder = "updated_order";    ///< kept | ignored
inline constexpr std::string_view kFilter = "updated_filter";  ///< kept | ignored | refused | shifted
inline constexpr std::string_view kTotal = "updated_total";    ///< counted | ignored
inline constexpr std::string_view kPageCap = "page_cap";       ///< rows of the vendor's largest page | none
inline constexpr std::string_view kAccountZone = "account_zone";
inline constexpr std::string_view kUpdatedZone = "updated_zone";
std::vector<std::string> names();
}  // namespace capability

/// From the values of capabilities by name; what is missing or unknown counts as not able.
Abilities abilities_of(const std::map<std::string, std::string, std::less<>>& values);

/// Tests with one survey after another, until everything is known.
class Learner {
 public:
  /// Asks for responses of a survey. Throws like http::Client::get and read_list.
  using Ask = std::function<List(const model::Partition& survey, const http::Query& query, bool heavy)>;

  /// `known_zone`: of date_updated, calibrated before, or unknown.
  Learner(Ask ask, Zone known_zone) : ask_(std::move(ask)), known_zone_(known_zone) {}

  bool done() const;
  /// At most three requests, and one more for each of: a page that seems cut short, a filter that seems wrong, a zone
  /// that needs responses of another season.
  void sample(const model::Partition& survey);
  /// One for each name.
  std::vector<model::Capability> learned(UtcTime now) const;

 private:
  void found(std::string_view name, std::string_view value, std::string evidence);
  bool knows(std::string_view name) const;
  std::string_view value(std::string_view name) const;
  std::optional<List> ask_newest(const model::Partition& survey, std::int64_t& asked);
  void judge_newest(const model::Partition& survey, const List& list, std::int64_t asked);
  void judge_cap(const model::Partition& survey, const List& list, std::int64_t asked);
  void match_nothing(const model::Partition& survey);
  void match_from_the_middle(const model::Partition& survey);
  void look_at_another_season(const model::Partition& survey);
  void judge_zones(ZoneProof proof);

  Ask ask_;
  Zone known_zone_;
  std::map<std::string, model::Capability, std::less<>> found_;
  std::vector<ClockEvidence> clocks_;
  std::vector<std::string> stamps_;  // of the survey at hand, newest first, each once
  bool more_ = false;                // it has responses that were not looked at
};

}  // namespace surveysync::sources::alchemer
