#include "http/key_verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace surveysync::http {
namespace {

constexpr std::size_t kShortest = 8;  // no vendor gives out shorter keys

/// Lines that are as they were in the key that last worked; 0 when the two cannot be compared.
std::size_t equal_lines(const KeyEvidence& evidence) {
  if (evidence.lines.size() != evidence.good_lines.size()) return 0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < evidence.lines.size(); ++i)
    if (evidence.lines[i] == evidence.good_lines[i]) ++equal;
  return equal;
}

bool is_half_new(const KeyEvidence& evidence) {
  const std::size_t equal = equal_lines(evidence);
  return !evidence.worked && equal > 0 && equal < evidence.lines.size();
}

KeyVerdict permission_denied(const KeyEvidence& evidence) {
  return {"permission_denied", said_of(evidence) + "; the same key may read the account, so the key itself is good",
          "give the API user of this key back its permission to read surveys at the vendor (users and roles); nothing "
          "has to be changed here, it is asked again by itself"};
}

KeyVerdict access_disabled(const KeyEvidence& evidence) {
  return {"access_disabled",
          said_of(evidence) +
              "; every request is refused, also that for the account, and the answer does not blame the key",
          "ask the vendor account's administrator whether API access (or GET) was switched off, for the account or for "
          "the API user, or whether the plan lapsed; nothing has to be changed here, it is asked again by itself"};
}

KeyVerdict half_rotated(const KeyEvidence& evidence) {
  std::vector<std::string> compared;
  for (std::size_t i = 0; i < evidence.lines.size(); ++i) {
    const bool same = evidence.lines[i] == evidence.good_lines[i];
    compared.push_back(
        same ? fmt::format("line {} is still that of the key that last worked ({})", i + 1, evidence.lines[i])
             : fmt::format("line {} changed from {} to {}", i + 1, evidence.good_lines[i], evidence.lines[i]));
  }
  return {"half_rotated", fmt::format("{}; {}", said_of(evidence), fmt::join(compared, ", ")),
          "a new key is a new token and a new secret together: " + write_to(evidence.reference, "both lines")};
}

KeyVerdict rotated(const KeyEvidence& evidence) {
  const std::string place = evidence.unreadable.empty()
                                ? evidence.reference + " still holds the same key"
                                : "was read before; now it cannot be read again: " + evidence.unreadable;
  return {"rotated", fmt::format("{}; {}, and {}", said_of(evidence), last_worked(evidence), place),
          "somebody made a new key for this API user (the vendor then deletes the old one at once) or deleted it: get "
          "the new token and secret from them, or make a new key at the vendor, and " +
              write_to(evidence.reference, "them")};
}

KeyVerdict wrong_region(const KeyEvidence& evidence) {
  return {"wrong_region",
          fmt::format("{}; it never worked here, and the vendor's region {} accepts it", said_of(evidence),
                      evidence.accepted_elsewhere),
          fmt::format("set region = \"{}\" for this source in the configuration and reload (SIGHUP), or use a key of "
                      "the region that is configured",
                      evidence.accepted_elsewhere)};
}

KeyVerdict mistyped(const KeyEvidence& evidence) {
  std::string text = said_of(evidence) + "; it never worked here";
  if (!evidence.oddities.empty()) text += fmt::format("; {}", fmt::join(evidence.oddities, ", "));
  return {
      "mistyped", std::move(text),
      fmt::format("copy token and secret from the vendor's page once more, and {}; if they are right, check the region",
                  write_to(evidence.reference,
                           "them, the token in the first line and the secret in the second, without quotes or "
                           "blanks,"))};
}

