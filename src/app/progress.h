#pragma once
// How far a sync has come: one line per source on a terminal, redrawn at most ten times a second and cleared around log
// lines; a plain note every ten seconds elsewhere. An Observer fed by the run's events. Thread-safe.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/event.h"
#include "base/time.h"

namespace surveysync::app {

/// What is known about one source's run.
struct SourceProgress {
  std::string source, stream;  ///< stream: whose partitions and records are counted
  bool planned = false, finished = false;
  std::int64_t run_id = 0, partitions = 0, partitions_done = 0, expected = 0, records = 0;
  SteadyTime since{};
};

/// "us  [######----]  6/10 surveys  61,200/100,000 responses  3,310/s  12 s left", cut to `columns` (0: no bar, no
/// cut).
std::string progress_line(const SourceProgress& progress, SteadyTime now, std::size_t columns);

class Progress final : public Observer {
 public:
  struct Source {
    std::string name;
    std::string stream;  ///< the stream that carries the mass of the records
  };
  struct Options {
    bool terminal = false;
    std::function<std::size_t()> columns;         ///< of the terminal, asked at each drawing
    std::function<void(std::string_view)> write;  ///< to the terminal
    Observer* notes = nullptr;                    ///< who hears the plain notes
  };
  /// Starts the thread that keeps time. `clock` outlives it.
  Progress(std::vector<Source> sources, Options options, Clock& clock);
  ~Progress() override;
  void on_event(const Event& event) noexcept override;

  /// Takes the lines off the terminal for good and ends the thread.
  void finish();
  /// Takes the lines off the terminal, for a log line; `draw` brings them back.
  void clear();
  void draw();

 private:
  void update(const Event& event);
  void draw_locked();
  void clear_locked();
  void keep_time(const std::stop_token& stop);
  void tell_notes();

  Options options_;
  Clock& clock_;
  std::mutex mutex_;
  std::vector<SourceProgress> sources_;
  std::size_t drawn_ = 0;  // lines on the terminal
  bool ended_ = false;
  SteadyTime last_drawn_{};
  std::jthread timer_;
};

}  // namespace surveysync::app
