#pragma once
// How a source and the whole stand, in a word, a sentence and a colour: what the page's headline and pills say, and the
// same for everybody who asks. Pure; any thread.

#include <string>
#include <string_view>

#include "report/web_view.h"

namespace surveysync::report {

/// From good to bad. The word is the name of the style and of the icon.
enum class Tone : std::uint8_t { ok, idle, run, warn, bad };

struct Standing {
  Tone tone = Tone::idle;
  std::string_view icon;  ///< report/web_style
  std::string text;       ///< "complete", "held: key refused (rotated)"
};

std::string_view name_of(Tone tone);

/// What the memory of the process says of a source; null when it knows nothing.
const LaneView* lane_of(const StatusView& view, const std::string& source);
const ProgressView* progress_of(const StatusView& view, const std::string& source);
/// The verdict on the key in use; empty when it is not refused.
std::string refused_verdict(const StatusView& view, const SourceView& source);

Standing standing_of(const StatusView& view, const SourceView& source);
Standing standing_of(Proof proof);
/// "succeeded", "failed", ... of a run.
Standing standing_of_outcome(const std::string& outcome);
/// The word with its icon, as HTML.
std::string state(const Standing& standing);
/// The headline.
Standing standing_of(const StatusView& view);

/// Open incidents, critical ones first: those of the database, and those that were told since it was looked into, for
/// instance that it is away. Pure.
std::vector<IncidentView> open_incidents(const StatusView& view);

}  // namespace surveysync::report
