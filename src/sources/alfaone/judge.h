#pragma once
// How AlfaOne says no: {"error":"<text>"}, and a status (vendor-api.md 2.2). And what a key must look like. Pure; any
// thread.

#include <string>

#include "http/client.h"

namespace surveysync::sources::alfaone {

/// Reads one answer. Web pages and empty bodies are the network or the vendor's front, never the key.
http::Judgement judge(const http::Response& response);

/// What is wrong with a key by its form: prefix, length, characters, and whether it is of the environment ("live",
/// "test", or "" where that is not configured). Empty: nothing. Never shows the key.
std::string key_mistake(const Credential& key, const std::string& environment);
/// That a sound key is one for tests although nobody said so; empty: nothing.
std::string key_warning(const Credential& key, const std::string& environment);

}  // namespace surveysync::sources::alfaone
