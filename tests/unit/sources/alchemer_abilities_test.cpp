// What is learned of a vendor, and what follows: every way in which its lists can lie about changes.
#include "sources/alchemer/abilities.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

struct Row {
  std::int64_t id;
  std::string submitted, updated;  // submitted with suffix; updated may be empty
};

/// Answers as the knobs say.
class Vendor {
 public:
  std::vector<Row> rows;
  bool ignores_filter = false, refuses_filter = false, ignores_order = false, refuses_order = false;
  bool total_ignores_filter = false, hides_one = false;
  int cap = 500, fails_above = 1000;
  Duration shift{};  // the filter's clock is so far behind the one shown
  int requests = 0;

  List ask(const model::Partition&, const http::Query& query, bool) {
    ++requests;
    std::map<std::string, std::string> says(query.begin(), query.end());
    const int size = std::stoi(says["resultsperpage"]), page = std::stoi(says["page"]);
    if (size > fails_above) {
      Error heavy(ErrorKind::unavailable, "HTTP 500");
      throw Error(heavy.with_http_status(500));
    }
    const bool filtered = says.contains("filter[field][0]"), ordered = says.contains("order_by");
    if ((filtered && refuses_filter) || (ordered && refuses_order)) throw Error(ErrorKind::rejected, "bad parameter");
    std::vector<Row> shown = rows;
    if (filtered && !ignores_filter) {
      const std::string edge = moved(says["filter[value][0]"], shift);
      const bool inclusive = says["filter[operator][0]"] == ">=";
      std::erase_if(shown, [&](const Row& row) {
        return row.updated.empty() || row.updated < edge || (!inclusive && row.updated == edge);
      });
    }
    if (ordered && !ignores_order) {
      const bool down = says["order_by"].starts_with('-');
      std::ranges::stable_sort(
          shown, [&](const Row& a, const Row& b) { return down ? a.updated > b.updated : a.updated < b.updated; });
    }
    const auto total = total_ignores_filter ? rows.size() : shown.size();
    if (hides_one && !shown.empty()) shown.pop_back();
    const int most = std::min(size, cap);
    std::string data;
    for (std::size_t i = static_cast<std::size_t>(most * (page - 1));
         i < shown.size() && i < static_cast<std::size_t>(most * page); ++i) {
      data += fmt::format(R"({}{{"id":"{}","date_submitted":"{}"{}}})", data.empty() ? "" : ",", shown[i].id,
                          shown[i].submitted,
                          shown[i].updated.empty() ? "" : fmt::format(R"(,"date_updated":"{}")", shown[i].updated));
    }
    http::Reply reply;
    reply.status = 200;
    reply.body = fmt::format(R"({{"result_ok":true,"total_count":"{}","data":[{}]}})", total, data);
    return read_list(reply, "surveyresponse");
  }
};

/// `count` responses, one each four days, updated in UTC six seconds after their submission in New York.
Vendor usual(int count = 120) {
  Vendor vendor;
  for (int i = 0; i < count; ++i) {
    const std::string utc =
        moved("2025-01-10 15:00:00", std::chrono::hours(24 * 4 * (i % 90)) + std::chrono::minutes(i));
    const bool summer = utc > "2025-03-09 07:00:00" && utc < "2025-11-02 06:00:00";
    vendor.rows.push_back({i + 1, moved(utc, std::chrono::hours(summer ? -4 : -5)) + (summer ? " EDT" : " EST"),
                           moved(utc, std::chrono::seconds(6))});
  }
  return vendor;
}

std::map<std::string, std::string, std::less<>> learn(Vendor& vendor, int samples = 1) {
  Learner learner([&](const auto& survey, const auto& query, bool heavy) { return vendor.ask(survey, query, heavy); },
                  Zone());
  for (int i = 0; i < samples && !learner.done(); ++i)
    learner.sample({"11", "", 0, ""});
  std::map<std::string, std::string, std::less<>> values;
  for (const model::Capability& one : learner.learned({})) {
    values[one.name] = one.value;
    EXPECT_FALSE(one.evidence.empty()) << one.name;
  }
  EXPECT_EQ(values.size(), capability::names().size());
  return values;
}

TEST(Learner, AVendorThatCanEverything) {
  Vendor vendor = usual();
  const auto values = learn(vendor, 3);
  EXPECT_EQ(vendor.requests, 3);
  EXPECT_EQ(values.at("updated_field"), "present");
  EXPECT_EQ(values.at("updated_order"), "kept");
  EXPECT_EQ(values.at("updated_filter"), "kept");
  EXPECT_EQ(values.at("updated_total"), "counted");
  EXPECT_EQ(values.at("page_cap"), "unknown");
  EXPECT_EQ(values.at("account_zone"), "America/New_York");
  EXPECT_EQ(values.at("updated_zone"), "UTC");
  const Abilities able = abilities_of(values);
  EXPECT_TRUE(able.newest_first && able.windows && able.windows_counted);
  EXPECT_EQ(able.reason, "");
}

