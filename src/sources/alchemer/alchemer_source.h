#pragma once
// The source itself: what it asks the vendor, shared by the run's workers. Private to this folder; alchemer.h has the
// constant that the program knows. alchemer.cpp: the account and its definitions; responses.cpp: pages of responses;
// presence.cpp: single records; objects_source.cpp: all other objects. Thread-safe but for `assume` and `learn`, as
// sources/source.h says.

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "sources/alchemer/abilities.h"
#include "sources/alchemer/dates.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/list.h"
#include "sources/alchemer/objects_read.h"
#include "sources/alchemer/response_file.h"
#include "sources/alchemer/tables.h"
#include "sources/alchemer/wide.h"
#include "sources/numbered_pages.h"
#include "sources/source.h"

namespace surveysync::sources::alchemer {

// The survey list's rows are small: the vendor's largest page at once.
inline constexpr int kListPage = 500;
// Sizes that a harmless parameter goes through, so that no URL is repeated within the duplicate guard.
inline constexpr unsigned kVariants = 12, kCountVariants = 20;

class AlchemerSource final : public Source {
 public:
  explicit AlchemerSource(const SourceContext& context)
      : context_(context), privacy_(context.privacy), zones_(zones_of_region(context.region)) {}

  const std::vector<model::StreamSpec>& streams() const override { return stream_specs(); }
  std::int64_t requests() const override { return context_.client.stats().requests; }

  ProbeResult probe(const std::stop_token& stop) override;
  std::vector<model::Partition> partitions(const Scope& scope, const std::stop_token& stop) override;
  model::Page fetch(const FetchRequest& request, const std::stop_token& stop) override;

  Abilities abilities(const model::StreamSpec& stream) const override;
  std::string bookmark(const std::string& newest, UtcTime not_after, const std::string& before) const override;
  std::string window_position(const std::string& bookmark, Duration lookback) const override;
  std::string window_position(UtcTime from, std::optional<UtcTime> until, bool newest_first) const override;
  std::optional<std::string> count_position(UtcTime as_of) const override;
  Duration date_doubt(UtcTime at) const override;
  UtcTime vendor_now() const override;

  Found find(const model::StreamSpec& stream, const model::Partition& partition, const model::Key& key,
             const Scope& scope, const std::stop_token& stop) override;
  Found find_partition(const std::string& name, const Scope& scope, const std::stop_token& stop) override;
  model::Page reread(const model::StreamSpec& stream, const model::Partition& partition,
                     const std::string& raw) const override;

  std::optional<std::string> protect(const model::StreamSpec& stream, const model::Partition& partition,
                                     const std::string& raw) const override;

  model::Decode decoder(const model::StreamSpec& stream) const override;
  std::vector<model::Capability> learn(const std::vector<model::Partition>& sample, const Scope& scope,
                                       const std::stop_token& stop) override;
  void assume(const std::vector<model::Capability>& capabilities) override;
  /// The largest page is met on the way: nobody is asked for it alone.
  std::vector<std::string> learnable() const override {
    std::vector<std::string> names = capability::names();
    std::erase(names, capability::kPageCap);
    return names;
  }
  const model::WideSpec* wide() const override { return &wide_spec(); }
  model::WidePlan plan_wide(const std::vector<model::WideDefinition>& definitions) const override {
    return alchemer::plan_wide(definitions);
  }
  std::string decoding() const override {
    return "account " + zones_.account.name() + ", updated " + zones_.updated.name() + privacy_.text();
  }

 private:
  /// One answer to one question about responses.
  struct Answer {
    PageNumber number;
    model::Page page;
    List list;
    std::int64_t due = 0;  ///< rows that a numbered page must hold

    std::int64_t came() const { return list.rows(); }
  };

  bool list_once(int size, const Scope& scope, const std::stop_token& stop, std::vector<model::Partition>& into);
  model::Page fetch_definition(const FetchRequest& request, const std::stop_token& stop);
  model::Page fetch_responses(const FetchRequest& request, const std::stop_token& stop);

  Answer ask(const FetchRequest& request, const http::Query& query, const PageNumber& number,
             const std::stop_token& stop);
  Answer ask_numbered(const FetchRequest& request, const PageNumber& number, const std::stop_token& stop);
  model::Page count_responses(const FetchRequest& request, const std::stop_token& stop);
  model::Page count_changed(const FetchRequest& request, const std::stop_token& stop);
  Answer read_unread(const FetchRequest& request, const PagePosition& position, const std::stop_token& stop);
  model::Page read_unread_page(const FetchRequest& request, const PagePosition& position, const std::stop_token& stop);
  model::Page read_tail(const FetchRequest& request, const std::stop_token& stop);
  model::Page read_newest(const FetchRequest& request, const std::stop_token& stop);
  model::Page read_window(const FetchRequest& request, WindowPosition position, const std::stop_token& stop);
  /// Keys the records of `list` into `page`, which then owns them; what each is and when it changed.
  std::vector<Dated> take_records(const FetchRequest& request, List& list, model::Page& page) const;

  // Everything else: objects_source.cpp.
  ObjectReader object_reader(const ObjectKind& kind, const Scope& scope, const std::stop_token& stop);
  model::Page fetch_objects(const ObjectKind& kind, const FetchRequest& request, const std::stop_token& stop);
  Found find_in_kind(const ObjectKind& kind, const model::Key& key, const Scope& scope, const std::stop_token& stop);
  Found find_file(const model::Key& key, const Scope& scope, const std::stop_token& stop);
  std::optional<FetchedFile> fetch_file(const model::Key& key, const std::string& url, const Scope& scope,
                                        const std::stop_token& stop);
  model::Page reread_object(const ObjectKind& kind, const model::Partition& partition, const std::string& raw) const;

  Found find_object(const std::string& path, http::Query query, const Scope& scope, const std::stop_token& stop,
                    const std::function<void(Body&, json::Value, bool flat, model::Page&)>& take);

  /// Twice the same short size is a cap; once may be a passing fault, and a small size would cost every survey.
  void suspect_cap(int size) {
    if (suspected_cap_.exchange(size) == size) {
      page_cap_ = std::min(page_cap_.load(), size);
      cap_known_ = true;
    }
  }
  /// A page of `rows` came in full: smaller ones are not cut short.
  void note_full_page(std::int64_t rows) {
    std::int64_t before = full_page_.load();
    while (before < rows && !full_page_.compare_exchange_weak(before, rows)) {
    }
  }
  std::int64_t uncapped() const { return cap_known_ ? std::numeric_limits<std::int64_t>::max() : full_page_.load(); }
  int capped(int size) const { return std::min(size, page_cap_.load()); }
  /// 0, 1, 2, ... for each survey: no URL of its counts and looks comes again within the duplicate guard.
  unsigned next_variant(const std::string& survey) {
    const std::lock_guard lock(variants_mutex_);
    return variants_[survey]++;
  }

  SourceContext context_;
  PrivacyRules privacy_;
  Zones zones_;
  Abilities abilities_{false, false, false, "not tested yet"};
  std::atomic<int> page_cap_ = kListPage;  // learned, or met when pages come shorter than asked for
  std::atomic<int> suspected_cap_ = 0;
  std::atomic<bool> cap_known_ = false;
  std::atomic<std::int64_t> full_page_ = 50;  // the vendor's own default: nobody caps below it
  std::mutex variants_mutex_;
  std::unordered_map<std::string, unsigned> variants_;  // by survey
  std::atomic<unsigned> variant_ = 0;                   // of probes
};

/// "/v5/survey/8611799".
std::string survey_path(const std::string& survey);

}  // namespace surveysync::sources::alchemer
