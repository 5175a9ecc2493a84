// The configuration from any text: it is refused with every mistake at its line and column, or it is sound, and then
// what `config show` prints reads as the same configuration. Passwords in a database URI are never shown.
#include <libpq-fe.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "app/config.h"
#include "app/config_values.h"
#include "app/providers.h"
#include "fuzz/support/check.h"

namespace surveysync::app {

// What the configuration asks of a provider, without the providers' network half.
const std::vector<const sources::SourceType*>& providers() {
  static const sources::SourceType kRegional = [] {
    sources::SourceType type{};
    type.name = "alchemer";
    type.regions = [] { return std::vector<std::string>{"us", "eu", "ca", "au"}; };
    type.stream_names = {"survey", "response"};
    type.max_page_size = 500;
    type.customs.numeric_partitions = true;
    type.customs.auth_types = {"key", "oauth1"};
    return type;
  }();
  static const sources::SourceType kPlain = [] {
    sources::SourceType type{};
    type.name = "other";
    type.regions = [] { return std::vector<std::string>{}; };
    type.stream_names = {"thing"};
    type.max_page_size = 100;
    type.customs.page_start = 100;
    type.customs.environments = {"live", "test"};
    return type;
  }();
  static const std::vector<const sources::SourceType*> all{&kRegional, &kPlain};
  return all;
}

const sources::SourceType* find_provider(std::string_view name) {
  for (const sources::SourceType* type : providers())
    if (type->name == name) return type;
  return nullptr;
}

}  // namespace surveysync::app

namespace surveysync::fuzz {
namespace {

/// A file in memory, because configurations are read from files.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("config", 0)), path_("/proc/self/fd/" + std::to_string(descriptor_)) {
    SURVEYSYNC_PROMISE(descriptor_ >= 0);
  }
  const std::string& path() const { return path_; }
  void fill(std::string_view text) const {
    SURVEYSYNC_PROMISE(::ftruncate(descriptor_, 0) == 0);
    SURVEYSYNC_PROMISE(::pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }

 private:
  int descriptor_;
  std::string path_;
};

/// Whether a line of a refusal begins with its place: "<file>:<line>:<column>: ".
bool names_its_place(std::string_view line, const std::string& file) {
  const std::string start = "  " + file + ":";
  if (!line.starts_with(start)) return false;
  line.remove_prefix(start.size());
  for (const std::string_view mark : {":", ": "}) {
    const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    if (digits == 0 || !line.substr(digits).starts_with(mark)) return false;
    line.remove_prefix(digits + mark.size());
  }
  return !line.empty();
}

void check_refusal(const Error& error, const std::string& file) {
  SURVEYSYNC_PROMISE(error.kind() == ErrorKind::config, error.what());
  const std::string& text = error.message();
  const std::size_t first = text.find('\n');
  SURVEYSYNC_PROMISE(first != std::string::npos, text);
  const std::size_t end = std::min(text.find('\n', first + 1), text.size());
  SURVEYSYNC_PROMISE(names_its_place(std::string_view(text).substr(first + 1, end - first - 1), file), text);
}

std::optional<app::Config> load(const MemoryFile& file, std::string_view text) {
  file.fill(text);
  try {
    return app::load_config(file.path());
  } catch (const Error& error) {
    check_refusal(error, file.path());
    return std::nullopt;
  }
}

/// Values that `show` gives as they are; quotes and backslashes are not escaped there.
bool is_shown_plainly(const app::Config::Setting& setting) {
  const std::string_view value = setting.value;
  const auto quotes = std::ranges::count(value, '"');
  const bool odd = value.find_first_of("\\*") != std::string_view::npos ||
                   std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  return !odd && (value.starts_with('[') ? true : quotes == 0 || quotes == 2);
}

/// The settings as a file of their own give the same settings.
void check_again(const app::Config& config) {
  static const MemoryFile again;
  std::string text;
  for (const app::Config::Setting& setting : config.settings) {
    if (!is_shown_plainly(setting)) return;
    if (setting.value == "\"\"" || setting.value == "[]") continue;  // nothing was set, and "" may not be written
    text += setting.key + " = " + setting.value + "\n";
  }
  const std::optional<app::Config> same = load(again, text);
  if (!same) return;  // texts of lists with quotes, defaults that only absence allows
  SURVEYSYNC_PROMISE(same->settings.size() == config.settings.size(), text);
  for (const app::Config::Setting& setting : config.settings) {
    const auto found = std::ranges::find(same->settings, setting.key, &app::Config::Setting::key);
    SURVEYSYNC_PROMISE(found != same->settings.end(), setting.key + "\n" + text);
    SURVEYSYNC_PROMISE(found->value == setting.value, setting.key + " = " + setting.value + ": " + found->value);
  }
}

/// A password as libpq reads it from a URI or keywords; empty when there is none, or the text is neither.
std::string password_by_libpq(const std::string& text, std::string_view keyword) {
  std::string password;
  PQconninfoOption* const options = PQconninfoParse(text.c_str(), nullptr);
  for (const PQconninfoOption* option = options; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->keyword == keyword && option->val != nullptr) password = option->val;
  }
  PQconninfoFree(options);
  return password;
}

/// Wherever libpq finds a password, none is left in what is shown.
void check_mask(std::string_view text) {
  const std::string sent(text.substr(0, text.find('\0')));
  for (const std::string_view keyword : {"password", "sslpassword"}) {
    if (password_by_libpq(sent, keyword).empty()) continue;
    const std::string shown = app::mask_database_uri(sent);
    const std::string left = password_by_libpq(shown, keyword);  // none where more than it was taken away
    SURVEYSYNC_PROMISE(left == "***" || left.empty(), shown);
    SURVEYSYNC_PROMISE(!app::database_passwords(sent).empty(), sent);
  }
}

void check_values(std::string_view text) {
  check_mask(text);
  if (const auto size = app::parse_size(text)) SURVEYSYNC_PROMISE(app::parse_size(app::format_size(*size)) == size);
  static_cast<void>(app::cron_mistake(text));
  static_cast<void>(app::base_url_mistake(text));
  static_cast<void>(app::proxy_mistake(text));
  static_cast<void>(app::listen_mistake(text, false));
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  static const MemoryFile file;
  const std::string_view text = view_of(data, size);
  if (const auto config = load(file, text)) check_again(*config);
  check_values(text);
  return 0;
}
