#pragma once
// The contract every provider signs: what it is called, what it can read, how one page is fetched and one record
// decoded. A source knows nothing about databases, schedules, retries, threads or logs. One Source per configured
// source, shared by the run's workers: all members but `assume` are thread-safe. Throws what http/client throws, and
// Error(malformed) for a page that cannot be understood at all; records that cannot be keyed come back quarantined.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event.h"
#include "http/client.h"
#include "http/download.h"
#include "model/stream.h"
#include "model/wide.h"
#include "sources/privacy.h"

namespace surveysync::sources {

/// What one fetch asks for. The same values ask the same question.
struct FetchRequest {
  const model::StreamSpec& stream;
  const model::Partition& partition;
  std::string position;  ///< empty: the beginning of a complete pass; tail_position(): the newest end of the partition
  int page_size = 250;
  bool may_shrink = true;  ///< a smaller page can be asked for instead: give up on a page that times out sooner
  Scope scope;             ///< for events of the calls
};
/// Position of a fetch that reads what the vendor appended last, with its total, when `known_total` records were there
/// before. `next` of that page leads backwards; it ends where the known records begin if the total has grown.
inline std::string tail_position(std::int64_t known_total) {
  return "tail:" + std::to_string(known_total);
}

/// Position of a fetch that reads the `records` newest changes of a partition in descending order, with its total.
/// Needs Abilities::newest_first. There is no next.
inline std::string newest_position(int records) {
  return "newest:" + std::to_string(records);
}

/// What the lists of a stream can be trusted with, tested and not assumed (product.md 4.3).
struct Abilities {
  bool newest_first = false;     ///< newest_position: changes are dated, and the vendor orders by them
  bool windows = false;          ///< window_position: and filters by them
  bool windows_counted = false;  ///< count_position: the total of a filtered list counts what the filter lets through
  std::string reason;            ///< why not, for people: "the filter is ignored"; empty when all of them
};

/// What the vendor says about one record or partition when asked for it alone.
enum class Presence : std::uint8_t {
  present,
  gone,    ///< 404, result_ok false, no data, or status Deleted
  refused  ///< 401, 403, "permission denied": says nothing about whether it exists
};
struct Found {
  Presence presence = Presence::refused;
  model::Page page;      ///< the record, when present
  std::string evidence;  ///< "HTTP 404", "status Deleted": for the log
  bool certain = false;  ///< gone in the vendor's own words (status Deleted), not by an answer that a lost permission
                         ///< gives too
};

/// What a probe found, for `check` and for people.
struct ProbeResult {
  std::string summary;  ///< "account 12345, clock 0.3 s ahead"
  std::optional<Duration> clock_skew;
};

/// Which part of the account the configuration follows; ids as text.
struct Following {
  std::set<std::string> streams;           ///< empty: all but those that must be asked for
  std::set<std::string> include, exclude;  ///< partitions; empty include: all
  bool streams_named = false;  ///< by a person: one that the vendor refuses is then a failure, not a fact to note
  bool everything() const { return include.empty() && exclude.empty(); }
  bool reads(const model::StreamSpec& stream) const {
    return streams.empty() ? !stream.on_request : streams.contains(stream.name);
  }
  bool follows(const std::string& partition) const {
    return (include.empty() || include.contains(partition)) && !exclude.contains(partition);
  }
};

class Source {
 public:
  virtual ~Source() = default;
  virtual const std::vector<model::StreamSpec>& streams() const = 0;

  /// The cheapest authenticated call.
  virtual ProbeResult probe(const std::stop_token& stop) = 0;

  /// What to walk: one entry for each thing that the account holds (a survey), whether followed or not; the same for
  /// all streams but those of the account, whose one partition has no name.
  virtual std::vector<model::Partition> partitions(const Scope& scope, const std::stop_token& stop) = 0;

