#pragma once
// A simulated vendor on loopback: data from a seed, the wire's habits, faults by rule, live changes, and the
// truth that a loader must arrive at. It shares nothing with the product's decoders, so that one misunderstanding
// cannot hide in both. Owned by one thread; start and stop from there, the rest from any. Throws Error (config,
// unavailable).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace surveysync::sandbox {

struct SandboxOptions {
  std::filesystem::path dir;                 ///< made 0700; receives ca.pem, us.key and sandbox.json
  std::uint16_t port = 0, control_port = 0;  ///< 0: any free one
  std::string provider;                      ///< whose API; empty: the first of personality_names()
  std::uint64_t seed = 1;
  int surveys = 3;
  std::optional<int> active;  ///< so many of them had responses in the last month; empty: all
  std::int64_t responses_min = 200, responses_max = 200;  ///< for each survey
  int questions = 0;  ///< 0: the catalogue of all shapes; else that many plain questions
  std::string region_zone = "America/New_York";
  bool updated_in_utc = true;  ///< the clock of date_updated: UTC, or the region's
  std::string updated_zone;    ///< any other clock of date_updated
  bool suffix = true;          ///< zone behind date_submitted and date_started
  int limit = 0;               ///< requests in a window; 0: as many as this vendor allows
  Duration window = std::chrono::seconds(60);
  std::optional<Duration> penalty;            ///< refusals once the limit was passed; one window when empty
  Duration cache = std::chrono::seconds(60);  ///< of identical GETs; 0: off
  bool refuse_repeats = false;                ///< 429 instead of the cached answer
  Duration latency{};
  Duration visibility_lag{}, statistics_lag{};  ///< until a change is listed; until the counts of a survey tell it
  std::string statistics = "full";              ///< no-deleted, none
  std::string deleted_answer = "by-id";         ///< 404, false200, null, status, html404
  Duration clock_skew{}, header_skew{};         ///< of its clock; of its Date header besides
  std::vector<std::string> faults;
  int live = 0;  ///< changes a second while it is being read
  bool live_deletes = false;
  std::optional<std::int64_t> vendor_time;  ///< UTC seconds its clock starts at, and where the generated past ends
  int page_cap = 500;
  int campaigns = 2, messages = 1, quotas = 2;      ///< of each survey; of each campaign; of each survey
  std::int64_t contacts_min = 3, contacts_max = 8;  ///< of each e-mail campaign
  int users = 5, tags = 4, contact_lists = 2;
  std::int64_t list_contacts_min = 3, list_contacts_max = 8;  ///< of each contact list
  std::size_t file_bytes = 0;                                 ///< of an uploaded file; 0: some thousand
  int generation = 2;                                         ///< of its API, for a vendor that has several
  bool test_key = false;                                      ///< hand out a test key, for a vendor that has such
  bool plain_http = false;
  Clock* clock = nullptr;  ///< the system's when null; outlives the sandbox
};

class Sandbox {
 public:
  /// Reads the options; nothing runs yet.
  explicit Sandbox(SandboxOptions options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Listens, writes the files of `dir`.
  void start();
  /// Ends all connections and threads. Harmless when not started.
  void stop();

  /// "https://localhost:PORT".
  std::string base_url() const;
  /// "http://127.0.0.1:PORT"; README.md lists its paths.
  std::string control_url() const;
  std::filesystem::path ca_file() const;
  std::filesystem::path secret_file() const;

 private:
  struct Parts;
  SandboxOptions options_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace surveysync::sandbox
