#include "app/key_notes.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "app/json_writer.h"
#include "base/descriptor.h"
#include "base/json.h"
#include "base/state_file.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr Duration kFirstWait = seconds(70);
// Notes of keys that nobody has tried for so long are dropped.
constexpr Duration kKeep = hours(24 * 30);
constexpr std::size_t kMostNotes = 100;
// Whoever holds the lock needs a moment; one that was stopped in it (SIGSTOP) is not waited for.
constexpr int kLockTries = 25;
constexpr Duration kLockWait = std::chrono::milliseconds(20);

std::int64_t count_of(UtcTime time) {
  return time.time_since_epoch().count();
}
UtcTime time_of(std::int64_t count) {
  return UtcTime(microseconds(count));
}

}  // namespace

KeyNotes::KeyNotes(const std::string& state_dir, std::vector<Duration> waits, Clock& clock)
    : file_(state_dir + "/refused-keys.json"), waits_(std::move(waits)), clock_(clock) {}

Duration KeyNotes::wait_of(int probes) const {
  if (waits_.empty()) return kFirstWait;
  return waits_[std::min(static_cast<std::size_t>(std::max(0, probes)), waits_.size() - 1)];
}

KeyNotes::Notes KeyNotes::load() const {
  Notes notes;
  std::ifstream file(file_);
  std::ostringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  if (text.empty()) return notes;
  json::Document document;
  for (const json::Member& member : document.parse_copy(text).members()) {
    const json::Value& value = member.value;
    const UtcTime since = time_of(value["since"].as_int().value_or(0));
    const UtcTime next = time_of(value["next_probe"].as_int().value_or(0));
    if (clock_.utc_now() - since > kKeep) continue;
    notes[std::string(member.key)] = {std::string(value["verdict"].text()),
                                      std::string(value["evidence"].text()),
                                      std::string(value["next_step"].text()),
                                      since,
                                      next,
                                      static_cast<int>(value["probes"].as_int().value_or(0)),
                                      static_cast<int>(value["refusals"].as_int().value_or(0))};
  }
  return notes;
}

/// A new file, renamed over the old one.
bool KeyNotes::save(const Notes& notes) const {
  JsonWriter writer;
  writer.begin_object();
  for (const auto& [fingerprint, note] : notes) {
    writer.key(fingerprint)
        .begin_object()
        .field("verdict", note.verdict)
        .field("evidence", note.evidence)
        .field("next_step", note.next_step)
        .field("since", count_of(note.since))
        .field("next_probe", count_of(note.next_probe))
        .field("probes", std::int64_t{note.probes})
        .field("refusals", std::int64_t{note.refusals})
        .end_object();
  }
  const std::string text = writer.end_object().done(), draft = file_ + ".new";
  const Descriptor out = open_state_file(draft, O_WRONLY | O_CREAT | O_TRUNC);
  if (out.get() < 0) return false;
  return ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         std::rename(draft.c_str(), file_.c_str()) == 0;
}

bool KeyNotes::take_lock(int descriptor) const {
  for (int tried = 1; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; ++tried) {
    if (tried == kLockTries || (errno != EWOULDBLOCK && errno != EINTR)) return false;
    clock_.wait_for(kLockWait, {});
  }
  return true;
}

/// For looking only. No lock: the file is replaced as a whole.
KeyNotes::Notes KeyNotes::seen() const noexcept {
  try {
    return load();
  } catch (...) {  // torn or not ours
    return {};
  }
}

/// `act` changes the notes and says whether they are to be written. False where they cannot be kept.
template <class Act>
bool KeyNotes::with_notes(const Act& act) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    const std::string lock_file = file_ + ".lock";
    const Descriptor door = open_state_file(lock_file, O_RDWR | O_CREAT);
    if (door.get() < 0 || !take_lock(door.get())) return false;
    Notes notes = seen();
    if (!act(notes)) return true;
    while (notes.size() > kMostNotes)
      notes.erase(notes.begin());
    return save(notes);
  } catch (...) {
    return false;
  }
}

http::KeyPast KeyNotes::recall(const http::KeyId& key) {
  http::KeyPast past;
  const Notes notes = seen();
  const auto found = notes.find(key.fingerprint);
  if (found == notes.end()) return past;
  const Note& note = found->second;
  past.refused = http::KeyPast::Refusal{note.verdict, note.evidence, note.next_step, note.since,
                                        note.next_probe - clock_.utc_now()};
  return past;
}

void KeyNotes::accepted(const http::KeyId& key) {
  if (!seen().contains(key.fingerprint)) return;
  with_notes([&](Notes& notes) { return notes.erase(key.fingerprint) > 0; });
}

void KeyNotes::refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
                       const std::string& next_step, int requests) {
  with_notes([&](Notes& notes) {
    const auto [entry, is_new] = notes.try_emplace(key.fingerprint);
    Note& note = entry->second;
    if (is_new) {
      note.since = clock_.utc_now();
      note.next_probe = note.since + std::chrono::floor<microseconds>(wait_of(0));
    }
    note.verdict = verdict;
    note.evidence = evidence;
    note.next_step = next_step;
    note.refusals += requests;
    return true;
  });
}

void KeyNotes::sent_in_vain(const http::KeyId& key, int requests) {
  with_notes([&](Notes& notes) {
    const auto found = notes.find(key.fingerprint);
    if (found == notes.end()) return false;
    found->second.refusals += requests;
    return true;
  });
}

bool KeyNotes::claim_probe(const http::KeyId& key) {
  bool claimed = false;
  const bool kept = with_notes([&](Notes& notes) {
    const auto found = notes.find(key.fingerprint);
    if (found == notes.end()) return false;
    Note& note = found->second;
    const UtcTime now = clock_.utc_now();
    const auto hours_begun = std::max<std::int64_t>(1, std::chrono::ceil<hours>(now - note.since).count());
    const bool due = now >= note.next_probe && (hours_begun > 1 || note.refusals < http::kMostInFirstHour);
    const bool early = note.refusals < kMostEarly * hours_begun;
    if (!due && !early) return false;
    if (due) note.next_probe = now + std::chrono::floor<microseconds>(wait_of(++note.probes));
    ++note.refusals;
    claimed = true;
    return true;
  });
  return claimed && kept;
}

int KeyNotes::refusals(const http::KeyId& key) {
  const Notes notes = seen();
  const auto found = notes.find(key.fingerprint);
  return found == notes.end() ? 0 : found->second.refusals;
}

}  // namespace surveysync::app
