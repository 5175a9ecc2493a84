#pragma once
// An AlfaOne vendor in a few lines, answering a real client over a scripted transport: lists in either generation, with
// the lies and moods that a test gives it. And the source in front of it, on a manual clock.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/client.h"
#include "sources/alfaone/alfaone.h"
#include "sources/alfaone/list.h"
#include "support/recording_observer.h"
#include "support/scripted_transport.h"

namespace surveysync::sources::alfaone {

/// One request as the fake vendor reads it.
struct Asked {
  std::string path;
  std::map<std::string, std::string> query;
  std::string key;

  std::string at(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }
  std::int64_t number(const std::string& name, std::int64_t otherwise) const {
    std::int64_t value = otherwise;
    const std::string text = at(name);
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
};

class FakeAlfaOne {
 public:
  struct List {
    std::string wrapper;
    std::vector<std::string> items;  ///< in ascending order
  };
  std::map<std::string, List> lists;         ///< by path
  std::map<std::string, std::string> alone;  ///< single GETs, by path
  bool paged = true, filters = true, ordered = true, says_cap = false, refuses_sort = false;
  int cap = 100;
  std::int64_t total_off_by = 0;
  bool repeats_page = false;
  std::function<void(const Asked&)> before;  ///< what happens at the vendor meanwhile
  std::vector<Asked> asked;

  http::Response answer(const http::Request& request);

 private:
  http::Response page(const Asked& question, const List& list) const;
};

inline std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = text[i];
    if (text[i] == '%' && std::from_chars(&text[i + 1], &text[i] + 3, value, 16).ec == std::errc()) i += 2;
    out += static_cast<char>(value);
  }
  return out;
}

inline Asked read_request(const http::Request& request) {
  Asked question;
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  question.path = request.target.substr(0, mark);
  std::string_view rest = std::string_view(request.target).substr(std::min(mark + 1, request.target.size()));
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    question.query[unescaped(one.substr(0, one.find('=')))] = unescaped(one.substr(one.find('=') + 1));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  for (const auto& [name, value] : request.headers)
    if (name == "x-api-key") question.key = value;
  return question;
}

inline http::Response FakeAlfaOne::page(const Asked& question, const List& list) const {
  std::vector<std::string> items = list.items;
  const std::string filter = question.at("assessmentId");
  if (paged && filters && !filter.empty())
    std::erase_if(items, [&](const std::string& raw) { return scalar_of(raw, "assessmentId", "") != filter; });
  const auto joined = [](const std::vector<std::string>& some) {
    std::string out;
    for (const std::string& item : some)
      out += (out.empty() ? "" : ",") + item;
    return out;
  };
  if (!paged) return test::answer(200, fmt::format(R"({{"{}":[{}]}})", list.wrapper, joined(items)));
  if (question.at("order") != "asc" || !ordered) std::ranges::reverse(items);
  const std::int64_t asked_for = question.number("limit", 20);
  const std::int64_t limit = std::min<std::int64_t>(asked_for, cap), number = question.number("page", 1);
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t first = std::min((repeats_page ? 0 : number - 1) * limit, count);
  const std::vector<std::string> shown(items.begin() + first, items.begin() + std::min(first + limit, count));
  const std::int64_t total = count + total_off_by;
  return test::answer(
      200,
      fmt::format(R"({{"{}":[{}],"pagination":{{"page":{},"limit":{},"total":{},"totalPages":{}}}}})", list.wrapper,
                  joined(shown), number, says_cap ? limit : asked_for, total, (total + limit - 1) / limit));
}

inline http::Response FakeAlfaOne::answer(const http::Request& request) {
  const Asked question = read_request(request);
  asked.push_back(question);
  if (before) before(question);
  if (const auto lone = alone.find(question.path); lone != alone.end()) return test::answer(200, lone->second);
  const auto list = lists.find(question.path);
  if (list == lists.end()) return test::answer(404, R"({"error":"Invite not found"})");
  if (refuses_sort && !question.at("sort").empty()) return test::answer(400, R"({"error":"Invalid sort field"})");
  return page(question, list->second);
}

/// A source in front of it.
class AlfaOneFixture : public testing::Test {
 protected:
  static constexpr std::string_view kKey = "ak_live_0123456789abcdef0123456789abcdef";

