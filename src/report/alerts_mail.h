#pragma once
// Mail about an alert: the text of the message (pure), and the dialogue with a server. TLS is asked for before anything
// else is said and a server that does not offer it is an error (Poco 1.11 goes on in clear text: reliability.md 2.9);
// the certificate is verified as everywhere (http/tls). Throws Error: unavailable, rejected, config, cancelled.

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "report/alert.h"

namespace surveysync::report {

/// What a mail says of itself beside the alert.
struct MailEnvelope {
  std::string from;
  std::vector<std::string> to;
  std::string message_id;  ///< unique, without brackets: "1763800000.17f3@host"
};

/// The message with its headers, all lines ended by CR LF, headers in ASCII (the subject as encoded words where it must
/// be), the body as base64 of UTF-8: no text of the alert can become a header, or end the message.
std::string mail_message(const Alert& alert, const MailEnvelope& envelope);
/// An address as it may stand in the dialogue and in a header: one @, no blanks, brackets or control characters.
bool is_mail_address(std::string_view text);
/// RFC 4648, with padding.
std::string base64(std::string_view bytes);
/// `message` as it goes out after DATA: lines that begin with a dot have two, and the end is marked.
std::string mail_data(std::string_view message);

enum class MailTls : std::uint8_t { starttls, implicit, none };

struct MailServer {
  std::string host;
  std::uint16_t port = 587;
  MailTls tls = MailTls::starttls;
  std::string ca_file;  ///< replaces the system's store
  std::string user;     ///< empty: nobody logs in
  Secret password;
};

/// Delivers `message` (as of mail_message) to every recipient that the server takes, within `time`. What it said of
/// those that it refused, a line each; refusing all is an error.
std::string send_mail(const MailServer& server, const MailEnvelope& envelope, const std::string& message, Duration time,
                      Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::report
