#include "sandbox/prepared.h"

namespace surveysync::sandbox {

void Prepared::put(std::int64_t survey, const Row& row, std::string record) {
  auto kept = std::make_shared<const std::string>(std::move(record));
  const std::lock_guard lock(mutex_);
  records_.insert_or_assign({survey, row.id}, std::pair(row, std::move(kept)));
}

std::shared_ptr<const std::string> Prepared::find(std::int64_t survey, const Row& row) const {
  const std::lock_guard lock(mutex_);
  if (records_.empty()) return nullptr;
  const auto found = records_.find({survey, row.id});
  return found != records_.end() && found->second.first == row ? found->second.second : nullptr;
}

}  // namespace surveysync::sandbox
