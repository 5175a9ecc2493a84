#pragma once
// Tells one webhook about an incident: a POST of JSON. The URL is a secret. Used on the desk's thread. Throws Error:
// config for a URL that cannot be used, what http/transport throws, rejected for an answer that is no success.

#include <memory>
#include <string>

#include "app/config.h"
#include "base/secret.h"
#include "http/transport.h"
#include "store/incidents.h"

namespace surveysync::app {

/// What a channel is told: {"key":..., "status":"open"|"resolved", "rule":..., "source":..., "severity":...,
/// "verdict":..., "evidence":..., "next_step":..., "since":..., "message":...}. Pure.
std::string incident_json(const store::Incident& incident, const std::string& message);

class Webhook {
 public:
  /// `config`: of type webhook, with `url`, a reference to a secret or the URL itself, and optionally `ca_file`.
  Webhook(const AlertConfig& config, Masker& masker, Clock& clock);

  const std::string& name() const { return name_; }
  /// Once; the caller repeats it.
  void post(const std::string& body, const std::stop_token& stop);

 private:
  const std::string name_, url_, ca_file_;
  Masker& masker_;
  Clock& clock_;
};

}  // namespace surveysync::app
