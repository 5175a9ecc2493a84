#pragma once
// The way into systemd's journal: a line with its fields, so that `journalctl SURVEYSYNC_SOURCE=us` finds it. Used
// instead of standard error when that leads to the journal anyway. Entries are "NAME=value", built here, masked by the
// caller. Any thread; nothing waits but the send itself.

#include <string>
#include <string_view>
#include <vector>

#include "base/event.h"

namespace surveysync::report {

/// Whether standard error is the stream that systemd names in JOURNAL_STREAM ("device:inode"); no for an empty text.
bool is_journal(std::string_view journal_stream);

/// MESSAGE=`line`, PRIORITY, SYSLOG_IDENTIFIER, SURVEYSYNC_EVENT, and each field of the event as SURVEYSYNC_<FIELD>.
/// Values are one line of sound UTF-8 each. Pure.
std::vector<std::string> journal_entries(const EventText& event, std::string_view line);

/// Sends one line. False when the journal did not take it.
bool send_to_journal(const std::vector<std::string>& entries) noexcept;

}  // namespace surveysync::report
