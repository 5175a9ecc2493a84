#pragma once
// What the simulated account holds beside surveys and responses: users, teams, contacts, campaigns, quotas and so on.
// Drawn from the seed when asked for, with the changes that were made since kept beside them. Thread-safe.

#include <Poco/JSON/Object.h>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "sandbox/fields.h"
#include "sandbox/zone.h"

namespace surveysync::sandbox {

enum class Kind : std::uint8_t {
  account,
  account_user,
  team,
  contact_custom_field,
  contact_list,
  contact,
  domain,
  theme,
  sso,
  campaign,
  campaign_contact,
  email_message,
  quota,
  report,
};

/// A kind by name, and what the parts of its path are called, outermost first.
struct KindInfo {
  Kind kind;
  std::string_view table;
  std::vector<std::string_view> keys;
};
const std::vector<KindInfo>& kinds();
const KindInfo& info_of(Kind kind);
/// Null for an unknown name.
const KindInfo* kind_named(std::string_view table);

using Path = std::vector<std::int64_t>;

struct InventorySpec {
  std::uint64_t seed = 1;
  Seconds anchor = 0;  ///< the end of the generated past
  int users = 5, custom_fields = 3, lists = 2, campaigns = 2, messages = 1, quotas = 2;
  std::int64_t contacts_min = 3, contacts_max = 8;            ///< of an e-mail campaign
  std::int64_t list_contacts_min = 3, list_contacts_max = 8;  ///< of a contact list
};

/// What somebody does to an object. Parts of the path that are 0 are drawn.
struct ObjectChange {
  enum class Op : std::uint8_t { add, edit, remove, restore };
  Op op = Op::edit;
  Kind kind = Kind::campaign;
  Path parents;         ///< outermost first; the survey is always named
  std::int64_t id = 0;  ///< 0: any that fits; a new one for add
  std::int64_t count = 1;
  Poco::JSON::Object::Ptr set;  ///< may be null
  std::vector<std::string> unset;
  bool as_status = false;  ///< a removed object stays listed with status Deleted
};

struct ObjectsChanged {
  Path parents;
  std::vector<std::int64_t> ids;
};

class Inventory {
 public:
  /// `region`, the clock of its dates, outlives this.
  Inventory(const InventorySpec& spec, const Zone& region) : spec_(spec), region_(&region) {}

  /// The ids that a list below `parents` shows, ascending.
  std::vector<std::int64_t> ids(Kind kind, const Path& parents) const;
  /// As a list shows it; nothing for what never was or is deleted.
  std::optional<Fields> find(Kind kind, const Path& path) const;
  /// True for what was there once.
  bool removed(Kind kind, const Path& path) const;
  /// Nothing changed when no object fits.
  ObjectsChanged change(const ObjectChange& change, Seconds now);

 private:
  struct Made {
    bool added = false, removed = false;
    std::optional<Fields> fields;  // empty: as drawn
  };
  using Key = std::pair<Kind, Path>;
  std::pair<std::int64_t, std::int64_t> drawn_range(Kind kind, const Path& parents) const;  // first id, how many
  bool drawn(Kind kind, const Path& path) const;
  Fields make(Kind kind, const Path& path) const;
  std::vector<std::int64_t> ids_locked(Kind kind, const Path& parents, bool gone) const;
  std::optional<Fields> find_locked(Kind kind, const Path& path) const;
  std::int64_t next_id(Kind kind, const Path& parents) const;
  std::optional<Path> settle_parents(const ObjectChange& change) const;
  void alter(Kind kind, const Path& path, const ObjectChange& change, Seconds now);

  InventorySpec spec_;
  const Zone* region_;
  mutable std::mutex mutex_;
  std::map<Key, Made> made_;
  std::uint64_t changes_ = 0;
};

/// The object as a GET of it alone shows it: some have more fields than in a list.
Fields alone(Kind kind, const Path& path, Fields fields);

/// What an object with `path` looks like before anybody changed it.
struct ObjectDraft {
  std::uint64_t seed;
  Seconds anchor;
  const Zone* region;
  Path path;
};
Fields make_account_object(Kind kind, const ObjectDraft& draft);
Fields make_contact_object(Kind kind, const ObjectDraft& draft);
Fields make_survey_object(Kind kind, const ObjectDraft& draft);

}  // namespace surveysync::sandbox
