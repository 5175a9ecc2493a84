#include "http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "http/advice.h"
#include "http/duplicate_guard.h"
#include "http/key_gate.h"
#include "http/message.h"
#include "http/oauth1_problem.h"
#include "http/pace.h"
#include "http/signing_clock.h"
#include "http/verdict.h"

namespace surveysync::http {
namespace {

// The vendor ends a request by itself after 30 s.
constexpr Duration kSlowFailure = std::chrono::seconds(25);
constexpr int kRotationsInOneCall = 3;

/// How one attempt ended.
struct Outcome {
  std::optional<Reply> reply;  // when it succeeded; else the rest counts
  ErrorKind kind = ErrorKind::bug;
  std::string message;
  std::string hint;
  int status = 0;
  std::optional<Duration> retry_after;
  bool timed_out = false;
  bool repeat_refused = false;
  Refusal refusal = Refusal::none;
  std::string words;  // the judgement's, without the path
  SteadyTime sent_at{};
  KeyGate::Key key;
  std::unique_ptr<KeyGate::FirstUse> first_use;  // kept until the refusal is ruled
  SigningClock::Moment signed_at;
  std::optional<UtcTime> vendor_time;  // as the answer shows it
};

/// What to do about a failed attempt.
struct Retry {
  bool worth_it = false;
  Duration wait{};        // for this call
  Duration shown_wait{};  // the same, or the rest of the whole account that holds it back
};

/// What one call remembers between its attempts.
struct Progress {
  int attempt = 1;
  int attempts = 1;
  SteadyTime started{};
  SteadyTime latest{};
  std::optional<SteadyTime> first_sent;
  bool refetched = false;  // after a malformed answer
  bool doubted = false;    // after a 400 that may have been an echo
  bool reclocked = false;  // signed anew, with the vendor's time
  bool renonced = false;   // signed anew, with another nonce
};

// Refused permissions in a row, nothing good in between, that make us ask whether it is the key after all; then twice
// as many, and so on.
constexpr int kSuspicious = 3;

/// For an operator; only ever after masking, as half a secret is one that is not recognised.
std::string shortened(std::string text) {
  constexpr std::size_t kLongest = 300;
  if (text.size() <= kLongest) return text;
  return text.substr(0, kLongest) + "...";
}

Error to_error(const Outcome& outcome) {
  Error error(outcome.kind, outcome.message, outcome.hint);
  error.with_http_status(outcome.status).with_timed_out(outcome.timed_out);
  if (outcome.retry_after) error.with_retry_after(std::chrono::ceil<std::chrono::seconds>(*outcome.retry_after));
  return error;
}

}  // namespace

struct Client::Impl {
  Impl(ClientOptions given, Transport& its_transport, SecretReference secret, Sign its_sign, Judge its_judge,
       Masker& its_masker, Observer& its_observer, Clock& its_clock)
      : options(std::move(given)),
        transport(its_transport),
        sign(std::move(its_sign)),
        judge(std::move(its_judge)),
        masker(its_masker),
        observer(its_observer),
        clock(its_clock),
        account_limiter(options.account_limiter ? options.account_limiter
                                                : std::make_shared<Limiter>(options.limiter, clock)),
        limiter(*account_limiter),
        pace(limiter, options.limiter.window, options.timeout_cooldown, clock),
        guard(options.answered_lately ? options.answered_lately
                                      : std::make_shared<DuplicateGuard>(options.duplicate_guard, clock)),
        signing_clock(clock),
        gate(
            std::move(secret), options.credential_lines, options.keys, options.scope,
            [this](const KeyGate::Key& key, KeyGate::Account account, const std::stop_token& stop) {
              return try_key(key, account, stop);
            },
            masker, observer, clock) {}

