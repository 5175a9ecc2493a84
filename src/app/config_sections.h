#pragma once
// What one stanza of the configuration may say: the sections that need a file of their own. Used by config.cpp only.

#include "app/config.h"
#include "app/config_reader.h"

namespace surveysync::app {

/// Reads [source.NAME] with all its tables; mistakes are collected in the section's reading.
SourceConfig read_source(ConfigSection& section, const std::string& name);

}  // namespace surveysync::app
