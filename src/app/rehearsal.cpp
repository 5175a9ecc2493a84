#include "app/rehearsal.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/config_environment.h"
#include "app/exit_code.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kFolder = "surveysync-rehearsal-";

fs::path temporary_folder() {
  std::error_code failed;
  fs::path folder = fs::temp_directory_path(failed);
  if (!failed) return folder;
  throw Error(ErrorKind::config, "the folder for temporary files that TMPDIR names cannot be used: " + failed.message(),
              "name one that exists, or unset it");
}

/// Folders of rehearsals that were killed before they could clean up. Only ours.
void remove_left_behind() {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(temporary_folder(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kFolder)) continue;
    int owner = 0;
    std::from_chars(name.data() + kFolder.size(), name.data() + name.size(), owner);
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

std::string make_folder() {
  remove_left_behind();
  std::string pattern = (temporary_folder() / fmt::format("{}{}-XXXXXX", kFolder, ::getpid())).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorKind::unavailable, "no scratch folder can be made in " + temporary_folder().string());
  }
  // The database's user must pass through it; what is inside is private by itself.
  if (::geteuid() == 0) ::chmod(pattern.c_str(), S_IRWXU | S_IXGRP | S_IXOTH);
  return pattern;
}

/// A text of TOML.
std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// "12 of them: 1/2, 1/5, ..."
std::string some_of(const std::vector<std::string>& ids) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, ids.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", ids[i]);
  return fmt::format("{} ({}{})", ids.size(), text, ids.size() > kShown ? ", ..." : "");
}

}  // namespace

std::string promise_line(const Promise& promise, std::size_t width, bool colours) {
  const std::string_view colour = !colours ? "" : promise.held ? "\033[32m" : "\033[1;31m";
  const std::size_t columns = columns_of(promise.what);
  return fmt::format("  {}{}{}  {}{}  {}\n", colour, promise.held ? "held  " : "BROKEN", colours ? "\033[0m" : "",
                     promise.what, std::string(columns < width ? width - columns : 0, ' '),
                     report::printable(promise.measured));
}

Rehearsal::Rehearsal(Program& program, RehearsalOptions options)
    : program_(program), options_(std::move(options)), began_(program.clock().now()), directory_(make_folder()) {}

