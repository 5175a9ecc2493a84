#include "sources/alchemer/answer_privacy.h"

#include <algorithm>
#include <array>
#include <span>

namespace surveysync::sources::alchemer {
namespace {

// Deeper nesting of questions than any survey has: a circle of parents ends here.
constexpr int kMostParents = 20;

// What an entry says about its question, and nothing about the answer.
constexpr std::array<std::string_view, 6> kAboutQuestion = {"id", "type", "question", "section_id", "shown", "parent"};
// The same for a part (an option, a cell), whose id and title are the answer.
constexpr std::array<std::string_view, 4> kAboutPart = {"type", "section_id", "shown", "parent"};
constexpr std::array<std::string_view, 3> kTexts = {"answer", "original_answer", "comments"};
constexpr std::array<std::string_view, 6> kTextsOfPart = {"id",     "option",          "question",
                                                          "answer", "original_answer", "comments"};

bool is_one_of(std::string_view raw_key, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return json::key_is(raw_key, name); });
}

bool is_object(std::string_view raw) {
  return raw.starts_with('{');
}
bool is_structure(std::string_view raw) {
  return is_object(raw) || raw.starts_with('[');
}

/// Of the values under `subquestions`: one answer, or else a row that holds the cells of a grid.
bool is_answer(const std::vector<json::RawMember>& members) {
  static constexpr std::array<std::string_view, 3> kOfAnswers = {"id", "answer", "options"};
  return std::ranges::any_of(members, [](const json::RawMember& member) { return is_one_of(member.key, kOfAnswers); });
}

}  // namespace

std::vector<AnswerPrivacy::Child> AnswerPrivacy::children_of(std::string_view raw) {
  std::vector<Child> children;
  if (is_object(raw)) {
    json::scan_members(raw, children);
  } else if (is_structure(raw)) {
    std::vector<std::string_view> elements;
    json::scan_elements(raw, elements);
    for (const std::string_view element : elements)
      children.push_back({std::string_view(), element});
  }
  for (const Child& child : children)
    require_value(child.value);
  return children;
}

AnswerPrivacy::Entry AnswerPrivacy::entry_of(const Child& child) {
  Entry entry{child, std::nullopt, std::nullopt};
  if (is_object(child.value)) {
    for (const Child& member : children_of(child.value)) {
      if (json::key_is(member.key, "id")) entry.id = json::int_of(member.value);
      if (json::key_is(member.key, "parent")) entry.parent = json::int_of(member.value);
    }
  }
  if (!entry.id) entry.id = json::int_of(child.key);
  return entry;
}

void AnswerPrivacy::collect(std::string_view survey_data) {
  if (is_blank_value(survey_data)) return;
  if (!is_structure(survey_data)) return clear(survey_data);
  std::vector<Entry> entries;
  for (const Child& child : children_of(survey_data)) {
    entries.push_back(entry_of(child));
    if (entries.back().id) entries_[*entries.back().id] = entries.back();
  }
  for (const Entry& entry : entries)
    treat(entry.child.value, treatment_of_entry(entry));
}

/// The nearest rule counts: the question's own, else its parent's.
Treatment AnswerPrivacy::treatment_of_entry(const Entry& entry) const {
  std::optional<std::int64_t> id = entry.id, parent = entry.parent;
  for (int steps = 0; steps < kMostParents && (id || parent); ++steps) {
    if (id) {
      if (const auto rule = rules_.of_question(survey_id_, *id)) return *rule;
    }
    id = parent;
    parent = std::nullopt;
    if (!id) break;
    const auto above = entries_.find(*id);
    if (above != entries_.end()) parent = above->second.parent;
  }
  return Treatment::keep;
}

void AnswerPrivacy::treat(std::string_view raw, Treatment treatment) {
  switch (treatment) {
    case Treatment::keep:
      return keep_entry(raw);
    case Treatment::drop:
      return drop_entry(raw);
    case Treatment::hash:
      return hash_entry(raw);
  }
}

