// What people do to the account while it is being read: Account::apply and its parts.
#include <algorithm>

#include "sandbox/account.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

bool fits(Change::Op op, const Row& row) {
  switch (op) {
    case Change::Op::complete:
      return !row.deleted && row.status == Status::partial;
    case Change::Op::edit:
    case Change::Op::remove:
      return !row.deleted;
    case Change::Op::restore:
      return row.deleted;
    case Change::Op::disqualify:
      return !row.deleted && row.status != Status::disqualified;
    default:
      return false;
  }
}

void change_one(Row& row, const Change& change, Seconds now) {
  switch (change.op) {
    case Change::Op::complete:
      row.status = Status::complete;
      row.submitted = now;
      break;
    case Change::Op::edit:
      ++row.edits;
      break;
    case Change::Op::remove:
      row.deleted = true;
      break;
    case Change::Op::restore:
      row.deleted = false;
      break;
    case Change::Op::disqualify:
      row.status = Status::disqualified;
      break;
    default:
      break;
  }
  if (change.silent || change.op == Change::Op::remove) return;
  row.updated = now;
  row.touched = true;
}

}  // namespace

// Changes whose lag is over become visible. A change that overtook an older one of the same row is not undone by it.
void Account::publish(Seconds now) const {
  while (!hidden_.empty() && hidden_.begin()->first <= now) {
    const auto [at, change] = *hidden_.begin();
    hidden_.erase(hidden_.begin());
    const auto known = latest_.find({change.survey->index, change.row.id});
    if (known == latest_.end() || change.number < known->second.shown) continue;
    show(*change.survey, change.row, at);
    known->second.shown = change.number;
    if (change.number == known->second.number) latest_.erase(known);
  }
}

void Account::show(Survey& survey, const Row& row, Seconds at) const {
  survey.table.put(row);
  if (spec_.statistics_lag == 0) return;
  auto& past = survey.past_counts;
  if (past.back().first == at) {
    past.back().second = survey.table.counts();
  } else {
    past.emplace_back(at, survey.table.counts());
  }
  while (past.size() > 1 && past[1].first <= at - spec_.statistics_lag)
    past.pop_front();
}

void Account::store(Survey& survey, const Row& row, const Change& change, Seconds now) {
  const RowName name{survey.index, row.id};
  const Seconds lag = change.lag.value_or(spec_.visibility_lag);
  if (lag <= 0) {
    show(survey, row, now);
    latest_.erase(name);
    return;
  }
  Latest& known = latest_[name];
  known.row = row;
  known.number = ++changes_;
  hidden_.emplace(now + lag, Hidden{&survey, row, known.number});
}

std::optional<Row> Account::latest(const Survey& survey, std::int64_t response) const {
  const auto hidden = latest_.find({survey.index, response});
  return hidden != latest_.end() ? std::optional(hidden->second.row) : survey.table.find(response);
}

Account::Survey* Account::pick_survey(const Change& change) {
  const bool wants_dead = change.op == Change::Op::restore_survey;
  const auto suits = [&](const Survey& survey) { return (survey.fate != SurveyFate::alive) == wants_dead; };
  if (change.survey != 0) {
    Survey* named = find(change.survey);
    return named != nullptr && suits(*named) ? named : nullptr;
  }
  if (surveys_.empty()) return nullptr;
  const std::size_t first = Draw({spec_.seed, 0x51C, changes_}).index(surveys_.size());
  for (std::size_t i = 0; i < surveys_.size(); ++i) {
    Survey& survey = *surveys_[(first + i) % surveys_.size()];
    if (suits(survey)) return &survey;
  }
  return nullptr;
}

std::optional<Row> Account::pick_row(Survey& survey, const Change& change, const Fits& wanted) {
  if (change.response != 0) {
    const auto named = latest(survey, change.response);
    return named && wanted(*named) ? named : std::nullopt;
  }
  const std::size_t size = survey.table.size();
  if (size == 0) return std::nullopt;
  const std::size_t first = Draw({spec_.seed, 0x70F, changes_}).index(size);
  for (std::size_t i = 0; i < size; ++i) {
    Row row = survey.table.at((first + i) % size);
    if (!latest_.empty()) row = *latest(survey, row.id);
    if (wanted(row)) return row;
  }
  return std::nullopt;
}

