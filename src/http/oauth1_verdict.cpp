// The verdicts that only a signed call can get. Names of problems are those of http/oauth1_problem.
#include <fmt/format.h>

#include "http/key_verdict.h"
#include "http/oauth1.h"
#include "http/signing_clock.h"

namespace surveysync::http {
namespace {

std::string skew_text(Duration skew) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(skew);
  return fmt::format("this host's clock is {} {} the vendor's", format_duration(std::chrono::abs(seconds)),
                     seconds.count() > 0 ? "behind" : "ahead of");
}

bool clocks_differ(const KeyEvidence& evidence) {
  return std::chrono::abs(evidence.oauth->clock_skew) > kClocksAgree;
}

KeyVerdict clock_skew(const KeyEvidence& evidence) {
  const std::string how = clocks_differ(evidence)
                              ? skew_text(evidence.oauth->clock_skew) + "; signing with the vendor's time did not help"
                              : std::string("its Date header agrees with this host's clock");
  return {"clock_skew", fmt::format("{}; {}", said_of(evidence), how),
          "set this host's clock (timedatectl set-ntp true, or chronyc makestep); the key is tried again by itself. If "
          "it is refused still, check the consumer's secret"};
}

KeyVerdict signature_refused(const KeyEvidence& evidence) {
  const bool nonce = evidence.refusal == Refusal::nonce;
  return {"signature_refused",
          fmt::format("{}; the clocks agree{}", said_of(evidence),
                      nonce ? ", and a fresh nonce was refused as well: something sends our requests twice" : ""),
          fmt::format("copy the consumer's key and secret from the vendor's page once more, and {}; if they are right, "
                      "a proxy between here and the vendor rewrites the URL or the Authorization header",
                      write_to(evidence.reference, "them"))};
}

/// The token is over: a person must grant a new one.
KeyVerdict token_is_over(const KeyEvidence& evidence) {
  const std::string next = evidence.oauth->token_reference.empty()
                               ? std::string(
                                     "the vendor speaks of a token, and none is configured: give auth.token a "
                                     "file, then ") +
                                     authorize_again(evidence.oauth->source)
                               : authorize_again(evidence.oauth->source);
  if (evidence.refusal == Refusal::expired) return {"expired", said_of(evidence) + "; the access token is over", next};
  if (evidence.refusal == Refusal::revoked) {
    return {"revoked", said_of(evidence) + "; somebody took back the access that was granted", next};
  }
  if (evidence.worked) {
    return {"rotated", fmt::format("{}; {}, with the same token", said_of(evidence), last_worked(evidence)), next};
  }
  return {"mistyped", fmt::format("{}; this token never worked here", said_of(evidence)), next};
}

/// Which file holds one new line beside one of the key that last worked.
std::string half_new_file(const KeyEvidence& evidence) {
  const auto half_new = [&](std::size_t from) {
    if (evidence.lines.size() < from + 2 || evidence.good_lines.size() < from + 2) return false;
    return (evidence.lines[from] == evidence.good_lines[from]) !=
           (evidence.lines[from + 1] == evidence.good_lines[from + 1]);
  };
  if (half_new(0)) return evidence.reference;
  return half_new(kConsumerLines) ? evidence.oauth->token_reference : std::string();
}

KeyVerdict half_rotated(const KeyEvidence& evidence, const std::string& reference) {
  return {"half_rotated",
          fmt::format("{}; in {} one line is that of the key that last worked, the other is new", said_of(evidence),
                      reference),
          reference == evidence.reference
              ? "a new consumer key comes with a new secret: " + write_to(reference, "both lines")
              : authorize_again(evidence.oauth->source)};
}

/// Key and secret of the consumer, or nothing that says which part it is.
KeyVerdict consumer_refused(const KeyEvidence& evidence) {
  const bool has_token = !evidence.oauth->token_reference.empty();
  const std::string then =
      has_token ? "; if the consumer is as it was, " + authorize_again(evidence.oauth->source) : std::string();
  if (evidence.worked) {
    return {
        "rotated", fmt::format("{}; {}, and nothing changed here", said_of(evidence), last_worked(evidence)),
        fmt::format("see at the vendor (API applications) whether the application was deleted or got a new key, and "
                    "{}{}",
                    write_to(evidence.reference, "its key and secret"), then)};
  }
  if (const std::string file = half_new_file(evidence); !file.empty()) return half_rotated(evidence, file);
  std::string text = said_of(evidence) + "; it never worked here";
  if (!evidence.oddities.empty()) text += fmt::format("; {}", fmt::join(evidence.oddities, ", "));
  return {
      "mistyped", std::move(text),
      fmt::format("copy the consumer's key and secret from the vendor's page once more, and {}; if they are right, "
                  "check the region{}",
                  write_to(evidence.reference, "them, the key in the first line and the secret in the second,"), then)};
}

}  // namespace

std::string authorize_again(const std::string& source) {
  return fmt::format(
      "run surveysync authorize {} (a person allows the access in a browser); the new token is tried "
      "within seconds",
      source);
}

std::optional<KeyVerdict> judge_oauth_key(const KeyEvidence& evidence) {
  switch (evidence.refusal) {
    case Refusal::clock:
      return clock_skew(evidence);
    case Refusal::signature:
    case Refusal::nonce:
      return clocks_differ(evidence) ? clock_skew(evidence) : signature_refused(evidence);
    case Refusal::expired:
    case Refusal::revoked:
    case Refusal::token:
      return token_is_over(evidence);
    case Refusal::pair:
    case Refusal::never_valid:
    case Refusal::invalid:
      if (!evidence.accepted_elsewhere.empty()) return std::nullopt;
      return consumer_refused(evidence);
    case Refusal::none:
    case Refusal::access:
    case Refusal::absent:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace surveysync::http
