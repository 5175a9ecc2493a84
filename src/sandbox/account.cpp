#include "sandbox/account.h"

#include <algorithm>

#include "sandbox/catalogue.h"
#include "sandbox/random.h"
#include "sandbox/respondent.h"

namespace surveysync::sandbox {
namespace {

constexpr Seconds kDay = 86400;
constexpr Seconds kPast = 400 * kDay;

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

Account::Account(const AccountSpec& spec)
    : spec_(spec), region_(spec.region_zone), updated_(spec.updated_in_utc ? std::string("UTC") : spec.region_zone) {
  Draw draw({spec.seed, 0xACC});
  for (int i = 0; i < spec.surveys; ++i) {
    add_survey(spec.responses_min + draw.below(std::max<std::int64_t>(1, spec.responses_max - spec.responses_min + 1)));
  }
}

void Account::add_survey(std::int64_t count) {
  auto survey = std::make_unique<Survey>();
  survey->index = static_cast<int>(surveys_.size());
  generate_rows(*survey, count);
  surveys_.push_back(std::move(survey));
}

void Account::generate_rows(Survey& survey, std::int64_t count) const {
  const Seconds from = spec_.anchor - kPast, until = spec_.anchor - kDay;
  const std::vector<Seconds> transitions = region_.transitions(from, until);
  Draw draw({spec_.seed, 0x405, static_cast<std::uint64_t>(survey.index)});
  survey.rows.reserve(static_cast<std::size_t>(count));
  std::int64_t id = 0;
  const double step = static_cast<double>(until - from) / static_cast<double>(std::max<std::int64_t>(1, count));
  for (std::int64_t i = 0; i < count; ++i) {
    id += 1 + (draw.chance(60) ? 1 + draw.below(3) : 0);
    Row row;
    row.id = id;
    row.started =
        from + static_cast<Seconds>(step * static_cast<double>(i)) + draw.below(static_cast<Seconds>(step) + 1);
    row.submitted = row.started + submit_delay(draw);
    move_to_transition(row, transitions, draw);
    row.submitted = std::min(row.submitted, spec_.anchor - 1);
    const std::int64_t luck = draw.below(1000);
    row.status = luck < 820 ? Status::complete : luck < 950 ? Status::partial : Status::disqualified;
    row.test = draw.chance(40);
    row.without_answers = spec_.questions == 0 && row.status == Status::complete && draw.chance(30);
    if (row.without_answers) row.submitted = row.started;
    row.updated = std::min(row.submitted + update_delay(draw), spec_.anchor - 1);
    // A zoneless wall time that comes twice has no one meaning: such an update happened two hours later.
    if (updated_.repeated(row.updated)) row.updated += 2 * 3600;
    survey.rows.push_back(row);
  }
}

std::shared_ptr<const SurveyDef> Account::definition(const Survey& survey, int version) const {
  const auto at = static_cast<std::size_t>(version);
  if (survey.definitions.size() <= at) survey.definitions.resize(at + 1);
  auto& slot = survey.definitions[at];
  if (!slot) {
    SurveyDef made = make_survey({spec_.seed, survey.index, spec_.questions, version, spec_.anchor});
    if (version == survey.version && survey.modified > 0) made.modified = survey.modified;
    slot = std::make_shared<const SurveyDef>(std::move(made));
  }
  return slot;
}

SurveyView Account::view(const Survey& survey, Seconds now) const {
  SurveyView out{definition(survey, survey.version), {}};
  for (const Row& row : survey.rows) {
    if (row.appears > now) continue;
    if (row.test) ++out.counts.test;
    if (row.deleted) {
      ++out.counts.deleted;
    } else if (row.status == Status::complete) {
      ++out.counts.complete;
    } else if (row.status == Status::partial) {
      ++out.counts.partial;
    } else {
      ++out.counts.disqualified;
    }
  }
  out.counts.with_blank_key = !out.counts.empty() && survey.index % 3 == 1;
  return out;
}

std::vector<SurveyView> Account::surveys(Seconds now) const {
  const std::lock_guard lock(mutex_);
  std::vector<SurveyView> out;
  for (const auto& survey : surveys_)
    out.push_back(view(*survey, now));
  return out;
}

const Account::Survey* Account::find(std::int64_t id) const {
  for (const auto& survey : surveys_) {
    if (survey_id(spec_.seed, survey->index) == id) return survey.get();
  }
  return nullptr;
}

std::optional<SurveyView> Account::survey(std::int64_t id, Seconds now) const {
  const std::lock_guard lock(mutex_);
  const Survey* found = find(id);
  return found == nullptr ? std::nullopt : std::optional(view(*found, now));
}

std::vector<Row> Account::rows(std::int64_t survey, Seconds now) const {
  const std::lock_guard lock(mutex_);
  std::vector<Row> out;
  const Survey* found = find(survey);
  if (found == nullptr) return out;
  out.reserve(found->rows.size());
  std::copy_if(found->rows.begin(), found->rows.end(), std::back_inserter(out),
               [now](const Row& row) { return !row.deleted && row.appears <= now; });
  return out;
}

std::optional<Row> Account::row(std::int64_t survey, std::int64_t response, Seconds now) const {
  const std::lock_guard lock(mutex_);
  const Survey* found = find(survey);
  if (found == nullptr) return std::nullopt;
  const auto at = std::lower_bound(found->rows.begin(), found->rows.end(), response,
                                   [](const Row& row, std::int64_t id) { return row.id < id; });
  if (at == found->rows.end() || at->id != response || at->appears > now) return std::nullopt;
  return *at;
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
