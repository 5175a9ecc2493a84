#include "http/oauth1_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "http/advice.h"
#include "http/key_verdict.h"
#include "http/message.h"
#include "http/oauth1.h"
#include "http/oauth1_problem.h"

namespace surveysync::http {
namespace {

// The vendor's own words for it, as a form or as an object.
constexpr std::string_view kNames[] = {"oauth_token", "oauth_token_secret", "oauth_callback_confirmed",
                                       "xoauth_token_ttl"};
constexpr int kRequestsForOneToken = 4;  // signed anew for the clock and for the nonce, and by GET

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escaped) {
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

Query read_answer(const std::string& body) {
  if (!trimmed(body).starts_with('{')) return parse_form(trimmed(body));
  Query form;
  try {
    json::Document document;
    const json::Value root = document.parse_copy(body);
    for (const std::string_view name : kNames) {
      const json::Value value = root[name].is_absent() ? root["data"][name] : root[name];
      if (!value.is_absent()) form.emplace_back(name, value.text());
    }
  } catch (const Error&) {
    return {};  // no object after all: no token in it
  }
  return form;
}

bool knows_no_post(int status) {
  return status == 404 || status == 405 || status == 501;
}

}  // namespace

Query parse_form(std::string_view text) {
  Query form;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    form.emplace_back(decoded(pair.substr(0, equals)), decoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return form;
}

std::string form_value(const Query& form, std::string_view name) {
  const auto found = std::ranges::find(form, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == form.end() ? std::string() : found->second;
}

OAuthToken OAuthDoor::request(const std::string& path, const Credential& consumer, const std::string& callback,
                              const std::stop_token& stop) {
  return fetch(path, consumer, {{"oauth_callback", callback}}, stop);
}

OAuthToken OAuthDoor::exchange(const std::string& path, const Credential& consumer, const OAuthToken& temporary,
                               const std::string& verifier, const std::stop_token& stop) {
  Credential both;
  for (const Secret& line : consumer.lines)
    both.lines.push_back(line.clone());
  both.lines.push_back(temporary.key.clone());
  both.lines.push_back(temporary.secret.clone());
  both.fingerprint = consumer.fingerprint;
  return fetch(path, both, {{"oauth_verifier", verifier}}, stop);
}

OAuthToken OAuthDoor::fetch(const std::string& path, const Credential& credential, const Query& steps,
                            const std::stop_token& stop) {
  Request request;
  request.method = "POST";
  request.target = options_.endpoint.prefix + path;
  request.display = path;
  bool reclocked = false, renonced = false;
  for (int left = kRequestsForOneToken; left > 0; --left) {
    const SigningClock::Moment moment = signing_clock_.now();
    const Signing signing{credential, options_.endpoint, path, moment.time, request.method};
    request.headers = {{"Authorization", oauth1_authorization(signing, {}, oauth1_nonce(), steps)}};
    Response response = transport_.exchange(request, Deadline(clock_, options_.request_timeout), stop);
    const Query form = read_answer(response.body);
    const bool success = response.status / 100 == 2;
    if (success && !form_value(form, "oauth_token").empty()) return take(form, path);
    if (knows_no_post(response.status) && request.method == "POST") {
      request.method = "GET";
      continue;
    }
    if (success && find_oauth_problem(response.body)) response.status = 401;  // a refusal that was sent as a success
    const Judgement judgement = judge_signed_response(response, options_.judge);
    const auto date = read_advice(response, clock_.utc_now()).date;
    if (date) skew_ = *date - clock_.utc_now();
    const SigningClock::Lesson lesson =
        signing_clock_.refused(moment, date ? date : judgement.vendor_time, judgement.refusal == Refusal::clock);
    if (lesson.wrong) observer_.on_event(event::ClockCorrected{{options_.source, 0, "", ""}, *lesson.wrong});
    if (lesson.repeat && !std::exchange(reclocked, true)) continue;
    if (judgement.refusal == Refusal::nonce && !std::exchange(renonced, true)) continue;
    refuse(path, credential, judgement);
  }
  throw Error(ErrorKind::unavailable, fmt::format("{} was refused again and again", path));
}

OAuthToken OAuthDoor::take(const Query& form, const std::string& path) {
  OAuthToken token{Secret(form_value(form, "oauth_token")), Secret(form_value(form, "oauth_token_secret")), {}};
  masker_.add(token.secret);
  if (token.secret.empty()) throw Error(ErrorKind::malformed, path + " answered with a token that has no secret");
  for (const Secret* const part : {&token.key, &token.secret}) {
    const std::string_view text = part->expose();
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, odd)) throw Error(ErrorKind::malformed, path + " answered with an odd token");
  }
  if (const auto seconds = parse_size(form_value(form, "xoauth_token_ttl")); seconds && *seconds > 0)
    token.lasts =
        std::min<Duration>(std::chrono::seconds(std::min<std::size_t>(*seconds, 86'400)), std::chrono::hours(24));
  return token;
}

void OAuthDoor::refuse(const std::string& path, const Credential& credential, const Judgement& judgement) {
  if (judgement.ok) throw Error(ErrorKind::malformed, path + " answered without a token");
  const std::string words = masker_.mask(judgement.message).substr(0, 300);
  if (judgement.kind != ErrorKind::unauthorized && judgement.kind != ErrorKind::denied)
    throw Error(judgement.kind, fmt::format("{} {}", path, words));
  KeyEvidence evidence;
  evidence.refusal = judgement.refusal == Refusal::none ? Refusal::pair : judgement.refusal;
  evidence.words = words;
  evidence.reference = options_.consumer_reference;
  evidence.fingerprint = credential.fingerprint;
  evidence.lines = credential.line_fingerprints;
  evidence.oddities = key_oddities(credential);
  evidence.oauth = OAuthEvidence{options_.source, "the token", skew_};
  const KeyVerdict verdict = judge_key(evidence);
  throw Error(ErrorKind::unauthorized, fmt::format("{} is refused: {} ({})", path, verdict.verdict, verdict.evidence),
              verdict.next_step);
}

}  // namespace surveysync::http
