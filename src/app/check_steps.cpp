#include "app/check_steps.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "app/assembly.h"
#include "app/capability_text.h"
#include "app/config_values.h"
#include "app/human.h"
#include "app/key_records.h"
#include "report/log_line.h"
#include "store/history.h"
#include "store/ledger.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

constexpr Duration kTolerableSkew = std::chrono::seconds(60);
constexpr int kOldestServer = 130000;
constexpr std::size_t kLittleSpace = 256UL << 20;

std::string megabytes(std::size_t bytes) {
  return fmt::format("{} MB", grouped(static_cast<std::int64_t>(bytes >> 20)));
}

std::string server_name(int version) {
  return fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000);
}

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

/// The first partition that the configuration follows.
const model::Partition* first_followed(const std::vector<model::Partition>& all, const SourceConfig& source) {
  const sources::Following following{{}, source.include, source.exclude};
  const auto found = std::find_if(all.begin(), all.end(), [&](const model::Partition& partition) {
    return following.follows(partition.name) && partition.expected_records > 0;
  });
  if (found != all.end()) return &*found;
  const auto any =
      std::find_if(all.begin(), all.end(), [&](const model::Partition& p) { return following.follows(p.name); });
  return any == all.end() ? nullptr : &*any;
}

/// The first page that holds a record; a pass may begin with a page that only tells the total.
model::Page first_records(sources::Source& source, const model::StreamSpec& stream, const model::Partition& partition,
                          const Scope& scope, const std::stop_token& stop) {
  constexpr int kMostPages = 3;
  std::string position;
  for (int tried = 1;; ++tried) {
    model::Page page = source.fetch(
        {.stream = stream, .partition = partition, .position = position, .page_size = 1, .scope = scope}, stop);
    const bool found = !page.records.empty() || !page.quarantined.empty();
    if (found || !page.next || tried == kMostPages) return page;
    position = *page.next;
  }
}

std::string check_stream(sources::Source& source, const model::StreamSpec& stream, const model::Partition& partition,
                         const Scope& scope, const std::stop_token& stop) {
  const model::Page page = first_records(source, stream, partition, scope, stop);
  if (!page.quarantined.empty()) {
    throw Error(ErrorKind::malformed, fmt::format("a record of survey {} cannot be read: {}", partition.name,
                                                  page.quarantined.front().reason));
  }
  const model::Decode decode = source.decoder(stream);
  model::RowBatch rows;
  std::size_t decoded = 0;
  for (const model::Record& record : page.records) {
    rows.clear();
    decode(record, rows);
    decoded += rows.rows().size();
  }
  const std::string of = partition.name.empty() ? "the account" : "survey " + partition.name;
  if (page.records.empty()) return of + " has no record yet";
  return fmt::format("{}: {} record{} read, {} row{} made of {}", of, page.records.size(),
                     page.records.size() == 1 ? "" : "s", decoded, decoded == 1 ? "" : "s",
                     page.records.size() == 1 ? "it" : "them");
}

/// Where a row is read from.
struct RowPlace {
  const model::Partition& partition;
  const Scope& scope;
};

/// One stream. One that the key may not read is a failure only where somebody named it.
void check_row(CheckReport& report, const std::string& what, SourceParts& parts, const model::StreamSpec& stream,
               const RowPlace& place, const std::stop_token& stop) {
  const bool must = stream.reading == model::Reading::by_change || parts.following().streams_named;
  const auto read = [&] { return check_stream(parts.source(), stream, place.partition, place.scope, stop); };
  if (must) {
    report.run(what, read);
    return;
  }
  try {
    report.pass(what, read());
  } catch (const Error& refusal) {
    if (refusal.kind() == ErrorKind::denied || refusal.kind() == ErrorKind::rejected) {
      report.warn(what, fmt::format("this key may not read it: {}", refusal.what()),
                  "give the key's user the permission, or leave the stream out of `streams`");
    } else {
      report.run(what, [&]() -> std::string { throw Error(refusal); });
    }
  }
}

/// Whose results these are.
struct Subject {
  const SourceConfig& source;
  std::string name;  ///< "source us"
};

/// The vendor's list; nothing where it could not be read.
std::optional<std::vector<model::Partition>> check_streams(CheckReport& report, SourceParts& parts,
                                                           const Subject& subject, const std::stop_token& stop) {
  const auto& [source, name] = subject;
  const Scope scope{source.name, 0, "", ""};
  std::vector<model::Partition> all;
  const bool listed = report.run(name + " surveys", [&] {
    all = parts.source().partitions(scope, stop);
    const sources::Following following{{}, source.include, source.exclude};
    const auto followed =
        std::count_if(all.begin(), all.end(), [&](const auto& p) { return following.follows(p.name); });
    return fmt::format("{} in the account, {} followed", grouped(static_cast<std::int64_t>(all.size())),
                       grouped(followed));
  });
  if (!listed) return std::nullopt;
  for (const std::string& id : source.include) {
    if (std::any_of(all.begin(), all.end(), [&](const model::Partition& p) { return p.name == id; })) continue;
    report.warn(name + " surveys", fmt::format("surveys.include names {}, which this key does not see", id));
  }
  const model::Partition* const partition = first_followed(all, source);
  const model::Partition account;
  for (const model::StreamSpec& stream : parts.source().streams()) {
    if (!parts.following().reads(stream) || stream.reading == model::Reading::named) continue;
    const std::string what = fmt::format("{} {}", name, stream.name);
    const model::Partition* const from = stream.of_account ? &account : partition;
    if (from == nullptr) {
      report.warn(what, "no survey to read a row from");
    } else {
      check_row(report, what, parts, stream, {*from, scope}, stop);
    }
  }
  return all;
}

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