  Reply get(const Call& call, const std::stop_token& stop);
  /// `tried`: a key that is on trial, in place of the one in use.
  Outcome insist(const Call& call, const KeyGate::Key* tried, const std::stop_token& stop);
  Outcome attempt(const Call& call, const KeyGate::Key* tried, Progress& progress, const std::stop_token& stop);
  Outcome send(const Call& call, const KeyGate::Key& key, bool on_trial, Progress& progress,
               const std::stop_token& stop);
  Outcome read(const Call& call, bool on_trial, Response response, const Progress& progress, Outcome outcome);
  Retry settle(Outcome& outcome, Progress& progress, const Scope& scope);
  Retry settle_throttled(Outcome& outcome, const Scope& scope);
  Retry settle_echo(Outcome& outcome, Progress& progress);
  bool is_suspicious(const Call& call, const Outcome& outcome);
  KeyGate::Answer try_key(const KeyGate::Key& key, KeyGate::Account account, const std::stop_token& stop);
  KeyGate::Answer probe_with(const Call& what, const KeyGate::Key& key, const std::stop_token& stop);
  Request signed_request(const Call& call, const KeyGate::Key& key, UtcTime time) const;
  bool signs_anew(const Outcome& outcome, Progress& progress, const Scope& scope);
  Scope scope_of_call(const Call& call) const;
  /// A failure that took at least this long was a time-out, whatever it calls itself.
  Duration slow_failure() const { return std::min<Duration>(kSlowFailure, options.request_timeout * 5 / 9); }

