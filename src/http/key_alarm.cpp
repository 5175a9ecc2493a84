#include "http/key_alarm.h"

namespace surveysync::http {

KeyAlarm::Inquiry::Inquiry(KeyAlarm& alarm, std::string fingerprint, const std::stop_token& stop)
    : alarm_(alarm), fingerprint_(std::move(fingerprint)) {
  std::unique_lock lock(alarm_.mutex_);
  if (!alarm_.changed_.wait(lock, stop, [&] { return !alarm_.keys_[fingerprint_].inquired; }))
    throw Error(ErrorKind::cancelled, "stopped while another source found out about its key");
  Key& key = alarm_.keys_[fingerprint_];
  key.inquired = true;
  answered_ = key.refusal;
}

KeyAlarm::Inquiry::~Inquiry() {
  const std::lock_guard lock(alarm_.mutex_);
  alarm_.keys_[fingerprint_].inquired = false;
  alarm_.changed_.notify_all();
}

std::optional<KeyGate::Answer> KeyAlarm::ask(const std::string& fingerprint, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return !keys_[fingerprint].inquired; })) return std::nullopt;
  return keys_[fingerprint].refusal;
}

bool KeyAlarm::raised(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(fingerprint);
  return found != keys_.end() && (found->second.inquired || found->second.refusal);
}

void KeyAlarm::refused(const std::string& fingerprint, const KeyGate::Answer& answer) {
  const std::lock_guard lock(mutex_);
  keys_[fingerprint].refusal = answer;
}

void KeyAlarm::accepted(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  keys_[fingerprint].refusal.reset();
}

}  // namespace surveysync::http
