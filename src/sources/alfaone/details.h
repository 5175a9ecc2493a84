#pragma once
// What only a record alone shows: of assessments their points, of invites when they were revoked. A record whose entry
// in the list says what it said when it was stored is as full as it was then; others are asked for, one request each.
// One that cannot be had keeps what was stored of it. Thread-safe.

#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "http/client.h"
#include "sources/alfaone/lone.h"

namespace surveysync::sources::alfaone {

/// Whether the record alone would show more than `raw`, its entry in the list.
bool is_in_part(const Resource& resource, std::string_view raw);

/// Whether `stored`, a record in full, shows what only that shows.
bool is_in_full(const Resource& resource, std::string_view stored);

/// Whether `stored` says all that `listed` says, member by member and byte by byte.
bool says_all_of(std::string_view stored, std::string_view listed);

/// `listed` with the members of `stored` that it has not itself.
std::string with_members_of(std::string_view listed, std::string_view stored);

class Details {
 public:
  Details(http::Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  struct Answer {
    enum class Kind : std::uint8_t {
      full,
      not_there,  ///< gone meanwhile, or it shows no more than its entry
      refused,    ///< to this key, or for all records
      failed,     ///< this one; another may be had
    } kind = Kind::not_there;
    Lone lone = {};        ///< when full
    std::string why = {};  ///< when refused or failed
    int requests = 0;
    bool had_others = false;  ///< records of this kind were shown in full
  };
  /// A pass over this kind begins: the next few records are asked for whatever is stored of them.
  void begin_pass(const Resource& resource);
  /// Whether a record that is stored in full shall be asked for all the same: what only it shows may have changed. The
  /// first few of a pass, and a seventh of the others each day, by their ids; none twice in an hour.
  bool is_due(const Resource& resource, const std::string& id);
  /// Asks for one record. After a few refusals in a row, when none was ever shown, it asks no more. Throws what ends
  /// the run, and the failure itself when several fail in a row: then it is not about one record.
  Answer ask(const Resource& resource, const std::string& id, const Scope& scope, const std::stop_token& stop);

 private:
  struct Experience {
    bool shown = false;
    int refusals = 0, failures = 0;  ///< in a row
    int looks = 0;                   ///< of this pass
    std::string refusal;
    std::map<std::string, SteadyTime, std::less<>> asked_at;  ///< by id
  };
  Answer note(const Resource& resource, Answer answer);

  http::Client& client_;
  const Clock& clock_;
  std::mutex mutex_;                                   // guards all below
  std::map<std::string_view, Experience> experience_;  // by stream
};

}  // namespace surveysync::sources::alfaone
