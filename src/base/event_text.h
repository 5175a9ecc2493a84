#pragma once
// How the text of an event is put together. Inside of base/: event.cpp words the events of a run, event_service.cpp
// those of the daemon, of keys and of incidents. Pure.

#include <fmt/format.h>

#include "base/event.h"

namespace surveysync {

/// Starts the text of an event with the fields that say where it belongs.
class Text {
 public:
  Text(std::string_view name, Severity severity, const Scope& scope, std::string message)
      : text_{name, severity, std::move(message), {}} {
    if (!scope.source.empty()) add("source", scope.source);
    if (scope.run_id != 0) add("run_id", scope.run_id);
    if (!scope.stream.empty()) add("stream", scope.stream);
    if (!scope.partition.empty()) add("partition", scope.partition);
  }
  template <class T>
  Text& add(std::string_view field, const T& value) {
    text_.fields.emplace_back(field, fmt::format("{}", value));
    return *this;
  }
  /// Only when there is something to say.
  Text& add_text(std::string_view field, const std::string& value) { return value.empty() ? *this : add(field, value); }
  Text& add(const Counts& counts) {
    return add("requests", counts.requests)
        .add("inserted", counts.inserted)
        .add("updated", counts.updated)
        .add("unchanged", counts.unchanged)
        .add("tombstoned", counts.tombstoned)
        .add("quarantined", counts.quarantined);
  }
  Text& add_time(std::string_view field, Duration time) { return add(field, fmt::format("{:.3f}", seconds(time))); }
  EventText done() { return std::move(text_); }

  static double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

 private:
  EventText text_;
};

/// The events of keys, of the daemon and of incidents.
struct DescribeService {
  EventText operator()(const event::KeyRefused& e) const;
  EventText operator()(const event::KeyRotated& e) const;
  EventText operator()(const event::KeyAccepted& e) const;
  EventText operator()(const event::KeyTried& e) const;
  EventText operator()(const event::ClockCorrected& e) const;
  EventText operator()(const event::DaemonStarted& e) const;
  EventText operator()(const event::DaemonStopping& e) const;
  EventText operator()(const event::DaemonStopped& e) const;
  EventText operator()(const event::UncleanExitFound& e) const;
  EventText operator()(const event::ConfigReloaded& e) const;
  EventText operator()(const event::ConfigRefused& e) const;
  EventText operator()(const event::RunScheduled& e) const;
  EventText operator()(const event::SourceHeld& e) const;
  EventText operator()(const event::SourceReleased& e) const;
  EventText operator()(const event::RequestTaken& e) const;
  EventText operator()(const event::IncidentOpened& e) const;
  EventText operator()(const event::IncidentResolved& e) const;
  EventText operator()(const event::AlertSent& e) const;
  EventText operator()(const event::StatusPageOffered& e) const;
  EventText operator()(const event::SecretWarned& e) const;
};

}  // namespace surveysync
