// The yardstick of scripts/bench: the least a program can do to bring the same rows into the same tables. Downloads
// each page over TLS, parses it, and COPYs responses and answers in binary form, one transaction a page. No state, no
// comparison, no retries, no certificate, and it trusts every byte. Shares no code with the product.
//
//   limit HOST PORT CA-FILE DATABASE-URI CONNECTIONS SURVEYS RESPONSES
#include <libpq-fe.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <simdjson.h>
#include <xxhash.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr long kFirstSurvey = 8600001;
constexpr long kPage = 500;

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "limit: " << what << "\n";
  std::_Exit(1);
}

// --- the vendor's side ---

class Https {
 public:
  Https(const std::string& host, const std::string& port, const std::string& ca) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(context_, ca.c_str(), nullptr) != 1) fail("cannot read " + ca);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) fail("cannot resolve " + host);
    fd_ = socket(found->ai_family, found->ai_socktype, 0);
    if (connect(fd_, found->ai_addr, found->ai_addrlen) != 0) fail("cannot connect");
    freeaddrinfo(found);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    SSL_set_tlsext_host_name(ssl_, host.c_str());
    if (SSL_connect(ssl_) != 1) fail("no TLS");
  }
  ~Https() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }
  Https(const Https&) = delete;
  Https& operator=(const Https&) = delete;

  // The body, in a buffer with room behind it for the parser.
  std::string_view get(const std::string& target) {
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (SSL_write(ssl_, request.data(), static_cast<int>(request.size())) <= 0) fail("cannot send");
    std::size_t have = 0, head_end = std::string::npos, total = 0;
    if (buffer_.size() < 65536) buffer_.resize(65536);
    while (head_end == std::string::npos || have < total) {
      const int got =
          SSL_read(ssl_, buffer_.data() + have, static_cast<int>(buffer_.size() - have - simdjson::SIMDJSON_PADDING));
      if (got <= 0) fail("connection lost");
      have += static_cast<std::size_t>(got);
      if (head_end != std::string::npos) continue;
      head_end = std::string_view(buffer_.data(), have).find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      const std::string_view head(buffer_.data(), head_end);
      if (!head.starts_with("HTTP/1.1 200")) fail("refused: " + target);
      const std::size_t at = head.find("Content-Length: ");
      if (at == std::string_view::npos) fail("no length");
      total = head_end + 4 + std::strtoul(head.data() + at + 16, nullptr, 10);
      if (buffer_.size() < total + 2 * simdjson::SIMDJSON_PADDING)
        buffer_.resize(total + 2 * simdjson::SIMDJSON_PADDING);
    }
    return {buffer_.data() + head_end + 4, total - head_end - 4};
  }

 private:
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  int fd_ = -1;
  std::string buffer_;
};

// --- the database's side ---

constexpr std::int64_t kPostgresEpoch = 946684800;

class Tuples {
 public:
  Tuples() { clear(); }
  void clear() {
    bytes_.assign("PGCOPY\n\377\r\n\0", 11);
    bytes_.append(8, '\0');
  }
  void start(std::int16_t columns) { big_endian(columns); }
  void null() { big_endian(std::int32_t{-1}); }
  void text(std::string_view value) {
    big_endian(static_cast<std::int32_t>(value.size()));
    bytes_ += value;
  }
  void maybe(const std::optional<std::string_view>& value) { value ? text(*value) : null(); }
  void jsonb(std::string_view value) {
    big_endian(static_cast<std::int32_t>(value.size() + 1));
    bytes_ += '\1';
    bytes_ += value;
  }
  void boolean(bool value) {
    big_endian(std::int32_t{1});
    bytes_ += static_cast<char>(value ? 1 : 0);
  }
  void int32(std::int32_t value) {
    big_endian(std::int32_t{4});
    big_endian(value);
  }
  void int64(std::int64_t value) {
    big_endian(std::int32_t{8});
    big_endian(value);
  }
  void int64(const std::optional<std::int64_t>& value) { value ? int64(*value) : null(); }
  void time(std::int64_t unix_seconds) { int64((unix_seconds - kPostgresEpoch) * 1000000); }
  std::string& done() {
    big_endian(std::int16_t{-1});
    return bytes_;
  }