  AlfaOneFixture() : transport(&clock) {
    char name[] = "/tmp/ss_alfaone_test.XXXXXX";
    directory = ::mkdtemp(name);
    const std::string file = directory + "/key";
    std::ofstream(file) << kKey << "\n";
    ::chmod(file.c_str(), 0600);
    transport.otherwise([this](const http::Request& request) { return vendor.answer(request); });
    http::ClientOptions options;
    options.scope.source = "candidates";
    options.limiter = {100'000, std::chrono::seconds(1)};
    options.retry.attempts = 2;
    options.credential_lines = 1;
    const SourceType& type = source_type();
    client = std::make_unique<http::Client>(options, transport, SecretReference::parse("file:" + file), type.sign,
                                            type.judge, masker, observer, clock);
    client->set_probe(type.probe, type.account_probe);
    begin();
  }
  ~AlfaOneFixture() override { std::filesystem::remove_all(directory); }

  void begin(Following following = {}, Privacy privacy = {}) {
    source = source_type().make({"candidates", *client, "", std::move(privacy), observer, clock, std::move(following)});
  }

  const model::StreamSpec& stream(const std::string& name) const {
    for (const model::StreamSpec& one : source->streams())
      if (one.name == name) return one;
    throw std::logic_error("no stream " + name);
  }
  model::Page fetch(const std::string& name, const std::string& position, int size = 100,
                    const std::string& partition = "") {
    const model::Partition where{partition, "", 0, ""};
    return source->fetch({stream(name), where, position, size, false, {}}, {});
  }
  Found find(const std::string& name, const std::string& id) { return source->find(stream(name), {}, {id}, {}, {}); }
  /// Completes the page, while `stored` is in the database.
  void complete(const std::string& name, model::Page& page, const model::Page* stored = nullptr) {
    const model::Partition where{};
    model::Page known;
    if (stored != nullptr) known.records = stored->records;
    source->complete({stream(name), where, "", 100, false, {}}, page, known, {});
  }
  /// One complete pass.
  std::vector<model::Page> pass(const std::string& name, int size = 100, std::string position = "") {
    std::vector<model::Page> pages;
    for (int calls = 0; calls < 500; ++calls) {
      pages.push_back(fetch(name, position, size));
      if (!pages.back().next) return pages;
      position = *pages.back().next;
    }
    ADD_FAILURE() << "the pass does not end";
    return pages;
  }
  static std::set<std::string> ids(const model::Page& page) {
    std::set<std::string> met;
    for (const model::Record& record : page.records)
      met.insert(std::get<std::string>(record.key.back()));
    return met;
  }
  static std::set<std::string> ids(const std::vector<model::Page>& pages) {
    std::set<std::string> met;
    for (const model::Page& page : pages)
      met.merge(ids(page));
    return met;
  }

  static std::string assessment(int number, const std::string& more = R"(,"totalPoints":10)") {
    return fmt::format(
        R"({{"id":"a-{0}","name":"Assessment {0}","inviteCount":{0},"createdAt":"2026-01-01T00:00:{0:02}.000Z","updatedAt":"2026-02-01T00:00:00.000Z"{1}}})",
        number, more);
  }
  static std::string invite(int number, const std::string& assessment = "a-1", const std::string& status = "pending") {
    return fmt::format(
        R"({{"id":"{0:04x}-uuid-{1}","assessmentId":"{2}","recipientEmail":"p{1}@example.org","recipientName":null,"status":"{3}","sentAt":"2026-03-01T{4:02}:{5:02}:{6:02}.123Z"}})",
        static_cast<unsigned>(number) * 40503U % 65536U, number, assessment, status, number / 3600, number / 60 % 60,
        number % 60);
  }
  static std::string invite_id(int number) { return id_of(invite(number), resource_of("invite")); }
  FakeAlfaOne::List& invites(int count) {
    FakeAlfaOne::List& list = vendor.lists["/api/v1/invites"];
    list.wrapper = "invites";
    list.items.clear();
    for (int i = 1; i <= count; ++i)
      list.items.push_back(invite(i));
    return list;
  }
  FakeAlfaOne::List& assessments(int count) {
    FakeAlfaOne::List& list = vendor.lists["/api/v1/assessments"];
    list.wrapper = "assessments";
    list.items.clear();
    for (int i = 1; i <= count; ++i)
      list.items.push_back(assessment(i));
    return list;
  }

  std::string directory;
  test::ManualClock clock;
  test::ScriptedTransport transport;
  FakeAlfaOne vendor;
  Masker masker;
  test::RecordingObserver observer;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<Source> source;
};

}  // namespace surveysync::sources::alfaone