  /// Exactly one page of one partition. A stream that is read whole may return all of a short list as one page with
  /// `complete` set; else its pages come one by one, best with numbered_pages.h, and `find` answers for what they did
  /// not show. Throws Error(denied) where the key may not read the stream or the vendor does not offer it.
  virtual model::Page fetch(const FetchRequest& request, const std::stop_token& stop) = 0;

  /// Puts records that the page shows in part (Record::in_part) there in full: as `stored` has them where the list says
  /// what it said then, else by one request each. `stored`: their live rows, in any order; its texts go over to the
  /// page. One that cannot be had alone keeps what was stored of it beyond the list, and Page::incomplete says why.
  /// Throws what ends the run, and what ends every such request. The default is for sources whose lists show all.
  virtual void complete(const FetchRequest& /*request*/, model::Page& /*page*/, model::Page& /*stored*/,
                        const std::stop_token& /*stop*/) {}

  /// What `fetch` of this stream can do, from what was assumed.
  virtual Abilities abilities(const model::StreamSpec& stream) const = 0;
  /// A bookmark: everything that changed until `newest` (a Page::newest) is stored, but nothing is claimed beyond
  /// `not_after` by the vendor's clock. The later of it and `before` (an earlier bookmark, may be empty).
  virtual std::string bookmark(const std::string& newest, UtcTime not_after, const std::string& before) const = 0;
  /// Position of the first page of a moving window, by ascending change: from `lookback` before the bookmark,
  /// inclusive, without end. Each page's `next` begins at the last change met, inclusive, never by ever-deeper page
  /// numbers; more records in one second than a page holds are paged within that second. Every page proves itself: see
  /// Page::unreliable.
  virtual std::string window_position(const std::string& bookmark, Duration lookback) const = 0;
  /// The same over changes in [from, until); newest first where asked (backfill).
  virtual std::string window_position(UtcTime from, std::optional<UtcTime> until, bool newest_first) const = 0;
  /// Position whose page has no records but the total of records changed until `as_of`; nothing where that cannot be
  /// asked (no windows_counted, or the vendor's clock is in doubt around `as_of`).
  virtual std::optional<std::string> count_position(UtcTime as_of) const = 0;
  /// How far the dates of changes around `at` may be from true instants: 0 when the zone is calibrated, an hour around
  /// a change of the clocks, 26 h while the zone is not known.
  virtual Duration date_doubt(UtcTime at) const = 0;
  /// The vendor's clock, from its Date headers; ours before the first.
  virtual UtcTime vendor_now() const = 0;

  /// Asks for one record alone. Never throws for an answer about that record.
  virtual Found find(const model::StreamSpec& stream, const model::Partition& partition, const model::Key& key,
                     const Scope& scope, const std::stop_token& stop) = 0;
  /// Asks whether a partition that the list does not show any more exists. The page stays empty.
  virtual Found find_partition(const std::string& name, const Scope& scope, const std::stop_token& stop) = 0;
  /// Stored raw bytes of one record (from quarantine) as a page, keyed and hashed as `fetch` would. No request.
  virtual model::Page reread(const model::StreamSpec& stream, const model::Partition& partition,
                             const std::string& raw) const = 0;

  /// Stored bytes of one record after today's privacy rules (they may have been stored under others); nothing when
  /// these change nothing. What looks like a digest already is left alone. No request. The default is for sources
  /// without personal data.
  virtual std::optional<std::string> protect(const model::StreamSpec& /*stream*/, const model::Partition& /*partition*/,
                                             const std::string& /*raw*/) const {
    return std::nullopt;
  }

  /// A decoder for one worker (it keeps a parser). Outlived by the source.
  virtual model::Decode decoder(const model::StreamSpec& stream) const = 0;

  /// Tests what the account supports and how its clocks run, with as few calls as it takes. `sample` lists likely
  /// partitions.
  virtual std::vector<model::Capability> learn(const std::vector<model::Partition>& sample, const Scope& scope,
                                               const std::stop_token& stop) = 0;
  /// Takes over what was learned (now or in an earlier run). Before workers start.
  virtual void assume(const std::vector<model::Capability>& capabilities) = 0;

