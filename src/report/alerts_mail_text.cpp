// The text of a mail: pure.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/sha256.h"
#include "report/alert_formats.h"
#include "report/alerts_mail.h"
#include "report/log_line.h"

namespace surveysync::report {
namespace {

constexpr std::size_t kLine = 76;

/// Plain ASCII, broken at its blanks so that no line is too long; nothing for other texts. `used`: of the first line.
std::optional<std::string> folded(std::string_view text, std::size_t used) {
  if (text.find("=?") != std::string_view::npos) return std::nullopt;
  std::string result;
  for (bool more = true; more;) {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    const bool plain = std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~'; });
    if (!plain || word.empty() || word.size() >= kLine - used) return std::nullopt;
    if (!result.empty() && result.size() - (result.rfind('\n') + 1) + used + 1 + word.size() > kLine) {
      result += "\r\n";
      used = 0;
    }
    if (!result.empty()) result += ' ';
    result += word;
    more = blank != std::string_view::npos;
    if (more) text.remove_prefix(blank + 1);
  }
  return result;
}

/// RFC 2047: as it is when it is plain ASCII, otherwise encoded words of whole characters; folded.
std::string header_text(std::string_view text, std::size_t used) {
  constexpr std::size_t kMostWord = 39;
  if (std::optional<std::string> plain = folded(text, used)) return *std::move(plain);
  std::string result;
  while (!text.empty()) {
    std::size_t size = std::min(kMostWord, text.size());
    while (size < text.size() && size > 1 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
      --size;
    result += fmt::format("{}=?UTF-8?B?{}?=", result.empty() ? "" : "\r\n ", base64(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return result;
}

/// "Sun, 22 Nov 2026 08:59:51 +0000".
std::string mail_date(UtcTime time) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(days).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t i) -> unsigned {
      return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U;
    };
    const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
    for (unsigned digit = 0; digit < 4; ++digit)
      result += at + digit > bytes.size() ? '=' : kDigits[(group >> (18U - 6U * digit)) & 63U];
  }
  return result;
}

std::string mail_message(const Alert& alert, const MailEnvelope& envelope) {
  constexpr std::string_view kSubject = "Subject: ";
  std::string message;
  const auto header = [&](const char* name, const std::string& value) {
    message += fmt::format("{}: {}\r\n", name, value);
  };
  header("Date", mail_date(alert.at));
  header("From", fmt::format("surveysync <{}>", envelope.from));
  header("To", fmt::format("{}", fmt::join(envelope.to, ",\r\n ")));
  header("Subject", header_text("[surveysync] " + alert_title(alert), kSubject.size()));
  header("Message-ID", fmt::format("<{}>", envelope.message_id));
  // All mails of one incident are one thread, whoever sends them.
  const auto since = std::chrono::floor<std::chrono::seconds>(alert.since).time_since_epoch().count();
  const std::string thread = sha256_hex(fmt::format("{} {}", alert.key, since)).substr(0, 32);
  header("References", fmt::format("<{}@incident.surveysync>", thread));
  header("Auto-Submitted", "auto-generated");
  header("MIME-Version", "1.0");
  header("Content-Type", "text/plain; charset=utf-8");
  header("Content-Transfer-Encoding", "base64");
  message += "\r\n";
  std::string text;
  for (const char c : alert_text(alert)) {
    if (c == '\n') text += '\r';
    text += c;
  }
  const std::string body = base64(text);
  for (std::size_t at = 0; at < body.size(); at += kLine)
    message += body.substr(at, kLine) + "\r\n";
  return message;
}

std::string mail_data(std::string_view message) {
  std::string data;
  bool line_begins = true;
  for (const char c : message) {
    if (line_begins && c == '.') data += '.';
    data += c;
    line_begins = c == '\n';
  }
  if (!data.ends_with("\r\n")) data += "\r\n";
  return data + ".\r\n";
}

}  // namespace surveysync::report
