// Blocks the signals, closes what could leak a secret, sets the allocator, hands over. Everything else is in app/.
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <initializer_list>

#include "app/cli.h"

namespace {

/// Before any thread exists: only the thread that waits for them sees these signals. A broken pipe is an error code,
/// not a death.
void block_signals() {
  sigset_t waited;
  sigemptyset(&waited);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    sigaddset(&waited, signal);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

/// Secrets live in this memory: no core dump, no debugger of the same user, no /proc/PID/environ.
void protect_memory() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/// Page bodies are megabytes and short-lived: they go back to the system at once, and threads share few heaps.
void bound_heap() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_ARENA_MAX, 4);
}

}  // namespace

int main(int argc, char** argv) {
  block_signals();
  protect_memory();
  bound_heap();
  return surveysync::app::main_verbs(argc, argv);
}
