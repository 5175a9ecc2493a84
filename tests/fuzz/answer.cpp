// One HTTP answer, from bytes in memory in place of a socket. As sent: it is read the same however the bytes are cut
// into pieces, within its limit, and then judged. As made from a body (length, chunks or close, packed or not): the
// body comes out to the byte, and an answer that lacks its end never passes for a whole one.
#include <Poco/Net/StreamSocketImpl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "fuzz/support/check.h"
#include "http/advice.h"
#include "http/body.h"
#include "http/verdict.h"
#include "sources/alchemer/judge.h"

namespace surveysync::fuzz {
namespace {

constexpr std::size_t kLimit = 256UL << 10;
constexpr std::size_t kLargeBody = 70UL << 10;  // more than the reader's buffer

class FrozenClock final : public Clock {
 public:
  SteadyTime now() const override { return SteadyTime(std::chrono::hours(1)); }
  UtcTime utc_now() const override { return UtcTime(std::chrono::seconds(1'795'000'000)); }
  bool wait_until(SteadyTime /*until*/, const std::stop_token& /*stop*/) override { return true; }
};

/// Hands out bytes in pieces of at most `piece`; then the connection has ended.
class ScriptedSocket final : public Poco::Net::StreamSocketImpl {
 public:
  ScriptedSocket(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  int receiveBytes(void* buffer, int length, int /*flags*/) override {
    const std::size_t size = std::min({static_cast<std::size_t>(length), bytes_.size(), piece_});
    std::memcpy(buffer, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return static_cast<int>(size);
  }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

/// What reading an answer gave: a response, or the kind of the failure.
struct Outcome {
  std::optional<http::Response> response;
  ErrorKind failure = ErrorKind::bug;
  bool exhausted = false;
};

Outcome read_answer(std::string_view bytes, std::size_t piece, std::size_t limit) {
  FrozenClock clock;
  http::Patience patience(Deadline(clock, std::chrono::seconds(10)), std::stop_token(), clock);
  http::Connection connection(Poco::Net::StreamSocket(new ScriptedSocket(bytes, piece)), "peer");
  http::AnswerReader reader(connection, patience, limit);
  Outcome outcome;
  try {
    http::Head head = reader.read_head();
    http::Response response{head.status, std::move(head.headers), {}, {}, 0};
    response.body = reader.read_body(http::Head{head.minor_version, head.status, head.reason, response.headers});
    SURVEYSYNC_PROMISE(response.status >= 200 && response.status <= 599);
    SURVEYSYNC_PROMISE(response.body.size() <= limit);
    SURVEYSYNC_PROMISE(response.body.capacity() >= response.body.size() + json::kPadding);
    outcome.exhausted = reader.is_exhausted();
    outcome.response = std::move(response);
  } catch (const Error& error) {
    outcome.failure = error.kind();
    SURVEYSYNC_PROMISE(error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::malformed, error.what());
  }
  return outcome;
}

void check_judged(const http::Response& response) {
  const http::Judgement judgement = http::judge_response(response, sources::alchemer::judge);
  const bool success = response.status / 100 == 2;
  if (judgement.ok) {
    SURVEYSYNC_PROMISE(success && response.body.find('{') != std::string::npos);
  } else {
    SURVEYSYNC_PROMISE(judgement.kind != ErrorKind::bug && judgement.kind != ErrorKind::cancelled);
    SURVEYSYNC_PROMISE(!judgement.message.empty());
    SURVEYSYNC_PROMISE(std::ranges::none_of(judgement.message, [](unsigned char c) { return c < 0x20; }));
  }
  const FrozenClock clock;
  const http::Advice advice = http::read_advice(response, clock.utc_now());
  if (advice.retry_after)
    SURVEYSYNC_PROMISE(*advice.retry_after > Duration::zero() && *advice.retry_after <= std::chrono::hours(24));
  if (advice.exhausted)
    SURVEYSYNC_PROMISE(*advice.exhausted > Duration::zero() && *advice.exhausted <= http::kLongestAdvice);
}

void check_as_sent(std::string_view bytes, std::size_t piece) {
  const Outcome whole = read_answer(bytes, bytes.size() + 1, kLimit);
  const Outcome pieces = read_answer(bytes, piece, kLimit);
  SURVEYSYNC_PROMISE(whole.response.has_value() == pieces.response.has_value());
  if (!whole.response) {
    SURVEYSYNC_PROMISE(whole.failure == pieces.failure);
    return;
  }
  SURVEYSYNC_PROMISE(whole.response->body == pieces.response->body);
  SURVEYSYNC_PROMISE(whole.response->headers == pieces.response->headers);
  check_judged(*whole.response);
}

std::string gzip(std::string_view text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&z, text.size()) + 64, '\0');
  std::string input(text);
  z.next_in = reinterpret_cast<Bytef*>(input.data());
  z.avail_in = static_cast<uInt>(input.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

std::string chunked(std::string_view bytes, FuzzedDataProvider& choices) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  const auto open = [&](std::size_t size) {
    std::string digits;
    for (std::size_t rest = size; rest > 0 || digits.empty(); rest /= 16)
      digits.insert(digits.begin(), kDigits[rest % 16]);
    out += digits + (choices.ConsumeBool() ? ";name=value\r\n" : "\r\n");
  };
  while (!bytes.empty()) {
    const bool choose = choices.remaining_bytes() > 0;
    const auto size = choose ? choices.ConsumeIntegralInRange<std::size_t>(1, bytes.size()) : bytes.size();
    open(size);
    out.append(bytes.substr(0, size)).append("\r\n");
    bytes.remove_prefix(size);
  }
  open(0);
  return out + (choices.ConsumeBool() ? "Trailer: x\r\n\r\n" : "\r\n");
}

void check_as_made(FuzzedDataProvider& choices) {
  const bool packed = choices.ConsumeBool();
  const int framing = choices.ConsumeIntegralInRange(0, 2);
  auto piece = choices.ConsumeIntegralInRange<std::size_t>(1, 5000);
  const auto members = choices.ConsumeIntegralInRange<std::size_t>(1, 3);
  const auto repeat = choices.ConsumeIntegralInRange<std::size_t>(1, 300);
  const auto cut = choices.ConsumeIntegral<std::uint16_t>();
  std::string text = choices.ConsumeRandomLengthString(2000);
  std::string body, sent;
  for (std::size_t i = 0; i < repeat && body.size() < kLargeBody; ++i)
    body += text;
  constexpr std::size_t kMostPieces = 1000;
  piece = std::max(piece, body.size() / kMostPieces);
  if (packed) {  // members of a stream: servers that join files send several
    const std::size_t step = body.size() / members + 1;
    for (std::size_t at = 0; at == 0 || at < body.size(); at += step)
      sent += gzip(std::string_view(body).substr(at, step));
  } else {
    sent = body;
  }
  std::string answer = "HTTP/1.1 200 OK\r\n";
  if (packed) answer += "Content-Encoding: gzip\r\n";
  if (framing == 0) answer += "Content-Length: " + std::to_string(sent.size()) + "\r\n";
  if (framing == 1) answer += "Transfer-Encoding: chunked\r\n";
  answer += "\r\n";
  const std::size_t head = answer.size();
  answer += framing == 1 ? chunked(sent, choices) : sent;

  const Outcome outcome = read_answer(answer, piece, kLimit);
  SURVEYSYNC_PROMISE(outcome.response && outcome.response->body == body);
  SURVEYSYNC_PROMISE(outcome.exhausted == (framing != 2));
  // Of a body that ends with the connection only the packing tells whether it is whole: member by member.
  const std::size_t kept = cut % answer.size();
  if (framing == 2 && kept >= head && (!packed || members > 1)) return;
  const Outcome short_one = read_answer(std::string_view(answer).substr(0, kept), piece, kLimit);
  SURVEYSYNC_PROMISE(!short_one.response, "an answer without its last bytes was taken for a whole one");
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  // Inputs that begin as HTTP does are sent as they are; others choose how to make an answer.
  const std::string_view bytes = view_of(data, size);
  if (bytes.starts_with("HTTP/")) {
    check_as_sent(bytes, size % 11 + 1);
  } else {
    FuzzedDataProvider choices(data, size);
    check_as_made(choices);
  }
  return 0;
}
