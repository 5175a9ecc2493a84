#include "app/rehearsal_vendor.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::app {
namespace {

std::size_t lines_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

RehearsalVendor::RehearsalVendor(sandbox::SandboxOptions options, Clock& clock, std::stop_token stop)
    : clock_(clock), stop_(std::move(stop)), vendor_(std::move(options)) {
  vendor_.start();
  http::TransportOptions control;
  control.endpoint = http::Endpoint::parse(vendor_.control_url());
  door_ = std::make_unique<http::PocoTransport>(std::move(control), clock_);
}

std::string RehearsalVendor::control(const std::string& method, const std::string& path, const std::string& body) {
  http::Request request;
  request.target = path;
  request.display = path;
  request.method = method;
  request.body = body;
  if (!body.empty()) request.content_type = "text/plain";
  const http::Response answer = door_->exchange(request, Deadline(clock_, std::chrono::seconds(30)), stop_);
  if (answer.status != 200) {
    throw Error(ErrorKind::bug, fmt::format("the sandbox refused {} {}: {} {}", method, path, answer.status,
                                            answer.body.substr(0, 200)));
  }
  return answer.body;
}

VendorCounts RehearsalVendor::counts() {
  json::Document document;
  const std::string text = control("GET", "/stats");
  const json::Value stats = document.parse_copy(text);
  const json::Value statuses = stats["statuses"];
  VendorCounts counts;
  counts.requests = stats["requests"].as_int().value_or(0);
  counts.good = statuses["200"].as_int().value_or(0);
  counts.refused = statuses["401"].as_int().value_or(0);
  counts.limited = statuses["429"].as_int().value_or(0);
  counts.most_in_window = stats["max_in_window"].as_int().value_or(0);
  return counts;
}

void RehearsalVendor::fault(const std::string& rule) {
  control("POST", "/fault", rule);
  faults_.insert(rule.substr(0, rule.find(':')));
}

void RehearsalVendor::heal() {
  for (const std::string& kind : faults_)
    control("POST", "/between", fmt::format(R"({{"after":0,"remove-fault":"{}"}})", kind));
  faults_.clear();
}

void RehearsalVendor::rotate() {
  control("POST", "/key", R"({"action":"rotate","write":false})");
}

void RehearsalVendor::hand_over_key() const {
  std::filesystem::rename(secret_file() + ".next", secret_file());
}

void RehearsalVendor::insert(int count) {
  for (int number = 0; number < count; ++number)
    control("POST", "/change", R"({"op":"insert","count":1})");
}

std::set<std::string> RehearsalVendor::live_responses() {
  std::set<std::string> ids;
  const std::string text = control("GET", "/truth/id");
  json::Document document;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const json::Value line = document.parse_copy(std::string_view(text).substr(begin, end - begin));
    ids.insert(fmt::format("{}/{}", line["survey_id"].text(), line["response_id"].text()));
    begin = end + 1;
  }
  return ids;
}

std::int64_t RehearsalVendor::answers() {
  return static_cast<std::int64_t>(lines_of(control("GET", "/truth/answer")));
}

}  // namespace surveysync::app
