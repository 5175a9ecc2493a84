#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "app/human.h"
#include "app/status_text.h"
#include "app/status_view.h"
#include "app/verbs.h"
#include "report/log_line.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

constexpr Duration kWatch = std::chrono::seconds(2);
// The other screen, so that what was on the terminal is there again afterwards; without the cursor.
constexpr std::string_view kEnterScreen = "\033[?1049h\033[?25l", kLeaveScreen = "\033[?25h\033[?1049l";
constexpr std::string_view kHome = "\033[H", kClearLine = "\033[K\n", kClearRest = "\033[J";

struct StatusFlags {
  bool json = false, watch = false;
};

/// A terminal on standard output that is drawn over and over; gives it back as it was.
class Screen {
 public:
  Screen() { write_text(STDOUT_FILENO, kEnterScreen); }
  ~Screen() { write_text(STDOUT_FILENO, kLeaveScreen); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const Program& program, const std::string& text) const {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 1;
    std::string drawn(kHome);
    for (const char c : fitting(text, known ? size.ws_col : 80U, (known ? size.ws_row : 24U) - 1U))
      c == '\n' ? drawn += kClearLine : drawn += c;
    program.print(drawn + std::string(kClearRest));
  }
};

std::string head(UtcTime now) {
  return fmt::format("surveysync status, {} UTC, every {}; Ctrl-C ends\n\n", moment(now), spoken(kWatch));
}

/// Elsewhere than on a terminal: whatever became different since it was last told, with the time.
class Teller {
 public:
  void tell(const Program& program, const std::vector<std::string>& lines, UtcTime now) {
    for (const std::string& line : lines)
      if (!std::ranges::count(told_, line))
        program.print(fmt::format("{} {}\n", format_utc(std::chrono::floor<std::chrono::seconds>(now)), line));
    told_ = lines;
  }

 private:
  std::vector<std::string> told_;
};

/// Looks again and again until a signal. A database that is away is told, and waited for.
class Watch {
 public:
  Watch(Program& program, bool json) : program_(program), json_(json) {
    if (!json && ::isatty(STDOUT_FILENO) == 1) screen_.emplace();
  }

  int run() {
    const std::stop_token stop = program_.stop();
    std::unique_ptr<pg::Connection> connection;
    do {
      try {
        if (connection && !connection->alive()) connection.reset();
        if (!connection) connection = program_.open_database();
        show(look_at_status(program_.config(), *connection));
      } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::unavailable) throw;
        connection.reset();
        show(failure);
      }
    } while (program_.clock().wait_for(kWatch, stop));
    return 128 + program_.signal();
  }

 private:
  void show(Status status) {
    const UtcTime now = program_.clock().utc_now();
    if (screen_) return screen_->draw(program_, head(now) + status_text(status, now));
    if (json_) {
      for (report::BudgetView& budget : status.budgets)
        budget.booked_until.reset();  // each request moves it on
      std::string document = status_json(status);
      if (document != last_document_) program_.print(document);
      last_document_ = std::move(document);
      return;
    }
    std::vector<std::string> lines;
    for (const StatusSource& source : status.sources)
      lines.push_back(status_line(source));
    for (const store::Incident& incident : status.incidents)
      lines.push_back(report::printable(fmt::format("incident {}: {}", incident.key, incident.evidence)));
    teller_.tell(program_, lines, now);
  }
  void show(const Error& failure) {
    const UtcTime now = program_.clock().utc_now();
    const std::string text = fmt::format("the database does not answer, and is waited for: {}", failure.what());
    if (screen_) return screen_->draw(program_, head(now) + text + "\n");
    if (!json_) teller_.tell(program_, {text}, now);
  }

  Program& program_;
  const bool json_;
  std::optional<Screen> screen_;
  Teller teller_;
  std::string last_document_;
};

int run_status(Program& program, const StatusFlags& flags) {
  program.start_log();
  if (flags.watch) return Watch(program, flags.json).run();
  const auto connection = program.open_database();
  const Status status = look_at_status(program.config(), *connection);
  if (flags.json) {
    program.print(status_json(status));
  } else {
    const std::string text = status_text(status, program.clock().utc_now());
    program.print(program.colours() ? with_colours(text) : text);
  }
  return 0;
}

}  // namespace

void add_status_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("status", "How fresh every survey is, and whether it is proven complete");
  verb->footer(
      "Four clocks for each source and survey: the last attempt, the last success, the last certificate that\n"
      "balanced, and the newest change seen at the vendor. Also how changes are read there (what was learned of the\n"
      "account where that is unusual, or with --json), when each survey was last probed, what the last run could not\n"
      "do, when the next one is due, who works the source now, a refused key, open incidents with what to do, and the\n"
      "request budgets. --watch draws it again every two seconds; where standard output is no terminal it prints a\n"
      "line, or with --json the document, when something changed.\n"
      "\nExamples:\n  surveysync status\n  surveysync status --watch\n"
      "  surveysync status --json | jq '.sources[].surveys[] | select(.balanced | not)'");
  const auto flags = std::make_shared<StatusFlags>();
  verb->add_flag("--json", flags->json, "print JSON");
  verb->add_flag("--watch", flags->watch, "go on until a signal");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_status(program, *flags); }; });
}

}  // namespace surveysync::app
