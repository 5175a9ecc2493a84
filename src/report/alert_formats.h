#pragma once
// How an alert looks on each kind of channel. Pure functions over plain values, so that each format is tested without a
// network. Results of slack_body to alertmanager_body are JSON; broken UTF-8 has been replaced. Nothing here knows a
// secret but pagerduty_body, whose routing key is part of the protocol.

#include <string>
#include <string_view>
#include <vector>

#include "report/alert.h"

namespace surveysync::report {

/// One line: "CRITICAL us: credentials refused (rotated)", "RESOLVED us: ...", "CRITICAL: unit failed:
/// surveysync.service on warehouse1".
std::string alert_title(const Alert& alert);
/// What to do has a sentence first, and below it commands, a line each. "See why: journalctl -u x; systemctl start x":
/// for places that have one line only.
std::string in_one_line(std::string_view next_step);
/// Title, what happened, since when, what is affected and what to do, a line each, commands on lines of their own: for
/// mail and terminals.
std::string alert_text(const Alert& alert);

/// Of webhooks and of commands: {"key", "status": "open"|"resolved"|"test", "event": "opened"|"repeated"|..., "rule",
/// "source", "severity", "verdict", "evidence", "affected", "next_step", "since", "resolved_at", "message", "title",
/// "host", "at"}.
std::string webhook_body(const Alert& alert);
/// The value of the header Surveysync-Signature: "t=SECONDS,v1=HEX", HEX being HMAC-SHA256 by `secret` over
/// "SECONDS.BODY". Whoever receives it computes the same, and refuses what is older than some minutes.
std::string webhook_signature(std::string_view secret, std::int64_t seconds, std::string_view body);

/// Of an incoming webhook: text in Slack's own markup, with its three special characters escaped.
std::string slack_body(const Alert& alert);

/// Events API v2: trigger or resolve.
std::string pagerduty_body(const Alert& alert, std::string_view routing_key);
/// "surveysync/KEY", at most 255 characters; a longer one keeps its beginning and a digest of the whole.
std::string pagerduty_dedup_key(const Alert& alert);

/// The array of API v2. Labels are what tells alerts apart and never change while an incident lasts; annotations may.
/// `until`: when an alert that is not sent again is over by itself. One that was raised ends its milder self.
std::string alertmanager_body(const std::vector<Alert>& alerts, UtcTime until);

/// Entries of systemd's journal, "NAME=value", with the MESSAGE_ID by which `journalctl` finds all alerts.
std::vector<std::string> journal_alert(const Alert& alert);
inline constexpr const char* kJournalOpened = "5d0c8c0f3b6d4f0c9c7a6f4d1e0b7a21";
inline constexpr const char* kJournalResolved = "8b1f6a4e2c9d47d5a3e0f7b6c5d4e3f2";

/// What a command gets beside ours: SURVEYSYNC_ALERT_KEY, _STATUS, _EVENT, _RULE, _SOURCE, _SEVERITY, _TITLE,
/// _NEXT_STEP.
std::vector<std::string> command_environment(const Alert& alert);

}  // namespace surveysync::report
