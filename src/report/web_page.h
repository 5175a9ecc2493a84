#pragma once
// The status page: one HTML document without script and without anything from elsewhere, for a screen, a phone, a
// keyboard and a screen reader. By default it stands still (a page that reloads itself takes the reader's place away);
// whoever wants to follow asks for it by a link. Pure; any thread.

#include <string>

#include "report/web_view.h"

namespace surveysync::report {

struct PageOptions {
  int refresh_seconds = 0;  ///< 0: stands still
};

/// At most this many surveys of a source are listed: those that need a look first.
inline constexpr std::size_t kSurveysShown = 100;

/// `view.at` is the page's now.
std::string status_page(const StatusView& view, const PageOptions& options);
/// The section of one source.
std::string source_card(const StatusView& view, const SourceView& source);

}  // namespace surveysync::report
