#include "sources/alchemer/response_privacy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "sources/alchemer/answer_privacy.h"

namespace surveysync::sources::alchemer {
namespace {

using QuestionKey = std::pair<std::int64_t, std::int64_t>;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number > 0 ? std::optional(number) : std::nullopt;
}

/// "12" or "8611799/12".
QuestionKey question_key(const std::string& name) {
  const std::string_view text = name;
  const std::size_t slash = text.find('/');
  const auto question = number_of(slash == std::string_view::npos ? text : text.substr(slash + 1));
  const auto survey =
      slash == std::string_view::npos ? std::optional<std::int64_t>(0) : number_of(text.substr(0, slash));
  if (!question || !survey) {
    throw Error(ErrorKind::config, fmt::format("privacy.questions: \"{}\" names no question", name),
                "write QUESTION_ID or SURVEY_ID/QUESTION_ID");
  }
  return {*survey, *question};
}

}  // namespace

PrivacyRules::PrivacyRules(Privacy privacy) : privacy_(std::move(privacy)) {
  privacy_.require_sound();
  comments_ = privacy_.of("comments");
  for (const char* const name : {"ip_address", "user_agent", "referer", "url_variables", "comments"})
    outer_.treat({name}, privacy_.of(name));
  outer_.treat({"country", "region", "city", "postal"}, privacy_.of("geo"));
  outer_.treat_numbers({"latitude", "longitude", "dma"}, privacy_.of("geo"));
  for (const auto& [question, word] : privacy_.questions)
    questions_[question_key(question)] = treatment_of(word);
}

PrivacyRules PrivacyRules::for_stored() const {
  PrivacyRules rules = *this;
  if (privacy_.digest) rules.privacy_.digest = std::make_shared<const KeyedDigest>(privacy_.digest->for_stored());
  return rules;
}

bool PrivacyRules::only_drops_plain_fields() const {
  return questions_.empty() && !privacy_.hashes() && privacy_.of("url_variables") == Treatment::keep &&
         comments_ == Treatment::keep;
}

bool PrivacyRules::treats_questions(std::int64_t survey_id) const {
  return std::ranges::any_of(questions_,
                             [&](const auto& rule) { return rule.first.first == 0 || rule.first.first == survey_id; });
}

std::optional<Treatment> PrivacyRules::of_question(std::int64_t survey_id, std::int64_t question_id) const {
  for (const std::int64_t survey : {survey_id, std::int64_t{0}}) {
    const auto found = questions_.find({survey, question_id});
    if (found != questions_.end()) return found->second;
  }
  return std::nullopt;
}

std::string PrivacyRules::text() const {
  // Those of entries were once kept: what was stored so is made anew.
  return privacy_.text({"ip_address", "user_agent", "geo", "referer", "url_variables", "comments", "contacts"}) +
         (comments_ == Treatment::keep ? "" : ", comments of answers too");
}

std::optional<std::string> apply_privacy(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules) {
  if (rules.keeps_all()) return std::nullopt;
  const bool reads_entries = rules.treats_questions(survey_id) || rules.comments() != Treatment::keep;
  if (!reads_entries) return rewrite(raw, rules.outer(), rules.digest());
  std::vector<Edit> edits;
  collect_edits(raw, rules.outer(), rules.digest(), edits);
  std::vector<json::RawMember> members;
  json::scan_members(raw, members);
  for (const json::RawMember& member : members) {
    if (json::key_is(member.key, "survey_data")) AnswerPrivacy(rules, survey_id, edits).collect(member.value);
  }
  std::ranges::sort(edits, std::less<>(), [](const Edit& edit) { return edit.slice.data(); });
  return edits.empty() ? std::nullopt : std::optional(edited(raw, edits));
}

std::optional<std::string> blank_anywhere(std::string_view raw, const PrivacyRules& rules) {
  std::string out(raw);
  bool changed = false;
  for (const auto& [name, treatment] : rules.outer().named()) {
    if (treatment == Treatment::keep) continue;
    const std::string needle = fmt::format("\"{}\"", name);
    for (std::size_t at = out.find(needle); at != std::string::npos; at = out.find(needle, at)) {
      at += needle.size();
      const std::size_t begin = out.find_first_not_of(" \t\r\n:", at);
      if (begin == std::string::npos) break;
      std::size_t end = begin;
      if (out[begin] == '"') {
        for (++end; end < out.size() && out[end] != '"'; ++end)
          end += out[end] == '\\' ? 1U : 0U;
        end = std::min(end + 1, out.size());
      } else {
        end = std::min(out.find_first_of(",}]", begin), out.size());
      }
      out.replace(begin, end - begin, "null");
      changed = true;
    }
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace surveysync::sources::alchemer
