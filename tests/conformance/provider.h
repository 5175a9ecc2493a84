#pragma once
// What the conformance suite needs of a provider: a simulated vendor on loopback with real TLS (the sandbox's
// personality of the provider's name), and the real source in front of it. Nothing here knows a provider by name.

#include <filesystem>
#include <memory>
#include <string>

#include "base/time.h"
#include "http/client.h"
#include "sandbox/sandbox.h"
#include "sources/source.h"
#include "support/recording_observer.h"

namespace surveysync::test {

/// A running vendor with a source that reads it. Everything ends with it.
class VendorUnderTest {
 public:
  struct Options {
    int surveys = 2;
    std::int64_t responses = 60;
    std::vector<std::string> faults;
    Duration request_timeout = std::chrono::seconds(10);
    std::string updated_zone = "UTC";  ///< the clock of date_updated
  };
  VendorUnderTest(const sources::SourceType& type, const Options& options);
  ~VendorUnderTest();

  sources::Source& source() { return *source_; }
  RecordingObserver& events() { return observer_; }
  /// Tells the vendor what to do: POST to its control port; the answer's body.
  std::string control(const std::string& path, const std::string& body);
  /// The lines of the key as they are, to look for them where they must not be.
  const std::vector<std::string>& key_lines() const { return key_lines_; }

 private:
  std::filesystem::path dir_;
  SystemClock clock_;
  RecordingObserver observer_;
  Masker masker_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<sources::Source> source_;
  std::vector<std::string> key_lines_;
};

}  // namespace surveysync::test
