#include "sandbox/account.h"

#include <algorithm>

#include "sandbox/catalogue.h"
#include "sandbox/random.h"
#include "sandbox/respondent.h"

namespace surveysync::sandbox {
namespace {

constexpr Seconds kDay = 86400;
constexpr Seconds kPast = 400 * kDay;
constexpr std::size_t kDefinitions = 64;  // kept ready

Seconds submit_delay(Draw& draw) {
  const std::int64_t luck = draw.below(1000);
  if (luck < 800) return 60 + draw.below(1740);
  if (luck < 950) return 3600 + draw.below(19 * 3600);
  return kDay + draw.below(kDay + kDay * 3 / 4);
}

Seconds update_delay(Draw& draw) {
  const std::int64_t luck = draw.below(1000);
  if (luck < 700) return draw.below(7);
  if (luck < 900) return draw.below(kDay);
  return draw.below(30 * kDay);
}

// A response whose start lies shortly before a change of the clock is submitted around it: the spring gap, the repeated
// hour.
void move_to_transition(Row& row, const std::vector<Seconds>& transitions, Draw& draw) {
  for (const Seconds at : transitions) {
    if (row.started >= at || row.started < at - 2 * kDay) continue;
    row.submitted = at - 3600 + draw.below(2 * 3600);
    if (draw.chance(500)) row.started = row.submitted - 1 - draw.below(300);
    return;
  }
}

}  // namespace

Account::Account(const AccountSpec& spec) : spec_(spec), region_(spec.region_zone), updated_(spec.updated_zone) {
  Draw draw({spec.seed, 0xACC});
  for (int i = 0; i < spec.surveys; ++i) {
    add_survey(spec.responses_min + draw.below(std::max<std::int64_t>(1, spec.responses_max - spec.responses_min + 1)));
  }
}

void Account::add_survey(std::int64_t count) {
  auto survey = std::make_unique<Survey>(static_cast<int>(surveys_.size()), region_, updated_);
  generate_rows(*survey, count);
  if (spec_.statistics_lag > 0) survey->past_counts.emplace_back(0, survey->table.counts());
  surveys_.push_back(std::move(survey));
}

// The active ones are spread evenly; surveys added later are active.
bool Account::dormant(int index) const {
  if (!spec_.active || index >= spec_.surveys) return false;
  const auto active_before = [&](std::int64_t number) { return number * *spec_.active / spec_.surveys; };
  return active_before(index) == active_before(index + 1);
}

void Account::generate_rows(Survey& survey, std::int64_t count) const {
  Draw draw({spec_.seed, 0x405, static_cast<std::uint64_t>(survey.index)});
  const Seconds from = spec_.anchor - kPast;
  const Seconds end = dormant(survey.index) ? spec_.anchor - (31 + draw.below(300)) * kDay : spec_.anchor;
  const Seconds until = end - kDay;
  const std::vector<Seconds> transitions = region_.transitions(from, until);
  survey.table.reserve(static_cast<std::size_t>(count));
  const double step = static_cast<double>(until - from) / static_cast<double>(std::max<std::int64_t>(1, count));
  for (std::int64_t i = 0; i < count; ++i) {
    survey.last_id += 1 + (draw.chance(60) ? 1 + draw.below(3) : 0);
    Row row;
    row.id = survey.last_id;
    row.started =
        from + static_cast<Seconds>(step * static_cast<double>(i)) + draw.below(static_cast<Seconds>(step) + 1);
    row.submitted = row.started + submit_delay(draw);
    move_to_transition(row, transitions, draw);
    row.submitted = std::min(row.submitted, end - 1);
    const std::int64_t luck = draw.below(1000);
    row.status = luck < 820 ? Status::complete : luck < 950 ? Status::partial : Status::disqualified;
    row.test = draw.chance(40);
    row.without_answers = spec_.questions == 0 && row.status == Status::complete && draw.chance(30);
    if (row.without_answers) row.submitted = row.started;
    row.updated = std::min(row.submitted + update_delay(draw), end - 1);
    // A zoneless wall time that comes twice has no one meaning: such an update happened two hours later.
    if (updated_.repeated(row.updated)) row.updated += 2 * 3600;
    survey.table.load(row);
  }
  survey.table.finish_loading();
}

SurveySpec Account::spec_of(const Survey& survey, int version) const {
  return {spec_.seed, survey.index, spec_.questions, version, spec_.anchor};
}

std::int64_t Account::id_of(const Survey& survey) const {
  return survey_id(spec_.seed, survey.index);
}

std::shared_ptr<const SurveyDef> Account::definition(const Survey& survey, int version) const {
  const SurveyFate fate = version == survey.version ? survey.fate : SurveyFate::alive;
  const auto found = std::find_if(definitions_.begin(), definitions_.end(), [&](const Definition& item) {
    return item.index == survey.index && item.version == version && item.fate == fate;
  });
  if (found != definitions_.end()) return found->made;
  SurveyDef made = make_survey(spec_of(survey, version));
  if (version == survey.version && survey.modified > 0) made.modified = survey.modified;
  if (fate != SurveyFate::alive) made.status = "Deleted";
  definitions_.push_front({survey.index, version, fate, std::make_shared<const SurveyDef>(std::move(made))});
  if (definitions_.size() > kDefinitions) definitions_.pop_back();
  return definitions_.front().made;
}

Statistics Account::shown_counts(const Survey& survey, Seconds now) const {
  Statistics out = survey.table.counts();
  for (auto item = survey.past_counts.rbegin(); item != survey.past_counts.rend(); ++item) {
    out = item->second;
    if (item->first <= now - spec_.statistics_lag) break;
  }
  if (spec_.statistics == StatisticsShown::without_deleted) out.deleted = 0;
  if (spec_.statistics == StatisticsShown::none) out = {};
  out.with_blank_key = !out.empty() && survey.index % 3 == 1;
  return out;
}

std::vector<SurveyItem> Account::surveys(Seconds now) const {
  const std::lock_guard lock(mutex_);
  publish(now);
  std::vector<SurveyItem> out;
  for (const auto& survey : surveys_) {
    if (survey->fate != SurveyFate::alive && survey->fate != SurveyFate::listed) continue;
    SurveyItem item{make_survey_head(spec_of(*survey, survey->version)), shown_counts(*survey, now), survey->fate};
    if (survey->modified > 0) item.head.modified = survey->modified;
    if (survey->fate != SurveyFate::alive) item.head.status = "Deleted";
    out.push_back(std::move(item));
  }
  return out;
}

Account::Survey* Account::find(std::int64_t id) const {
  const std::int64_t first = survey_id(spec_.seed, 0), step = survey_id(spec_.seed, 1) - first;
  const std::int64_t index = (id - first) / step;
  if (id < first || (id - first) % step != 0 || index >= static_cast<std::int64_t>(surveys_.size())) return nullptr;
  return surveys_[static_cast<std::size_t>(index)].get();
}

std::optional<SurveyView> Account::survey(std::int64_t id, Seconds now) const {
  const std::lock_guard lock(mutex_);
  publish(now);
  const Survey* found = find(id);
  if (found == nullptr) return std::nullopt;
  return SurveyView{definition(*found, found->version), shown_counts(*found, now), found->fate};
}

RowsFound Account::page(std::int64_t survey, const RowsAsked& asked, Seconds now) const {
  const std::lock_guard lock(mutex_);
  publish(now);
  const Survey* found = find(survey);
  return found == nullptr || found->fate != SurveyFate::alive ? RowsFound() : found->table.page(asked);
}

std::size_t Account::listed(std::int64_t survey, Seconds now) const {
  RowsAsked none;
  none.count = 0;
  return page(survey, none, now).total;
}

std::optional<Row> Account::row(std::int64_t survey, std::int64_t response, Seconds now) const {
  const std::lock_guard lock(mutex_);
  publish(now);
  const Survey* found = find(survey);
  return found == nullptr ? std::nullopt : found->table.find(response);
}

Response Account::response(std::int64_t survey, const Row& row) const {
  std::shared_ptr<const SurveyDef> seen;
  {
    const std::lock_guard lock(mutex_);
    seen = definition(*find(survey), row.definition);
  }
  return make_response(spec_.seed, *seen, row, spec_.anchor);
}

}  // namespace surveysync::sandbox