/// What the account supports, as learned; a warning where changes cannot be read by their date.
void check_capabilities(CheckReport& report, const Subject& subject, store::Ledger& ledger, UtcTime now) {
  const std::string name = subject.name + " learned";
  std::vector<model::Capability> all;
  try {
    all = ledger.capabilities(subject.source.name);
  } catch (const Error&) {
    report.run(name, []() -> std::string { throw; });
    return;
  }
  const std::vector<model::Capability> told = told_capabilities(all);
  if (told.empty()) return report.pass(name, "nothing yet: the first sync tests what the account supports");
  for (const model::Capability& capability : told)
    report.pass(name, capability_line(capability, now));
  const std::string fallback = fallback_text(abilities_of(subject.source, all), all);
  if (fallback.empty()) {
    report.pass(subject.name + " changes", "read by their date");
  } else {
    report.warn(subject.name + " changes", fallback,
                "nothing is missed, but it takes more requests; `surveysync plan` counts them");
  }
}

/// Stored surveys that the vendor's list does not show any more.
void check_vanished(CheckReport& report, const Subject& subject, store::Ledger& ledger,
                    const std::vector<model::Partition>& listed) {
  const sources::Following following{{}, subject.source.include, subject.source.exclude};
  std::set<std::string> vanished;
  for (const store::PartitionState& state : ledger.states(subject.source.name)) {
    const bool stands = state.standing.total >= 0 || !state.standing.hint.empty() || state.open_pass;
    if (stands && !state.partition.empty() && following.follows(state.partition)) vanished.insert(state.partition);
  }
  for (const model::Partition& partition : listed)
    vanished.erase(partition.name);
  if (vanished.empty()) return;
  report.warn(subject.name + " surveys",
              fmt::format("stored, but not in the vendor's list: {}", fmt::join(vanished, ", ")),
              "the next sync asks for each alone: deleted at the vendor, or not open to this key any more");
}

}  // namespace

void check_local(CheckReport& report, Program& program) {
  const Config& config = program.config();
  report.pass("configuration", fmt::format("{}: {} source{}", program.flags.config_file, config.sources.size(),
                                           config.sources.size() == 1 ? "" : "s"));
  for (const std::string& warning : config.warnings)
    report.warn("configuration", warning);
  struct statvfs disk {};
  if (::statvfs(config.state_dir.c_str(), &disk) != 0) {
    report.warn("state", fmt::format("{} is not there", config.state_dir),
                fmt::format("install -d -m 0750 -o surveysync {}, or set state.dir", config.state_dir));
    return;
  }
  const std::size_t free = disk.f_bavail * disk.f_frsize;
  if (::access(config.state_dir.c_str(), W_OK) != 0) {
    report.warn("state", fmt::format("{} cannot be written", config.state_dir),
                "it must belong to the user that surveysync runs as");
  } else if (free < kLittleSpace) {
    report.warn("state", fmt::format("{} has {} free", config.state_dir, megabytes(free)), "make room on that disk");
  } else {
    report.pass("state", fmt::format("{}, {} free", config.state_dir, megabytes(free)));
  }
}

std::unique_ptr<pg::Connection> check_database(CheckReport& report, Program& program) {
  std::unique_ptr<pg::Connection> connection;
  const bool connected = report.run("database", [&] {
    connection =
        std::make_unique<pg::Connection>(connect_options(program.connecting_config()), program.clock(), program.stop());
    return fmt::format("{}, {}", connection->display(), server_name(connection->server_version()));
  });
  if (!connected) return nullptr;
  if (connection->server_version() < kOldestServer) {
    report.warn("database",
                fmt::format("{} is older than what we test with (13)", server_name(connection->server_version())));
  }
  const bool usable = report.run("database schema", [&] {
    store::require_version(*connection);
    return fmt::format("at this version ({} migrations)", store::embedded_migrations().size());
  });
  if (!usable) return nullptr;
  report.run("database privileges", [&]() -> std::string {
    const std::vector<store::History::Privilege> missing = store::History(*connection).missing_privileges();
    if (missing.empty()) return "all that writing needs";
    std::string what, grants;
    for (const store::History::Privilege& privilege : missing) {
      what += fmt::format("{}{} on {}", what.empty() ? "" : ", ", privilege.missing, privilege.object);
      grants += (grants.empty() ? "" : " ") + privilege.grant;
    }
    throw Error(ErrorKind::refused_schema, "missing: " + what, grants);
  });
  report.run("database write", [&] {
    store::History(*connection).rehearse_write();
    return std::string("a row was written and rolled back");
  });
  return connection->alive() ? std::move(connection) : nullptr;
}

/// With the account's budget and what is known of its keys, where there is a database to ask.
std::unique_ptr<SourceParts> make_checked_parts(Program& program, const SourceConfig& source, Observer& observer,
                                                bool has_database) {
  Surroundings around{program.masker(), observer, program.clock()};
  if (has_database) {
    const pg::ConnectOptions database = connect_options(program.connecting_config());
    around.account_limiter = Accounts(program.clock(), database).limiter(source, program.config());
    around.key_memory = std::make_shared<KeyRecords>(database, source.name, source.limits.hold_probe,
                                                     KeyPatience::person, program.clock());
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
  const Subject subject{source, name};
  const auto listed = check_streams(report, *parts, subject, program.stop());
  if (database == nullptr) return;
  store::Ledger ledger(*database);
  if (listed) check_vanished(report, subject, ledger, *listed);
  check_capabilities(report, subject, ledger, program.clock().utc_now());
}

}  // namespace surveysync::app
