// Streams that are read whole or by name: what a run stores, marks and certifies of them, and what a refusal does.
#include "model/named.h"
#include "run_fixture.h"
#include "sync/plan.h"
#include "sync/prepare.h"

namespace surveysync::test {
namespace {

using model::Reading;

/// A vendor whose surveys have campaigns with contacts, whose account has users, and whose campaigns name files.
class LooseSource final : public sources::Source {
 public:
  std::map<std::int64_t, std::map<std::int64_t, std::map<std::int64_t, std::string>>> surveys;  ///< campaigns, contacts
  std::map<std::string, std::string> users;                                                     ///< by text id
  std::set<std::string> refused, asked, files_gone, files_kept;                                 ///< streams; files
  bool users_paged = false;
  int fetches = 0, finds = 0;

  LooseSource() {
    using enum model::ColumnType;
    const auto stream = [](std::string name, std::vector<model::Column> key, std::size_t scope) {
      model::StreamSpec spec{name, {{"loose", name, std::move(key), {{"name", text}}}}};
      spec.tables[0].scope = scope;
      spec.reading = Reading::whole;
      spec.of_account = scope == 0;
      return spec;
    };
    model::StreamSpec user = stream("person", {{"person_id", text}}, 0);
    user.certified = true;
    model::StreamSpec file = stream("file", {{"survey_id", int64}, {"campaign_id", int64}, {"file_id", text}}, 1);
    file.reading = Reading::named;
    file.naming =
        model::Naming{"loose", "campaign", {"survey_id", "campaign_id", "name"}, "name", "a.pdf", "campaign", 2};
    streams_ = {user, stream("campaign", {{"survey_id", int64}, {"campaign_id", int64}}, 1),
                stream("contact", {{"survey_id", int64}, {"campaign_id", int64}, {"contact_id", int64}}, 1), file};
  }

  const std::vector<model::StreamSpec>& streams() const override { return streams_; }
  sources::ProbeResult probe(const std::stop_token&) override { return {}; }
  std::int64_t requests() const override { return fetches + finds; }
  std::vector<model::Partition> partitions(const Scope&, const std::stop_token&) override {
    std::vector<model::Partition> all;
    for (const auto& [id, campaigns] : surveys)
      all.push_back({std::to_string(id), "survey", 0, "entry"});
    return all;
  }

  model::Page fetch(const sources::FetchRequest& request, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++fetches;
    asked.insert(request.stream.name);
    if (refused.contains(request.stream.name)) throw Error(ErrorKind::denied, "permission denied");
    model::Page page;
    page.requests = 1;
    if (request.stream.name == "person") return persons(request.position);
    const std::int64_t survey = std::stoll(request.partition.name);
    if (request.stream.name == "campaign") {
      for (const auto& [id, contacts] : surveys[survey])
        add(page, {survey, id}, id == 9 ? "a.pdf" : "campaign");
      page.complete = true;
      return page;
    }
    std::int64_t after = request.position.empty() ? -1 : std::stoll(request.position);
    const auto campaign = surveys[survey].upper_bound(after);
    if (campaign == surveys[survey].end()) return page;
    for (const auto& [id, name] : campaign->second)
      add(page, {survey, campaign->first, id}, name);
    page.next = std::to_string(campaign->first);
    return page;
  }

