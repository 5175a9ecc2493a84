// What people do to the account while it is being read: Account::apply and its parts.
#include <algorithm>

#include "sandbox/account.h"
#include "sandbox/catalogue.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

bool fits(Change::Op op, const Row& row) {
  switch (op) {
    case Change::Op::complete:
      return !row.deleted && row.status == Status::partial;
    case Change::Op::edit:
      return !row.deleted;
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

}  // namespace

Account::Survey* Account::pick_survey(std::int64_t id) {
  if (surveys_.empty()) return nullptr;
  if (id == 0) return surveys_[Draw({spec_.seed, 0x51C, changes_}).index(surveys_.size())].get();
  for (const auto& survey : surveys_) {
    if (survey_id(spec_.seed, survey->index) == id) return survey.get();
  }
  return nullptr;
}

Row* Account::pick_row(Survey& survey, const Change& change, const std::function<bool(const Row&)>& wanted) {
  auto& rows = survey.rows;
  if (change.response != 0) {
    const auto at = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.id == change.response; });
    return at == rows.end() || !wanted(*at) ? nullptr : &*at;
  }
  if (rows.empty()) return nullptr;
  const std::size_t first = Draw({spec_.seed, 0x70F, changes_}).index(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[(first + i) % rows.size()];
    if (wanted(row)) return &row;
  }
  return nullptr;
}

void Account::insert_rows(Survey& survey, const Change& change, Seconds now, Changed& out) {
  for (std::int64_t i = 0; i < change.count; ++i) {
    Row row;
    row.id = survey.rows.empty() ? 1 : survey.rows.back().id + 1;
    row.started = now - 30;
    row.submitted = row.updated = now;
    row.appears = spec_.visibility_lag > 0 ? now + spec_.visibility_lag : 0;
    row.status = change.status;
    row.test = change.test;
    row.definition = static_cast<std::uint8_t>(survey.version);
    survey.rows.push_back(row);
    out.responses.push_back(row.id);
  }
}

bool Account::change_row(Survey& survey, const Change& change, Seconds now, Changed& out) {
  Row* row = pick_row(survey, change, [&](const Row& candidate) { return fits(change.op, candidate); });
  if (row == nullptr) return false;
  switch (change.op) {
    case Change::Op::complete:
      row->status = Status::complete;
      row->submitted = now;
      break;
    case Change::Op::edit:
      ++row->edits;
      break;
    case Change::Op::remove:
      row->deleted = true;
      break;
    case Change::Op::restore:
      row->deleted = false;
      break;
    case Change::Op::disqualify:
      row->status = Status::disqualified;
      break;
    default:
      break;
  }
  if (!change.silent && change.op != Change::Op::remove) row->updated = now;
  out.responses.push_back(row->id);
  return true;
}

Changed Account::apply(const Change& change, Seconds now) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  Changed out;
  if (change.op == Change::Op::add_survey) {
    add_survey(change.count);
    out.survey = survey_id(spec_.seed, surveys_.back()->index);
    return out;
  }
  Survey* survey = pick_survey(change.survey);
  if (survey == nullptr) return out;
  if (change.op == Change::Op::insert) {
    insert_rows(*survey, change, now, out);
  } else if (change.op == Change::Op::edit_definition) {
    if (survey->version >= 200) return out;
    ++survey->version;
    survey->modified = now;
  } else {
    for (std::int64_t i = 0; i < change.count && change_row(*survey, change, now, out); ++i)
      ++changes_;
    if (out.responses.empty()) return out;
  }
  out.survey = survey_id(spec_.seed, survey->index);
  return out;
}

}  // namespace surveysync::sandbox
