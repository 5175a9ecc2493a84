#pragma once
// Tells when a secret file may have changed: by rename, in-place write, removal, chmod, or because its whole directory
// was replaced. Watches the directories (inotify), because editors and secret volumes replace files by rename, and
// looks at the files themselves every `poll` beside that, which is all that is left where inotify is refused. It has no
// thread of its own: the thread that waits does the work. It never reads a file; whoever does compares the content.

#include <memory>
#include <stop_token>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace surveysync {

class SecretWatch {
 public:
  enum class Means { directories_too, polling_only };

  /// Watches the `file:` references among `references`; the others do not change while a process runs. What the files
  /// look like now is what changes are counted from. `clock` outlives the watch and must be a real one.
  SecretWatch(const std::vector<SecretReference>& references, Duration poll, Clock& clock,
              Means means = Means::directories_too);
  ~SecretWatch();
  SecretWatch(const SecretWatch&) = delete;
  SecretWatch& operator=(const SecretWatch&) = delete;

  /// Waits for a change since the last one that was told, at most `at_most`; whether there was one. Many changes that
  /// follow closely are told as one, half a second after the first. False on stop, at once. One thread at a time.
  bool wait_for_change(Duration at_most, const std::stop_token& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync
