#pragma once
// A run against a real PostgreSQL and a vendor in memory that changes while it is read.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "list_source.h"
#include "store/migrate.h"
#include "support/temp_cluster.h"
#include "sync/run.h"

namespace surveysync::test {

class Quiet final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    ++seen_[describe(event).name];
    const auto* certificate = std::get_if<event::CertificateIssued>(&event);
    if (certificate != nullptr && certificate->balanced && on_balanced) on_balanced(certificate->scope.partition);
    if (on_page && std::holds_alternative<event::PageStored>(event)) on_page(++pages_);
  }
  int count(std::string_view name) {
    const std::lock_guard lock(mutex_);
    return seen_[name];
  }
  std::function<void(int)> on_page;
  std::function<void(const std::string&)> on_balanced;  ///< with the survey, before the next request

 private:
  std::mutex mutex_;
  std::map<std::string_view, int> seen_;
  int pages_ = 0;
};

class RunTest : public testing::Test {
 protected:
  RunTest() {
    database_ = TempCluster::shared().copy_database([](const std::string& uri) {
      SystemClock clock;
      pg::ConnectOptions options;
      options.uri = uri;
      pg::Connection connection(options, clock, {});
      store::migrate(connection);
    });
    job_.source = "us";
    job_.page_sizes = {10, 2, 10};
    job_.workers = 2;
  }

  void fill(std::int64_t survey, int responses) {
    for (int id = 1; id <= responses; ++id)
      vendor_.surveys[survey][id] = "Complete";
  }

  sync::RunReport sync_once(std::stop_token stop = {}) {
    const store::OpenSession open = [this](std::stop_token token) {
      pg::ConnectOptions options;
      options.uri = TempCluster::shared().uri(database_);
      return std::make_unique<store::Session>(options, observer_, clock_, std::move(token));
    };
    return sync::run(job_, vendor_, open, observer_, clock_, stop);
  }

  /// What differs between the vendor and the live rows: "1/7 is missing", ...; empty when nothing does.
  std::string difference(const std::string& only = {}) {
    std::string text;
    std::map<std::string, std::string> stored;
    const std::string rows = query(
        "select string_agg(survey_id || '/' || response_id || '=' || status, ',') from alchemer.response where "
        "deleted_at is null");
    for (std::size_t begin = 0; begin < rows.size();) {
      const std::size_t end = std::min(rows.find(',', begin), rows.size()), equals = rows.find('=', begin);
      if (only.empty() || rows.substr(begin, only.size() + 1) == only + "/")
        stored[rows.substr(begin, equals - begin)] = rows.substr(equals + 1, end - equals - 1);
      begin = end + 1;
    }
    for (const auto& [survey, responses] : vendor_.surveys) {
      if (!only.empty() && std::to_string(survey) != only) continue;
      for (const auto& [id, status] : responses) {
        const std::string key = std::to_string(survey) + "/" + std::to_string(id);
        const auto found = stored.find(key);
        if (found == stored.end())
          text += key + " is missing; ";
        else if (found->second != "\"" + status + "\"")
          text += key + " is " + found->second + " and not " + status + "; ";
        if (found != stored.end()) stored.erase(found);
      }
    }
    for (const auto& [key, status] : stored)
      text += key + " is stored and gone; ";
    return text;
  }

  std::string query(const std::string& sql) { return TempCluster::shared().query(database_, sql); }

  /// Every row the vendor has is stored with its text.
  void expect_everything_stored() {
    for (const auto& [survey, responses] : vendor_.surveys) {
      for (const auto& [id, status] : responses) {
        EXPECT_EQ(query("select status from alchemer.response where source = 'us' and survey_id = " +
                        std::to_string(survey) + " and response_id = " + std::to_string(id)),
                  "\"" + status + "\"")
            << survey << "/" << id;
      }
    }
  }

  std::string database_;
  SystemClock clock_;
  Quiet observer_;
  ListSource vendor_;
  sync::Job job_;
};

}  // namespace surveysync::test
