#pragma once
// Response objects rendered beforehand, so that a benchmark measures the loader and not this vendor. An object is used
// only while its row is as it was. Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "sandbox/model.h"

namespace surveysync::sandbox {

class Prepared {
 public:
  void put(std::int64_t survey, const Row& row, std::string record);
  /// Null when there is none for this row as it is now.
  std::shared_ptr<const std::string> find(std::int64_t survey, const Row& row) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<Row, std::shared_ptr<const std::string>>> records_;
};

}  // namespace surveysync::sandbox
