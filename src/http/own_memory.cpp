#include "http/own_memory.h"

#include <algorithm>
#include <array>

namespace surveysync::http {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr std::array<Duration, 6> kWaits{seconds(70), minutes(2), minutes(5), minutes(10), minutes(15), minutes(30)};

}  // namespace

OwnMemory::OwnMemory(Clock& clock, std::vector<Duration> waits)
    : clock_(clock), waits_(waits.empty() ? std::vector<Duration>(kWaits.begin(), kWaits.end()) : std::move(waits)) {}

KeyPast OwnMemory::recall(const KeyId& key) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[key.fingerprint];
  KeyPast past = known.past;
  if (past.refused) past.refused->until_probe = known.next_probe - clock_.now();
  past.last_good_lines = good_lines_[key.slot];
  return past;
}

void OwnMemory::accepted(const KeyId& key) {
  const std::lock_guard lock(mutex_);
  known_[key.fingerprint] = {KeyPast{true, clock_.utc_now(), {}, {}, {}}, 0, 0, {}};
  good_lines_[key.slot] = key.line_fingerprints;
}

void OwnMemory::refused(const KeyId& key, const std::string& verdict, const std::string& evidence,
                        const std::string& next_step, int requests) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[key.fingerprint];
  const bool is_new = !known.past.refused;
  const UtcTime since = is_new ? clock_.utc_now() : known.past.refused->since;
  known.past.refused = KeyPast::Refusal{verdict, evidence, next_step, since, {}};
  if (is_new) known.next_probe = clock_.now() + waits_.front();
  known.requests += requests;
}

void OwnMemory::sent_in_vain(const KeyId& key, int requests) {
  const std::lock_guard lock(mutex_);
  known_[key.fingerprint].requests += requests;
}

bool OwnMemory::claim_probe(const KeyId& key) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[key.fingerprint];
  if (!known.past.refused || clock_.now() < known.next_probe) return false;
  if (known.requests >= kMostInFirstHour && clock_.utc_now() - known.past.refused->since < hours(1)) return false;
  ++known.requests;
  known.probes = std::min(known.probes + 1, waits_.size() - 1);
  known.next_probe = clock_.now() + waits_[known.probes];
  return true;
}

}  // namespace surveysync::http
