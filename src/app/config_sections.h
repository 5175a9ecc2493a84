#pragma once
// What one stanza of the configuration may say: the sections that need a file of their own. Used by config*.cpp only.

#include "app/config.h"
#include "app/config_reader.h"

namespace surveysync::app {

/// Reads [source.NAME] with all its tables; mistakes are collected in the section's reading.
SourceConfig read_source(ConfigSection& section, const std::string& name);

/// Reads [alerts.*]: each type has its own few keys, and any other is a mistake.
void read_alerts(ConfigSection section, ConfigReading& reading, Config& config);
/// Reads [incidents].
void read_incidents(ConfigSection section, IncidentConfig& incidents);

/// Names of sources and channels: they become keys of tables, labels and file names.
bool is_name(std::string_view name);

}  // namespace surveysync::app
