#pragma once
// The data of a simulated AlfaOne organisation: assessments with their questions, the invites to them, members and
// tags. Things are numbered from 1 by kind; their texts are drawn from the seed when asked for, and what somebody
// changed lies beside them. Thread-safe.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/change.h"
#include "sandbox/fields.h"
#include "sandbox/script.h"

namespace surveysync::sandbox {

enum class AlfaOneKind : std::uint8_t { assessment, question, invite, member, tag };

struct AlfaOneSpec {
  std::uint64_t seed = 1;
  Seconds anchor = 0;  ///< the end of the generated past
  int assessments = 3, questions = 0, members = 5, tags = 4;
  std::int64_t invites_min = 200, invites_max = 200;  ///< of each assessment
};

/// Milliseconds since 1970 UTC.
using Millis = std::int64_t;
/// "2026-01-02T03:04:05.678Z".
std::string millis_text(Millis at);

/// One thing of any kind; what does not belong to its kind stays empty.
struct AlfaOneThing {
  enum class Stage : std::uint8_t { pending, accepted, started, completed, expired, revoked };
  AlfaOneKind kind = AlfaOneKind::invite;
  std::int64_t number = 0;      ///< from 1, by kind
  std::int64_t assessment = 0;  ///< the number of the one it belongs to
  Millis created = 0, updated = 0, expires = 0;
  std::optional<Millis> accepted, started, completed, revoked;
  Stage stage = Stage::pending;
  bool deleted = false;
};
std::string_view stage_name(AlfaOneThing::Stage stage);
/// The name of a kind's table.
std::string_view alfaone_table(AlfaOneKind kind);
std::optional<AlfaOneKind> alfaone_kind(std::string_view table);

/// What somebody does to things: POST /object.
struct AlfaOneEdit {
  enum class Op : std::uint8_t { add, edit, remove, restore };
  Op op = Op::edit;
  AlfaOneKind kind = AlfaOneKind::member;
  std::int64_t number = 0, assessment = 0;  ///< 0: any
  std::int64_t count = 1;
  Poco::JSON::Object::Ptr set;  ///< may be null
};

class AlfaOneStore final : public Changeable {
 public:
  explicit AlfaOneStore(const AlfaOneSpec& spec);

  /// All that live, by number.
  std::vector<AlfaOneThing> all(AlfaOneKind kind) const;
  /// Nothing for what is unknown or deleted.
  std::optional<AlfaOneThing> find(AlfaOneKind kind, const std::string& id) const;
  /// 0 when unknown; deleted ones included.
  std::int64_t number_of(AlfaOneKind kind, const std::string& id) const;
  std::string id_of(AlfaOneKind kind, std::int64_t number) const;
  enum class View : std::uint8_t { list, single };
  Fields render(const AlfaOneThing& thing, View view) const;

  /// Changed::survey is the assessment's number, Changed::responses those of the invites.
  Changed apply(const Change& change, Seconds now) override;
  Done edit(const AlfaOneEdit& edit, Seconds now);

  const AlfaOneSpec& spec() const { return spec_; }

 private:
  using Key = std::pair<AlfaOneKind, std::int64_t>;
  std::vector<AlfaOneThing>& things(AlfaOneKind kind) { return things_[static_cast<std::size_t>(kind)]; }
  const std::vector<AlfaOneThing>& things(AlfaOneKind kind) const { return things_[static_cast<std::size_t>(kind)]; }
  AlfaOneThing& add(AlfaOneThing thing);
  void add_invites(std::int64_t assessment);
  void live_past(AlfaOneThing& invite) const;
  void add_questions(std::int64_t assessment, Millis at);
  std::string assessment_name(std::int64_t number) const;  // as JSON
  void render_assessment(Fields& out, const AlfaOneThing& thing, View view) const;
  void render_invite(Fields& out, const AlfaOneThing& thing, View view) const;
  void render_question(Fields& out, const AlfaOneThing& thing) const;
  Millis tick(Seconds now);
  bool change_invite(AlfaOneThing& invite, Change::Op op, Millis at);
  void change_invites(const Change& change, Millis at, Changed& out);
  bool change_assessment(const Change& change, Millis at, Changed& out);
  AlfaOneThing* add_named(const AlfaOneEdit& edit, Millis at);
  void set_fields(const AlfaOneThing& thing, const AlfaOneEdit& edit);
  AlfaOneThing* pick(AlfaOneKind kind, std::int64_t number, bool deleted);

  AlfaOneSpec spec_;
  mutable std::mutex mutex_;
  std::array<std::vector<AlfaOneThing>, 5> things_;
  std::array<std::unordered_map<std::string, std::int64_t>, 5> numbers_;
  std::map<Key, Fields> changed_fields_;
  std::map<std::int64_t, std::int64_t> versions_;                       // of edited assessments
  std::unordered_map<std::int64_t, std::int64_t> invites_, questions_;  // living ones, by assessment
  std::uint64_t changes_ = 0;
  Millis last_ = 0;
};

}  // namespace surveysync::sandbox