Rehearsal::~Rehearsal() {
  children_.clear();
  vendor_.reset();
  server_.reset();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

// --- the stage ---

void Rehearsal::set_up(sandbox::SandboxOptions vendor, const RehearsalSettings& settings) {
  settings_ = settings;
  const std::stop_token stop = program_.stop();
  server_ = std::make_unique<RehearsalServer>(directory_ + "/postgres", options_.database, program_.clock(), stop);
  database_ = server_->create_database();
  vendor.dir = directory_ + "/vendor";
  fs::create_directory(vendor.dir);
  fs::permissions(vendor.dir, fs::perms::owner_all);
  vendor.cache = Duration::zero();
  vendor_ = std::make_unique<RehearsalVendor>(std::move(vendor), program_.clock(), stop);
  configuration_ = write_configuration("surveysync", database_);
  if (run_to_end(configuration_, {"migrate"}, seconds(60)) != kExitOk)
    throw Error(ErrorKind::unavailable, "the scratch database cannot be migrated\n" + log_tail());
  step(fmt::format("{}; a simulated vendor on loopback with {} responses", server_->describe(),
                   grouped(static_cast<std::int64_t>(vendor_->live_responses().size()))));
}

std::string Rehearsal::write_configuration(const std::string& name, const std::string& database) {
  const std::string file = fmt::format("{}/{}.toml", directory_, name);
  const std::string state = fmt::format("{}/state-{}", directory_, name);
  fs::create_directory(state);
  fs::permissions(state, fs::perms::owner_all);
  std::string text = fmt::format(
      "[database]\nuri = {}\n[state]\ndir = {}\n[daemon]\nlease_ttl = \"2s\"\n[log]\nlevel = \"info\"\nformat = "
      "\"json\"\n[status]\nlisten = \"\"\n",
      toml_text(database), toml_text(state));
  for (const std::string& source : settings_.sources) {
    text += fmt::format(
        "[source.{0}]\ntype = \"alchemer\"\nbase_url = {1}\naccount = \"rehearsal\"\nstreams = [\"survey\", "
        "\"response\"]\n"
        "auth = {{ type = \"key\", secret = {2} }}\ntls = {{ ca_file = {3} }}\n"
        "schedule = {{ cron = \"* * * * *\", timezone = \"UTC\" }}\n"
        "[source.{0}.limits]\nvendor_limit = {4}\nrequests_per_minute = {5}\nwindow = {6}\n"
        "duplicate_guard = \"200ms\"\ntimeout_cooldown = \"300ms\"\nconnect_timeout = \"2s\"\nrequest_timeout = "
        "\"10s\"\npage_size = {{ start = {7}, min = 5, max = {7} }}\n"
        "retry = {{ attempts = 10, base = \"100ms\", cap = \"1s\", budget = \"60s\" }}\nhold_probe = {8}\n",
        source, toml_text(vendor_->url()), toml_text("file:" + vendor_->secret_file()), toml_text(vendor_->ca_file()),
        settings_.vendor_limit, settings_.requests_per_minute, toml_text(format_duration(settings_.window)),
        settings_.page_size, settings_.hold_probe);
  }
  std::ofstream(file) << text;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  return file;
}

RehearsalCommand Rehearsal::command(std::vector<std::string> arguments, const std::string& log) const {
  RehearsalCommand command;
  command.program = "/proc/self/exe";
  command.arguments = std::move(arguments);
  command.environment = environment_without_settings();
  command.output = log;
  command.death_signal = SIGKILL;
  return command;
}

std::vector<std::string> Rehearsal::words(const std::string& configuration, std::vector<std::string> verb) const {
  verb.insert(verb.begin(), {"--config", configuration});
  return verb;
}

RehearsalProcess& Rehearsal::start(std::vector<std::string> verb) {
  logs_.push_back(fmt::format("{}/log-{}", directory_, logs_.size() + 1));
  children_.push_back(
      std::make_unique<RehearsalProcess>(command(words(configuration_, std::move(verb)), logs_.back())));
  return *children_.back();
}

int Rehearsal::run_to_end(const std::string& configuration, std::vector<std::string> verb, Duration patience) {
  const std::string name = verb.front();
  logs_.push_back(fmt::format("{}/log-{}", directory_, logs_.size() + 1));
  RehearsalProcess process(command(words(configuration, std::move(verb)), logs_.back()));
  require(
      fmt::format("`surveysync {}` to end", name), [&] { return process.ended().has_value(); }, patience);
  return process.reap();
}

int Rehearsal::run(std::vector<std::string> verb, Duration patience) {
  return run_to_end(configuration_, std::move(verb), patience);
}

int Rehearsal::end(RehearsalProcess& process, int signal) {
  process.send(signal);
  require(
      "the program to end", [&] { return process.ended().has_value(); }, seconds(15));
  const int code = process.reap();
  std::erase_if(children_, [&](const auto& child) { return child.get() == &process; });
  return code;
}

std::size_t Rehearsal::events(std::string_view name, std::string_view also) const {
  const std::string mark = fmt::format("\"event\":\"{}\"", name);
  std::size_t count = 0;
  for (const std::string& log : logs_) {
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);)
      if (line.find(mark) != std::string::npos && line.find(also) != std::string::npos) ++count;
  }
  return count;
}

std::optional<store::OperationTally> Rehearsal::tally() {
  try {
    pg::Connection connection = server_->connect(database_);
    return store::operation_tally(connection);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) throw;
    return std::nullopt;
  }
}

std::string Rehearsal::difference_from_undisturbed() {
  const std::string other = server_->create_database();
  const std::string configuration = write_configuration("undisturbed", other);
  if (run_to_end(configuration, {"migrate"}, seconds(60)) != kExitOk ||
      run_to_end(configuration, {"sync"}, seconds(90)) != kExitOk) {
    return "the undisturbed load failed: " + log_tail();
  }
  pg::Connection disturbed = server_->connect(database_), calm = server_->connect(other);
  const std::vector<store::TableDigest> ours = store::table_digests(disturbed), theirs = store::table_digests(calm);
  std::string difference;
  for (const store::TableDigest& table : theirs) {
    if (std::ranges::find(ours, table) != ours.end()) continue;
    const auto same = std::ranges::find(ours, table.table, &store::TableDigest::table);
    difference += fmt::format("{}{}: {} rows instead of {}", difference.empty() ? "" : ", ", table.table,
                              same == ours.end() ? 0 : same->rows, table.rows);
  }
  if (difference.empty() && ours.size() != theirs.size()) difference = "tables that an undisturbed load leaves empty";
  return difference;
}

