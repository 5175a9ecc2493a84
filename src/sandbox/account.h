#pragma once
// The vendor's database: surveys, the tables of their responses, and the changes that people make while it is being
// read. Contents are drawn again from the seed when asked for, so a million responses take some fifty megabytes. A
// change is listed after its visibility lag; whatever reads the account brings it up to the time it names. All members
// are thread-safe (one mutex, never held while rendering).

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "sandbox/catalogue.h"
#include "sandbox/change.h"
#include "sandbox/table.h"

namespace surveysync::sandbox {

/// What the counts of a survey tell.
enum class StatisticsShown : std::uint8_t { full, without_deleted, none };

struct AccountSpec {
  std::uint64_t seed = 1;
  int surveys = 3;
  std::optional<int> active;  ///< so many had responses in the last month; empty: all
  std::int64_t responses_min = 200, responses_max = 200;
  int questions = 0;
  std::string region_zone = "America/New_York";
  std::string updated_zone = "UTC";  ///< the clock of date_updated
  Seconds anchor = 1764547200;       ///< the generated past ends here (2025-12-01 UTC)
  Seconds visibility_lag = 0, statistics_lag = 0;
  StatisticsShown statistics = StatisticsShown::full;
};

/// One survey at one moment, as lists show it.
struct SurveyItem {
  SurveyHead head;
  Statistics counts;
  SurveyFate fate = SurveyFate::alive;
};

/// The same with its definition.
struct SurveyView {
  std::shared_ptr<const SurveyDef> definition;
  Statistics counts;
  SurveyFate fate = SurveyFate::alive;
};

class Account final : public Changeable {
 public:
  /// Throws Error{config} for an unknown zone.
  explicit Account(const AccountSpec& spec);

  /// All surveys that a list shows, oldest first.
  std::vector<SurveyItem> surveys(Seconds now) const;
  /// Deleted ones included.
  std::optional<SurveyView> survey(std::int64_t id, Seconds now) const;
  /// A page of the rows that the API lists at `now`; nothing for an unknown or deleted survey.
  RowsFound page(std::int64_t survey, const RowsAsked& asked, Seconds now) const;
  /// All of them, ascending id.
  std::vector<Row> rows(std::int64_t survey, Seconds now) const { return page(survey, {}, now).rows; }
  std::size_t listed(std::int64_t survey, Seconds now) const;
  /// One row, deleted ones included.
  std::optional<Row> row(std::int64_t survey, std::int64_t response, Seconds now) const;
  /// Everything one respondent said. `row` comes from this account.
  Response response(std::int64_t survey, const Row& row) const;

  Changed apply(const Change& change, Seconds now) override;

  const Zone& region() const { return region_; }
  const Zone& updated() const { return updated_; }
  const AccountSpec& spec() const { return spec_; }

 private:
  struct Survey {
    Survey(int number, const Zone& submitted, const Zone& updated) : index(number), table(submitted, updated) {}
    int index;
    int version = 0;
    Seconds modified = 0;  // 0: as generated
    SurveyFate fate = SurveyFate::alive;
    ResponseTable table;
    std::int64_t last_id = 0;                                // given out, listed or not
    std::deque<std::pair<Seconds, Statistics>> past_counts;  // since when; kept only when statistics lag
  };
  // A changed row that lists do not show yet.
  struct Hidden {
    Survey* survey;
    Row row;
    std::uint64_t number;
  };
  // The newest state of a row that has hidden changes, and the number of the newest one that shows.
  struct Latest {
    Row row;
    std::uint64_t number = 0, shown = 0;
  };
  struct Definition {
    int index, version;
    SurveyFate fate;
    std::shared_ptr<const SurveyDef> made;
  };
  using RowName = std::pair<int, std::int64_t>;  // survey's index, response
  using Fits = std::function<bool(const Row&)>;

  void generate_rows(Survey& survey, std::int64_t count) const;
  void add_survey(std::int64_t count);
  bool dormant(int index) const;
  SurveySpec spec_of(const Survey& survey, int version) const;
  std::shared_ptr<const SurveyDef> definition(const Survey& survey, int version) const;
  Statistics shown_counts(const Survey& survey, Seconds now) const;
  Survey* find(std::int64_t id) const;
  std::int64_t id_of(const Survey& survey) const;

  void publish(Seconds now) const;
  void show(Survey& survey, const Row& row, Seconds at) const;
  void store(Survey& survey, const Row& row, const Change& change, Seconds now);
  std::optional<Row> latest(const Survey& survey, std::int64_t response) const;

  Survey* pick_survey(const Change& change);
  std::optional<Row> pick_row(Survey& survey, const Change& change, const Fits& fits);
  void insert_rows(Survey& survey, const Change& change, Seconds now, Changed& out);
  void insert_late(Survey& survey, const Change& change, Seconds now, Changed& out);
  std::int64_t unused_id(const Survey& survey, Seconds started) const;
  bool change_row(Survey& survey, const Change& change, Seconds now, std::set<std::int64_t>& done);
  bool change_survey(Survey& survey, const Change& change, Seconds now);

  AccountSpec spec_;
  Zone region_, updated_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Survey>> surveys_;
  mutable std::multimap<Seconds, Hidden> hidden_;  // by the time it shows
  mutable std::map<RowName, Latest> latest_;       // of rows with hidden changes
  mutable std::deque<Definition> definitions_;     // the ones last used
  std::uint64_t changes_ = 0;
};

}  // namespace surveysync::sandbox
