#pragma once
// One or more examples of every event there is, and when it happens in words: what docs/EVENTS.md is made of, and what
// every form of the log is tried with. An event that is declared but not exampled here does not compile.

#include <string>
#include <vector>

#include "base/event.h"

namespace surveysync::test {

struct EventExample {
  std::string condition;  ///< what makes this one different from the first: "failed"; empty for the first
  Event event;
};

struct EventExamples {
  std::string when;                    ///< one line of Markdown
  std::vector<EventExample> examples;  ///< the first is the ordinary one
};

/// In the order of the variant Event.
std::vector<EventExamples> all_event_examples();

}  // namespace surveysync::test
