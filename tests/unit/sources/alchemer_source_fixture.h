#pragma once
// A source over a scripted transport: what a vendor says, without a socket.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "sources/alchemer/alchemer.h"
#include "sources/alchemer/objects.h"
#include "support/recording_observer.h"
#include "support/scripted_transport.h"

namespace surveysync::sources::alchemer {

class SourceFixture : public testing::Test {
 protected:
  SourceFixture() : transport(&clock) {
    char name[] = "/tmp/ss_alchemer_test.XXXXXX";
    directory = ::mkdtemp(name);
    const std::string file = directory + "/us.key";
    std::ofstream(file) << "token-one\nsecret-one\n";
    ::chmod(file.c_str(), 0600);
    http::ClientOptions options;
    options.scope.source = "us";
    options.limiter = {1000, std::chrono::seconds(1)};
    options.retry.attempts = 2;
    const SourceType& type = source_type();
    client = std::make_unique<http::Client>(options, transport, SecretReference::parse("file:" + file), type.sign,
                                            type.judge, masker, observer, clock);
    client->set_probe(type.probe);
    open({});
  }
  ~SourceFixture() override { std::filesystem::remove_all(directory); }

  /// The source with other rules or files.
  void open(Privacy privacy, Files files = {}) {
    source = source_type().make({"us", *client, "us", std::move(privacy), observer, clock, {}, std::move(files)});
  }
  /// The next questions get this answer.
  void say(int status, const std::string& body, int times = 1) {
    for (int i = 0; i < times; ++i)
      transport.then(test::answer(status, body));
  }
  static model::StreamSpec stream(const std::string& name) {
    for (model::StreamSpec& spec : object_specs()) {
      if (spec.name == name) return spec;
    }
    throw Error(ErrorKind::bug, "no stream " + name);
  }
  model::Page fetch(const std::string& name, const std::string& position = "", int page_size = 250) {
    const model::StreamSpec spec = stream(name);
    const model::Partition partition{spec.of_account ? "" : "11", "", 0, ""};
    return source->fetch({spec, partition, position, page_size, true, {}}, {});
  }
  Found find(const std::string& name, model::Key key) {
    const model::StreamSpec spec = stream(name);
    const model::Partition partition{spec.of_account ? "" : "11", "", 0, ""};
    return source->find(spec, partition, key, {}, {});
  }
  /// "11/2 11/3": what the page holds.
  static std::string keys(const model::Page& page) {
    std::string out;
    for (const model::Record& record : page.records)
      out += (out.empty() ? "" : " ") + model::key_text(record.key);
    return out;
  }
  /// The path and query of each request so far, without the key's.
  std::vector<std::string> asked() const {
    std::vector<std::string> out;
    for (const http::Request& request : transport.requests())
      out.push_back(request.target.substr(0, request.target.find("&api_token")));
    return out;
  }

  std::string directory;
  test::ManualClock clock;
  test::ScriptedTransport transport;
  Masker masker;
  test::RecordingObserver observer;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<Source> source;
};

}  // namespace surveysync::sources::alchemer
