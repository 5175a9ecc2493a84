#pragma once
// Small grammars of configuration values: sizes, cron lines, time zones, URLs, database URIs. Pure but for the look at
// the installed time zones. Empty results mean "fine"; texts are the mistake in words.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync::app {

/// "64MiB", "512KiB", "1GiB", "1000kB", "10MB", "100B" in bytes; empty when it is none.
std::optional<std::size_t> parse_size(std::string_view text);
/// The shortest exact of those forms.
std::string format_size(std::size_t bytes);

/// What is wrong with a schedule: what sync::Cron does not take, or one that never comes.
std::string cron_mistake(std::string_view text);
/// What is wrong with a time zone's name.
std::string timezone_mistake(std::string_view name);
/// What is wrong with "https://host[:port][/prefix]"; http only for loopback addresses.
std::string base_url_mistake(std::string_view url);
/// What is wrong with "http://host:port".
std::string proxy_mistake(std::string_view url);
/// What is wrong with "host:port" for listening; `has_token` allows addresses off loopback.
std::string listen_mistake(std::string_view address, bool has_token);

/// A database URI or keyword string with its passwords replaced by "***".
std::string mask_database_uri(std::string_view uri);
/// The passwords in a database URI or keyword string, decoded and as written.
std::vector<std::string> database_passwords(std::string_view uri);

}  // namespace surveysync::app