  sources::Found find(const model::StreamSpec& stream, const model::Partition&, const model::Key& key, const Scope&,
                      const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    ++finds;
    sources::Found found;
    found.evidence = "asked";
    if (stream.name == "file") {
      const std::string& name = std::get<std::string>(key.back());
      found.presence = files_gone.contains(name) ? sources::Presence::gone : sources::Presence::present;
      if (!files_gone.contains(name)) add(found.page, key, "bytes" + std::to_string(finds));
      if (files_kept.contains(name)) found.page.records[0].flags = {std::string(model::kUnfetchedFlag)};
      return found;
    }
    found.presence = sources::Presence::gone;
    return found;
  }
  sources::Found find_partition(const std::string&, const Scope&, const std::stop_token&) override {
    return {sources::Presence::gone, {}, "asked", true};
  }
  model::Page reread(const model::StreamSpec&, const model::Partition&, const std::string&) const override {
    return {};
  }
  model::Decode decoder(const model::StreamSpec& stream) const override {
    return [&stream](const model::Record& record, model::RowBatch& rows) {
      const std::span<model::Cell> cells = rows.add_row(0, record.key.size() + 1);
      for (std::size_t i = 0; i < record.key.size(); ++i) {
        if (const auto* number = std::get_if<std::int64_t>(&record.key[i]))
          cells[i] = model::Cell::of(*number);
        else
          cells[i] = model::Cell::of(std::string_view(std::get<std::string>(record.key[i])));
      }
      cells[record.key.size()] = model::Cell::of(record.payload.substr(1, record.payload.size() - 2));
    };
  }
  sources::Abilities abilities(const model::StreamSpec&) const override { return {false, false, false, "lists"}; }
  std::string bookmark(const std::string&, UtcTime, const std::string& before) const override { return before; }
  std::string window_position(const std::string&, Duration) const override { return {}; }
  std::string window_position(UtcTime, std::optional<UtcTime>, bool) const override { return {}; }
  std::optional<std::string> count_position(UtcTime) const override { return std::nullopt; }
  Duration date_doubt(UtcTime) const override { return {}; }
  UtcTime vendor_now() const override { return UtcTime(std::chrono::seconds(1'000'000)); }
  std::vector<model::Capability> learn(const std::vector<model::Partition>&, const Scope&,
                                       const std::stop_token&) override {
    return {};
  }
  void assume(const std::vector<model::Capability>&) override {}
  std::vector<std::string> learnable() const override { return {}; }
  std::string decoding() const override { return "one"; }

 private:
  static void add(model::Page& page, model::Key key, const std::string& name) {
    page.texts.push_back(std::make_unique<std::string>("\"" + name + "\"" + std::string(64, '\0')));
    model::Record record;
    record.key = std::move(key);
    record.payload = std::string_view(*page.texts.back()).substr(0, name.size() + 2);
    record.hash = model::hash_of(record.payload);
    page.records.push_back(std::move(record));
  }
  model::Page persons(const std::string& position) const {
    using sources::PagePosition;
    model::Page page;
    page.requests = 1;
    page.total = static_cast<std::int64_t>(users.size());
    page.complete = !users_paged;
    if (!users_paged) {
      for (const auto& [id, name] : users)
        add(page, {id}, name);
    } else if (position.empty()) {
      if (!users.empty()) page.next = PagePosition{*page.total}.text();
    } else {
      auto user = users.begin();
      const bool tail = position.starts_with("tail:");
      const std::int64_t remaining = tail ? *page.total : PagePosition::parse(position)->remaining;
      const std::int64_t first = std::max<std::int64_t>(0, remaining - 2);
      std::advance(user, first);
      for (std::int64_t i = first; i < remaining && user != users.end(); ++i, ++user)
        add(page, {user->first}, user->second);
      PagePosition next{first};
      next.ordered = false;
      if (first > 0 && !tail) page.next = next.text();
    }
    return page;
  }

  std::mutex mutex_;
  std::vector<model::StreamSpec> streams_;
};

class ListsTest : public RunTest {
 protected:
  ListsTest() {
    const std::string standard =
        ", payload json, payload_raw bytea, payload_hash bytea, flags text[], first_seen_at timestamptz not null, "
        "changed_at timestamptz not null, deleted_at timestamptz, run_id bigint not null, primary key (source, ";
    const std::string head = "(source text collate \"C\" not null, ";
    query("create schema loose");
    query("create table loose.person " + head + "person_id text collate \"C\", name text" + standard + "person_id))");
    query("create table loose.campaign " + head + "survey_id bigint, campaign_id bigint, name text" + standard +
          "survey_id, campaign_id))");
    query("create table loose.contact " + head + "survey_id bigint, campaign_id bigint, contact_id bigint, name text" +
          standard + "survey_id, campaign_id, contact_id))");
    query("create table loose.file " + head + "survey_id bigint, campaign_id bigint, file_id text, name text" +
          standard + "survey_id, campaign_id, file_id))");
    loose_.surveys[1] = {{5, {{1, "ann"}, {2, "bob"}}}, {6, {{1, "ann"}}}};
    loose_.surveys[2] = {{5, {{1, "cy"}}}};
    loose_.users = {{"a", "Ann"}, {"b", "Bob"}, {"c", "Cy"}};
  }

  sync::RunReport run_once() {
    const store::OpenSession open = [this](std::stop_token token) {
      pg::ConnectOptions options;
      options.uri = TempCluster::shared().uri(database_);
      return std::make_unique<store::Session>(options, observer_, clock_, std::move(token));
    };
    return sync::run(job_, loose_, open, observer_, clock_, {});
  }
  std::string live(const std::string& table, const std::string& columns) {
    return query("select string_agg(" + columns + ", ' ' order by " + columns + ") from loose." + table +
                 " where deleted_at is null");
  }

