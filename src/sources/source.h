#pragma once
// The contract every provider signs: what it is called, what it can read, how one page is fetched and one record
// decoded. A source knows nothing about databases, schedules, retries, threads or logs. One Source per configured
// source, shared by the run's workers: all members but `assume` are thread-safe. Throws what http/client throws, and
// Error(malformed) for a page that cannot be understood at all; records that cannot be keyed come back quarantined.

#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event.h"
#include "http/client.h"
#include "model/stream.h"

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

/// What a probe found, for `check` and for people.
struct ProbeResult {
  std::string summary;  ///< "account 12345, clock 0.3 s ahead"
  std::optional<Duration> clock_skew;
};

/// Which part of the account the configuration follows; ids as text.
struct Following {
  std::set<std::string> streams;           ///< empty: all
  std::set<std::string> include, exclude;  ///< partitions; empty include: all
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
  /// all streams.
  virtual std::vector<model::Partition> partitions(const Scope& scope, const std::stop_token& stop) = 0;

  /// Exactly one page of one partition.
  virtual model::Page fetch(const FetchRequest& request, const std::stop_token& stop) = 0;

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

  /// Requests sent so far, retries included.
  virtual std::int64_t requests() const = 0;
};

/// What assembly hands to a provider.
struct SourceContext {
  std::string name;                            ///< the configured name
  http::Client& client;                        ///< signs and judges as the provider's type says
  std::string region;                          ///< as configured, may be empty
  std::map<std::string, std::string> privacy;  ///< field group to keep | drop
  Observer& observer;
  Clock& clock;
};

/// One constant a provider folder.
struct SourceType {
  std::string_view name;         ///< "alchemer"
  std::size_t credential_lines;  ///< lines of its secret file
  http::Sign sign;
  http::Judge judge;
  http::Call probe;
  /// The API host for a region, empty when unknown.
  std::string (*base_url)(std::string_view region);
  std::vector<std::string> (*regions)();
  std::vector<std::string> stream_names;
  std::vector<std::string> privacy_fields;
  int max_page_size;
  std::unique_ptr<Source> (*make)(const SourceContext&);
};

}  // namespace surveysync::sources