  /// Names of what `learn` can find: it is asked again while one of them is missing.
  virtual std::vector<std::string> learnable() const = 0;
  /// What rows depend on beyond the vendor's bytes (zones): when it changes, stored records are decoded again.
  virtual std::string decoding() const = 0;

  /// What wide tables are made of; null where this provider has none.
  virtual const model::WideSpec* wide() const { return nullptr; }
  /// The columns of a partition's wide table, from its stored definitions alone, in the order in which people shall
  /// see them. Pure. The default is for providers without wide tables.
  virtual model::WidePlan plan_wide(const std::vector<model::WideDefinition>& /*definitions*/) const { return {}; }

  /// Requests sent so far, retries included.
  virtual std::int64_t requests() const = 0;
};

/// Where files that respondents uploaded are kept.
struct Files {
  std::string directory = {};  ///< absolute; empty: none are fetched
  /// Fetches one from the address that the vendor gave. Throws what http::download throws.
  std::function<http::Download(const std::string& url, const std::stop_token& stop)> fetch = nullptr;
};

/// What assembly hands to a provider.
struct SourceContext {
  std::string name;      ///< the configured name
  http::Client& client;  ///< signs and judges as the provider's type says
  std::string region;    ///< as configured, may be empty
  Privacy privacy;       ///< applied before anything is hashed or stored
  Observer& observer;
  Clock& clock;
  Following following = {};
  Files files = {};
};

/// What the configuration takes from a provider: defaults and what may be written in its stanza.
struct Customs {
  int vendor_limit = 100;                    ///< requests in a window that the usual plan allows
  int share_percent = 50, share_most = 100;  ///< our share of it by default, in percent and at most
  int page_start = 250;                      ///< records a page at first
  bool numeric_partitions = false;           ///< surveys.include and exclude hold numbers
  bool files = false;                        ///< has files of respondents
  std::vector<std::string> auth_types = {"key"};
  std::vector<std::string> environments = {};  ///< of keys ("live"); empty: it has none
  std::string contacts = "off";                ///< default of privacy.contacts
  /// What is wrong with a key, by its form alone (length, prefix); empty: nothing. `environment` as configured.
  std::string (*key_mistake)(const Credential& key, const std::string& environment) = nullptr;
  /// What an operator should know of a sound key: "a test key"; empty: nothing.
  std::string (*key_warning)(const Credential& key, const std::string& environment) = nullptr;
};

/// Where a vendor gives out OAuth 1.0a tokens (`authorize`).
struct OAuthPaths {
  std::string request_token, authenticate, access_token;   ///< paths
  std::string (*host)(std::string_view region) = nullptr;  ///< its URL; empty when unknown
};

/// One constant a provider folder.
struct SourceType {
  std::string_view name;         ///< "alchemer"
  std::size_t credential_lines;  ///< lines of its secret file
  http::Sign sign;
  http::Judge judge;
  http::Call probe;          ///< the cheapest authenticated call
  http::Call account_probe;  ///< one of another endpoint, which every key may ask
  /// URLs of the API for a region, the one to use first, then others that may answer instead; none when unknown. A
  /// provider without regions is asked for "".
  std::vector<std::string> (*hosts)(std::string_view region);
  std::vector<std::string> (*regions)();
  std::vector<std::string> stream_names;
  std::vector<std::string> privacy_fields;  ///< groups of [source.X.privacy] beside contacts; "questions": by question
  int max_page_size;
  Customs customs;
  /// What lists of the certified stream can do, from what was learned of the account. Needs no secret.
  Abilities (*abilities)(const std::vector<model::Capability>& learned);
  std::unique_ptr<Source> (*make)(const SourceContext&);
  std::optional<OAuthPaths> oauth = std::nullopt;  ///< for auth type "oauth1"
};

}  // namespace surveysync::sources
