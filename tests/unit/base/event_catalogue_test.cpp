// docs/EVENTS.md is made here, from the examples of every event: SURVEYSYNC_WRITE_DOCS=1 writes it, otherwise the test
// compares.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "support/event_examples.h"

namespace surveysync {
namespace {

using test::EventExample;
using test::EventExamples;

constexpr const char* kPage = SURVEYSYNC_SOURCE_DIR "/docs/EVENTS.md";
constexpr std::string_view kHead = R"(# Events

Everything the program tells about itself. Rooms do not log: they hand one of these to an observer, and the log line, the counter and the
alert are made from it. Declared in `src/base/event.h`, worded in `src/base/event.cpp` and `src/base/event_service.cpp`. Every line
carries, where they apply, `source`, `run_id`, `stream` and `partition` (a survey's id). In the journal each field is
`SURVEYSYNC_<FIELD>` and the event itself `SURVEYSYNC_EVENT`: `journalctl -u surveysync SURVEYSYNC_SOURCE=us SURVEYSYNC_RUN_ID=7`.

This page is generated: `SURVEYSYNC_WRITE_DOCS=1 unit_base --gtest_filter='EventCatalogue*'`, from the examples in
`tests/support/event_examples.cpp`.

| event | level | when | message, for example | fields of its own |
| --- | --- | --- | --- | --- |
)";
constexpr std::string_view kTail = R"(
Counts are `requests`, `inserted`, `updated`, `unchanged`, `tombstoned`, `quarantined`. Fields that have nothing to say are left out.
)";

const std::set<std::string_view> kScopeFields = {"source", "run_id", "stream", "partition"};
const std::set<std::string_view> kCountFields = {"requests",  "inserted",   "updated",
                                                 "unchanged", "tombstoned", "quarantined"};

std::string_view name_of(Severity severity) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(severity)];
}

bool has_counts(const EventText& text) {
  return std::any_of(text.fields.begin(), text.fields.end(),
                     [](const auto& field) { return field.first == "requests"; });
}

/// "info; partial: warning; failed: error".
std::string levels(const EventExamples& of) {
  const Severity ordinary = describe(of.examples.front().event).severity;
  if (of.examples.back().condition == "as given") return "as given";
  std::string text(name_of(ordinary));
  for (const EventExample& example : of.examples) {
    const Severity severity = describe(example.event).severity;
    if (severity != ordinary) text += fmt::format("; {}: {}", example.condition, name_of(severity));
  }
  return text;
}

std::string own_fields(const EventExamples& of) {
  std::vector<std::string> names;
  for (const EventExample& example : of.examples) {
    const EventText text = describe(example.event);
    const bool counts = has_counts(text);
    for (const auto& field : text.fields) {
      if (kScopeFields.contains(field.first)) continue;
      const std::string name =
          counts && kCountFields.contains(field.first) ? "counts" : fmt::format("`{}`", field.first);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string escaped(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
    text.insert(at, "\\");
  return text;
}

std::string rendered() {
  std::string page(kHead);
  for (const EventExamples& of : test::all_event_examples()) {
    const EventText text = describe(of.examples.front().event);
    page += fmt::format("| `{}` | {} | {} | {} | {} |\n", text.name, levels(of), escaped(of.when),
                        escaped(text.message), own_fields(of));
  }
  return page + std::string(kTail);
}

TEST(EventCatalogueTest, IsThePage) {
  const std::string page = rendered();
  if (const char* const write = std::getenv("SURVEYSYNC_WRITE_DOCS"); write != nullptr && *write == '1') {
    std::ofstream(kPage) << page;
  }
  std::ifstream file(kPage);
  std::ostringstream written;
  written << file.rdbuf();
  EXPECT_EQ(written.str(), page) << "docs/EVENTS.md is old: run again with SURVEYSYNC_WRITE_DOCS=1";
}

TEST(EventCatalogueTest, HasOneRowForEachEvent) {
  const std::vector<EventExamples> all = test::all_event_examples();
  EXPECT_EQ(all.size(), std::variant_size_v<Event>);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_FALSE(all[i].examples.empty());
    EXPECT_FALSE(all[i].when.empty());
    EXPECT_EQ(all[i].examples.front().condition, "");
    for (const EventExample& example : all[i].examples) {
      EXPECT_EQ(example.event.index(), i);
      EXPECT_EQ(describe(example.event).name, describe(all[i].examples.front().event).name);
    }
    EXPECT_TRUE(names.insert(describe(all[i].examples.front().event).name).second) << "two events of one name";
  }
}

TEST(EventCatalogueTest, KeepsToTheStyle) {
  for (const EventExamples& of : test::all_event_examples()) {
    for (const EventExample& example : of.examples) {
      const EventText text = describe(example.event);
      EXPECT_FALSE(text.message.empty()) << text.name;
      EXPECT_EQ(text.message.find('\n'), std::string::npos) << text.name;
      EXPECT_FALSE(std::isupper(static_cast<unsigned char>(text.message.front()))) << text.message;
      std::set<std::string_view> names;
      for (const auto& field : text.fields) {
        EXPECT_EQ(field.first.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << field.first;
        EXPECT_TRUE(names.insert(field.first).second) << text.name << " has " << field.first << " twice";
      }
    }
  }
}

}  // namespace
}  // namespace surveysync