 private:
  template <typename T>
  void big_endian(T value) {
    std::array<char, sizeof(T)> out{};
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out[sizeof(T) - 1 - i] = static_cast<char>(value >> (8 * i));
    bytes_.append(out.data(), out.size());
  }
  std::string bytes_;
};

void execute(PGconn* connection, const char* sql) {
  PGresult* result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(PQerrorMessage(connection));
  PQclear(result);
}

void copy(PGconn* connection, const char* sql, std::string& bytes) {
  PGresult* result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_COPY_IN) fail(PQerrorMessage(connection));
  PQclear(result);
  constexpr std::size_t kPiece = 1U << 18U;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    if (PQputCopyData(connection, bytes.data() + at, static_cast<int>(std::min(kPiece, bytes.size() - at))) != 1)
      fail("COPY");
  }
  if (PQputCopyEnd(connection, nullptr) != 1) fail(PQerrorMessage(connection));
  result = PQgetResult(connection);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(PQerrorMessage(connection));
  PQclear(result);
  PQclear(PQgetResult(connection));
}

constexpr const char* kCopyResponse =
    "COPY alchemer.response (source, survey_id, response_id, status, is_test_data, date_submitted, date_started, "
    "date_updated, "
    "session_id, language, link_id, response_time_seconds, url_variables, data_quality, referer, payload, "
    "payload_hash, "
    "first_seen_at, changed_at, run_id) FROM STDIN (FORMAT binary)";
constexpr const char* kCopyAnswer =
    "COPY alchemer.answer (source, survey_id, response_id, question_id, item, option_id, answer, original_answer, "
    "option_title, "
    "shown, is_other, type, page_id, run_id) FROM STDIN (FORMAT binary)";

// --- from one to the other ---

using simdjson::ondemand::object;
using simdjson::ondemand::value;

// "2025-01-01 07:00:37 EST", or without suffix: UTC.
std::int64_t moment(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t count) {
    int out = 0;
    for (std::size_t i = at; i < at + count; ++i)
      out = out * 10 + (text[i] - '0');
    return out;
  };
  std::tm parts{};
  parts.tm_year = digits(0, 4) - 1900;
  parts.tm_mon = digits(5, 2) - 1;
  parts.tm_mday = digits(8, 2);
  parts.tm_hour = digits(11, 2);
  parts.tm_min = digits(14, 2);
  parts.tm_sec = digits(17, 2);
  const std::int64_t zone = text.ends_with(" EST") ? 5 * 3600 : text.ends_with(" EDT") ? 4 * 3600 : 0;
  return timegm(&parts) + zone;
}

std::int64_t integer(std::string_view text) {
  return std::strtoll(text.data(), nullptr, 10);
}

class Page {
 public:
  explicit Page(long survey) : survey_(survey), now_(std::time(nullptr)) {}

  void read(std::string_view body, std::size_t capacity) {
    responses_.clear();
    answers_.clear();
    slices_.clear();
    auto document = outer_.iterate(body.data(), body.size(), capacity);
    for (object record : document["data"].get_array())
      slices_.push_back(record.raw_json().value());
    for (const std::string_view slice : slices_) {
      const std::size_t behind = static_cast<std::size_t>(body.data() + capacity - slice.data());
      read_response(slice, behind);
    }
  }
  void store(PGconn* connection) {
    execute(connection, "BEGIN");
    copy(connection, kCopyResponse, responses_.done());
    copy(connection, kCopyAnswer, answers_.done());
    execute(connection, "COMMIT");
  }