TEST(Learner, NothingIsKnownWithoutResponses) {
  Vendor vendor;
  const auto values = learn(vendor, 3);
  EXPECT_EQ(vendor.requests, 3);
  for (const auto& [name, value] : values)
    EXPECT_EQ(value, "unknown") << name;
  EXPECT_FALSE(abilities_of(values).newest_first);
  EXPECT_NE(abilities_of(values).reason, "");
}

TEST(Learner, AFilterThatIsIgnored) {
  Vendor vendor = usual();
  vendor.ignores_filter = true;
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_filter"), "ignored");
  EXPECT_EQ(values.at("updated_total"), "ignored");
  EXPECT_TRUE(abilities_of(values).newest_first == (values.at("updated_order") == "kept"));
  EXPECT_FALSE(abilities_of(values).windows);
}

TEST(Learner, AFilterThatIsRefused) {
  Vendor vendor = usual();
  vendor.refuses_filter = true;
  EXPECT_EQ(learn(vendor).at("updated_filter"), "refused");
}

TEST(Learner, AFilterOnAnotherClock) {
  for (const int hours : {5, 1, -5}) {
    Vendor vendor = usual(400);
    vendor.shift = std::chrono::hours(hours);
    const auto values = learn(vendor);
    EXPECT_EQ(values.at("updated_filter"), hours > 0 ? "shifted" : values.at("updated_filter")) << hours;
    if (hours > 0) {
      EXPECT_FALSE(abilities_of(values).windows);
    }
  }
}

TEST(Learner, AnOrderThatIsIgnored) {
  Vendor vendor = usual();
  vendor.ignores_order = true;
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_order"), "ignored");
  EXPECT_FALSE(abilities_of(values).newest_first);
  vendor.ignores_order = false;
  vendor.refuses_order = true;
  EXPECT_EQ(learn(vendor).at("updated_order"), "ignored");
}

TEST(Learner, AFieldThatIsAbsent) {
  Vendor vendor = usual();
  for (Row& row : vendor.rows)
    row.updated.clear();
  const auto values = learn(vendor, 3);
  EXPECT_EQ(values.at("updated_field"), "absent");
  EXPECT_NE(abilities_of(values).reason.find("no date_updated"), std::string::npos);
}

TEST(Learner, OldResponsesMayLackTheField) {
  Vendor vendor = usual();
  for (std::size_t i = 0; i < 60; ++i)
    vendor.rows[i].updated.clear();
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_field"), "present");
  EXPECT_TRUE(abilities_of(values).windows_counted);
}

TEST(Learner, TotalsThatIgnoreTheFilter) {
  Vendor vendor = usual();
  vendor.total_ignores_filter = true;
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_total"), "ignored");
  EXPECT_TRUE(abilities_of(values).windows);
  EXPECT_FALSE(abilities_of(values).windows_counted);
}

TEST(Learner, PagesThatAreCapped) {
  Vendor vendor = usual();
  vendor.cap = 50;
  EXPECT_EQ(learn(vendor).at("page_cap"), "50");
  Vendor hiding = usual();
  hiding.hides_one = true;
  EXPECT_EQ(learn(hiding).at("page_cap"), "unknown") << "a row that is hidden is no cap";
  Vendor large = usual(600);
  EXPECT_EQ(learn(large).at("page_cap"), "none");
}

TEST(Learner, AVendorThatFailsUnderTheWeight) {
  Vendor vendor = usual(600);
  vendor.fails_above = 250;
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_order"), "kept");
  EXPECT_EQ(values.at("page_cap"), "unknown");
}

TEST(Learner, LooksAtAnotherSeasonWhereTheNewestTellOfOne) {
  // A page of the newest shows the winter only.
  Vendor vendor = usual(90);
  for (int i = 0; i < 500; ++i) {
    const std::string utc = moved("2026-01-12 15:00:00", std::chrono::minutes(i));
    vendor.rows.push_back({1000 + i, moved(utc, std::chrono::hours(-5)) + " EST", moved(utc, std::chrono::seconds(6))});
  }
  EXPECT_EQ(learn(vendor).at("updated_zone"), "UTC");
  EXPECT_EQ(vendor.requests, 4);
}

TEST(Learner, OneResponseIsNoOrder) {
  Vendor vendor = usual(1);
  const auto values = learn(vendor);
  EXPECT_EQ(values.at("updated_order"), "unknown");
  EXPECT_FALSE(abilities_of(values).newest_first);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
