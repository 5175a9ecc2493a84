#include "app/check_steps.h"

#include <fmt/format.h>

#include <optional>

#include "app/assembly.h"
#include "app/check_judge.h"
#include "app/human.h"
#include "app/key_records.h"
#include "http/door_look.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

constexpr Duration kTolerableSkew = std::chrono::seconds(60);
constexpr const char* kWayHint =
    "is the name right, the network up, a proxy needed (proxy = \"http://host:port\")? tls.ca_file names a private "
    "authority";

/// Hears the client while it checks: what it complains about becomes a warning of the source.
class WarningsOf final : public Observer {
 public:
  explicit WarningsOf(Observer& next) : next_(next) {}
  void on_event(const Event& event) noexcept override {
    if (const auto* warned = std::get_if<event::SecretWarned>(&event)) warnings.push_back(warned->what);
    next_.on_event(event);
  }
  std::vector<std::string> warnings;

 private:
  Observer& next_;
};

void check_skew(CheckReport& report, const std::string& name, const std::optional<Duration>& skew) {
  if (!skew) return;
  const std::string text = fmt::format("the vendor's clock is {} {}", spoken(std::chrono::abs(*skew)),
                                       *skew < Duration::zero() ? "behind" : "ahead");
  if (std::chrono::abs(*skew) < kTolerableSkew) {
    report.pass(name + " clock", text);
  } else {
    report.warn(name + " clock", text, "set this machine's clock (timedatectl set-ntp true)");
  }
}

}  // namespace

/// With the account's budget and what is known of its keys, where there is a database to ask.
std::unique_ptr<SourceParts> make_checked_parts(Program& program, const SourceConfig& source, Observer& observer,
                                                bool has_database) {
  Surroundings around{program.masker(), observer, program.clock()};
  const auto notes = std::make_shared<KeyNotes>(program.config().state_dir, source.limits.hold_probe, program.clock());
  around.key_memory = notes;
  if (has_database) {
    const pg::ConnectOptions database = connect_options(program.connecting_config());
    around.account_limiter = Accounts(program.clock(), database).limiter(source, program.config());
    around.key_memory = std::make_shared<KeyRecords>(database, source.name, source.limits.hold_probe,
                                                     KeyPatience::person, program.clock(), notes);
  }
  auto parts = std::make_unique<SourceParts>(source, std::move(around));
  parts->client().probe_refused_key(program.stop());
  return parts;
}

/// Where the vendor's usual host does not answer: whether another of its hosts does. The vendors' own pages name
/// several.
void check_other_hosts(CheckReport& report, Program& program, const SourceConfig& source, Observer& observer) {
  if (!source.base_url.empty()) return;
  const std::vector<std::string> hosts = find_provider(source.type)->hosts(source.region);
  for (std::size_t i = 1; i < hosts.size(); ++i) {
    SourceConfig other = source;
    other.base_url = hosts[i];
    try {
      const auto parts = make_checked_parts(program, other, observer, false);
      parts->source().probe(program.stop());
    } catch (const Error& failure) {
      if (failure.kind() == ErrorKind::cancelled) throw;
      if (failure.kind() == ErrorKind::unavailable) continue;  // all else is an answer
    }
    report.warn("source " + source.name + " host", fmt::format("{} does not answer, {} does", hosts[0], hosts[i]),
                fmt::format("in [source.{}]: base_url = \"{}\" instead of the region", source.name, hosts[i]));
    return;
  }
}

/// The way to the vendor without a request: addresses, connection, certificate.
void check_door(CheckReport& report, Program& program, const SourceConfig& source, const http::Endpoint& endpoint) {
  const std::string name = "source " + source.name;
  http::DoorFacts facts;
  const bool open = report.run(name + " TLS", [&] {
    try {
      facts = http::look_at_door(transport_options(source, endpoint, program.masker(), program.clock()),
                                 program.clock(), program.stop());
    } catch (const Error& failure) {
      if (!failure.hint().empty()) throw;
      throw Error(failure.kind(), failure.what(), kWayHint);
    }
    return fmt::format("{}{}: {}{}", endpoint.host, facts.through_proxy ? " through " + source.proxy : "",
                       fmt::join(facts.addresses, ", "),
                       facts.certificate_until ? "; its certificate is verified" : "; not encrypted, on this machine");
  });
  if (open && facts.certificate_until) {
    report.add(judge_certificate(name + " certificate", "the vendor's certificate", *facts.certificate_until,
                                 program.clock().utc_now()));
  }
}

void check_source(CheckReport& report, Program& program, const SourceConfig& source, pg::Connection* database) {
  const std::string name = "source " + source.name;
  WarningsOf observer(program.observers());
  std::unique_ptr<SourceParts> parts;
  const bool assembled = report.run(name + " secret", [&] {
    parts = make_checked_parts(program, source, observer, database != nullptr);
    return fmt::format("fingerprint {}", parts->client().fingerprint());
  });
  for (const std::string& warning : observer.warnings)
    report.warn(name + " secret", warning);
  if (!assembled) return;
  if (!source.auth.next.empty()) {
    report.run(name + " next secret", [&] {
      const Credential next =
          SecretReference::parse(source.auth.next).read(find_provider(source.type)->credential_lines);
      program.masker().add(next);
      return fmt::format("fingerprint {}", next.fingerprint);
    });
  }
  check_door(report, program, source, parts->endpoint());
  std::optional<Duration> skew;
  bool answered = true;
  const bool reached = report.run(name + " reach", [&] {
    sources::ProbeResult probe;
    try {
      probe = parts->source().probe(program.stop());
    } catch (const Error& failure) {
      answered = failure.kind() != ErrorKind::unavailable;
      throw;
    }
    skew = probe.clock_skew;
    return fmt::format("{}{}: {}", parts->endpoint().display(),
                       source.region.empty() ? "" : " (region " + source.region + ")",
                       report::printable(probe.summary));
  });
  if (!answered) check_other_hosts(report, program, source, observer);
  if (!reached) return;
  check_skew(report, name, skew);
  check_streams(report, program, source, *parts, database);
}

}  // namespace surveysync::app
