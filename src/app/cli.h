#pragma once
// The verbs: arguments in, exit code out. Every verb is one file, verb_*.cpp; this one parses, dispatches and turns
// errors into the exit codes of docs (product.md section 1). Owns the signals that main blocked. Called once, on the
// main thread. Never throws.

namespace surveysync::app {

/// Runs the verb that the arguments name; the exit code of the process.
int main_verbs(int argc, char** argv);

}  // namespace surveysync::app
