#include "http/duplicate_guard.h"

#include "base/error.h"

namespace surveysync::http {
namespace {

constexpr std::size_t kMostRemembered = 4096;  // ten times what the fastest plan can ask within the guard

}  // namespace

DuplicateGuard::Turn DuplicateGuard::enter(const std::string& question, const std::stop_token& stop) {
  for (;;) {
    SteadyTime until;
    {
      std::unique_lock lock(mutex_);
      const bool free = left_.wait(lock, stop, [&] {
        const auto found = entries_.find(question);
        return found == entries_.end() || !found->second.in_flight;
      });
      if (!free || stop.stop_requested()) break;
      forget_old_locked();
      Entry& entry = entries_[question];
      if (!entry.answered || *entry.answered + guard_ <= clock_.now()) {
        entry = {true, std::nullopt};
        return Turn(this, question);
      }
      until = *entry.answered + guard_;
    }
    if (!clock_.wait_until(until, stop)) break;
  }
  throw Error(ErrorKind::cancelled, "stopped while waiting to repeat a question");
}

void DuplicateGuard::forget_old_locked() {
  const SteadyTime now = clock_.now();
  while (!order_.empty() && (order_.front().first + guard_ <= now || order_.size() > kMostRemembered)) {
    const auto found = entries_.find(order_.front().second);
    if (found != entries_.end() && !found->second.in_flight && found->second.answered == order_.front().first) {
      entries_.erase(found);
    }
    order_.pop_front();
  }
}

void DuplicateGuard::Turn::answered() {
  const std::lock_guard lock(guard_->mutex_);
  const SteadyTime now = guard_->clock_.now();
  guard_->entries_[question_].answered = now;
  guard_->order_.emplace_back(now, question_);
}

DuplicateGuard::Turn::~Turn() {
  if (guard_ == nullptr) return;
  const std::lock_guard lock(guard_->mutex_);
  const auto found = guard_->entries_.find(question_);
  found->second.in_flight = false;
  if (!found->second.answered) guard_->entries_.erase(found);
  guard_->left_.notify_all();
}

}  // namespace surveysync::http
