#pragma once
// Says in the state directory that a daemon runs, so that the next one can tell an end without goodbye (reliability.md
// 1.5: systemd tells nobody about a single crash). One file a process, locked while it lives. A state directory that
// cannot be written is no reason not to run: then nothing is noticed. One thread.

#include <string>
#include <vector>

#include "base/descriptor.h"

namespace surveysync::app {

class StateMarker {
 public:
  /// Makes the directory (0700) and the file. Throws Error(config) when that is not possible.
  StateMarker(const std::string& directory, const std::string& identity);
  ~StateMarker();
  StateMarker(const StateMarker&) = delete;
  StateMarker& operator=(const StateMarker&) = delete;

  /// Identities of daemons whose files were still there although they no longer live; their files are removed.
  const std::vector<std::string>& unclean() const { return unclean_; }
  /// A clean end: removes the file. Safe to call from any thread, once.
  void remove() noexcept;

 private:
  void find_unclean(const std::string& directory);
  std::string path_;
  Descriptor file_;
  std::vector<std::string> unclean_;
};

}  // namespace surveysync::app
