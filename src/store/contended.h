#pragma once
// Rows that several processes fight over. Inside of store/. Throws what the act throws.

#include <utility>

#include "base/error.h"

namespace surveysync::store {

/// Does `act`, a whole transaction, again when another one got in its way (dead-lock, serialization). Not after a lock
/// timeout: that was a long wait already.
template <class Act>
auto contended(const Act& act) {
  constexpr int kAttempts = 10;
  for (int attempt = 1;; ++attempt) {
    try {
      return act();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::conflict || error.sqlstate() == "55P03" || attempt >= kAttempts) throw;
    }
  }
}

}  // namespace surveysync::store
