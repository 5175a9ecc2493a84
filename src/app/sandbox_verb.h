#pragma once
// The verb `sandbox`: runs the simulated vendor of src/sandbox until a signal ends it. Signals are blocked before any
// thread exists (main), so the verb waits for them itself. Throws Error{config} for an option it cannot read.

#include <CLI/CLI.hpp>

#include <functional>

namespace surveysync::app {

/// Registers the verb; choosing it sets `action` to what runs it and returns the exit code.
void add_sandbox_verb(CLI::App& app, std::function<int()>& action);

}  // namespace surveysync::app
