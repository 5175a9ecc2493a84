// What an incremental loader meets: ties, mass changes, and a vendor whose filters, orders, pages and totals lie.
#include <set>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

std::string filtered(const std::string& field, const std::string& op, const std::string& value) {
  return "filter[field][0]=" + field + "&filter[operator][0]=" + op + "&filter[value][0]=" + value;
}

std::string change(const Running& vendor, const std::string& op, const std::string& rest = {}) {
  const Answer answer = vendor.control("POST", "/change",
                                       "{\"op\":\"" + op + "\",\"survey\":" + std::to_string(vendor.first_survey()) +
                                           (rest.empty() ? "" : ",") + rest + "}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.body;
}

TEST(SandboxIncremental, CapsThePageSilently) {
  const Running vendor;
  const std::string path = vendor.responses();
  vendor.fault("cap-page:rows=20");
  const std::string body = vendor.get(path, "resultsperpage=500").body;
  EXPECT_EQ(record_values(body, "id").size(), 20U);
  EXPECT_EQ(head_value(body, "results_per_page"), R"("20")");
  EXPECT_EQ(head_value(body, "total_pages"), "3");
  EXPECT_EQ(record_values(vendor.get(path, "resultsperpage=7").body, "id").size(), 7U);
  vendor.control("DELETE", "/faults");
  vendor.fault("cap-page:rows=20,echo=asked");
  EXPECT_EQ(head_value(vendor.get(path, "resultsperpage=500").body, "results_per_page"), R"("500")");
}

TEST(SandboxIncremental, TotalsMayIgnoreTheFilter) {
  const Running vendor;
  const std::string path = vendor.responses(), none = filtered("date_updated", "%3E", "2999-01-01");
  EXPECT_EQ(head_value(vendor.get(path, none).body, "total_count"), R"("0")");
  vendor.fault("total-ignores-filter");
  const std::string body = vendor.get(path, none).body;
  EXPECT_EQ(head_value(body, "total_count"), R"("60")");
  EXPECT_TRUE(record_values(body, "id").empty());
}

TEST(SandboxIncremental, FiltersMayBeRefusedIgnoredOrShiftedByField) {
  const Running vendor;
  const std::string path = vendor.responses();
  const auto total = [&](const std::string& query) { return head_value(vendor.get(path, query).body, "total_count"); };
  change(vendor, "edit");
  const std::string edited = record_values(vendor.get(path, "order_by=-date_updated").body, "date_updated").front();
  const std::string since = filtered("date_updated", "%3E%3D", edited.substr(0, 10) + "%20" + edited.substr(11));
  EXPECT_EQ(total(since), R"("1")");
  vendor.fault("shift-filter:hours=5");
  EXPECT_EQ(total(since), R"("0")");
  vendor.control("DELETE", "/faults");
  vendor.fault("ignore-filter:field=date_updated");
  EXPECT_EQ(total(since), R"("60")");
  EXPECT_NE(total(filtered("status", "%3D", "Complete")), R"("60")");
  vendor.control("DELETE", "/faults");
  vendor.fault("refuse-filter:field=date_updated");
  EXPECT_EQ(vendor.get(path, since).status, 400);
  EXPECT_EQ(vendor.get(path, filtered("status", "%3D", "Complete")).status, 200);
}

TEST(SandboxIncremental, ManyChangesFallIntoOneSecond) {
  Running vendor;
  const std::string path = vendor.responses();
  change(vendor, "insert", "\"count\":40");
  change(vendor, "edit", "\"count\":30");
  std::map<std::string, int> seconds;
  for (const auto& at : record_values(vendor.get(path, "resultsperpage=500").body, "date_updated"))
    ++seconds[at];
  EXPECT_TRUE(std::any_of(seconds.begin(), seconds.end(), [](const auto& item) { return item.second >= 30; }));
  change(vendor, "delete", "\"count\":25");
  EXPECT_EQ(head_value(vendor.get(path).body, "total_count"), R"("75")");
}

}  // namespace
}  // namespace surveysync::sandbox
