#pragma once
// The first personality: an Alchemer v5 account, of which Account and Inventory are the data and Vendor is the API.
// Thread-safe.

#include <atomic>

#include "sandbox/account.h"
#include "sandbox/inventory.h"
#include "sandbox/personality.h"
#include "sandbox/sandbox.h"
#include "sandbox/truth.h"
#include "sandbox/vendor.h"

namespace surveysync::sandbox {

class Alchemer final : public Personality {
 public:
  /// The clock outlives this. Throws Error{config} for options it cannot read.
  Alchemer(const SandboxOptions& options, VendorClock& clock);

  Reply answer(const HttpRequest& request, const std::stop_token& stop) override {
    return vendor_.answer(request, stop);
  }
  Faults& faults() override { return vendor_.faults(); }
  const RequestLog& requests() const override { return vendor_.requests(); }
  Limits::Counts counts() const override { return vendor_.counts(); }

  std::string key_file_name() const override { return "us.key"; }
  std::string key_text() const override;
  NewKey change_key(const Poco::JSON::Object& wanted) override;

  bool has_table(std::string_view table) const override;
  void truth(ChunkedBody& body, const std::string& table, const Query& query) const override;

  Changeable& account() override { return account_; }
  Change read_change(const Poco::JSON::Object& from) const override;
  Act read_act(const Poco::JSON::Object& from) override;
  std::string shown(const Changed& changed) const override;
  Change live_change(Draw& draw, bool deletes) const override;
  std::optional<Reply> control(const HttpRequest& request) override;

 private:
  Done change_object(ObjectChange change, Seconds now);
  void truth_of_definition(std::string& out, const std::string& table, std::int64_t survey, Seconds now) const;
  void truth_of_rows(ChunkedBody& body, const std::string& table, std::int64_t survey, Privacy privacy) const;
  void truth_of_kind(ChunkedBody& body, const KindInfo& kind, const Path& parents) const;

  VendorClock& clock_;
  Account account_;
  Inventory inventory_;
  Vendor vendor_;
  std::atomic<std::uint64_t> rotations_{0}, object_changes_{0};
};

}  // namespace surveysync::sandbox
