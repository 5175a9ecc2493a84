#pragma once
// What every *_pgtest.cpp starts from: a database of its own, migrated, and ways to connect to it and to look into it
// from outside our own code. The cluster is shared by the whole program.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/time.h"
#include "pg/connection.h"
#include "store/migrate.h"
#include "support/temp_cluster.h"

namespace surveysync::test {

inline void migrate_uri(const std::string& uri) {
  SystemClock clock;
  pg::ConnectOptions options;
  options.uri = uri;
  pg::Connection connection(options, clock, {});
  store::migrate(connection);
}

/// Keeps what it was told.
class Events final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  template <class Kind>
  std::vector<Kind> of() const {
    const std::lock_guard lock(mutex_);
    std::vector<Kind> found;
    for (const Event& event : events_) {
      if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

class EmptyDatabaseTest : public ::testing::Test {
 protected:
  EmptyDatabaseTest() : EmptyDatabaseTest(TempCluster::shared().create_database()) {}
  explicit EmptyDatabaseTest(std::string database) : database_(std::move(database)) {}

  std::unique_ptr<pg::Connection> connect(const std::string& user = "postgres", std::stop_token stop = {}) {
    return std::make_unique<pg::Connection>(options(user), clock_, std::move(stop));
  }
  pg::ConnectOptions options(const std::string& user = "postgres") const {
    pg::ConnectOptions options;
    options.uri = cluster_.uri(database_, user);
    return options;
  }
  void run_sql(const std::string& sql) { cluster_.run_sql(database_, sql); }
  std::string query(const std::string& sql) { return cluster_.query(database_, sql); }
  std::vector<std::string> rows(const std::string& sql) { return cluster_.rows(database_, sql); }
  /// Waits, bounded, until `sql` gives `wanted`.
  bool await(const std::string& sql, const std::string& wanted) {
    for (int turn = 0; turn < 500; ++turn) {
      if (query(sql) == wanted) return true;
      clock_.wait_for(std::chrono::milliseconds(10), {});
    }
    return false;
  }

  TempCluster& cluster_ = TempCluster::shared();
  SystemClock clock_;
  std::string database_;
};

class DatabaseTest : public EmptyDatabaseTest {
 protected:
  DatabaseTest() : EmptyDatabaseTest(TempCluster::shared().copy_database(migrate_uri)) {}
};

/// What `act` throws: its kind; `bug` with a note when it throws nothing.
template <class Act>
Error error_of(const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorKind::bug, "nothing was thrown"};
}

}  // namespace surveysync::test
