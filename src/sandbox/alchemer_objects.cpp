// The control port's part that changes objects: {"kind":"campaign","op":"edit","survey":1,"id":2,"set":{...}}.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sandbox/alchemer.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

ObjectChange::Op op_of(const std::string& name) {
  using Op = ObjectChange::Op;
  static constexpr std::pair<std::string_view, Op> kOps[] = {
      {"add", Op::add}, {"edit", Op::edit}, {"delete", Op::remove}, {"restore", Op::restore}};
  for (const auto& [known, op] : kOps) {
    if (known == name) return op;
  }
  throw Error(ErrorKind::config, fmt::format("op '{}' is unknown", name), "one of add, edit, delete, restore");
}

// {"contact":..}: the names of the path are those of the keys without "_id"; "list" is short for contact_list.
std::int64_t part(const Poco::JSON::Object& from, std::string_view key) {
  const std::string name(key.substr(0, key.size() - 3));
  if (name == "contact_list" && from.has("list")) return from.getValue<std::int64_t>("list");
  return from.optValue<std::int64_t>(name, 0);
}

ObjectChange read_object_change(const Poco::JSON::Object& from) {
  const auto kind = from.getValue<std::string>("kind");
  const KindInfo* info = kind_named(kind);
  if (info == nullptr) {
    std::string all;
    for (const KindInfo& known : kinds())
      all += fmt::format("{}{}", all.empty() ? "" : ", ", known.table);
    throw Error(ErrorKind::config, fmt::format("kind '{}' is unknown", kind), "one of " + all);
  }
  ObjectChange out;
  out.kind = info->kind;
  out.op = op_of(from.optValue<std::string>("op", "edit"));
  for (std::size_t i = 0; i + 1 < info->keys.size(); ++i)
    out.parents.push_back(part(from, info->keys[i]));
  out.id = from.optValue<std::int64_t>("id", 0);
  out.count = std::max<std::int64_t>(1, from.optValue<std::int64_t>("count", 1));
  if (from.has("set")) out.set = from.getObject("set");
  if (const auto names = from.getArray("unset")) {
    for (const auto& name : *names)
      out.unset.push_back(name.convert<std::string>());
  }
  out.as_status = from.optValue<std::string>("as", "gone") == "status";
  return out;
}

}  // namespace

// A survey that was not named is drawn among the living ones that have something to change.
Done Alchemer::change_object(ObjectChange change, Seconds now) {
  static constexpr std::string_view kOps[] = {"add", "edit", "delete", "restore"};
  const std::string op = fmt::format("{} {}", kOps[static_cast<std::size_t>(change.op)], info_of(change.kind).table);
  std::vector<std::int64_t> surveys{0};
  const bool of_survey = info_of(change.kind).keys.front() == "survey_id";
  if (of_survey) {
    surveys.clear();
    for (const SurveyItem& item : account_.surveys(now)) {
      if (item.fate == SurveyFate::alive && (change.parents[0] == 0 || change.parents[0] == item.head.id))
        surveys.push_back(item.head.id);
    }
    if (surveys.empty()) return {};
    const std::size_t first = Draw({account_.spec().seed, 0x0B1, ++object_changes_}).index(surveys.size());
    std::rotate(surveys.begin(), surveys.begin() + static_cast<std::ptrdiff_t>(first), surveys.end());
  }
  for (const std::int64_t survey : surveys) {
    if (of_survey) change.parents[0] = survey;
    const ObjectsChanged changed = inventory_.change(change, now);
    if (!changed.ids.empty()) return {op, changed.parents, changed.ids, {}};
  }
  return {};
}

Act Alchemer::read_act(const Poco::JSON::Object& from) {
  return [this, change = read_object_change(from)](Seconds now) { return change_object(change, now); };
}

}  // namespace surveysync::sandbox
