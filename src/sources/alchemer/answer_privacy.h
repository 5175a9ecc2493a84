#pragma once
// The privacy rules of questions and of comments, applied to the entries of survey_data. Private to
// response_privacy.cpp. Collects edits of slices and copies nothing. Throws Error(malformed) where the parts of an
// entry cannot be told.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sources/alchemer/response_privacy.h"

namespace surveysync::sources::alchemer {

class AnswerPrivacy {
 public:
  /// Appends to `edits`, in no order.
  AnswerPrivacy(const PrivacyRules& rules, std::int64_t survey_id, std::vector<Edit>& edits)
      : rules_(rules), survey_id_(survey_id), edits_(edits) {}

  /// All of survey_data as sent.
  void collect(std::string_view survey_data);

 private:
  /// One child of an object or array: its key without quotes (empty in an array) and its bytes.
  using Child = json::RawMember;
  struct Entry {
    Child child;
    std::optional<std::int64_t> id, parent;
  };

  static std::vector<Child> children_of(std::string_view raw);
  static Entry entry_of(const Child& child);
  Treatment treatment_of_entry(const Entry& entry) const;
  void treat(std::string_view raw, Treatment treatment);
  void keep_entry(std::string_view raw);
  void keep_member(const Child& member);
  void drop_entry(std::string_view raw);
  void hash_entry(std::string_view raw);
  void hash_rows(std::string_view raw);
  void hash_row(std::string_view raw);
  void hash_parts(std::string_view raw);
  void hash_part(std::string_view raw);
  void hash_value(std::string_view raw);
  void clear(std::string_view raw);

  const PrivacyRules& rules_;
  const std::int64_t survey_id_;
  std::vector<Edit>& edits_;
  std::map<std::int64_t, Entry> entries_;
};

}  // namespace surveysync::sources::alchemer
