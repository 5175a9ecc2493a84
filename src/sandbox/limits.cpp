#include "sandbox/limits.h"

#include <algorithm>

namespace surveysync::sandbox {
namespace {
constexpr std::size_t kMaxCachedBytes = 32U << 20;
}

Limits::Verdict Limits::admit(Duration now) {
  const std::lock_guard lock(mutex_);
  while (!admitted_.empty() && admitted_.front() <= now - spec_.window)
    admitted_.pop_front();
  if (now < blocked_until_) return {false, 0};
  const auto used = static_cast<int>(admitted_.size());
  if (used >= spec_.requests) {
    blocked_until_ = now + spec_.penalty;
    return {false, 0};
  }
  admitted_.push_back(now);
  return {true, spec_.requests - used - 1};
}

void Limits::forget_old(Duration now) {
  while (!order_.empty() && order_.front().first <= now - repeat_window()) {
    const auto found = answers_.find(order_.front().second);
    if (found != answers_.end() && found->second.at == order_.front().first) {
      drop_body(found->second);
      answers_.erase(found);
    }
    order_.pop_front();
  }
  // Too much to keep: the oldest bodies go, their URLs are still known as repeats.
  for (auto item = order_.begin(); item != order_.end() && cached_bytes_ > kMaxCachedBytes; ++item) {
    const auto found = answers_.find(item->second);
    if (found != answers_.end()) drop_body(found->second);
  }
}

void Limits::drop_body(Answer& answer) {
  if (answer.body) cached_bytes_ -= answer.body->size();
  answer.body.reset();
}

std::shared_ptr<const std::string> Limits::cached(const std::string& url, Duration now) {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(url);
  const bool fresh = found != answers_.end() && found->second.at > now - spec_.cache;
  return fresh ? found->second.body : nullptr;
}

bool Limits::refuses(const std::string& url, Duration now) {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(url);
  return spec_.refuse_repeats && found != answers_.end() && found->second.at > now - repeat_window();
}

void Limits::remember(const std::string& url, std::shared_ptr<const std::string> body, Duration now) {
  const std::lock_guard lock(mutex_);
  Answer& answer = answers_[url];
  drop_body(answer);
  answer = {now, spec_.cache > Duration::zero() ? std::move(body) : nullptr};
  if (answer.body) cached_bytes_ += answer.body->size();
  order_.emplace_back(now, url);
  forget_old(now);
}

void Limits::note(const std::string& url, Duration now) {
  const std::lock_guard lock(mutex_);
  noted_.push_back(now);
  while (noted_.front() <= now - spec_.window)
    noted_.pop_front();
  counts_.max_in_window = std::max(counts_.max_in_window, static_cast<std::int64_t>(noted_.size()));
  const auto found = answers_.find(url);
  if (found != answers_.end() && found->second.at > now - repeat_window()) ++counts_.repeats;
}

Limits::Counts Limits::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace surveysync::sandbox
