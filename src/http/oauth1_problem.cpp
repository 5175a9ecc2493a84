#include "http/oauth1_problem.h"

#include <algorithm>

#include "http/message.h"
#include "http/verdict.h"

namespace surveysync::http {
namespace {

// Problems stand at the beginning of short answers.
constexpr std::size_t kLongestText = 4096;

struct Known {
  std::string_view words;  // as tamed() writes them
  std::string_view name;
  Refusal refusal;
  ErrorKind kind = ErrorKind::unauthorized;
};
// The names, then how common OAuth libraries say the same.
constexpr Known kKnown[] = {
    {"timestamp_refused", "timestamp_refused", Refusal::clock},
    {"nonce_used", "nonce_used", Refusal::nonce},
    {"signature_invalid", "signature_invalid", Refusal::signature},
    {"signature_method_rejected", "signature_method_rejected", Refusal::signature},
    {"version_rejected", "version_rejected", Refusal::signature},
    {"parameter_absent", "parameter_absent", Refusal::signature},
    {"parameter_rejected", "parameter_rejected", Refusal::signature},
    {"consumer_key_unknown", "consumer_key_unknown", Refusal::never_valid},
    {"consumer_key_rejected", "consumer_key_rejected", Refusal::never_valid},
    {"consumer_key_invalid", "consumer_key_rejected", Refusal::never_valid},
    {"consumer_key_refused", "consumer_key_refused", Refusal::access},
    {"token_expired", "token_expired", Refusal::expired},
    {"token_revoked", "token_revoked", Refusal::revoked},
    {"token_rejected", "token_rejected", Refusal::token},
    {"token_used", "token_used", Refusal::token},
    {"verifier_invalid", "verifier_invalid", Refusal::token},
    {"permission_unknown", "permission_unknown", Refusal::access, ErrorKind::denied},
    {"permission_denied", "permission_denied", Refusal::access, ErrorKind::denied},
    {"user_refused", "user_refused", Refusal::access, ErrorKind::denied},
    {"additional_authorization_required", "additional_authorization_required", Refusal::access, ErrorKind::denied},
    {"expired_timestamp", "timestamp_refused", Refusal::clock},
    {"invalid_timestamp", "timestamp_refused", Refusal::clock},
    {"timestamp_invalid", "timestamp_refused", Refusal::clock},
    {"timestamp_is_out_of_sequence", "timestamp_refused", Refusal::clock},
    {"timestamp_out_of_bounds", "timestamp_refused", Refusal::clock},
    {"timestamp_expired", "timestamp_refused", Refusal::clock},
    {"nonce_already_used", "nonce_used", Refusal::nonce},
    {"invalid_nonce", "nonce_used", Refusal::nonce},
    {"nonce_invalid", "nonce_used", Refusal::nonce},
    {"nonce_rejected", "nonce_used", Refusal::nonce},
    {"invalid_signature", "signature_invalid", Refusal::signature},
    {"signature_is_invalid", "signature_invalid", Refusal::signature},
    {"signature_mismatch", "signature_invalid", Refusal::signature},
    {"signature_does_not_match", "signature_invalid", Refusal::signature},
    {"invalid_consumer", "consumer_key_unknown", Refusal::never_valid},
    {"invalid_consumer_key", "consumer_key_unknown", Refusal::never_valid},
    {"unknown_consumer", "consumer_key_unknown", Refusal::never_valid},
    {"consumer_unknown", "consumer_key_unknown", Refusal::never_valid},
    {"expired_token", "token_expired", Refusal::expired},
    {"token_has_expired", "token_expired", Refusal::expired},
    {"revoked_token", "token_revoked", Refusal::revoked},
    {"token_has_been_revoked", "token_revoked", Refusal::revoked},
    {"token_was_revoked", "token_revoked", Refusal::revoked},
    {"invalid_access_token", "token_rejected", Refusal::token},
    {"invalid_oauth_token", "token_rejected", Refusal::token},
    {"unknown_token", "token_rejected", Refusal::token},
    {"token_unknown", "token_rejected", Refusal::token},
    {"token_invalid", "token_rejected", Refusal::token},
    {"invalid_verifier", "verifier_invalid", Refusal::token},
};

/// "Invalid signature." becomes "_invalid_signature_": words can be found whole.
std::string tamed(std::string_view text) {
  std::string result = "_";
  for (const char c : text.substr(0, kLongestText)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) result += upper ? static_cast<char>(c - 'A' + 'a') : c;
    if (!word && result.back() != '_') result += '_';
  }
  if (result.back() != '_') result += '_';
  return result;
}

std::string around(std::string_view words) {
  return "_" + std::string(words) + "_";
}

/// The first known words in `text` (tamed), or those at its very beginning only.
const Known* first_known(std::string_view text, bool at_the_beginning) {
  const Known* found = nullptr;
  std::size_t best = std::string_view::npos;
  for (const Known& known : kKnown) {
    const std::size_t at = text.find(around(known.words));
    if (at >= best || (at_the_beginning && at != 0)) continue;
    best = at;
    found = &known;
  }
  return found;
}

/// "oauth_acceptable_timestamps=1229000000-1229000600", tamed.
std::optional<UtcTime> middle_of_acceptable(std::string_view text) {
  constexpr std::string_view kMark = "_oauth_acceptable_timestamps_";
  const std::size_t at = text.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view range = text.substr(at + kMark.size());
  const std::size_t gap = range.find('_'), end = range.find('_', std::min(gap, range.size() - 1) + 1);
  if (gap == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
  const auto low = parse_size(range.substr(0, gap)), high = parse_size(range.substr(gap + 1, end - gap - 1));
  constexpr std::size_t kLatest = 7'258'118'399;  // the end of 2199
  if (!low || !high || *low > *high || *high > kLatest) return std::nullopt;
  return UtcTime(std::chrono::seconds(*low + (*high - *low) / 2));
}

/// For people: one line, percent-decoded, as long as it is; shortened after masking.
std::string shown(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string result;
  for (std::size_t i = 0; i < std::min(text.size(), kLongestText); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      c = static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    }
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

/// `judgement` with what the problem says instead; its words stay.
Judgement with(const OAuthProblem& problem, Judgement judgement) {
  judgement.ok = false;
  judgement.kind = problem.kind;
  judgement.refusal = problem.refusal;
  judgement.vendor_time = problem.vendor_time;
  judgement.repeat_refused = false;
  if (find_oauth_problem(judgement.message)) return judgement;
  judgement.message = judgement.message.empty() ? problem.name : judgement.message + ": " + problem.name;
  return judgement;
}

Judgement refusal(const OAuthProblem& problem, int status, std::string_view text) {
  Judgement judgement;
  judgement.message = "answered " + std::to_string(status) + ": " + shown(trimmed(text));
  return with(problem, std::move(judgement));
}

bool is_refusing(int status) {
  return status == 400 || status == 401 || status == 403;
}

}  // namespace

std::optional<OAuthProblem> find_oauth_problem(std::string_view text) {
  constexpr std::string_view kMark = "_oauth_problem_";
  const std::string words = tamed(text);
  const std::string_view all = words;
  const std::size_t marked = all.find(kMark);
  const Known* known = nullptr;
  if (marked != std::string_view::npos) known = first_known(all.substr(marked + kMark.size() - 1), true);
  if (!known) known = first_known(all, false);
  if (!known && marked == std::string_view::npos) return std::nullopt;
  OAuthProblem problem{"oauth_problem", ErrorKind::unauthorized, Refusal::pair, middle_of_acceptable(all)};
  if (known) {
    problem.name = known->name;
    problem.kind = known->kind;
    problem.refusal = known->refusal;
  }
  return problem;
}

Judgement judge_signed_response(const Response& response, const Judge& judge) {
  const std::string_view challenge = response.header("WWW-Authenticate");
  const std::string_view body = trimmed(response.body);
  if (is_refusing(response.status)) {
    const bool is_page = body.starts_with('<');
    if (challenge.size() > 5 && same_word(challenge.substr(0, 5), "OAuth")) {
      if (const auto problem = find_oauth_problem(challenge.substr(5))) {
        const bool body_says_more = !is_page && find_oauth_problem(body);
        return refusal(*problem, response.status, body_says_more ? body : challenge.substr(5));
      }
    }
    const auto problem = is_page ? std::nullopt : find_oauth_problem(body);
    if (problem && !body.starts_with('{')) return refusal(*problem, response.status, body);
    if (problem) return with(*problem, judge_response(response, judge));
  }
  Judgement judgement = judge_response(response, judge);
  const bool may_be_refusal = judgement.kind == ErrorKind::unauthorized || judgement.kind == ErrorKind::denied ||
                              judgement.kind == ErrorKind::rejected;
  if (judgement.ok || !may_be_refusal || response.status >= 404) return judgement;
  const auto problem = find_oauth_problem(judgement.message);
  return problem ? with(*problem, std::move(judgement)) : judgement;
}

}  // namespace surveysync::http
