#pragma once
// The vendor's side of the conversation: one request in, one reply out. In order: faults that meet the request,
// authentication, the request limit, the cache, then the object asked for. Thread-safe; stop wakes its waits.

#include <atomic>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "sandbox/account.h"
#include "sandbox/faults.h"
#include "sandbox/http.h"
#include "sandbox/inventory.h"
#include "sandbox/limits.h"
#include "sandbox/prepared.h"
#include "sandbox/query.h"
#include "sandbox/request_log.h"
#include "sandbox/vendor_clock.h"
#include "sandbox/wire.h"

namespace surveysync::sandbox {

struct KeyPair {
  std::string token, secret;
};

/// What the GET of a single deleted response says.
enum class DeletedAnswer : std::uint8_t { by_id, refused_404, refused_200, null, status, html_404 };

struct VendorSpec {
  LimitSpec limits;
  int page_cap = 500;
  Duration latency{};
  bool suffix = true;  ///< zone behind date_submitted and date_started
  DeletedAnswer deleted_answer = DeletedAnswer::by_id;
  std::size_t file_bytes = 0;  ///< of an uploaded file; 0: some thousand
  bool plain_http = false;     ///< how the URLs of files begin
};

class Vendor {
 public:
  Vendor(const VendorSpec& spec, Account& account, const Inventory& inventory, VendorClock& clock, KeyPair key);

  Reply answer(const HttpRequest& request, const std::stop_token& stop);

  Faults& faults() { return faults_; }
  const Faults& faults() const { return faults_; }
  /// Renders the responses of a survey updated since then; how many. Without faults that change records.
  std::int64_t prepare(std::int64_t survey, Seconds since);
  /// From now on only `key` is accepted, and the pair before it is remembered as deleted.
  void rotate(KeyPair key);
  KeyPair key() const;
  const RequestLog& requests() const { return requests_; }
  std::size_t file_size() const { return spec_.file_bytes; }
  Limits::Counts counts() const { return limits_.counts(); }

 private:
  struct Call;
  Reply decide(Call& call);
  std::optional<Reply> refuse(const Call& call);
  Reply route(Call& call);
  Reply survey_object(Call& call, std::int64_t survey);
  Reply survey_list(Call& call);
  Reply survey_detail(const Call& call, const SurveyView& view) const;
  Reply deleted_survey(const Call& call, const SurveyView& view) const;
  std::optional<Reply> forbidden(const Call& call) const;
  Reply question_object(Call& call, const SurveyDef& survey);
  Reply response_object(Call& call, std::int64_t survey);
  Reply response_list(Call& call, std::int64_t survey);
  Reply one_response(Call& call, std::int64_t survey, std::int64_t response);
  RowsFound find_rows(const Call& call, std::int64_t survey, RowsAsked asked, std::vector<Filter> filters) const;
  WireStyle style_of(const Call& call) const;
  std::string record_of(const Call& call, std::int64_t survey, const Row& row) const;
  Reply statistics(const Call& call, const SurveyView& view) const;
  std::optional<Reply> side_object(const Call& call) const;
  Reply side_list(const Call& call, Kind kind, const Path& parents) const;
  static std::optional<Reply> denied(const Call& call);
  Reply file_object(const Call& call, std::int64_t survey, std::int64_t response) const;
  Reply file_content(const Call& call) const;

  VendorSpec spec_;
  Account& account_;
  const Inventory& inventory_;
  VendorClock& clock_;
  Faults faults_;
  Limits limits_;
  RequestLog requests_;
  std::atomic<std::int64_t> resting_until_{0};  // after a time-out everything gets 400
  std::atomic<std::uint64_t> shuffles_{0};
  Prepared prepared_;
  mutable std::mutex mutex_;
  KeyPair key_;
  std::vector<KeyPair> deleted_keys_;
};

/// {"result_ok":false,"code":...,"message":...} with that status.
Reply refusal(int status, std::string_view message);

}  // namespace surveysync::sandbox