/// The four words of vendors that say exactly what is wrong with a key.
std::optional<KeyVerdict> by_the_word(const KeyEvidence& evidence) {
  const std::string write_it = write_to(evidence.reference, "it");
  switch (evidence.refusal) {
    case Refusal::absent:
      return KeyVerdict{
          "missing", said_of(evidence) + "; the key did not reach the vendor",
          "see whether a proxy takes headers out of requests; if not, " + write_to(evidence.reference, "the key anew")};
    case Refusal::expired:
      return KeyVerdict{"expired", said_of(evidence), "make a new key at the vendor and " + write_it};
    case Refusal::revoked:
      return KeyVerdict{
          "revoked", said_of(evidence),
          "ask who revoked it, and whether on purpose; then make a new key at the vendor and " + write_it};
    case Refusal::invalid:
      if (evidence.worked) return std::nullopt;
      return KeyVerdict{"invalid", said_of(evidence) + "; it never worked here",
                        "copy the key from the vendor's page once more, without quotes or blanks, and " + write_it};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string said_of(const KeyEvidence& evidence) {
  return fmt::format("key {}: {}", evidence.fingerprint,
                     evidence.words.empty() ? "refused without a word" : evidence.words);
}

std::string last_worked(const KeyEvidence& evidence) {
  return evidence.last_good_at
             ? "it last worked at " + format_utc(std::chrono::floor<std::chrono::seconds>(*evidence.last_good_at))
             : "it worked before";
}

KeyVerdict judge_key(const KeyEvidence& evidence) {
  if (evidence.oauth)
    if (const auto verdict = judge_oauth_key(evidence)) return *verdict;
  if (const auto verdict = by_the_word(evidence)) return *verdict;
  if (evidence.refusal == Refusal::access || evidence.refusal == Refusal::none)
    return evidence.account_accepts ? permission_denied(evidence) : access_disabled(evidence);
  if (evidence.worked) return rotated(evidence);
  if (is_half_new(evidence)) return half_rotated(evidence);
  return evidence.accepted_elsewhere.empty() ? mistyped(evidence) : wrong_region(evidence);
}

bool may_belong_elsewhere(const KeyEvidence& evidence) {
  const bool about_the_pair = evidence.refusal == Refusal::pair || evidence.refusal == Refusal::never_valid;
  return about_the_pair && !evidence.worked && evidence.good_lines.empty();
}

KeyVerdict malformed_key(const std::string& reference, const std::string& fingerprint, const std::string& mistake) {
  return {"mistyped", fmt::format("key {}: {}; nothing was sent", fingerprint, mistake),
          "copy the key from the vendor's page once more, without quotes or blanks, and " + write_to(reference, "it")};
}

KeyVerdict missing_key(const std::string& reference, const std::string& reason) {
  return {"missing", reason, write_to(reference, "the key")};
}

KeyVerdict undecided_key(const std::string& words) {
  return {"indeterminate", "the vendor could not be asked: " + words,
          "look at the network first (DNS, proxy, TLS, the vendor's status page); this says nothing about the key"};
}

KeyVerdict resting_key() {
  return {
      "indeterminate",
      "processes that began to use this key ended again and again without an answer, so it is left alone for a while",
      "find out what ends the process (journalctl, memory, the service's restarts); the key itself may be good, and "
      "work goes on by itself"};
}

std::vector<std::string> key_oddities(const Credential& credential) {
  std::vector<std::string> found;
  for (const std::string& warning : credential.warnings)
    if (!warning.starts_with("environment")) found.push_back(warning);
  for (std::size_t i = 0; i < credential.lines.size(); ++i) {
    const std::string_view text = credential.lines[i].expose();
    const auto tell = [&](std::string_view what) { found.push_back(fmt::format("line {} {}", i + 1, what)); };
    if (text.find_first_of(" \t") != std::string_view::npos) tell("has a blank inside");
    if (text.find_first_of("\"'`<>") != std::string_view::npos) tell("has quotes or brackets in it");
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; }))
      tell("has characters that no key has");
    if (text.size() < kShortest) tell(fmt::format("has only {} characters", text.size()));
    if (i > 0 && credential.lines[i] == credential.lines[i - 1]) tell("is the same as the one before");
  }
  return found;
}

std::string write_to(const std::string& reference, const std::string& what) {
  const std::string_view text = reference;
  if (text.starts_with("file:")) {
    return fmt::format(
        "write {} into {} (mode 0600, best as a new file that is renamed over it); it is tried within seconds", what,
        text.substr(5));
  }
  if (text.starts_with("exec:")) {
    return fmt::format("write {} to where {} takes it from, and reload (SIGHUP) to have it tried", what, text);
  }
  return fmt::format("write {} to where {} comes from, and restart the service, which reads it only then", what, text);
}

}  // namespace surveysync::http
