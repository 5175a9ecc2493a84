#pragma once
// What `check` thinks of plain facts: permissions, days left, encryption, units, streams that are refused. Pure; the
// facts are gathered elsewhere.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "app/check_report.h"
#include "app/config.h"
#include "base/time.h"

namespace surveysync::app {

/// A secret's file and the directory that holds it, as stat says.
struct SecretFileFacts {
  std::string path;
  bool exists = false, regular = true;
  std::string link_to;  ///< where a symbolic link ends; empty for none
  mode_t mode = 0;
  uid_t owner = 0;
  std::string directory;  ///< of the file itself, behind a link
  mode_t directory_mode = 0;
  uid_t directory_owner = 0;
  bool readable = true;  ///< by us
};
/// Who reads it: we, and the service's user where there is one (root may check for it).
struct SecretReaders {
  uid_t us = 0;
  std::optional<uid_t> service;
};
/// One result, the worst of what was found; `name` is the check's.
CheckResult judge_secret_file(const std::string& name, const SecretFileFacts& facts, const SecretReaders& readers);

/// Days left of a certificate: a warning below three weeks.
inline constexpr int kFewDays = 21;
CheckResult judge_certificate(const std::string& name, const std::string& whose, UtcTime until, UtcTime now);

/// How the way to the database is protected.
struct WayToDatabase {
  bool local = false;    ///< a socket or loopback
  std::string ssl_mode;  ///< libpq's
  std::string protocol;  ///< "TLSv1.3"; empty without encryption
};
CheckResult judge_database_tls(const std::string& name, const WayToDatabase& way);

/// Whether a systemd unit (with its drop-ins behind it) lets the service execute `program`, an absolute path.
bool unit_allows(const std::string& unit_text, const std::string& program);

/// A stream that the key may not read: whether somebody asked for it.
enum class Wanted : std::uint8_t {
  nobody,   ///< it belongs to what the provider has
  by_name,  ///< `streams` names it, or it is what everything else rests on
  privacy,  ///< privacy.contacts asked for people, and this is where they are
};
/// Streams with people's addresses are read only on request; asking for contacts in the privacy rules is one.
Wanted who_wants(bool on_request, bool by_change, bool streams_named, const SourceConfig& source);
CheckResult judge_denied(const std::string& name, Wanted wanted, const std::string& refusal);

}  // namespace surveysync::app
