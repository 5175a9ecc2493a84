#pragma once
// A call that signs, waits its turn, retries, and judges the answer: the deepest room of the left wing. One per source,
// shared by its workers (thread-safe). It owns the politeness of the account: pacing, rests, the duplicate guard, the
// retry budget, and the refusal of a key (after which no further call goes out until the secret changes). Throws Error:
// cancelled, unavailable, throttled, unauthorized, denied, rejected, malformed.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/event.h"
#include "base/secret.h"
#include "http/key_memory.h"
#include "http/limiter.h"
#include "http/transport.h"

namespace surveysync::http {

/// Ordered query parameters, not yet encoded. The same list builds the URL and (OAuth) the signature.
using Query = std::vector<std::pair<std::string, std::string>>;
/// RFC 3986 percent-encoding: everything but unreserved characters.
std::string percent_encode(std::string_view text);
/// "a=1&b=2", encoded.
std::string encode_query(const Query& query);

/// What a refusal is about, as far as the vendor's words tell.
enum class Refusal {
  none,         ///< no refusal, or nothing that the vendor can have said
  pair,         ///< this key is not valid (any more)
  never_valid,  ///< the words for a key that never was one; a key that worked before gets them too
  access,       ///< the key is known, but not for this: a permission, or access switched off
  absent,       ///< no key came with the call
  invalid,      ///< not valid, in the words for a key that is none; one that worked before was rotated
  expired,      ///< the key, or the token that a person granted, is over by its age
  revoked,      ///< somebody took it back
  token,        ///< OAuth: the token is not accepted (any more)
  signature,    ///< OAuth: the signature does not fit
  nonce,        ///< OAuth: the nonce was used before
  clock,        ///< OAuth: the signature's time is not accepted
};

/// A provider's reading of one answer: fine, or what kind of failure, in the vendor's words.
struct Judgement {
  bool ok = true;
  ErrorKind kind = ErrorKind::bug;  ///< when not ok
  std::string message;              ///< the vendor's text, shortened and scrubbed
  bool repeat_refused = false;  ///< the vendor refuses an identical call for the moment (wait for the duplicate guard)
  Refusal refusal = Refusal::none;          ///< for unauthorized and denied
  std::optional<UtcTime> vendor_time = {};  ///< what the vendor takes for now, where it says so
};
using Judge = std::function<Judgement(const Response&)>;
/// What is signed beside the query, and with what.
struct Signing {
  const Credential& credential;
  const Endpoint& endpoint;
  std::string_view path;  ///< as sent, without the endpoint's prefix
  UtcTime time;           ///< by the vendor's clock, as far as it is known
  std::string_view method = "GET";
};
/// Adds the credential, or a signature made with it, to query or headers.
using Sign = std::function<void(const Signing&, Query&, Headers&)>;

struct RetryOptions {
  int attempts = 5;
  Duration base = std::chrono::milliseconds(500);
  Duration cap = std::chrono::seconds(60);
  Duration budget = std::chrono::minutes(10);  ///< from first attempt to last, one call
};

class KeyAlarm;

/// The keys beside the one that is configured as `secret`, and what to do when they are refused.
struct KeyOptions {
  std::optional<SecretReference> next = std::nullopt;  ///< a second key, promoted when the first is refused
  /// OAuth, three-legged: the token (two lines), which is part of the first key. Missing: somebody must `authorize`.
  std::optional<SecretReference> token = std::nullopt;
  /// Calls are signed (RFC 5849): answers may name OAuth problems, and the time is corrected by the vendor's.
  bool oauth1 = false;
  std::shared_ptr<KeyMemory> memory = nullptr;  ///< null: this process knows only what it learned itself
  std::shared_ptr<KeyAlarm> alarm = nullptr;    ///< of the sources that ask the same vendor; null: this one alone
  /// A secret that cannot be read is a refused key (verdict "missing"), not an error of the constructor.
  bool may_be_missing = false;
  /// What the vendor's other regions said to a key.
  struct Elsewhere {
    std::string region = {};  ///< that accepts it; empty: none does
    int in_vain = 0;          ///< requests that others were sent
  };
  /// Asks them, one probe each. Only when the key never worked. Throws what Client::get throws.
  std::function<Elsewhere(const Credential&, const std::stop_token&)> accepted_elsewhere = nullptr;
  /// What is wrong with a key by its form alone, without showing it; empty: nothing. Such a key is refused (verdict
  /// "mistyped") before any request.
  std::function<std::string(const Credential&)> mistake = nullptr;
  /// What people should know of a key of sound form ("a test key"): told once, when it is read; empty: nothing.
  std::function<std::string(const Credential&)> warning = nullptr;
};

/// What is known of one key.
struct KeyState {
  std::string slot = {}, fingerprint = {};  ///< fingerprint empty: the secret cannot be read
  bool usable = true;
  std::string verdict = {}, evidence = {}, next_step = {};  ///< while it is not usable
  std::optional<UtcTime> last_good_at = {}, refused_since = {};
};

class DuplicateGuard;

struct ClientOptions {
  Scope scope;  ///< source name, for events
  LimiterOptions limiter;
  /// The account's limiter where several sources share one; replaces an own one made of `limiter`.
  std::shared_ptr<Limiter> account_limiter = nullptr;
  /// What was answered lately, also to a client before this one; null: this client's own.
  std::shared_ptr<DuplicateGuard> answered_lately = nullptr;
  KeyOptions keys = {};
  RetryOptions retry;
  Duration request_timeout = std::chrono::seconds(45);
  Duration duplicate_guard = std::chrono::seconds(65);
  Duration timeout_cooldown = std::chrono::seconds(70);
  Endpoint endpoint = {};  ///< where calls go
  std::size_t credential_lines = 2;
};

/// One question to the vendor.
struct Call {
  std::string path;  ///< "/v5/survey", without prefix
  Query query;       ///< without credentials
  Scope scope;       ///< for events: run, stream, partition
  /// 0: as configured.
  int attempts = 0;
  /// Attempts while the vendor fails under the weight of the question (Error::asks_for_less), where a smaller one can
  /// be asked instead; 0: no fewer than for other failures.
  int heavy_attempts = 0;
  /// Answers that this call takes as they are, whatever their status: a 404 for one record says something about that
  /// record. Never a word about the key. Empty: none.
  std::function<bool(const Response&)> accepts = nullptr;
  /// A query parameter with a number that may be up to seven larger without changing what is asked: probes use it to
  /// pass the duplicate guard. Empty: none.
  std::string vary = {};
};

struct Reply {
  int status = 0;
  std::string body;      ///< kPadding readable bytes behind its size
  int attempts = 1;      ///< requests it took, retries included
  bool cached = false;   ///< X-SG-Cached: the vendor made this answer for an earlier identical call
  Duration elapsed{};    ///< of the last attempt
  SteadyTime sent_at{};  ///< when the content was made at the earliest; cached answers: when the call was first
                         ///< sent, or a duplicate_guard before this call where that is not known
  std::optional<UtcTime> vendor_date;  ///< the Date header
};

/// Counters since construction, for run rows and `status`.
struct ClientStats {
  std::int64_t requests = 0, retries = 0, throttled = 0, bytes = 0;
};

class Client {
 public:
  /// References outlive the client. Reads the secret at once; throws Error(config) if it cannot be read, unless it may
  /// be missing.
  Client(ClientOptions options, Transport& transport, SecretReference secret, Sign sign, Judge judge, Masker& masker,
         Observer& observer, Clock& clock);
  ~Client();

