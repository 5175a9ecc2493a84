#include "sandbox/http.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace surveysync::sandbox {
namespace {

constexpr std::size_t kMaxHead = 64U << 10;
constexpr std::size_t kMaxBody = 1U << 20;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void parse_head(std::string_view head, HttpRequest& request) {
  const std::size_t line_end = std::min(head.find("\r\n"), head.size());
  const std::string_view line = head.substr(0, line_end);
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first) throw ConnectionLost();
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, mark);
  if (mark < request.target.size()) request.query = request.target.substr(mark + 1);
  for (std::size_t at = line_end; at + 2 < head.size();) {
    at += 2;
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view header = head.substr(at, end - at);
    const std::size_t colon = header.find(':');
    if (colon != std::string_view::npos) {
      const std::size_t value = std::min(header.find_first_not_of(" \t", colon + 1), header.size());
      request.headers[lower(header.substr(0, colon))] = header.substr(value);
    }
    at = end;
  }
}

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string packed(const Reply& reply) {
  if (reply.gzip == Reply::Gzip::members) {
    const std::size_t half = reply.body.size() / 2;
    return gzip(std::string_view(reply.body).substr(0, half)) + gzip(std::string_view(reply.body).substr(half));
  }
  std::string out = gzip(reply.body);
  if (reply.gzip == Reply::Gzip::cut) out.resize(out.size() / 2);
  if (reply.gzip == Reply::Gzip::bad_crc) out[out.size() - 8] = static_cast<char>(out[out.size() - 8] ^ 0x5A);
  return out;
}

// The reply as bytes, and where its parts begin.
struct Framed {
  std::string head, body;
  bool chunked = false;
};

Framed frame(const HttpRequest& request, const Reply& reply, const std::string& date) {
  using Kind = Damage::Kind;
  const bool compress = reply.gzip != Reply::Gzip::when_asked || (request.accepts_gzip() && reply.body.size() > 256);
  Framed out;
  out.body = compress ? packed(reply) : reply.body;
  const Kind kind = reply.damage.kind;
  out.chunked =
      kind == Kind::cut_chunk || kind == Kind::bad_chunk || kind == Kind::endless || (compress && kind == Kind::none);
  out.head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nServer: cloudflare\r\nContent-Type: {}\r\n", reply.status,
                         reason(reply.status), date, reply.content_type);
  for (const auto& [name, value] : reply.headers)
    out.head += fmt::format("{}: {}\r\n", name, value);
  if (compress) out.head += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
  if (out.chunked) {
    out.head += "Transfer-Encoding: chunked\r\n";
  } else if (kind == Kind::length_negative) {
    out.head += "Content-Length: -5\r\n";
  } else if (kind == Kind::length_twice) {
    out.head += fmt::format("Content-Length: {}\r\nContent-Length: {}\r\n", out.body.size(), out.body.size() / 2);
  } else {
    out.head += fmt::format("Content-Length: {}\r\n", out.body.size() + (kind == Kind::length_long ? 100 : 0));
  }
  out.head += "Connection: keep-alive\r\n\r\n";
  return out;
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

void send_chunks(Connection& to, std::string_view body) {
  constexpr std::size_t kPiece = 64U << 10;
  for (std::size_t at = 0; at < body.size(); at += kPiece)
    to.write(chunk(body.substr(at, kPiece)));
  to.write("0\r\n\r\n");
}

void send_endless(Connection& to, std::string_view body, std::size_t limit) {
  const std::string filler(64U << 10, ' ');
  to.write(chunk(body.substr(0, body.size() / 2)));
  for (std::size_t sent = 0; sent < limit; sent += filler.size())
    to.write(chunk(filler));
}

void send_slowly(Connection& to, const std::string& bytes, const Damage& damage, const Delivery& delivery) {
  for (const char c : bytes) {
    if (!delivery.clock.wait_for(damage.time, delivery.stop)) throw ConnectionLost();
    to.write(std::string_view(&c, 1));
  }
}