  LooseSource loose_;
};

TEST_F(ListsTest, EveryListIsStoredWhateverItsKeyAndItsPages) {
  const sync::RunReport report = run_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.failures.empty() ? "" : report.failures[0].message);
  EXPECT_EQ(live("person", "person_id || name"), "aAnn bBob cCy");
  EXPECT_EQ(live("contact", "concat_ws('/', survey_id, campaign_id, contact_id, name)"),
            "1/5/1/ann 1/5/2/bob 1/6/1/ann 2/5/1/cy");
  EXPECT_EQ(report.certified, 1);
  EXPECT_EQ(query("select stream || partition || total_after || stored_live || (survey_id is null) from "
                  "surveysync.certificate where balanced"),
            "person33true");
}

TEST_F(ListsTest, WhatAListDoesNotShowAnyMoreIsMarkedAndComesBack) {
  run_once();
  loose_.surveys[1].erase(6);
  loose_.surveys[1][5].erase(2);
  loose_.users.erase("b");
  EXPECT_EQ(run_once().counts.tombstoned, 4);
  EXPECT_EQ(live("person", "person_id"), "a c");
  EXPECT_EQ(live("campaign", "concat_ws('/', survey_id, campaign_id)"), "1/5 2/5");
  EXPECT_EQ(live("contact", "concat_ws('/', survey_id, campaign_id, contact_id)"), "1/5/1 2/5/1");
  EXPECT_EQ(loose_.finds, 2) << "contacts came page by page: each is asked for alone";
  loose_.surveys[1][6][1] = "ann";
  loose_.users["b"] = "Bob";
  run_once();
  EXPECT_EQ(live("person", "person_id"), "a b c");
  EXPECT_EQ(live("contact", "concat_ws('/', survey_id, campaign_id, contact_id)"), "1/5/1 1/6/1 2/5/1");
}

TEST_F(ListsTest, AnEmptiedListIsStoppedByTheBrake) {
  for (int i = 0; i < 40; ++i)
    loose_.users["u" + std::to_string(i)] = "x";
  run_once();
  loose_.users.clear();
  sync::RunReport report = run_once();
  EXPECT_EQ(report.braked, 1);
  EXPECT_EQ(report.unbalanced, 1);
  EXPECT_EQ(query("select count(*) from loose.person where deleted_at is null"), "43");
  job_.kind = sync::RunKind::resync;
  job_.confirmed = true;
  report = run_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select count(*) from loose.person where deleted_at is null"), "0");
}

TEST_F(ListsTest, PagesWithoutOrderAreCertifiedToo) {
  loose_.users_paged = true;
  for (int i = 0; i < 7; ++i)
    loose_.users["zyxwvut"[i] + std::string("q")] = "x";
  const sync::RunReport report = run_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.failures.empty() ? "" : report.failures[0].message);
  EXPECT_EQ(query("select count(*) from loose.person where deleted_at is null"), "10");
  EXPECT_EQ(report.certified, 1);
}

TEST_F(ListsTest, ARefusedStreamStopsNoOtherAndIsNotAskedEveryNight) {
  loose_.refused = {"contact"};
  sync::RunReport report = run_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << "nobody named the stream";
  EXPECT_EQ(live("campaign", "concat_ws('/', survey_id, campaign_id)"), "1/5 1/6 2/5");
  EXPECT_EQ(query("select value || evidence from surveysync.capability where name = 'stream_contact'"),
            "refusedpermission denied");
  EXPECT_EQ(observer_.count("partition_denied"), 2);
  loose_.asked.clear();
  run_once();
  EXPECT_EQ(loose_.asked, std::set<std::string>{"person"}) << "nothing changed: what was read today stands";
  loose_.users["d"] = "Di";
  run_once();
  EXPECT_FALSE(loose_.asked.contains("contact"));
  EXPECT_TRUE(loose_.asked.contains("campaign"));
  job_.following = {{"campaign", "contact", "person"}, {}, {}, true};
  report = run_once();
  EXPECT_EQ(report.outcome, sync::Outcome::partial) << "somebody named it";
  loose_.refused.clear();
  EXPECT_EQ(run_once().outcome, sync::Outcome::succeeded);
  loose_.refused = {"contact"};
  loose_.users["e"] = "Eve";
  job_.following = {};
  EXPECT_EQ(run_once().outcome, sync::Outcome::partial) << "it was read before: a permission is lost";
  EXPECT_EQ(query("select count(*) from loose.contact where deleted_at is null"), "4");
}

