#pragma once
// The source itself: what it asks the vendor, shared by the run's workers. Private to this folder; alfaone.h has the
// constant that the program knows. alfaone.cpp: the account; pages.cpp: pages of lists; presence.cpp: single records.
// Thread-safe, as sources/source.h says.

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sources/alfaone/decode.h"
#include "sources/alfaone/details.h"
#include "sources/alfaone/lister.h"
#include "sources/alfaone/lone.h"
#include "sources/source.h"

namespace surveysync::sources::alfaone {

class AlfaOneSource final : public Source {
 public:
  explicit AlfaOneSource(const SourceContext& context);

  const std::vector<model::StreamSpec>& streams() const override { return streams_; }
  std::int64_t requests() const override { return context_.client.stats().requests; }

  ProbeResult probe(const std::stop_token& stop) override;
  std::vector<model::Partition> partitions(const Scope& scope, const std::stop_token& stop) override;
  model::Page fetch(const FetchRequest& request, const std::stop_token& stop) override;

  void complete(const FetchRequest& request, model::Page& page, model::Page& stored,
                const std::stop_token& stop) override;

  Abilities abilities(const model::StreamSpec& stream) const override;
  std::string bookmark(const std::string&, UtcTime, const std::string& before) const override { return before; }
  [[noreturn]] std::string window_position(const std::string& bookmark, Duration lookback) const override;
  [[noreturn]] std::string window_position(UtcTime from, std::optional<UtcTime> until, bool) const override;
  std::optional<std::string> count_position(UtcTime) const override { return std::nullopt; }
  Duration date_doubt(UtcTime) const override { return Duration::zero(); }
  UtcTime vendor_now() const override;

  Found find(const model::StreamSpec& stream, const model::Partition& partition, const model::Key& key,
             const Scope& scope, const std::stop_token& stop) override;
  Found find_partition(const std::string& name, const Scope& scope, const std::stop_token& stop) override;
  model::Page reread(const model::StreamSpec& stream, const model::Partition& partition,
                     const std::string& raw) const override;

  std::optional<std::string> protect(const model::StreamSpec& stream, const model::Partition& partition,
                                     const std::string& raw) const override;
  model::Decode decoder(const model::StreamSpec& stream) const override;
  std::vector<model::Capability> learn(const std::vector<model::Partition>&, const Scope&,
                                       const std::stop_token&) override {
    return {};
  }
  void assume(const std::vector<model::Capability>&) override {}
  std::vector<std::string> learnable() const override { return {}; }
  std::string decoding() const override;

 private:
  /// Where a fetch goes on: in the list of one followed assessment, or in the whole one (part empty).
  struct Place {
    std::string part;
    int lane = 0;     ///< of this pass, so that the next one asks by other URLs
    int counted = 0;  ///< size of the page that counted the list: its URL does not come again so soon
    Unread unread = {};

    std::string text() const;
    static std::optional<Place> parse(std::string_view text);
  };

  Question question_of(const FetchRequest& request, const std::string& part = {}) const;
  /// Followed assessments whose invites are asked for one by one; nothing where one list has all that is followed, or
  /// where the vendor does not filter.
  std::optional<std::vector<std::string>> parts_of(const FetchRequest& request, const std::stop_token& stop);
  std::optional<std::int64_t> note_total(const std::string& part, std::int64_t total);
  /// A place with pages of other sizes than those of the pass before.
  Place new_place(const FetchRequest& request, std::string part, const Answer& count);
  std::optional<std::string> place_behind(const FetchRequest& request, const Place& place, const std::stop_token& stop);

  model::Page fetch_questions(const FetchRequest& request, const std::stop_token& stop);
  model::Page begin(const FetchRequest& request, const std::stop_token& stop);
  model::Page begin_parts(const FetchRequest& request, const std::vector<std::string>& parts,
                          const std::stop_token& stop);
  model::Page read_on(const FetchRequest& request, Place place, const std::stop_token& stop);
  model::Page read_tail(const FetchRequest& request, const std::stop_token& stop);
  model::Page read_tails(const FetchRequest& request, const std::vector<std::string>& parts,
                         const std::stop_token& stop);
  model::Page read_all_and_choose(const FetchRequest& request, const std::stop_token& stop);
  model::Page everything(const FetchRequest& request, Answer answer) const;

  /// Takes the records of a list into the page, which then owns them; their marks, in order.
  std::vector<std::string> take(const FetchRequest& request, List& list, model::Page& page) const;
  void take_record(const FetchRequest& request, std::string_view raw, const Body& body, model::Page& page) const;
  /// Puts what GET of it alone shows in the record's place; why not, where that should be told.
  std::string complete_record(const FetchRequest& request, model::Record& record, const model::Record* known,
                              model::Page& page, const std::stop_token& stop);
  bool is_followed(const Resource& resource, std::string_view raw) const;
  const MemberRules& rules_of(const Resource& resource) const { return rules_.at(resource.stream); }

  Found find_listed(const Resource& resource, const model::Partition& partition, const model::Key& key,
                    const Scope& scope, const std::stop_token& stop);

  SourceContext context_;
  std::vector<model::StreamSpec> streams_;  // as declared, with what is followed of the list of invites
  Privacy privacy_;
  std::map<std::string_view, MemberRules> rules_;  // by stream
  Lister lister_;
  Details details_;

  std::mutex mutex_;                            // guards all below
  std::vector<std::string> parts_;              // as of the beginning of the last pass
  std::map<std::string, std::int64_t> totals_;  // of the parts, as told last
  bool filter_ignored_ = false;
  struct Listed {
    SteadyTime read_at{};
    std::set<std::string> ids;
  };
  std::map<std::string, Listed> listed_;  // by path: what a whole list held a moment ago
};

}  // namespace surveysync::sources::alfaone