/// A kept question may have sub-questions that are not, and comments.
void AnswerPrivacy::keep_entry(std::string_view raw) {
  if (!is_object(raw)) return;
  for (const Child& member : children_of(raw)) {
    if (!json::key_is(member.key, "subquestions")) {
      keep_member(member);
      continue;
    }
    for (const Child& child : children_of(member.value)) {
      const Entry entry = entry_of(child);
      const auto rule = entry.id ? rules_.of_question(survey_id_, *entry.id) : std::nullopt;
      if (rule == Treatment::hash) {
        hash_row(child.value);
      } else {
        rule.value_or(Treatment::keep) == Treatment::keep ? keep_member(child) : treat(child.value, *rule);
      }
    }
  }
}

/// What is kept but for the comments in it, however deep.
void AnswerPrivacy::keep_member(const Child& member) {
  if (rules_.comments() == Treatment::keep) return;
  if (json::key_is(member.key, "comments")) {
    rules_.comments() == Treatment::hash ? hash_value(member.value) : clear(member.value);
  } else if (is_structure(member.value)) {
    for (const Child& child : children_of(member.value))
      keep_member(child);
  }
}

void AnswerPrivacy::drop_entry(std::string_view raw) {
  if (!is_object(raw)) return clear(raw);
  const std::vector<Child> members = children_of(raw);
  if (!is_answer(members)) return clear(raw);
  for (const Child& member : members) {
    if (!is_one_of(member.key, kAboutQuestion)) clear(member.value);
  }
}

void AnswerPrivacy::hash_entry(std::string_view raw) {
  if (!is_object(raw)) return hash_value(raw);
  for (const Child& member : children_of(raw)) {
    if (is_one_of(member.key, kAboutQuestion)) continue;
    if (is_one_of(member.key, kTexts)) {
      hash_value(member.value);
    } else if (json::key_is(member.key, "options")) {
      hash_parts(member.value);
    } else if (json::key_is(member.key, "subquestions")) {
      hash_rows(member.value);
    } else {
      clear(member.value);  // answer_id, and what the vendor may add
    }
  }
}

void AnswerPrivacy::hash_rows(std::string_view raw) {
  if (!is_structure(raw)) return hash_value(raw);
  for (const Child& child : children_of(raw))
    hash_row(child.value);
}

void AnswerPrivacy::hash_row(std::string_view raw) {
  const bool holds_cells = is_object(raw) && !is_answer(children_of(raw));
  return holds_cells ? hash_parts(raw) : hash_entry(raw);
}

/// Options or cells: which of them there are is the answer, so their keys go too.
void AnswerPrivacy::hash_parts(std::string_view raw) {
  if (!is_structure(raw)) return hash_value(raw);
  for (const Child& child : children_of(raw)) {
    if (!child.key.empty()) {
      const std::string_view quoted(child.key.data() - 1, child.key.size() + 2);
      edits_.push_back({quoted, hashed_scalar(quoted, *rules_.digest())});
    }
    hash_part(child.value);
  }
}

void AnswerPrivacy::hash_part(std::string_view raw) {
  if (!is_object(raw)) return hash_value(raw);
  for (const Child& member : children_of(raw)) {
    if (is_one_of(member.key, kTextsOfPart)) {
      hash_value(member.value);
    } else if (!is_one_of(member.key, kAboutPart)) {
      clear(member.value);
    }
  }
}

/// One digest, also for an answer that is a structure (a ranking, a signature): its parts would show the answer.
void AnswerPrivacy::hash_value(std::string_view raw) {
  if (is_blank_value(raw)) return;
  const KeyedDigest& digest = *rules_.digest();
  edits_.push_back({raw, is_structure(raw) ? "\"" + digest.hex(raw) + "\"" : hashed_scalar(raw, digest)});
}

void AnswerPrivacy::clear(std::string_view raw) {
  if (raw != "null") edits_.push_back({raw, "null"});
}

}  // namespace surveysync::sources::alchemer
