#include "provider.h"

#include <gtest/gtest.h>

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

sandbox::SandboxOptions sandbox_options(const std::filesystem::path& dir, const VendorUnderTest::Options& options) {
  sandbox::SandboxOptions out;
  out.dir = dir;
  out.seed = 7;
  out.surveys = options.surveys;
  out.responses_min = out.responses_max = options.responses;
  out.limit = 100'000;
  out.cache = Duration::zero();
  out.faults = options.faults;
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
  sandbox_ = std::make_unique<sandbox::Sandbox>(sandbox_options(dir_, options));
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
  source_ = type.make({"conformance", *client_, "us", {}, observer_, clock_});
}

VendorUnderTest::~VendorUnderTest() {
  source_.reset();
  sandbox_->stop();
  std::error_code ignored;  // a scratch folder that stays is no test failure
  std::filesystem::remove_all(dir_, ignored);
}

}  // namespace surveysync::test
