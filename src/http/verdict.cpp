#include "http/verdict.h"

#include <fmt/format.h>

namespace surveysync::http {
namespace {

constexpr int kAny = -1;
struct Row {
  int from, to;
  ErrorKind kind;
};
// The first row that fits counts; statuses from 200 to 299 are not failures.
constexpr Row kStatuses[] = {
    {300, 399, ErrorKind::unavailable},  // redirects are not followed: they would carry the key elsewhere
    {401, 401, ErrorKind::unauthorized}, {403, 404, ErrorKind::denied},      {407, 408, ErrorKind::unavailable},
    {410, 410, ErrorKind::denied},       {425, 425, ErrorKind::unavailable}, {429, 429, ErrorKind::throttled},
    {400, 499, ErrorKind::rejected},     {500, 599, ErrorKind::unavailable}, {kAny, kAny, ErrorKind::malformed}};

ErrorKind kind_of(int status) {
  for (const Row& row : kStatuses) {
    if (row.from == kAny || (status >= row.from && status <= row.to)) return row.kind;
  }
  return ErrorKind::malformed;
}

bool is_success(int status) {
  return status >= 200 && status <= 299;
}

std::string_view first_text(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : body.substr(begin, 1);
}

/// Where a redirect leads, without path and query.
std::string redirect_host(const Response& response) {
  const std::string_view location = response.header("Location");
  const std::size_t mark = location.find("://");
  if (mark == std::string_view::npos) return "another page";
  const std::string_view authority = location.substr(mark + 3, location.find_first_of("/?#", mark + 3) - mark - 3);
  return authority.find('@') == std::string_view::npos ? std::string(authority.substr(0, 100)) : "another host";
}

/// Whether something between us and the vendor asks for a login of its own; never a word about our key.
bool is_from_proxy(const Response& response, std::string_view begin) {
  const bool asks_for_itself = !response.header("Proxy-Authenticate").empty() ||
                               (!response.header("Via").empty() && !response.header("WWW-Authenticate").empty());
  const bool is_text = !begin.empty() && begin != "{";  // the vendor's refusals are objects, or nothing at all
  return response.status == 407 || (response.status == 401 && (is_text || asks_for_itself));
}

/// What a status alone says about the key.
Refusal refusal_of(ErrorKind kind, int status, std::string_view begin) {
  if (kind == ErrorKind::unauthorized) return begin.empty() ? Refusal::pair : Refusal::access;
  // A text may come from anything in between; it decides nothing about the key.
  return status == 403 && (begin.empty() || begin == "{") ? Refusal::access : Refusal::none;
}

Judgement failure(ErrorKind kind, std::string message) {
  return {false, kind, std::move(message), false};
}

Judgement ask(const Judge& judge, const Response& response) {
  try {
    return judge ? judge(response) : Judgement{};
  } catch (const Error& error) {
    return failure(error.kind(), error.what());
  }
}

}  // namespace

Judgement judge_response(const Response& response, const Judge& judge) {
  const bool success = is_success(response.status);
  const ErrorKind by_status = kind_of(response.status);
  const bool temporary = by_status == ErrorKind::unavailable || by_status == ErrorKind::throttled;
  const std::string_view begin = first_text(response.body);
  const std::string answered = fmt::format("answered {}", response.status);
  if (response.status / 100 == 3) {
    return failure(ErrorKind::unavailable, fmt::format("{} and redirects to {}; redirects are not followed", answered,
                                                       redirect_host(response)));
  }
  if (begin == "<")
    return failure(temporary && !success ? by_status : ErrorKind::unavailable, answered + " with HTML instead of JSON");
  if (success && begin.empty()) return failure(ErrorKind::unavailable, answered + " with an empty body");
  Judgement judgement = begin.empty() ? Judgement{} : ask(judge, response);
  if (judgement.ok && success) return judgement;
  if (judgement.ok && is_from_proxy(response, begin))
    return failure(ErrorKind::unavailable, answered + ", as a proxy does and not as the vendor");
  const bool said_more = !judgement.ok && !judgement.message.empty();
  const std::string message = said_more ? fmt::format("{}: {}", answered, judgement.message) : answered;
  // A provider may know better what a 400 or a 403 means, but not that a broken server means anything but "later".
  const bool keep_status = judgement.ok || (!success && judgement.kind == ErrorKind::malformed) ||
                           (!success && temporary && judgement.kind != ErrorKind::throttled);
  if (!keep_status) {
    judgement.message = message;
    return judgement;
  }
  return {false, by_status, message, judgement.repeat_refused, refusal_of(by_status, response.status, begin)};
}

}  // namespace surveysync::http
