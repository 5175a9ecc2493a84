#pragma once
// What a refusal of a key means, and what a tired person does about it: the table of product.md section 5, as far as a
// static key can give it. Pure, any thread, never throws. Texts hold fingerprints, never a key; the verdict is a stable
// word without anything volatile, so that it can name an incident.

#include <optional>
#include <string>
#include <vector>

#include "http/client.h"

namespace surveysync::http {

/// What is known beside that of a key that signs (OAuth 1.0a).
struct OAuthEvidence {
  std::string source;           ///< its configured name
  std::string token_reference;  ///< where the token is read from; empty: the consumer key signs alone
  Duration clock_skew = {};     ///< the vendor's Date minus our clock
};

/// What is known when a key is refused.
struct KeyEvidence {
  Refusal refusal = Refusal::pair;  ///< what the vendor's words are about
  std::string words;                ///< the vendor's, scrubbed
  std::string reference;            ///< where the key is read from, as configured
  std::string unreadable = {};      ///< why it cannot be read from there any more; empty: it can
  std::string fingerprint;
  std::vector<std::string> lines;       ///< line fingerprints of the refused key
  std::vector<std::string> good_lines;  ///< those of the key that its slot last worked with; empty: none is known
  bool worked = false;                  ///< this very key was accepted once
  std::optional<UtcTime> last_good_at;
  bool account_accepts = false;       ///< another endpoint, that every key may ask, takes the key
  std::string accepted_elsewhere;     ///< the region that takes it
  std::vector<std::string> oddities;  ///< key_oddities
  std::optional<OAuthEvidence> oauth = std::nullopt;
};

struct KeyVerdict {
  std::string verdict, evidence, next_step;
  bool operator==(const KeyVerdict&) const = default;
};

/// rotated, mistyped, half_rotated, wrong_region, permission_denied, access_disabled, missing, invalid, expired or
/// revoked; for OAuth also signature_refused and clock_skew.
KeyVerdict judge_key(const KeyEvidence& evidence);
/// What only OAuth has: the clock, the signature, the token, and two pairs in place of one. Nothing for the rest.
std::optional<KeyVerdict> judge_oauth_key(const KeyEvidence& evidence);
/// "run surveysync authorize SOURCE ...": how a new token comes.
std::string authorize_again(const std::string& source);
/// "key FINGERPRINT: the vendor's words", and when it last worked.
std::string said_of(const KeyEvidence& evidence);
std::string last_worked(const KeyEvidence& evidence);
/// Whether the vendor's other regions are worth asking: only for a key that never worked and is nothing else.
bool may_belong_elsewhere(const KeyEvidence& evidence);
/// The key has not the form of one, for `mistake`: nobody was asked.
KeyVerdict malformed_key(const std::string& reference, const std::string& fingerprint, const std::string& mistake);
/// The secret cannot be read, for `reason`.
KeyVerdict missing_key(const std::string& reference, const std::string& reason);
/// The network, never the key: `words` is what happened.
KeyVerdict undecided_key(const std::string& words);
/// Uses of the key began and ended without an answer; it is left alone for a while.
KeyVerdict resting_key();
/// What looks wrong with a key without asking anybody: blanks inside, equal lines. Never shows it.
std::vector<std::string> key_oddities(const Credential& credential);
/// "write WHAT into FILE ...": how a changed key is put in place and taken up, by where `reference` reads it from.
std::string write_to(const std::string& reference, const std::string& what);

}  // namespace surveysync::http
