#pragma once
// A running sandbox on a free port with plain HTTP, and two ways to talk to it: one request at a time, and raw bytes
// until the end of the connection (for faults that no client library would show).

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/control.h"
#include "sandbox/sandbox.h"

namespace surveysync::sandbox {

struct Answer {
  int status = 0;
  std::string body;
  Poco::Net::HTTPResponse head;
  Poco::JSON::Object::Ptr json() const { return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>(); }
};

/// The text values of `field` in the records of a response list, in order. By hand, since Poco's parser refuses lone
/// surrogates.
inline std::vector<std::string> record_values(const std::string& body, const std::string& field) {
  std::vector<std::string> out;
  const std::string start = R"({"id":")", mark = "\"" + field + "\":\"";
  for (std::size_t at = body.find(start); at != std::string::npos; at = body.find(start, at + 1)) {
    if (body.compare(body.find('"', at + start.size()), 15, R"(","contact_id":)") != 0) continue;
    const std::size_t value = body.find(mark, at) + mark.size();
    out.push_back(body.substr(value, body.find('"', value) - value));
  }
  return out;
}

/// What stands behind `"field":` up to the next comma.
inline std::string head_value(const std::string& body, const std::string& field) {
  const std::string mark = "\"" + field + "\":";
  const std::size_t value = body.find(mark) + mark.size();
  return body.substr(value, body.find(',', value) - value);
}

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "sandbox_test_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline SandboxOptions small_options() {
  SandboxOptions out;
  out.surveys = 2;
  out.responses_min = out.responses_max = 60;
  out.plain_http = true;
  out.cache = Duration::zero();
  out.limit = 10000;
  out.vendor_time = 1764547200;  // 2025-12-01, so that nothing depends on today
  return out;
}

class Running {
 public:
  explicit Running(SandboxOptions options = small_options()) {
    options.dir = dir_.path() / "vendor";
    sandbox_ = std::make_unique<Sandbox>(options);
    sandbox_->start();
  }

  static Answer send(const std::string& base, const std::string& method, const std::string& target,
                     const std::string& body = {}, bool gzip = false) {
    const Poco::URI uri(base);
    Poco::Net::HTTPClientSession session("127.0.0.1", uri.getPort());
    session.setTimeout(Poco::Timespan(20, 0));
    Poco::Net::HTTPRequest request(method, target, "HTTP/1.1");
    if (gzip) request.set("Accept-Encoding", "gzip");
    request.setContentLength(static_cast<std::streamsize>(body.size()));
    session.sendRequest(request) << body;
    Answer out;
    std::istream& stream = session.receiveResponse(out.head);
    Poco::StreamCopier::copyToString(stream, out.body);
    out.status = out.head.getStatus();
    return out;
  }

  std::string signed_target(const std::string& path, const std::string& query = {}) const {
    std::ifstream file(sandbox_->secret_file());
    std::string token, secret;
    file >> token >> secret;
    return path + "?api_token=" + token + "&api_token_secret=" + secret + (query.empty() ? "" : "&" + query);
  }
  Answer get(const std::string& path, const std::string& query = {}) const {
    return send(sandbox_->base_url(), "GET", signed_target(path, query));
  }
  Answer control(const std::string& method, const std::string& path, const std::string& body = {}) const {
    return send(sandbox_->control_url(), method, path, body);
  }
  void fault(const std::string& rule) const { ASSERT_EQ(control("POST", "/fault", rule).status, 200) << rule; }

  // Everything the server sends for one request, as bytes. `reset` tells how the connection ended.
  std::string raw(const std::string& path, const std::string& headers = {}, bool* reset = nullptr) const {
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", Poco::URI(sandbox_->base_url()).getPort()));
    socket.setReceiveTimeout(Poco::Timespan(20, 0));
    const std::string request =
        "GET " + signed_target(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n";
    socket.sendBytes(request.data(), static_cast<int>(request.size()));
    std::string out;
    char buffer[4096];
    try {
      for (int count; (count = socket.receiveBytes(buffer, sizeof buffer)) > 0;)
        out.append(buffer, static_cast<std::size_t>(count));
    } catch (const Poco::Net::ConnectionResetException&) {
      if (reset != nullptr) *reset = true;
    }
    return out;
  }

  std::int64_t first_survey() const {
    return std::stoll(get("/v5/survey").json()->getArray("data")->getObject(0)->getValue<std::string>("id"));
  }
  std::string responses() const { return "/v5/survey/" + std::to_string(first_survey()) + "/surveyresponse"; }

  Sandbox& sandbox() { return *sandbox_; }

 private:
  TempDir dir_;
  std::unique_ptr<Sandbox> sandbox_;
};

}  // namespace surveysync::sandbox
