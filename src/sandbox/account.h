#pragma once
// The vendor's database: surveys, the small table of their responses, and the changes that people make while it is
// being read. Contents are drawn again from the seed when asked for, so 100,000 responses take a few megabytes. All
// members are thread-safe (one mutex, never held while rendering).

#include <functional>
#include <memory>
#include <mutex>

#include "sandbox/model.h"
#include "sandbox/wire.h"

namespace surveysync::sandbox {

struct AccountSpec {
  std::uint64_t seed = 1;
  int surveys = 3;
  std::int64_t responses_min = 200, responses_max = 200;
  int questions = 0;
  std::string region_zone = "America/New_York";
  bool updated_in_utc = true;   ///< the clock of date_updated: UTC, or the region's
  Seconds anchor = 1764547200;  ///< the generated past ends here (2025-12-01 UTC)
  Seconds visibility_lag = 0;
};

/// One survey at one moment.
struct SurveyView {
  std::shared_ptr<const SurveyDef> definition;
  Statistics counts;
};

/// What POST /change and the live changes do.
struct Change {
  enum class Op : std::uint8_t {
    insert,
    complete,
    edit,
    remove,
    restore,
    disqualify,
    edit_definition,
    add_survey,
  };
  Op op = Op::insert;
  std::int64_t survey = 0;    ///< 0: any
  std::int64_t response = 0;  ///< 0: any that fits
  std::int64_t count = 1;     ///< of responses touched; of the responses of an added survey
  Status status = Status::complete;
  bool silent = false;  ///< date_updated stays
  bool test = false;
};

/// What a change touched; survey 0 when nothing fitted.
struct Changed {
  std::int64_t survey = 0;
  std::vector<std::int64_t> responses;
};

class Account {
 public:
  /// Throws Error{config} for an unknown zone.
  explicit Account(const AccountSpec& spec);

  /// All surveys, oldest first.
  std::vector<SurveyView> surveys(Seconds now) const;
  std::optional<SurveyView> survey(std::int64_t id, Seconds now) const;
  /// The rows that the API lists at `now`, ascending id; empty for an unknown survey.
  std::vector<Row> rows(std::int64_t survey, Seconds now) const;
  /// One row, deleted ones included.
  std::optional<Row> row(std::int64_t survey, std::int64_t response, Seconds now) const;
  /// Everything one respondent said. `row` comes from this account.
  Response response(std::int64_t survey, const Row& row) const;

  Changed apply(const Change& change, Seconds now);

  const Zone& region() const { return region_; }
  const Zone& updated() const { return updated_; }
  const AccountSpec& spec() const { return spec_; }

 private:
  struct Survey {
    int index;
    int version = 0;
    Seconds modified = 0;  // 0: as generated
    std::vector<Row> rows;
    mutable std::vector<std::shared_ptr<const SurveyDef>> definitions;  // by version
  };
  void generate_rows(Survey& survey, std::int64_t count) const;
  void add_survey(std::int64_t count);
  std::shared_ptr<const SurveyDef> definition(const Survey& survey, int version) const;
  SurveyView view(const Survey& survey, Seconds now) const;
  const Survey* find(std::int64_t id) const;
  Survey* pick_survey(std::int64_t id);
  Row* pick_row(Survey& survey, const Change& change, const std::function<bool(const Row&)>& fits);
  void insert_rows(Survey& survey, const Change& change, Seconds now, Changed& out);
  bool change_row(Survey& survey, const Change& change, Seconds now, Changed& out);

  AccountSpec spec_;
  Zone region_, updated_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Survey>> surveys_;
  std::uint64_t changes_ = 0;
};

}  // namespace surveysync::sandbox