  /// Sends `call` until it succeeds, its budget is used up, or it makes no sense to go on.
  /// - unauthorized: the secret is read again; if it changed the call is repeated once with the new one (KeyRotated).
  ///   If not, and no other process knows more, one probe (set_probe) decides for all workers: accepted means denied;
  ///   refused means that the second key is tried, if there is one, and otherwise unauthorized, with one KeyRefused.
  ///   From then on every call fails at once without a request until the secret's content changes, or a probe that
  ///   KeyMemory gives leave for is accepted. A key that others know to be refused is not even tried.
  /// - denied: so is a missing permission; many in a row, or one for the probe's own call, are taken for a refusal.
  /// - until a key was accepted once, one call at a time is sent with it: the others wait for its answer.
  /// - 429, throttle texts and Retry-After rest the whole account; a vendor time-out rests it for timeout_cooldown, and
  /// a 400
  ///   within that time is the time-out's echo, not our mistake.
  /// - a URL that got a complete 200 is not sent again within duplicate_guard: the call waits.
  Reply get(const Call& call, const std::stop_token& stop);

  /// The cheapest authenticated call, used to confirm a refusal; and one of another endpoint that every key may ask
  /// (the account), which tells a lost permission from access switched off.
  void set_probe(Call probe, Call account_probe = {});

  /// The key in use.
  KeyState key_state() const;
  /// Reads the secrets again, also while the key is good. A key that has changed is tried at once, with one probe, and
  /// used from then on when it is accepted; when it is refused, the one in use stays if it is good. What cannot be read
  /// changes nothing. Whether there is a usable key now.
  bool refresh_keys(const std::stop_token& stop);
  /// While the key is refused: sends its next probe if it is due and KeyMemory gives it to this process. Whether the
  /// key is usable now.
  bool probe_refused_key(const std::stop_token& stop);
  /// Tries the second key with one probe (KeyTried), whatever the first does. Nothing when none is configured.
  std::optional<KeyState> try_next_key(const std::stop_token& stop);
  /// Tries all keys, one probe each, for `keys test`; one that is refused already is asked only when KeyMemory allows.
  std::vector<KeyState> test_keys(const std::stop_token& stop);

  ClientStats stats() const;
  Limiter& limiter();
  /// Fingerprint of the credential in use.
  std::string fingerprint() const;
  /// vendor's Date minus our clock, from the last answer that had one.
  std::optional<Duration> clock_skew() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::http