bool send_damaged(Connection& to, const Framed& framed, const Damage& damage, const Delivery& delivery) {
  using Kind = Damage::Kind;
  to.end_with(damage.ending);
  const std::size_t half = framed.body.size() / 2;
  const std::size_t bytes = std::min(damage.bytes > 0 ? damage.bytes : half, framed.body.size());
  switch (damage.kind) {
    case Kind::no_answer:
      return false;
    case Kind::cut:
      to.write(framed.head + framed.body.substr(0, bytes));
      return false;
    case Kind::cut_chunk:
      to.write(framed.head + fmt::format("{:x}\r\n", framed.body.size()) + framed.body.substr(0, bytes));
      return false;
    case Kind::bad_chunk:
      to.write(framed.head + chunk(framed.body.substr(0, bytes)) + "zz;not-a-size\r\n" + framed.body.substr(bytes) +
               "\r\n0\r\n\r\n");
      return false;
    case Kind::length_negative:
    case Kind::length_twice:
    case Kind::length_long:
      to.write(framed.head + framed.body);
      return false;
    case Kind::drip:
      send_slowly(to, framed.head + framed.body, damage, delivery);
      return true;
    case Kind::stall_headers:
      return delivery.clock.wait_for(damage.time, delivery.stop) && (to.write(framed.head + framed.body), true);
    case Kind::stall_body:
      to.write(framed.head + framed.body.substr(0, bytes));
      if (!delivery.clock.wait_for(damage.time, delivery.stop)) return false;
      to.write(framed.body.substr(bytes));
      return true;
    case Kind::endless:
      to.write(framed.head);
      send_endless(to, framed.body, damage.bytes > 0 ? damage.bytes : std::size_t{1} << 30);
      return false;
    case Kind::close_after:
      to.write(framed.head + framed.body);
      return false;
    case Kind::none:
      break;
  }
  return true;
}

}  // namespace

bool HttpRequest::accepts_gzip() const {
  const auto found = headers.find("accept-encoding");
  return found != headers.end() && found->second.find("gzip") != std::string::npos;
}

std::optional<HttpRequest> read_request(Connection& from, std::string& pending) {
  std::size_t end;
  while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
    if (pending.size() > kMaxHead) return std::nullopt;
    const std::string more = from.read_some(8192);
    if (more.empty()) return std::nullopt;
    pending += more;
  }
  HttpRequest request;
  parse_head(std::string_view(pending).substr(0, end), request);
  pending.erase(0, end + 4);
  std::size_t length = 0;
  if (const auto given = request.headers.find("content-length"); given != request.headers.end()) {
    std::from_chars(given->second.data(), given->second.data() + given->second.size(), length);
  }
  if (length > kMaxBody) return std::nullopt;
  while (pending.size() < length) {
    const std::string more = from.read_some(8192);
    if (more.empty()) return std::nullopt;
    pending += more;
  }
  request.body = pending.substr(0, length);
  pending.erase(0, length);
  return request;
}

bool send_reply(Connection& to, const HttpRequest& request, const Reply& reply, const Delivery& delivery) {
  const Framed framed = frame(request, reply, delivery.date);
  if (reply.damage.kind != Damage::Kind::none) return send_damaged(to, framed, reply.damage, delivery);
  if (framed.chunked) {
    to.write(framed.head);
    send_chunks(to, framed.body);
  } else {
    to.write(framed.head);
    to.write(framed.body);
  }
  const auto wish = request.headers.find("connection");
  return wish == request.headers.end() || lower(wish->second) != "close";
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(ErrorKind::bug, "zlib did not start");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 32, '\0');
  std::string input(text);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  const std::size_t made = stream.total_out;
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw Error(ErrorKind::bug, "zlib did not finish");
  out.resize(made);
  return out;
}

}  // namespace surveysync::sandbox
