#include "support/fake_key_memory.h"

#include <algorithm>

namespace surveysync::test {

http::KeyPast FakeKeyMemory::past_locked(const http::KeyId& key) {
  http::KeyPast past = known_[key.fingerprint];
  if (past.refused && next_probe_.count(key.fingerprint) > 0)
    past.refused->until_probe = next_probe_[key.fingerprint] - clock_.now();
  if (past.last_good_lines.empty()) past.last_good_lines = good_lines_[key.slot];
  return past;
}

http::KeyPast FakeKeyMemory::begin(const http::KeyId& key) {
  const std::lock_guard lock(mutex_);
  told_.push_back("begin " + key.slot + " " + key.fingerprint);
  return past_locked(key);
}

http::KeyPast FakeKeyMemory::recall(const http::KeyId& key) {
  const std::lock_guard lock(mutex_);
  return past_locked(key);
}

void FakeKeyMemory::accepted(const http::KeyId& key) {
  const std::lock_guard lock(mutex_);
  told_.push_back("accepted " + key.slot + " " + key.fingerprint);
  known_[key.fingerprint] = {true, clock_.utc_now(), {}, {}, {}};
  good_lines_[key.slot] = key.line_fingerprints;
}

void FakeKeyMemory::refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
                            const std::string& next_step, int requests) {
  const std::lock_guard lock(mutex_);
  told_.push_back("refused " + key.slot + " " + key.fingerprint + " " + verdict + " " + std::to_string(requests));
  refusals_ += requests;
  http::KeyPast& past = known_[key.fingerprint];
  if (!past.refused) next_probe_[key.fingerprint] = clock_.now() + std::chrono::seconds(70);
  past.refused =
      http::KeyPast::Refusal{verdict, evidence, next_step, past.refused ? past.refused->since : clock_.utc_now(), {}};
}

void FakeKeyMemory::still_good(const http::KeyId& key) {
  const std::lock_guard lock(mutex_);
  told_.push_back("still good " + key.slot + " " + key.fingerprint);
}

void FakeKeyMemory::sent_in_vain(const http::KeyId&, int requests) {
  const std::lock_guard lock(mutex_);
  refusals_ += requests;
}

bool FakeKeyMemory::claim_probe(const http::KeyId& key) {
  const std::lock_guard lock(mutex_);
  const bool due = known_[key.fingerprint].refused && clock_.now() >= next_probe_[key.fingerprint];
  if (!allow_.value_or(due)) return false;
  next_probe_[key.fingerprint] = clock_.now() + std::chrono::seconds(70);
  told_.push_back("claim " + key.slot + " " + key.fingerprint);
  ++refusals_;
  return true;
}

void FakeKeyMemory::set(const std::string& fingerprint, http::KeyPast past) {
  const std::lock_guard lock(mutex_);
  if (past.refused) next_probe_[fingerprint] = clock_.now() + past.refused->until_probe;
  known_[fingerprint] = std::move(past);
}

void FakeKeyMemory::allow_probes(bool allow) {
  const std::lock_guard lock(mutex_);
  allow_ = allow;
}

std::vector<std::string> FakeKeyMemory::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

int FakeKeyMemory::count(const std::string& beginning) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(
      std::count_if(told_.begin(), told_.end(), [&](const std::string& one) { return one.starts_with(beginning); }));
}

int FakeKeyMemory::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

}  // namespace surveysync::test
