#include "report/web_site.h"

#include <Poco/Net/HTTPResponse.h>
#include <fmt/format.h>

#include <algorithm>

#include "report/web_page.h"
#include "report/web_process.h"
#include "report/web_standing.h"
#include "report/web_style.h"
#include "report/web_words.h"

namespace surveysync::report {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kPaths[] = {"/", "/api/status", "/metrics", "/healthz", "/livez", "/readyz", "/icon.svg"};

const std::string& reason_of(int status) {
  using Poco::Net::HTTPResponse;
  return HTTPResponse::getReasonForStatus(static_cast<HTTPResponse::HTTPStatus>(status));
}

/// Nothing may be run, framed, sent or kept; the one style sheet is known by its hash.
const std::string& security_headers() {
  static const std::string headers = fmt::format(
      "Content-Security-Policy: default-src 'none'; style-src '{}'; img-src 'self'; base-uri 'none'; form-action "
      "'none'; frame-ancestors 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\n",
      style_hash());
  return headers;
}

std::string message(const WebAnswer& answer, bool body_too) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}{}\r\n", answer.status,
      reason_of(answer.status), answer.type, answer.body.size(), security_headers(), answer.extra);
  if (body_too) text += answer.body;
  return text;
}

WebAnswer plain(int status, std::string text, std::string extra = "") {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n", std::move(extra)};
}

WebAnswer ready(const StatusView& view) {
  if (!view.trouble.empty())
    return plain(503, view.away ? "not ready: the database does not answer" : "not ready: the database cannot be read");
  if (!view.database) return plain(503, "not ready: the database was not looked into yet");
  if (!view.schema_current) return plain(503, "not ready: the schema is not that of this version");
  return plain(200, "ready");
}

std::string time_or_null(const std::optional<UtcTime>& time) {
  return time ? json_quoted(format_utc(*time)) : "null";
}

}  // namespace

std::string status_document(const StatusView& view) {
  std::string running, lanes;
  for (const ProgressView& run : view.progress) {
    running += fmt::format(
        R"({}{{"source":{},"run_id":{},"kind":{},"started_at":{},"partitions":{},"partitions_done":{},"expected":{},"records":{}}})",
        running.empty() ? "" : ",", json_quoted(run.source), run.run_id, json_quoted(run.kind), time_or_null(run.since),
        run.parts, run.parts_done, run.expected, run.records);
  }
  for (const LaneView& lane : view.lanes)
    lanes += fmt::format(R"({}{{"source":{},"state":{},"held":{},"running":{}}})", lanes.empty() ? "" : ",",
                         json_quoted(lane.source), json_quoted(lane.text), lane.held, lane.running);
  std::string incidents;
  for (const IncidentView& one : open_incidents(view))
    incidents += fmt::format(
        R"({}{{"key":{},"rule":{},"source":{},"severity":{},"verdict":{},"evidence":{},"next_step":{},"opened_at":{}}})",
        incidents.empty() ? "" : ",", json_quoted(one.key), json_quoted(one.rule),
        one.source.empty() ? "null" : json_quoted(one.source), json_quoted(one.severity),
        one.verdict.empty() ? "null" : json_quoted(one.verdict), json_quoted(one.evidence), json_quoted(one.next_step),
        time_or_null(one.opened_at));
  std::string sources = view.database ? view.database->sources_json : "";
  if (sources.empty()) sources = "[]";
  return fmt::format(
      R"({{"at":{},"version":{},"host":{},"started_at":{},"healthy":{},"database":{{"reachable":{},"schema_current":{},)"
      R"("taken_at":{},"trouble":{},"trouble_since":{}}},"lanes":[{}],"running":[{}],"incidents":[{}],"sources":{}}})"
      "\n",
      time_or_null(view.at), json_quoted(view.version), json_quoted(view.host), time_or_null(view.started_at),
      view.alive, view.database != nullptr && !view.away, view.schema_current,
      time_or_null(view.database ? std::optional(view.database->taken_at) : std::nullopt),
      view.trouble.empty() ? "null" : json_quoted(view.trouble), time_or_null(view.trouble_since), lanes, running,
      incidents, sources);
}

std::string WebSite::refuse(int status) {
  return message(plain(status, reason_of(status)), true);
}

std::string WebSite::respond(std::string_view head, const std::shared_ptr<const StatusView>& latest,
                             ServerReading& server) {
  const std::optional<WebRequest> request = parse_request(head);
  if (!request) {
    ++server.requests[{"other", "400"}];
    return refuse(400);
  }
  StatusView view = latest ? *latest : StatusView();
  view.at = clock_.utc_now();
  WebAnswer answer = this->answer(*request, view, server);
  const bool known = std::ranges::find(kPaths, request->path) != std::end(kPaths);
  ++server.requests[{known ? request->path : "other", std::to_string(answer.status)}];
  return message(answer, request->method != "HEAD");
}

WebAnswer WebSite::answer(const WebRequest& request, const StatusView& view, const ServerReading& server) {
  // Browsers always name a host, so nobody is led here by a name that was turned round.
  const bool monitor = request.hostless && (request.path == "/livez" || request.path == "/healthz");
  if (!monitor && !host_allowed(request.host, rules_))
    return plain(421, "this page is not for that host name; ask it by its loopback name or the one it listens on");
  if (request.method != "GET" && request.method != "HEAD")
    return plain(405, "only GET and HEAD", "Allow: GET, HEAD\r\n");
  if (request.path == "/livez") return plain(200, "ok");
  if (request.path == "/healthz") return view.alive ? plain(200, "ok") : plain(503, "a lane shows no life");
  if (!token_accepted(request.authorization, rules_))
    return plain(401, "the token is needed: as Bearer, or as the password of Basic",
                 "WWW-Authenticate: Basic realm=\"surveysync\", charset=\"UTF-8\"\r\nWWW-Authenticate: Bearer\r\n");
  if (request.path == "/") return page(request, view);
  if (request.path == "/readyz") return ready(view);
  if (request.path == "/api/status") return {200, "application/json", status_document(view), ""};
  if (request.path == "/metrics")
    return {200, kMetricsType, metrics_text(view, meters_.reading(), server, process_use()), ""};
  if (request.path == "/icon.svg") return {200, "image/svg+xml", std::string(mark_svg()), ""};
  return plain(404, "there is nothing here");
}

/// Drawn once a second at most, however many ask.
WebAnswer WebSite::page(const WebRequest& request, const StatusView& view) {
  const int refresh = std::max(0, number_in_query(request.query, "refresh"));
  // Two drawings are kept, standing still and following; other paces are drawn for whoever asks.
  const int slow = refresh == 0 ? 0 : std::max(refresh, 5);
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(view.at).time_since_epoch().count();
  if (drawings_.size() > 8) drawings_.clear();
  Drawing& drawing = drawings_[slow];
  if (drawing.second != second || drawing.database != view.database.get() || drawing.body.empty())
    drawing = {view.database.get(), second, status_page(view, {slow})};
  return {200, kHtml, drawing.body, ""};
}

}  // namespace surveysync::report