 private:
  void read_response(std::string_view raw, std::size_t capacity) {
    auto document = inner_.iterate(raw.data(), raw.size(), capacity);
    object fields = document.get_object();
    const std::int64_t id = integer(fields["id"].get_string().value());
    responses_.start(20);
    responses_.text("us");
    responses_.int64(survey_);
    responses_.int64(id);
    responses_.text(fields["status"].get_string().value());
    responses_.boolean(fields["is_test_data"].get_string().value() == "1");
    responses_.time(moment(fields["date_submitted"].get_string().value()));
    const std::string_view session = fields["session_id"].get_string().value();
    const std::string_view language = fields["language"].get_string().value();
    responses_.time(moment(fields["date_started"].get_string().value()));
    responses_.time(moment(fields["date_updated"].get_string().value()));
    responses_.text(session);
    responses_.text(language);
    responses_.text(fields["link_id"].get_string().value());
    std::string variables = "{";
    for (auto variable : fields["url_variables"].get_object()) {
      variables += variables.size() > 1 ? ",\"" : "\"";
      variables += variable.unescaped_key().value();
      variables += "\":";
      variables += simdjson::trim(variable.value()["value"].raw_json_token().value());
    }
    const std::string_view referer = fields["referer"].get_string().value();
    responses_.int32(static_cast<std::int32_t>(fields["response_time"].get_int64().value()));
    responses_.jsonb(variables + "}");
    object quality = fields["data_quality"].get_object();
    responses_.jsonb(quality.raw_json().value());
    responses_.text(referer);
    responses_.text(raw);
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(raw.data(), raw.size()));
    responses_.text({reinterpret_cast<const char*>(hash.digest), sizeof hash.digest});
    responses_.time(now_);
    responses_.time(now_);
    responses_.int64(std::int64_t{1});
    for (auto entry : fields["survey_data"].get_object())
      read_entry(id, entry.value().get_object());
  }

  struct Answer {
    std::int64_t question;
    std::string_view item, type;
    std::optional<std::int64_t> option, page;
    std::optional<std::string_view> answer, original, title;
    bool shown;
  };

  void read_entry(std::int64_t response, object entry) {
    Answer answer{};
    answer.question = entry["id"].get_int64().value();
    answer.type = entry["type"].get_string().value();
    answer.page = entry["section_id"].get_int64().value();
    if (answer.type == "parent") {
      answer.shown = entry["shown"].get_bool().value();
      for (auto option : entry["options"].get_object()) {
        object chosen = option.value().get_object();
        answer.option = chosen["id"].get_int64().value();
        answer.title = chosen["option"].get_string().value();
        answer.answer = chosen["answer"].get_string().value();
        const std::string item = std::to_string(*answer.option);
        answer.item = item;
        write(response, answer);
      }
      return;
    }
    answer.original = entry["original_answer"].get_string().value();
    answer.answer = entry["answer"].get_string().value();
    std::int64_t option = 0;
    if (entry["answer_id"].get_int64().get(option) == simdjson::SUCCESS) answer.option = option;
    answer.shown = entry["shown"].get_bool().value();
    write(response, answer);
  }

  void write(std::int64_t response, const Answer& answer) {
    answers_.start(14);
    answers_.text("us");
    answers_.int64(survey_);
    answers_.int64(response);
    answers_.int64(answer.question);
    answers_.text(answer.item);
    answers_.int64(answer.option);
    answers_.maybe(answer.answer);
    answers_.maybe(answer.original);
    answers_.maybe(answer.title);
    answers_.boolean(answer.shown);
    answers_.boolean(false);
    answers_.text(answer.type);
    answers_.int64(answer.page);
    answers_.int64(std::int64_t{1});
  }

  long survey_;
  std::int64_t now_;
  simdjson::ondemand::parser outer_, inner_;
  std::vector<std::string_view> slices_;
  Tuples responses_, answers_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 8) fail("HOST PORT CA-FILE DATABASE-URI CONNECTIONS SURVEYS RESPONSES");
  const std::string host = argv[1], port = argv[2], ca = argv[3], uri = argv[4];
  const long connections = std::strtol(argv[5], nullptr, 10), surveys = std::strtol(argv[6], nullptr, 10),
             responses = std::strtol(argv[7], nullptr, 10);
  std::atomic<long> next{0};
  std::vector<std::jthread> workers;
  for (long i = 0; i < connections; ++i) {
    workers.emplace_back([&] {
      Https vendor(host, port, ca);
      PGconn* database = PQconnectdb(uri.c_str());
      if (PQstatus(database) != CONNECTION_OK) fail(PQerrorMessage(database));
      for (long survey = next++; survey < surveys; survey = next++) {
        Page page(kFirstSurvey + survey);
        const std::string path =
            "/v5/survey/" + std::to_string(kFirstSurvey + survey) + "/surveyresponse?resultsperpage=500&page=";
        for (long number = 1; number <= (responses + kPage - 1) / kPage; ++number) {
          const std::string_view body = vendor.get(path + std::to_string(number));
          page.read(body, body.size() + simdjson::SIMDJSON_PADDING);
          page.store(database);
        }
      }
      PQfinish(database);
    });
  }
  return 0;
} catch (const std::exception& error) {
  fail(error.what());
}
