#include "sync/lease_keeper.h"

namespace surveysync::sync {

LeaseKeeper::LeaseKeeper(const store::OpenSession& open, store::Fence fence, Duration ttl, Clock& clock,
                         std::stop_source run)
    : open_(open), fence_(std::move(fence)), ttl_(ttl), clock_(clock), run_(std::move(run)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
}

LeaseKeeper::~LeaseKeeper() {
  thread_.request_stop();
  thread_.join();
}

std::optional<Error> LeaseKeeper::loss() const {
  const std::lock_guard lock(mutex_);
  return loss_;
}

void LeaseKeeper::keep(const std::stop_token& stop) {
  try {
    while (clock_.wait_for(ttl_ / 3, stop))
      renew(stop);
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    loss_ = Error(ErrorKind::bug, std::string("keeping the lease: ") + error.what());
    run_.request_stop();
  }
}

void LeaseKeeper::renew(const std::stop_token& stop) {
  try {
    if (session_ && !session_->alive()) session_.reset();
    if (!session_) session_ = open_(stop);
    session_->renew_lease(fence_, ttl_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::locked) {
      session_.reset();  // an outage, or our own end: the next round tries again
      return;
    }
    const std::lock_guard lock(mutex_);
    loss_ = error;
    run_.request_stop();
  }
}

}  // namespace surveysync::sync
