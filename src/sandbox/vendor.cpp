#include "sandbox/vendor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sandbox/call.h"

namespace surveysync::sandbox {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  if (!out.empty() && out.back().ends_with(".json")) out.back().resize(out.back().size() - 5);
  return out;
}

}  // namespace

Vendor::Vendor(const VendorSpec& spec, Account& account, const Inventory& inventory, VendorClock& clock, KeyPair key)
    : spec_(spec),
      account_(account),
      inventory_(inventory),
      clock_(clock),
      limits_(spec.limits),
      key_(std::move(key)) {}

std::int64_t Vendor::Call::id(std::size_t part) const {
  std::int64_t value = 0;
  if (part >= parts.size()) return 0;
  const std::string& text = parts[part];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

void Vendor::rotate(KeyPair key) {
  const std::lock_guard lock(mutex_);
  deleted_keys_.push_back(std::move(key_));
  key_ = std::move(key);
}

KeyPair Vendor::key() const {
  const std::lock_guard lock(mutex_);
  return key_;
}

Reply Vendor::answer(const HttpRequest& request, const std::stop_token& stop) {
  Call call{request, stop, Query(request.query), split_path(request.path), {}, clock_.elapsed(), clock_.now()};
  requests_.begin(request, call.elapsed);
  const bool file = request.path.starts_with("/files/");
  if (!file) limits_.note(request.target, call.elapsed);
  if (!call.parts.empty()) call.parts.erase(call.parts.begin());
  call.faults = faults_.meet(request.path, call.id(1));
  Duration wait = spec_.latency;
  if (const Fault* slow = call.fault("slow")) wait += slow->time("ms", std::chrono::seconds(1));
  if (wait > Duration::zero()) clock_.real().wait_for(wait, stop);
  Reply reply = decide(call);
  for (const Fault& fault : call.faults)
    spoil_reply(reply, fault);
  if (reply.status == 200 && reply.intact() && reply.body.find("\"result_ok\":true") != std::string::npos) {
    const bool cached = std::any_of(reply.headers.begin(), reply.headers.end(),
                                    [](const auto& header) { return header.first == "X-SG-Cached"; });
    if (!cached) limits_.remember(request.target, std::make_shared<const std::string>(reply.body), call.elapsed);
  }
  requests_.end(request, reply.status, clock_.now());
  return reply;
}

std::optional<Reply> Vendor::refuse(const Call& call) {
  if (!call.request.path.starts_with("/v5/")) return refusal(404, "Not Found");
  const auto method = call.query.get("_method").value_or(call.request.method);
  if (method != "GET") return refusal(405, "Method not supported");
  const KeyPair given{call.query.get("api_token").value_or(""), call.query.get("api_token_secret").value_or("")};
  const std::lock_guard lock(mutex_);
  if (given.token == key_.token && given.secret == key_.secret) return std::nullopt;
  const bool was_valid = std::any_of(deleted_keys_.begin(), deleted_keys_.end(), [&](const KeyPair& old) {
    return old.token == given.token && old.token != key_.token;
  });
  return refusal(401,
                 was_valid ? "Login failed / Invalid auth token" : "Invalid api_token or api_token_secret supplied");
}

Reply Vendor::decide(Call& call) {
  for (const Fault& fault : call.faults) {
    if (auto reply = instead_of_answer(fault)) {
      if (fault.kind == "timeout500")
        resting_until_ = (call.elapsed + fault.time("rest", std::chrono::seconds(60))).count();
      return *reply;
    }
  }
  if (call.request.path.starts_with("/files/")) return file_content(call);
  if (auto reply = refuse(call)) return *reply;
  const Limits::Verdict verdict = limits_.admit(call.elapsed);
  if (!verdict.admitted) {
    return refusal(429,
                   "You have exceeded the number of requests per minute. See "
                   "https://apihelp.alchemer.com/help/api-request-limits");
  }
  if (call.elapsed.count() < resting_until_) return refusal(400, "Bad Request");
  if (limits_.refuses(call.request.target, call.elapsed))
    return refusal(429, "Please wait for other requests to complete");
  if (auto reply = denied(call)) return *reply;
  Reply reply;
  if (const auto body = limits_.cached(call.request.target, call.elapsed)) {
    reply.body = *body;
    reply.headers.emplace_back("X-SG-Cached", "true");
  } else {
    reply = route(call);
  }
  if (verdict.remaining * 10 < spec_.limits.requests) {
    reply.headers.emplace_back("X-SG-Warning",
                               fmt::format("{} of {} requests left", verdict.remaining, spec_.limits.requests));
  }
  return reply;
}

}  // namespace surveysync::sandbox