  const ClientOptions options;
  Transport& transport;
  const Sign sign;
  const Judge judge;
  Masker& masker;
  Observer& observer;
  Clock& clock;
  const std::shared_ptr<Limiter> account_limiter;
  Limiter& limiter;
  Pace pace;
  const std::shared_ptr<DuplicateGuard> guard;
  SigningClock signing_clock;
  KeyGate gate;
  Call probe, account_probe;
  std::atomic<int> denied_in_a_row{0};
  std::atomic<int> probes{0};
  std::atomic<std::int64_t> requests{0}, retries{0}, throttled{0}, bytes{0};
  mutable std::mutex mutex;
  std::optional<Duration> skew;
};

Scope Client::Impl::scope_of_call(const Call& call) const {
  Scope scope = call.scope;
  if (scope.source.empty()) scope.source = options.scope.source;
  return scope;
}

Reply Client::Impl::get(const Call& call, const std::stop_token& stop) {
  bool repeated = false;
  for (int rotation = 0;; ++rotation) {
    Outcome outcome = insist(call, nullptr, stop);
    if (outcome.reply) return std::move(*outcome.reply);
    const bool was_denied = outcome.kind == ErrorKind::denied;
    const auto ruling = gate.rule({outcome.key, outcome.sent_at, outcome.refusal, outcome.words}, stop);
    if (ruling == KeyGate::Ruling::rotated && rotation < kRotationsInOneCall) continue;
    if (ruling == KeyGate::Ruling::refused) throw gate.refusal();
    // The probe showed that the key is good: one refusal may have been a slip of the vendor's.
    if (ruling == KeyGate::Ruling::accepted && !was_denied && !std::exchange(repeated, true)) continue;
    if (ruling == KeyGate::Ruling::accepted || was_denied) {
      outcome.kind = ErrorKind::denied;
    } else {
      outcome.kind = ErrorKind::unavailable;
      outcome.message += " (whether the key is refused could not be confirmed)";
    }
    throw to_error(outcome);
  }
}

/// Whether a missing permission may be a refused key: it is for the call that every key may make, and for many in a
/// row.
bool Client::Impl::is_suspicious(const Call& call, const Outcome& outcome) {
  if (outcome.kind != ErrorKind::denied || outcome.refusal != Refusal::access) return false;
  const int in_a_row = denied_in_a_row.fetch_add(1) + 1;
  int threshold = kSuspicious;
  while (threshold < in_a_row)
    threshold *= 2;
  return call.path == probe.path || in_a_row == threshold;
}

/// The probe with `key`; where the vendor's words are not about the key itself, the account decides what they are
/// about.
KeyGate::Answer Client::Impl::try_key(const KeyGate::Key& key, KeyGate::Account ask, const std::stop_token& stop) {
  using Kind = KeyGate::Answer::Kind;
  if (probe.path.empty()) return {Kind::not_asked};
  KeyGate::Answer answer = probe_with(probe, key, stop);
  {
    const std::lock_guard lock(mutex);
    answer.clock_skew = skew.value_or(Duration::zero());
  }
  if (answer.kind != Kind::refused || answer.refusal != Refusal::access || account_probe.path.empty() ||
      ask == KeyGate::Account::spare) {
    return answer;
  }
  const KeyGate::Answer account = probe_with(account_probe, key, stop);
  answer.account_asked = true;
  answer.account_accepts = account.kind == Kind::accepted;
  if (account.kind == Kind::unknown) answer.kind = Kind::unknown;
  if (account.kind == Kind::refused && account.refusal != Refusal::access) {
    answer.refusal = account.refusal;
    answer.words = account.words;
  }
  return answer;
}

KeyGate::Answer Client::Impl::probe_with(const Call& what, const KeyGate::Key& key, const std::stop_token& stop) {
  using Kind = KeyGate::Answer::Kind;
  Call call = what;
  for (auto& [name, value] : call.query) {
    if (name == call.vary && !value.empty()) value = std::to_string(std::stoi(value) + probes.fetch_add(1) % 8);
  }
  try {
    const Outcome outcome = insist(call, &key, stop);
    // A kept answer may be older than the refusal.
    if (outcome.reply) return {outcome.reply->cached ? Kind::unknown : Kind::accepted};
    if (outcome.refusal == Refusal::none) return {Kind::unknown, Refusal::none, outcome.words};
    return {Kind::refused, outcome.refusal, outcome.words};
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return {Kind::unknown, Refusal::none, failure.what()};
  }
}

/// Repeats the call until it succeeds or is refused; throws when it makes no sense to go on.
Outcome Client::Impl::insist(const Call& call, const KeyGate::Key* tried, const std::stop_token& stop) {
  Progress progress;
  progress.attempts = std::max(1, call.attempts > 0 ? call.attempts : options.retry.attempts);
  progress.started = clock.now();
  progress.latest = progress.started + options.retry.budget;
  const Scope scope = scope_of_call(call);
  for (;; ++progress.attempt) {
    Outcome outcome = attempt(call, tried, progress, stop);
    if (outcome.reply) outcome.reply->attempts = progress.attempt;
    if (signs_anew(outcome, progress, scope)) continue;
    if (outcome.reply || outcome.kind == ErrorKind::unauthorized) return outcome;
    if (tried ? outcome.kind == ErrorKind::denied : is_suspicious(call, outcome)) return outcome;
    const Retry retry = settle(outcome, progress, scope);
    const SteadyTime now = clock.now();
    const bool may_shrink = call.heavy_attempts > 0 && to_error(outcome).asks_for_less();
    const int attempts = may_shrink ? std::min(call.heavy_attempts, progress.attempts) : progress.attempts;
    const bool last = progress.attempt >= attempts || now + retry.shown_wait > progress.latest;
    if (!retry.worth_it || last) {
      if (progress.attempt > 1) {
        const auto elapsed = std::chrono::ceil<std::chrono::seconds>(now - progress.started);
        outcome.message += fmt::format(" (after {} attempts in {})", progress.attempt, format_duration(elapsed));
      }
      throw to_error(outcome);
    }
    retries.fetch_add(1, std::memory_order_relaxed);
    observer.on_event(
        event::RetryScheduled{scope, call.path, progress.attempt, retry.shown_wait, outcome.kind, outcome.message});
    if (!clock.wait_for(retry.wait, stop))
      throw Error(ErrorKind::cancelled, "stopped while waiting to repeat " + call.path);
  }
}

/// A refused signature may be the clock's doing, or chance's (two equal nonces): then it is made anew, once for each.
bool Client::Impl::signs_anew(const Outcome& outcome, Progress& progress, const Scope& scope) {
  if (!options.keys.oauth1 || outcome.reply || outcome.kind != ErrorKind::unauthorized) return false;
  const bool about_time = outcome.refusal == Refusal::clock;
  const SigningClock::Lesson lesson = signing_clock.refused(outcome.signed_at, outcome.vendor_time, about_time);
  if (lesson.wrong) observer.on_event(event::ClockCorrected{scope, *lesson.wrong});
  const bool anew = (lesson.repeat && !std::exchange(progress.reclocked, true)) ||
                    (outcome.refusal == Refusal::nonce && !std::exchange(progress.renonced, true));
  if (anew) retries.fetch_add(1, std::memory_order_relaxed);
  return anew;
}

/// One attempt: the key's leave, the duplicate guard's, the limiter's, then the call itself.
Outcome Client::Impl::attempt(const Call& call, const KeyGate::Key* tried, Progress& progress,
                              const std::stop_token& stop) {
  std::string question = call.path + "?" + encode_query(call.query);
  // Asked with another key it is another question.
  if (tried) question += "#" + tried->credential->fingerprint;
  for (;;) {
    const KeyGate::Key key = tried ? *tried : gate.take(stop);
    DuplicateGuard::Turn turn = guard->enter(question, stop);
    std::unique_ptr<KeyGate::FirstUse> first_use;
    if (!tried) first_use = std::make_unique<KeyGate::FirstUse>(gate, key, stop);
    limiter.acquire(stop, progress.latest);
    // While we waited another worker may have seen the key refused: then nothing goes out any more.
    if (!tried && !gate.is_good(key)) continue;
    Outcome outcome = send(call, key, tried != nullptr, progress, stop);
    // A probe that got no answer at all may have been refused as well.
    if (!outcome.reply && (tried || outcome.refusal != Refusal::none)) gate.in_vain(key);
    const bool final_word = outcome.kind == ErrorKind::denied || outcome.kind == ErrorKind::rejected;
    if (outcome.reply || (outcome.status == 200 && final_word)) turn.answered();
    outcome.first_use = std::move(first_use);
    return outcome;
  }
}

Request Client::Impl::signed_request(const Call& call, const KeyGate::Key& key, UtcTime time) const {
  Query query = call.query;
  Request request;
  if (sign) sign({*key.credential, options.endpoint, call.path, time}, query, request.headers);
  request.target = options.endpoint.prefix + call.path;
  if (!query.empty()) request.target += "?" + encode_query(query);
  request.display = call.path;
  return request;
}

Outcome Client::Impl::send(const Call& call, const KeyGate::Key& key, bool on_trial, Progress& progress,
                           const std::stop_token& stop) {
  Outcome outcome;
  outcome.signed_at = signing_clock.now();
  const Request request = signed_request(call, key, outcome.signed_at.time);
  outcome.key = key;
  outcome.sent_at = clock.now();
  if (!progress.first_sent) progress.first_sent = outcome.sent_at;
  requests.fetch_add(1, std::memory_order_relaxed);
  try {
    Response response = transport.exchange(request, Deadline(clock, options.request_timeout), stop);
    return read(call, on_trial, std::move(response), progress, std::move(outcome));
  } catch (const Error& failure) {
    if (stop.stop_requested()) {
      gate.in_vain(key);
      throw Error(ErrorKind::cancelled, "stopped during a call of " + call.path);
    }
    if (failure.kind() != ErrorKind::unavailable && failure.kind() != ErrorKind::malformed) throw;
    outcome.kind = failure.kind();
    outcome.message = masker.mask(failure.what());
    outcome.hint = failure.hint();
    // A vendor that ends the connection after a long silence has given up as much as one that says so.
    outcome.timed_out = failure.timed_out() ||
                        (failure.kind() == ErrorKind::unavailable && clock.now() - outcome.sent_at >= slow_failure());
    if (outcome.timed_out) pace.trouble(true);
    return outcome;
  }
}

/// Takes in what an answer says, whether good or bad.
Outcome Client::Impl::read(const Call& call, bool on_trial, Response response, const Progress& progress,
                           Outcome outcome) {
  bytes.fetch_add(response.wire_bytes, std::memory_order_relaxed);
  const bool cached = same_word(response.header("X-SG-Cached"), "true");
  observer.on_event(event::CallFinished{scope_of_call(call), call.path, response.status,
                                        static_cast<std::int64_t>(response.body.size()), response.elapsed, cached});
  const UtcTime now = clock.utc_now();
  const Advice advice = read_advice(response, now);
  if (advice.date) {
    const std::lock_guard lock(mutex);
    skew = *advice.date - now;
  }
  pace.heed(advice);
  outcome.status = response.status;
  const bool accepted = call.accepts && call.accepts(response);
  const auto judged = options.keys.oauth1 ? judge_signed_response : judge_response;
  const Judgement judgement = accepted ? Judgement{} : judged(response, judge);
  if (!judgement.ok) {
    outcome.kind = judgement.kind;
    outcome.words = shortened(masker.mask(judgement.message));
    outcome.message = fmt::format("{} {}", call.path, outcome.words);
    outcome.refusal = judgement.refusal;
    if (judgement.kind == ErrorKind::unauthorized && judgement.refusal == Refusal::none)
      outcome.refusal = Refusal::pair;
    outcome.vendor_time = advice.date ? advice.date : judgement.vendor_time;
    outcome.retry_after = advice.retry_after;
    outcome.repeat_refused = judgement.repeat_refused;
    if (response.status >= 500) {
      outcome.timed_out = response.elapsed >= slow_failure();
      pace.trouble(outcome.timed_out);
    }
    return outcome;
  }
  pace.fine();
  if (!accepted && !cached) {
    denied_in_a_row = 0;
    if (!on_trial) gate.accepted(outcome.key, outcome.sent_at);
  }
  const bool first_try = progress.first_sent == outcome.sent_at;
  Reply& reply = outcome.reply.emplace();
  reply.status = response.status;
  reply.body = std::move(response.body);
  reply.cached = cached;
  reply.elapsed = response.elapsed;
  reply.sent_at = !cached     ? outcome.sent_at
                  : first_try ? outcome.sent_at - options.duplicate_guard
                              : *progress.first_sent;
  reply.vendor_date = advice.date;
  return outcome;
}

/// Decides whether and when to repeat; orders the rests that the failure asks for, also when the call itself gives up.
Retry Client::Impl::settle(Outcome& outcome, Progress& progress, const Scope& scope) {
  const Duration backoff = Backoff(options.retry.base, options.retry.cap).wait(progress.attempt, random_unit());
  switch (outcome.kind) {
    case ErrorKind::throttled:
      return settle_throttled(outcome, scope);
    case ErrorKind::rejected:
      return outcome.status == 400 ? settle_echo(outcome, progress) : Retry{};
    case ErrorKind::malformed:
      return std::exchange(progress.refetched, true) ? Retry{} : Retry{true, backoff, backoff};
    case ErrorKind::unavailable:
      if (outcome.timed_out) return {true, {}, options.timeout_cooldown};  // the rest was ordered when it happened
      if (!outcome.retry_after) return {true, backoff, backoff};
      limiter.rest(std::min(*outcome.retry_after, kLongestAdvice));
      return {*outcome.retry_after <= kLongestAdvice, {}, *outcome.retry_after};
    default:
      return {};
  }
}

Retry Client::Impl::settle_throttled(Outcome& outcome, const Scope& scope) {
  throttled.fetch_add(1, std::memory_order_relaxed);
  if (outcome.repeat_refused && !outcome.retry_after) {
    pace.repeat_refused();
    observer.on_event(event::Throttled{scope, Duration::zero(), outcome.message});
    return {true, options.duplicate_guard, options.duplicate_guard};
  }
  const Duration rest = pace.throttled(outcome.sent_at, outcome.retry_after);
  observer.on_event(event::Throttled{scope, rest, outcome.message});
  outcome.retry_after = rest;
  return {rest <= kLongestAdvice, {}, rest};
}

/// A 400 is ours, unless the vendor was in trouble: after a time-out it answers 400 to everything for a minute.
Retry Client::Impl::settle_echo(Outcome& outcome, Progress& progress) {
  const Pace::Echo echo = pace.echo(outcome.sent_at);
  if (echo == Pace::Echo::none || (echo == Pace::Echo::possible && std::exchange(progress.doubted, true))) return {};
  outcome.kind = ErrorKind::unavailable;
  outcome.message += " (after trouble at the vendor, which then refuses everything for a minute)";
  return {true, {}, pace.cool_down()};
}

Client::Client(ClientOptions options, Transport& transport, SecretReference secret, Sign sign, Judge judge,
               Masker& masker, Observer& observer, Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), transport, std::move(secret), std::move(sign), std::move(judge),
                                   masker, observer, clock)) {}
Client::~Client() = default;

Reply Client::get(const Call& call, const std::stop_token& stop) {
  return impl_->get(call, stop);
}

void Client::set_probe(Call probe, Call account_probe) {
  impl_->probe = std::move(probe);
  impl_->account_probe = std::move(account_probe);
}

KeyState Client::key_state() const {
  return impl_->gate.state();
}
bool Client::refresh_keys(const std::stop_token& stop) {
  return impl_->gate.refresh(stop);
}

bool Client::probe_refused_key(const std::stop_token& stop) {
  return impl_->gate.probe_refused(stop);
}

std::optional<KeyState> Client::try_next_key(const std::stop_token& stop) {
  return impl_->gate.try_next(stop);
}

std::vector<KeyState> Client::test_keys(const std::stop_token& stop) {
  return impl_->gate.test_all(stop);
}

Limiter& Client::limiter() {
  return impl_->limiter;
}

ClientStats Client::stats() const {
  return {impl_->requests.load(), impl_->retries.load(), impl_->throttled.load(), impl_->bytes.load()};
}

std::string Client::fingerprint() const {
  return impl_->gate.state().fingerprint;
}

std::optional<Duration> Client::clock_skew() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->skew;
}

}  // namespace surveysync::http
