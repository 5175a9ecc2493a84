#pragma once
// The second personality: an AlfaOne organisation in both documented generations of its API. Lists come whole
// (generation 1) or in pages, newest first (generation 2); nothing else tells a client which one answers. Thread-safe.

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "sandbox/alfaone_store.h"
#include "sandbox/personality.h"
#include "sandbox/sandbox.h"
#include "sandbox/vendor_clock.h"

namespace surveysync::sandbox {

class AlfaOne final : public Personality {
 public:
  /// The clock outlives this.
  AlfaOne(const SandboxOptions& options, VendorClock& clock);

  Reply answer(const HttpRequest& request, const std::stop_token& stop) override;
  Faults& faults() override { return faults_; }
  const RequestLog& requests() const override { return requests_; }
  Limits::Counts counts() const override { return limits_.counts(); }

  std::string key_file_name() const override { return "alfaone.key"; }
  std::string key_text() const override;
  NewKey change_key(const Poco::JSON::Object& wanted) override;

  bool has_table(std::string_view table) const override;
  void truth(ChunkedBody& body, const std::string& table, const Query& query) const override;

  Changeable& account() override { return store_; }
  Change read_change(const Poco::JSON::Object& from) const override;
  Act read_act(const Poco::JSON::Object& from) override;
  std::string shown(const Changed& changed) const override;
  Change live_change(Draw& draw, bool deletes) const override;
  std::optional<Reply> control(const HttpRequest& request) override;

 private:
  struct Call;
  struct Key {
    std::string text;
    std::string refusal;  // empty: accepted
  };
  Reply decide(Call& call);
  std::optional<Reply> refuse(const Call& call) const;
  Reply route(const Call& call) const;
  Reply list(const Call& call, AlfaOneKind kind, std::int64_t assessment) const;
  Reply single(AlfaOneKind kind, const std::string& id) const;
  std::string make_key(std::uint64_t generation, std::string_view prefix) const;
  std::int64_t number(AlfaOneKind kind, const Poco::JSON::Object& from, const std::string& name) const;

  VendorClock& clock_;
  AlfaOneStore store_;
  LimitSpec limit_spec_;
  Duration latency_;
  Faults faults_;
  Limits limits_;
  RequestLog requests_;
  std::atomic<int> generation_;
  std::atomic<std::int64_t> resting_until_{0};
  mutable std::mutex mutex_;
  std::vector<Key> keys_;  // the last one is in force
  std::uint64_t rotations_ = 0;
};

}  // namespace surveysync::sandbox
