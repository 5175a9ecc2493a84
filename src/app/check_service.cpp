// What the service needs of this machine: disk, time zones, its port, a session that outlives the login, and when it
// runs next.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include "app/check_steps.h"
#include "app/config_values.h"
#include "app/human.h"
#include "base/descriptor.h"
#include "http/door_look.h"
#include "sync/agenda.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr std::size_t kLittleSpace = 256UL << 20, kNoSpace = 16UL << 20;

std::string megabytes(std::size_t bytes) {
  return fmt::format("{} MB", grouped(static_cast<std::int64_t>(bytes >> 20)));
}

void check_state(CheckReport& report, const std::string& directory) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) {
    return report.warn("state", fmt::format("{} is not there", directory),
                       fmt::format("install -d -m 0750 -o surveysync {}, or set state.dir", directory));
  }
  const std::size_t free = disk.f_bavail * disk.f_frsize;
  const std::string found = fmt::format("{} has {} free", directory, megabytes(free));
  if (::access(directory.c_str(), W_OK) != 0) {
    report.warn("state", fmt::format("{} cannot be written", directory),
                "it must belong to the user that surveysync runs as");
  } else if (free < kNoSpace) {
    report.add({"state", Verdict::fail, found, "make room on that disk: alerts and what was learned are kept there"});
  } else if (free < kLittleSpace) {
    report.warn("state", found, "make room on that disk");
  } else {
    report.pass("state", found);
  }
}

void check_time_zones(CheckReport& report, const std::vector<const SourceConfig*>& chosen) {
  std::set<std::string> names = {"UTC", "America/New_York"};
  for (const SourceConfig* const source : chosen)
    if (source->schedule && !source->schedule->timezone.empty()) names.insert(source->schedule->timezone);
  for (const std::string& name : names) {
    if (const std::string mistake = timezone_mistake(name); !mistake.empty())
      return report.add({"time zones", Verdict::fail, mistake, "apt-get install tzdata"});
  }
  report.pass("time zones", fmt::format("{}", fmt::join(names, ", ")));
}

/// "host:port" or "[host]:port"; port -1 where there is none.
struct Listening {
  std::string host;
  int port = -1;
};
Listening listening(const std::string& text) {
  Listening to;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return to;
  to.host = text.substr(0, colon);
  if (to.host.starts_with('[') && to.host.ends_with(']')) to.host = to.host.substr(1, to.host.size() - 2);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), to.port);
  return to;
}

/// Binds and lets go: what refuses it, 0 when nothing does.
int try_to_listen(const std::string& address, int port) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET;
  six.sin6_family = AF_INET6;
  four.sin_port = six.sin6_port = htons(static_cast<std::uint16_t>(port));
  const bool is_six = ::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1;
  if (!is_six && ::inet_pton(AF_INET, address.c_str(), &four.sin_addr) != 1) return EADDRNOTAVAIL;
  const Descriptor socket(::socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return errno;
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto* const where = is_six ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
  return ::bind(socket.get(), where, is_six ? sizeof six : sizeof four) == 0 ? 0 : errno;
}

/// Whether a status page of ours answers there.
bool is_ours(Program& program, const std::string& address, int port) {
  try {
    http::TransportOptions options;
    const bool six = address.find(':') != std::string::npos;
    options.endpoint = http::Endpoint::parse(fmt::format("http://{}:{}", six ? "[" + address + "]" : address, port));
    http::PocoTransport door(std::move(options), program.clock());
    http::Request request;
    request.target = request.display = "/healthz";
    const http::Response answer = door.exchange(request, Deadline(program.clock(), seconds(3)), program.stop());
    return answer.body == "ok\n" || answer.body == "ok" || answer.body.starts_with("a lane shows no life");
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return false;
  }
}

void check_listen(CheckReport& report, Program& program) {
  const std::string& listen = program.config().status_listen;
  if (listen.empty()) return report.pass("status page", "switched off");
  const auto [host, port] = listening(listen);
  if (port == 0) return report.pass("status page", listen + ": any free port");
  std::string address = host == "*" || host.empty() ? "0.0.0.0" : host;
  try {
    address = http::addresses_of(address, program.clock(), program.stop()).front();
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return report.add(
        {"status page", Verdict::fail, failure.what(), "write an address of this machine into status.listen"});
  }
  const int refused = try_to_listen(address, port);
  if (refused == 0) return report.pass("status page", listen + " is free");
  if (refused == EADDRINUSE) {
    if (is_ours(program, address, port)) return report.pass("status page", fmt::format("http://{}/ answers", listen));
    return report.add({"status page", Verdict::fail, listen + " is in use by another program",
                       "another port in status.listen, or \"\" to do without; `ss -ltnp` shows who it is"});
  }
  report.add({"status page", Verdict::fail, fmt::format("{} cannot be listened on: {}", listen, std::strerror(refused)),
              "write an address of this machine into status.listen, and a port above 1023"});
}

/// A service of a user's own ends with the login, unless the user lingers.
void check_linger(CheckReport& report) {
  const passwd* const user = ::getpwuid(::geteuid());
  std::error_code ignored;
  if (user == nullptr || ::geteuid() == 0) return;
  const fs::path unit = fs::path(user->pw_dir) / ".config/systemd/user/surveysync.service";
  if (!fs::exists(unit, ignored)) return;
  if (fs::exists(fs::path("/var/lib/systemd/linger") / user->pw_name, ignored)) {
    report.pass("systemd", "your own service outlives your login");
  } else {
    report.warn("systemd", "your own service ends when you log out",
                fmt::format("loginctl enable-linger {}", user->pw_name));
  }
}

void check_schedule(CheckReport& report, const SourceConfig& source, UtcTime now) {
  const std::string name = "schedule " + source.name;
  if (!source.schedule) {
    return report.warn(
        name, "none: it is synced by hand or by a timer unit only",
        fmt::format("schedule = {{ cron = \"15 2 * * *\", timezone = \"UTC\" }} in [source.{}]", source.name));
  }
  report.run(name, [&] {
    const auto& [cron, zone, jitter] = *source.schedule;
    const auto next = sync::Cron::parse(cron).next(now, zone.empty() ? "UTC" : zone);
    if (!next) throw Error(ErrorKind::config, fmt::format("\"{}\" never comes", cron), "see crontab(5)");
    const std::string late = jitter > Duration::zero() ? fmt::format(", up to {} later", format_duration(jitter)) : "";
    return fmt::format("next at {} UTC, {}{}", moment(next), ago(next, now), late);
  });
}

}  // namespace

void check_local(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen) {
  const Config& config = program.config();
  report.pass("configuration", fmt::format("{}: {} source{}", program.flags.config_file, config.sources.size(),
                                           config.sources.size() == 1 ? "" : "s"));
  for (const std::string& warning : config.warnings)
    report.warn("configuration", warning);
  check_secrets(report, program, chosen);
  check_state(report, config.state_dir);
  check_time_zones(report, chosen);
  check_listen(report, program);
  check_linger(report);
  for (const SourceConfig* const source : chosen)
    check_schedule(report, *source, program.clock().utc_now());
}

}  // namespace surveysync::app
