#pragma once
// The vendor keeps identical answers for a minute and refuses identical questions meanwhile: no question that was
// answered completely is sent again within the guard, and never two of the same at once. Remembers a bounded number.
// Thread-safe. Throws Error(cancelled).

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace surveysync::http {

class DuplicateGuard {
 public:
  DuplicateGuard(Duration guard, Clock& clock) : guard_(guard), clock_(clock) {}

  /// The right to send one question. Ends with the object.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : guard_(std::exchange(other.guard_, nullptr)), question_(std::move(other.question_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();
    /// The question got its complete answer: it rests from now on.
    void answered();

   private:
    friend class DuplicateGuard;
    Turn(DuplicateGuard* guard, std::string question) : guard_(guard), question_(std::move(question)) {}
    DuplicateGuard* guard_;
    std::string question_;
  };

  /// Waits until `question` (a URL without credentials) may be sent.
  Turn enter(const std::string& question, const std::stop_token& stop);

 private:
  struct Entry {
    bool in_flight = false;
    std::optional<SteadyTime> answered;
  };
  void forget_old_locked();

  const Duration guard_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any left_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<SteadyTime, std::string>> order_;  // answered questions, oldest first
};

}  // namespace surveysync::http
