// `authorize`: a person allows the access in a browser, and the token is stored where the configuration looks for it.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <array>

#include "app/assembly.h"
#include "app/exit_code.h"
#include "app/key_slots.h"
#include "app/providers.h"
#include "app/verbs.h"
#include "base/secret_file.h"
#include "http/callback_listener.h"
#include "http/message.h"
#include "http/oauth1.h"
#include "http/oauth1_token.h"

namespace surveysync::app {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(250);

struct AuthorizeFlags {
  std::string source;
  std::uint16_t port = 0;
  std::string timeout = "10m";
};

/// Lines from standard input, as they come; none any more once it has ended.
class TypedLines {
 public:
  /// A whole line that was typed since, without waiting for one.
  std::optional<std::string> next() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (open_ && ::poll(&input, 1, 0) > 0) {
      std::array<char, 1024> buffer{};
      const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      open_ = size > 0 && text_.size() < kLongest;
      if (size > 0) text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const std::size_t end = text_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line(http::trimmed(std::string_view(text_).substr(0, end)));
    if (line.ends_with('\r')) line.pop_back();
    text_.erase(0, end + 1);
    return line;
  }

 private:
  static constexpr std::size_t kLongest = 64UL << 10;
  bool open_ = true;
  std::string text_;
};

/// The file that the token belongs into.
std::string token_file_of(const SourceConfig& source) {
  const std::string example = fmt::format(
      "auth = {{ type = \"oauth1\", consumer = \"file:...\", token = \"file:/etc/surveysync/secrets/{}.token\" }}",
      source.name);
  if (source.auth.type != "oauth1") {
    throw Error(
        ErrorKind::config,
        fmt::format("source.{} uses auth type \"{}\", which needs no authorization", source.name, source.auth.type),
        "for OAuth: " + example);
  }
  if (source.auth.token.empty()) {
    throw Error(
        ErrorKind::config,
        fmt::format("source.{} signs with the consumer key alone: auth.token names no place for a token", source.name),
        "for three-legged OAuth: " + example);
  }
  std::string path = SecretReference::parse(source.auth.token).watched_path();
  if (path.empty()) {
    throw Error(ErrorKind::config,
                fmt::format("source.{}.auth.token is {}: a token can only be stored in a file", source.name,
                            SecretReference::parse(source.auth.token).display()),
                example);
  }
  require_writable_secret(path);
  return path;
}

/// What a person pasted: the whole address that the browser ended at, or the verifier in it.
std::optional<http::Callback> read_typed(const std::string& line, std::string_view token, Program& program) {
  if (line.empty()) return std::nullopt;
  const std::size_t mark = line.find('?');
  if (mark == std::string::npos && line.find('=') == std::string::npos) return http::Callback{true, line, ""};
  const std::string query = line.substr(mark == std::string::npos ? 0 : mark + 1);
  std::optional<http::Callback> found = http::read_callback(query.substr(0, query.find('#')), token);
  if (!found) program.complain("that address belongs to another authorization", "paste the one this window waits for");
  return found;
}

/// Waits for the browser, or for a person to paste what it brought.
http::Callback wait_for_answer(http::CallbackListener& listener, std::string_view token, Duration timeout,
                               Program& program, const std::stop_token& stop) {
  const Deadline deadline(program.clock(), timeout);
  TypedLines typed;
  while (!deadline.passed()) {
    const Deadline look(program.clock(), std::min(kLook, deadline.left()));
    if (const auto callback = listener.wait(token, look, stop)) return *callback;
    while (const auto line = typed.next())
      if (const auto callback = read_typed(*line, token, program)) return *callback;
  }
  throw Error(ErrorKind::unavailable, fmt::format("nobody allowed the access within {}", format_duration(timeout)),
              "run surveysync authorize again; --timeout waits longer, as far as the vendor does");
}

std::string authenticate_url(const http::Endpoint& endpoint, const std::string& path, std::string_view token) {
  return http::oauth1_base_uri(endpoint, path) + "?oauth_token=" + http::percent_encode(token);
}

void explain(Program& program, const std::string& url, const std::string& callback, Duration timeout) {
  program.print(fmt::format(
      "Open this address in a browser, sign in to the vendor, and allow the access:\n\n  {}\n\n"
      "Waiting up to {} for the browser to come back to {}.\n"
      "If the browser runs on another machine it ends at an address that it cannot open: paste that address\n"
      "here (or the oauth_verifier in it), and press Enter.\n",
      url, format_duration(std::chrono::ceil<std::chrono::seconds>(timeout)), callback));
}

int run_authorize(Program& program, const AuthorizeFlags& flags) {
  const SourceConfig& source = *choose_sources(program.config(), {flags.source}).front();
  const sources::OAuthPaths* const paths =
      find_provider(source.type) && find_provider(source.type)->oauth ? &*find_provider(source.type)->oauth : nullptr;
  const std::string file = token_file_of(source);
  const http::Endpoint endpoint = oauth_endpoint(source);
  if (!paths) return kExitUsage;
  program.start_log();
  const std::stop_token stop = program.stop();
  const KeySlot slot = key_slots(source).front();
  const Credential consumer = slot.reference.read(slot.lines);
  program.masker().add(consumer.lines[1]);  // the consumer's key is shown to the person by the vendor itself

  http::PocoTransport transport(transport_options(source, endpoint, program.masker(), program.clock()),
                                program.clock());
  http::OAuthDoor door({source.name, slot.reference.display(), endpoint, source.limits.request_timeout,
                        find_provider(source.type)->judge},
                       transport, program.masker(), program.observers(), program.clock());
  http::CallbackListener listener(flags.port, program.clock());
  const http::OAuthToken temporary = door.request(paths->request_token, consumer, listener.url(), stop);
  const Duration asked = parse_duration(flags.timeout).value_or(std::chrono::minutes(10));
  const Duration timeout = std::min(asked, temporary.lasts.value_or(asked));
  explain(program, authenticate_url(endpoint, paths->authenticate, temporary.key.expose()), listener.url(), timeout);
  const http::Callback answer = wait_for_answer(listener, temporary.key.expose(), timeout, program, stop);
  if (!answer.allowed) {
    throw Error(ErrorKind::denied, fmt::format("the access was not allowed ({})", answer.why),
                "run surveysync authorize again, and allow it as a user who may read the surveys");
  }
  http::OAuthToken token = door.exchange(paths->access_token, consumer, temporary, answer.verifier, stop);
  program.masker().add(token.key);
  std::vector<Secret> lines;
  lines.push_back(std::move(token.key));
  lines.push_back(std::move(token.secret));
  write_secret_file(file, lines, slot.reference.watched_path());
  program.print(
      fmt::format("The access token is stored in {} (key {}). A running daemon tries it within seconds;\n"
                  "surveysync check {} tries it now.\n",
                  file, slot.read().fingerprint, source.name));
  return kExitOk;
}

}  // namespace

void add_authorize_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("authorize", "OAuth: allow the access in a browser, and store the token");
  verb->footer(
      "For sources with auth = { type = \"oauth1\", consumer = \"file:...\", token = \"file:...\" }. Prints an "
      "address\n"
      "for the browser, waits on 127.0.0.1 for it to come back, and writes the token's two lines (mode 0600) to where\n"
      "auth.token points. Exit code 4: the access was not allowed, or the consumer key is refused.");
  const auto flags = std::make_shared<AuthorizeFlags>();
  verb->add_option("SOURCE", flags->source, "its name as configured")->required();
  verb->add_option("--port", flags->port, "port on 127.0.0.1 for the callback; 0 takes any free one")
      ->capture_default_str();
  verb->add_option("--timeout", flags->timeout, "how long to wait for the person, like 10m")
      ->capture_default_str()
      ->check([](const std::string& text) {
        const auto time = parse_duration(text);
        return time && *time > Duration::zero() ? std::string() : text + " is no duration like 10m";
      });
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_authorize(program, *flags); }; });
}

}  // namespace surveysync::app