std::string Rehearsal::difference_from_vendor() {
  pg::Connection connection = server_->connect(database_);
  const std::set<std::string> real = vendor_->live_responses();
  const std::int64_t answers = vendor_->answers();
  std::string text;
  const auto tell = [&](std::string_view source, const std::string& what) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", source, what);
  };
  for (const std::string& source : settings_.sources) {
    const std::set<std::string> stored = store::live_responses(connection, source);
    std::vector<std::string> missing, extra;
    std::ranges::set_difference(real, stored, std::back_inserter(missing));
    std::ranges::set_difference(stored, real, std::back_inserter(extra));
    if (!missing.empty()) tell(source, "missing " + some_of(missing));
    if (!extra.empty()) tell(source, "too many " + some_of(extra));
    if (const std::int64_t found = store::live_answers(connection, source); found != answers)
      tell(source, fmt::format("{} answers instead of {}", found, answers));
  }
  return text;
}

// --- the story ---

void Rehearsal::step(const std::string& text) {
  if (options_.json) return;
  const auto tenths = std::chrono::floor<milliseconds>(clock().now() - began_).count() / 100;
  program_.print(fmt::format("  {:>5}.{} s  {}\n", tenths / 10, tenths % 10, report::printable(text)));
}

std::optional<Duration> Rehearsal::wait_until(const std::function<bool()>& done, Duration patience) {
  const SteadyTime began = clock().now();
  for (;;) {
    if (done()) return clock().now() - began;
    if (clock().now() - began >= patience) return std::nullopt;
    pause(milliseconds(50));
  }
}

Duration Rehearsal::require(const std::string& what, const std::function<bool()>& done, Duration patience) {
  if (const auto took = wait_until(done, patience)) return *took;
  throw Error(ErrorKind::unavailable,
              fmt::format("the rehearsal waited {} for {} in vain; its program's last words:\n{}", spoken(patience),
                          what, log_tail()));
}

void Rehearsal::pause(Duration time) {
  if (!clock().wait_for(time, program_.stop())) throw Error(ErrorKind::cancelled, "stopped");
}

void Rehearsal::promise(const std::string& what, bool held, const std::string& measured) {
  promises_.push_back({what, measured, held});
}

std::string Rehearsal::log_tail() const {
  constexpr std::size_t kMost = 1500;
  for (auto log = logs_.rbegin(); log != logs_.rend(); ++log) {
    std::ostringstream content;
    content << std::ifstream(*log).rdbuf();
    const std::string text = content.str();
    if (text.empty()) continue;
    return text.substr(text.size() > kMost ? text.size() - kMost : 0);
  }
  return "(it said nothing)";
}

int Rehearsal::finish() {
  const auto broken = std::ranges::count(promises_, false, &Promise::held);
  const Duration took = clock().now() - began_;
  if (options_.json) {
    JsonWriter writer;
    writer.begin_object()
        .field("scenario", options_.scenario)
        .field("held", broken == 0)
        .field("seconds", std::chrono::duration<double>(took).count())
        .key("promises")
        .begin_array();
    for (const auto& [what, measured, held] : promises_)
      writer.begin_object().field("promise", what).field("held", held).field("measured", measured).end_object();
    program_.print(writer.end_array().end_object().done());
    return broken == 0 ? kExitOk : kExitUnbalanced;
  }
  program_.print("\n");
  std::size_t width = 0;
  for (const Promise& promise : promises_)
    width = std::max(width, columns_of(promise.what));
  for (const Promise& promise : promises_)
    program_.print(promise_line(promise, width, program_.colours()));
  if (broken == 0) {
    program_.print(
        fmt::format("\nAll {} promises of {} held ({}).\n", promises_.size(), options_.scenario, spoken(took)));
    return kExitOk;
  }
  program_.print(fmt::format("\n{} of {} promises of {} did not hold ({}). The program's last words:\n{}\n", broken,
                             promises_.size(), options_.scenario, spoken(took), log_tail()));
  return kExitUnbalanced;
}

}  // namespace surveysync::app
