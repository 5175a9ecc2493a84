// What each fault does to a reply.
#include <fmt/format.h>

#include "sandbox/call.h"

namespace surveysync::sandbox {
namespace {

constexpr std::string_view kHtml =
    "<!DOCTYPE html>\n<html><head><title>Error 522</title></head><body><h1>Connection timed out</h1><p>Cloudflare Ray "
    "ID: "
    "0000000000000000</p></body></html>\n";

std::string envelope(std::string_view code, std::string_view message) {
  return fmt::format(R"({{"result_ok":false,"code":{},"message":"{}"}})", code, message);
}

Reply status_reply(const Fault& fault) {
  const int code = static_cast<int>(fault.number("code", 503));
  const std::string body = fault.text("body", "json");
  Reply out = refusal(code, fault.text("message", "Service currently unavailable"));
  if (body != "json") out.content_type = "text/html; charset=UTF-8";
  if (body == "html") out.body = kHtml;
  if (body == "empty") out.body.clear();
  return out;
}

Reply refused_key(const Fault& fault) {
  const std::string wording = fault.text("wording", "rotated");
  const std::string_view message = wording == "pair"          ? "Invalid api_token or api_token_secret supplied"
                                   : wording == "credentials" ? "Invalid credentials"
                                                              : "Login failed \\/ Invalid auth token";
  Reply out;
  out.status = static_cast<int>(fault.number("inside", 401));
  out.body = envelope(fault.text("code", "int") == "string" ? "\"401\"" : "401", message);
  return out;
}

Reply throttled(const Fault& fault) {
  const bool wait = fault.text("text", "limit") == "wait";
  Reply out;
  out.status = static_cast<int>(fault.number("as", 429));
  out.body = envelope("429", wait ? "Please wait for other requests to complete"
                                  : "You have exceeded the number of requests per minute. See "
                                    "https:\\/\\/apihelp.alchemer.com\\/help\\/api-request-limits");
  if (fault.args.contains("retry-after")) out.headers.emplace_back("Retry-After", fault.text("retry-after", "1"));
  return out;
}

Connection::Ending ending_of(const Fault& fault) {
  const std::string mode = fault.text("mode", "fin");
  if (mode == "rst") return Connection::Ending::reset;
  return mode == "noclosenotify" ? Connection::Ending::without_notify : Connection::Ending::clean;
}

std::optional<Damage::Kind> damage_of(const Fault& fault) {
  using Kind = Damage::Kind;
  if (fault.kind == "cut") return Kind::cut;
  if (fault.kind == "cut-chunk") return Kind::cut_chunk;
  if (fault.kind == "bad-chunk") return Kind::bad_chunk;
  if (fault.kind == "drip") return Kind::drip;
  if (fault.kind == "huge") return Kind::endless;
  if (fault.kind == "no-answer" || fault.kind == "reset") return Kind::no_answer;
  if (fault.kind == "close-idle") return Kind::close_after;
  if (fault.kind == "stall") return fault.text("at", "body") == "headers" ? Kind::stall_headers : Kind::stall_body;
  if (fault.kind == "bad-length") {
    const std::string form = fault.text("form", "negative");
    return form == "twice" ? Kind::length_twice : form == "long" ? Kind::length_long : Kind::length_negative;
  }
  return std::nullopt;
}

}  // namespace

Reply refusal(int status, std::string_view message) {
  Reply out;
  out.status = status;
  JsonWriter json(out.body, JsonWriter::Style::wire);
  json.begin_object()
      .key("result_ok")
      .boolean(false)
      .key("code")
      .number(status)
      .key("message")
      .text(message)
      .end_object();
  return out;
}

std::optional<Reply> instead_of_answer(const Fault& fault) {
  if (fault.kind == "status") return status_reply(fault);
  if (fault.kind == "401") return refused_key(fault);
  if (fault.kind == "429") return throttled(fault);
  if (fault.kind == "timeout500") return refusal(static_cast<int>(fault.number("code", 500)), "Internal Server Error");
  Reply out;
  if (fault.kind == "html200") {
    out.content_type = "text/html; charset=UTF-8";
    out.body = kHtml;
    return out;
  }
  if (fault.kind == "empty200") return out;
  if (fault.kind == "error200") {
    out.body = envelope(fault.text("code", "105"), fault.text("message", "Service currently unavailable"));
    return out;
  }
  if (fault.kind == "redirect") {
    out.status = 302;
    out.headers.emplace_back("Location", fault.text("location", "https://localhost:1/elsewhere"));
    return out;
  }
  return std::nullopt;
}

void spoil_reply(Reply& reply, const Fault& fault) {
  if (fault.kind == "bom") reply.body.insert(0, "\xEF\xBB\xBF");
  if (fault.kind == "wrong-content-type") reply.content_type = fault.text("type", "text/html; charset=UTF-8");
  if (fault.kind == "gzip-members") reply.gzip = Reply::Gzip::members;
  if (fault.kind == "gzip-cut") reply.gzip = Reply::Gzip::cut;
  if (fault.kind == "gzip-crc") reply.gzip = Reply::Gzip::bad_crc;
  if (fault.kind == "flat" && reply.body.starts_with(R"({"result_ok":true,"data":{)")) {
    reply.body = R"({"result_ok":true,)" + reply.body.substr(26, reply.body.size() - 27);
  }
  if (const auto kind = damage_of(fault)) {
    reply.damage = {*kind, static_cast<std::size_t>(fault.number("bytes", 0)),
                    fault.time("ms", std::chrono::seconds(1)), ending_of(fault)};
    if (fault.kind == "reset") reply.damage.ending = Connection::Ending::reset;
  }
}

}  // namespace surveysync::sandbox
