#include "provider.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fstream>

namespace surveysync::test {
namespace {

std::filesystem::path scratch_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "surveysync-conformance-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no scratch folder");
  return pattern;
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

sandbox::SandboxOptions sandbox_options(const sources::SourceType& type, const std::filesystem::path& dir,
                                        const VendorUnderTest::Options& options) {
  sandbox::SandboxOptions out;
  out.provider = type.name;
  out.dir = dir;
  out.seed = 7;
  out.surveys = options.surveys;
  out.responses_min = out.responses_max = options.responses;
  out.limit = 100'000;
  out.cache = Duration::zero();
  out.faults = options.faults;
  out.updated_zone = options.updated_zone;
  return out;
}

http::ClientOptions client_options(const VendorUnderTest::Options& options) {
  http::ClientOptions out;
  out.scope.source = "conformance";
  out.limiter = {1'000, std::chrono::seconds(1)};
  out.retry.base = std::chrono::milliseconds(5);
  out.retry.budget = std::chrono::seconds(20);
  out.request_timeout = options.request_timeout;
  out.duplicate_guard = std::chrono::milliseconds(1);
  out.timeout_cooldown = std::chrono::milliseconds(50);
  return out;
}

}  // namespace

VendorUnderTest::VendorUnderTest(const sources::SourceType& type, const Options& options) : dir_(scratch_folder()) {
  sandbox_ = std::make_unique<sandbox::Sandbox>(sandbox_options(type, dir_, options));
  sandbox_->start();
  key_lines_ = lines_of(sandbox_->secret_file());
  http::TransportOptions transport;
  transport.endpoint = http::Endpoint::parse(sandbox_->base_url());
  transport.ca_file = sandbox_->ca_file();
  transport_ = std::make_unique<http::PocoTransport>(transport, clock_);
  http::ClientOptions client = client_options(options);
  client.credential_lines = type.credential_lines;
  client_ = std::make_unique<http::Client>(client, *transport_,
                                           SecretReference::parse("file:" + sandbox_->secret_file().string()),
                                           type.sign, type.judge, masker_, observer_, clock_);
  client_->set_probe(type.probe);
  const std::vector<std::string> regions = type.regions();
  const std::string region = regions.empty() ? "" : regions.front();
  source_ = type.make({"conformance", *client_, region, {}, observer_, clock_});
}

std::string VendorUnderTest::control(const std::string& path, const std::string& body) {
  const std::string url = sandbox_->control_url();
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  const int wire = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{20, 0};
  ::setsockopt(wire, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string answer;
  if (::connect(wire, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request =
        "POST " + path +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    if (::send(wire, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t count; (count = ::recv(wire, buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(count));
    }
  }
  ::close(wire);
  if (!answer.starts_with("HTTP/1.1 200")) throw std::runtime_error("the vendor's control port said: " + answer);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

VendorUnderTest::~VendorUnderTest() {
  source_.reset();
  sandbox_->stop();
  std::error_code ignored;  // a scratch folder that stays is no test failure
  std::filesystem::remove_all(dir_, ignored);
}

}  // namespace surveysync::test