TEST_F(ListsTest, ThePlanLearnsWhichListsAreOffered) {
  loose_.refused = {"contact"};
  const store::OpenSession open = [this](std::stop_token token) {
    pg::ConnectOptions options;
    options.uri = TempCluster::shared().uri(database_);
    return std::make_unique<store::Session>(options, observer_, clock_, std::move(token));
  };
  sync::Forecast plan = sync::forecast(job_, loose_, open, observer_, clock_, {});
  EXPECT_EQ(plan.asked, 3) << "each list once";
  EXPECT_EQ(plan.requests, 3) << "people, and the campaigns of two surveys";
  loose_.asked.clear();
  EXPECT_EQ(run_once().counts.requests, plan.requests);
  EXPECT_FALSE(loose_.asked.contains("contact"));
  plan = sync::forecast(job_, loose_, open, observer_, clock_, {});
  EXPECT_EQ(plan.asked, 0);
  EXPECT_EQ(run_once().counts.requests, 1);
}

TEST_F(ListsTest, NamedRecordsAreAskedForOnceAndGoWithTheirRow) {
  loose_.surveys[1][9] = {};
  run_once();
  EXPECT_EQ(live("file", "concat_ws('/', survey_id, campaign_id, file_id)"), "1/9/a.pdf");
  const int finds = loose_.finds;
  run_once();
  EXPECT_EQ(loose_.finds, finds) << "it is stored";
  loose_.surveys[1].erase(9);
  loose_.users["d"] = "Di";
  run_once();
  run_once();
  EXPECT_EQ(query("select count(*) from loose.file where deleted_at is null"), "0");
}

TEST_F(ListsTest, AFileThatCouldNotBeFetchedIsTriedAgainEverMoreRarely) {
  const auto age = [&](const char* tried, const char* first) {
    query(std::string("update loose.file set changed_at = now() - interval '") + tried +
          "', first_seen_at = now() - interval '" + first + "'");
  };
  const auto told = [&] {
    return query(
        "select outcome || ' ' || error from surveysync.run_stream where stream = 'file' and run_id = "
        "(select max(run_id) from surveysync.run)");
  };
  loose_.surveys[1][9] = {};
  loose_.files_kept = {"a.pdf"};
  EXPECT_EQ(run_once().outcome, sync::Outcome::partial) << "it was tried in vain";
  EXPECT_NE(told().find("partial 1 could not be fetched"), std::string::npos) << told();
  age("2 hours", "6 hours");
  const int finds = loose_.finds;
  EXPECT_EQ(run_once().outcome, sync::Outcome::succeeded) << "its time has not come";
  EXPECT_EQ(loose_.finds, finds);
  EXPECT_NE(told().find("partial 1 could not be fetched: tried again from "), std::string::npos) << told();
  age("4 hours", "8 hours");
  EXPECT_EQ(run_once().outcome, sync::Outcome::partial);
  EXPECT_EQ(loose_.finds, finds + 1);
  age("8 days", "60 days");
  loose_.files_kept.clear();
  EXPECT_EQ(run_once().outcome, sync::Outcome::succeeded) << "at least once a week";
  EXPECT_EQ(loose_.finds, finds + 2);
  EXPECT_EQ(query("select count(*) from loose.file where flags is null"), "1");
  age("8 days", "60 days");
  run_once();
  EXPECT_EQ(loose_.finds, finds + 2);
  query("update loose.file set flags = '{file,file_limit}'");
  run_once();
  EXPECT_EQ(loose_.finds, finds + 2) << "left out on purpose";
  job_.kind = sync::RunKind::resync;
  run_once();
  EXPECT_EQ(loose_.finds, finds + 3);
}

TEST_F(ListsTest, AFileThatIsGoneIsNotAskedForEveryNight) {
  loose_.surveys[1][9] = {};
  loose_.files_gone = {"a.pdf"};
  EXPECT_EQ(run_once().outcome, sync::Outcome::succeeded);
  const int finds = loose_.finds;
  EXPECT_GT(finds, 0);
  run_once();
  EXPECT_EQ(loose_.finds, finds);
}

}  // namespace
}  // namespace surveysync::test
