#pragma once
// What of a respondent is stored: the privacy rules of responses, applied to their raw bytes. Outer fields go by group;
// answers by question, a question's children with it; comments wherever an entry has one. What a dropped answer leaves
// is null; a hashed one its digest, and an option that was chosen shows neither title nor id. Immutable; any thread.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sources/privacy.h"

namespace surveysync::sources::alchemer {

class PrivacyRules {
 public:
  /// Keeps everything.
  PrivacyRules() = default;
  /// Throws Error(config) for a word that is no rule, a question that is no number, or a hash without a key.
  explicit PrivacyRules(Privacy privacy);

  /// The same for texts that were stored before: what looks like a digest is one.
  PrivacyRules for_stored() const;

  bool keeps_all() const { return outer_.keeps_all() && questions_.empty(); }
  /// Only outer fields are touched, and only by dropping plain ones: they are found in a broken text too.
  bool only_drops_plain_fields() const;
  /// Whether any question of the survey has a rule.
  bool treats_questions(std::int64_t survey_id) const;
  /// The rule of one question alone, if it has one.
  std::optional<Treatment> of_question(std::int64_t survey_id, std::int64_t question_id) const;
  /// Of comments, the response's own and those of its entries.
  Treatment comments() const { return comments_; }
  const MemberRules& outer() const { return outer_; }
  const Privacy& privacy() const { return privacy_; }
  const KeyedDigest* digest() const { return privacy_.digest.get(); }
  /// ", without ip_address": empty when everything is kept.
  std::string text() const;

 private:
  Privacy privacy_;
  MemberRules outer_;
  Treatment comments_ = Treatment::keep;
  std::map<std::pair<std::int64_t, std::int64_t>, Treatment> questions_;  // survey (0: any) and question
};

/// The response after the rules, exact bytes but for what they alter; empty when nothing had to be altered. Throws
/// Error(malformed) for a text whose parts cannot be told.
std::optional<std::string> apply_privacy(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules);

/// For a text that is no sound object, under rules that only_drops_plain_fields: every string or word behind such a
/// name goes, wherever it stands. Empty when there was none.
std::optional<std::string> blank_anywhere(std::string_view raw, const PrivacyRules& rules);

}  // namespace surveysync::sources::alchemer