void Account::insert_rows(Survey& survey, const Change& change, Seconds now, Changed& out) {
  for (std::int64_t i = 0; i < change.count; ++i) {
    Row row;
    row.id = ++survey.last_id;
    row.submitted = row.updated = now - change.spread + change.spread * (i + 1) / change.count;
    row.started = row.submitted - 30;
    row.touched = true;
    row.status = change.status;
    row.test = change.test;
    row.definition = static_cast<std::uint8_t>(survey.version);
    store(survey, row, change, now);
    out.responses.push_back(row.id);
  }
}

// An id that was skipped, near those that started then; the next new one when none was.
std::int64_t Account::unused_id(const Survey& survey, Seconds started) const {
  const ResponseTable& table = survey.table;
  std::size_t low = 0, high = table.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    table.at(middle).started < started ? low = middle + 1 : high = middle;
  }
  const auto unused_before = [&](std::size_t index) -> std::int64_t {
    const std::int64_t after = index == 0 ? 0 : table.at(index - 1).id;
    for (std::int64_t id = table.at(index).id - 1; id > after; --id) {
      if (!latest(survey, id)) return id;
    }
    return 0;
  };
  for (std::size_t i = low; i < table.size(); ++i) {
    if (const std::int64_t id = unused_before(i)) return id;
  }
  for (std::size_t i = low; i-- > 0;) {
    if (const std::int64_t id = unused_before(i)) return id;
  }
  return 0;
}

void Account::insert_late(Survey& survey, const Change& change, Seconds now, Changed& out) {
  for (std::int64_t i = 0; i < change.count; ++i) {
    Row row;
    row.started = now - change.age;
    row.submitted = row.updated = row.started + 60;
    row.id = unused_id(survey, row.started);
    if (row.id == 0) row.id = ++survey.last_id;
    row.status = change.status;
    row.test = change.test;
    store(survey, row, change, now);
    out.responses.push_back(row.id);
  }
}

bool Account::change_row(Survey& survey, const Change& change, Seconds now, std::set<std::int64_t>& done) {
  auto row = pick_row(survey, change,
                      [&](const Row& candidate) { return fits(change.op, candidate) && !done.contains(candidate.id); });
  if (!row) return false;
  change_one(*row, change, now);
  store(survey, *row, change, now);
  done.insert(row->id);
  return true;
}

bool Account::change_survey(Survey& survey, const Change& change, Seconds now) {
  if (change.op == Change::Op::remove_survey) {
    survey.fate = change.fate;
  } else if (change.op == Change::Op::restore_survey) {
    survey.fate = SurveyFate::alive;
  } else if (survey.version < 200) {
    ++survey.version;
    survey.modified = now;
  } else {
    return false;
  }
  return true;
}

Changed Account::apply(const Change& change, Seconds now) {
  const std::lock_guard lock(mutex_);
  publish(now);
  ++changes_;
  Changed out;
  if (change.op == Change::Op::add_survey) {
    add_survey(change.count);
    out.survey = id_of(*surveys_.back());
    return out;
  }
  Survey* survey = pick_survey(change);
  if (survey == nullptr) return out;
  Change wanted = change;
  if (change.percent > 0)
    wanted.count = std::max<std::int64_t>(1, static_cast<std::int64_t>(survey->table.listed()) * change.percent / 100);
  if (change.op == Change::Op::insert) {
    insert_rows(*survey, wanted, now, out);
  } else if (change.op == Change::Op::late) {
    insert_late(*survey, wanted, now, out);
  } else if (change.op >= Change::Op::edit_definition) {
    if (!change_survey(*survey, wanted, now)) return out;
  } else {
    std::set<std::int64_t> done;
    for (std::int64_t i = 0; i < wanted.count && change_row(*survey, wanted, now, done); ++i)
      ++changes_;
    if (done.empty()) return out;
    out.responses.assign(done.begin(), done.end());
  }
  out.survey = id_of(*survey);
  return out;
}

}  // namespace surveysync::sandbox
