#include "sandbox/control.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

Reply mistake(std::string_view message) {
  Reply out = refusal(400, message);
  return out;
}

Poco::JSON::Object::Ptr parse_object(const std::string& body) {
  if (body.empty()) return new Poco::JSON::Object();
  return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>();
}

}  // namespace

Reply json_reply(std::string body, int status) {
  Reply out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

KeyPair make_key(std::uint64_t seed, std::uint64_t generation) {
  Draw draw({seed, 0x6E1, generation});
  return {draw.hex(64), draw.hex(64)};
}

void write_key(const std::filesystem::path& file, const KeyPair& pair) {
  const std::filesystem::path fresh = file.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string text = pair.token + "\n" + pair.secret + "\n";
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  if (!written || std::rename(fresh.c_str(), file.c_str()) != 0) {
    throw Error(ErrorKind::config, fmt::format("cannot write {}", file.string()));
  }
}

bool Control::serve(Connection& connection, const HttpRequest& request, const std::stop_token& stop) {
  if (request.method == "GET" && request.path.starts_with("/truth/") && is_table(request.path.substr(7))) {
    truth(connection, request.path.substr(7), Query(request.query));
    return true;
  }
  Reply reply;
  try {
    reply = act(request);
  } catch (const Error& error) {
    reply = mistake(error.full_text());
  } catch (const Poco::Exception& error) {
    reply = mistake(error.displayText());
  }
  return send_reply(connection, request, reply, {clock_.real(), utc_iso(clock_.now()), stop});
}

Reply Control::act(const HttpRequest& request) {
  const std::string what = request.method + " " + request.path;
  if (what == "GET /log") return log();
  if (what == "GET /stats") return stats();
  if (what == "GET /now") return json_reply(fmt::format(R"({{"now":"{}"}})", utc_iso(clock_.now())));
  if (auto done = act_on_script(request)) return *done;
  if (what == "POST /key") return rotate(request.body);
  if (what == "POST /clock") return advance(request.body);
  if (what == "POST /fault") {
    std::string rule = request.body;
    while (!rule.empty() && (rule.back() == '\n' || rule.back() == '\r'))
      rule.pop_back();
    vendor_.faults().add(rule);
  } else if (what == "DELETE /faults") {
    const auto kind = Query(request.query).get("kind");
    kind ? vendor_.faults().remove(*kind) : vendor_.faults().clear();
  } else if (what == "POST /pause-live") {
    paused_ = true;
  } else if (what == "POST /resume-live") {
    paused_ = false;
  } else {
    return refusal(404, "no such control");
  }
  return json_reply(R"({"ok":true})");
}

// {"action":"rotate"[,"write":true][,"which":"both|token|secret"]}: unwritten, the new pair waits in <key file>.next.
Reply Control::rotate(const std::string& body) {
  const auto wanted = parse_object(body);
  if (wanted->optValue<std::string>("action", "") != "rotate") return mistake("action must be rotate");
  const std::string which = wanted->optValue<std::string>("which", "both");
  KeyPair fresh = make_key(account_.spec().seed, ++rotations_);
  const KeyPair old = vendor_.key();
  if (which == "token") fresh.secret = old.secret;
  if (which == "secret") fresh.token = old.token;
  vendor_.rotate(fresh);
  const bool write = wanted->optValue<bool>("write", false);
  write_key(write ? key_file_ : std::filesystem::path(key_file_.string() + ".next"), fresh);
  return json_reply(R"({"ok":true})");
}

Reply Control::advance(const std::string& body) {
  const auto by = parse_duration(parse_object(body)->optValue<std::string>("advance", ""));
  if (!by) return mistake("advance must be a duration like 1h");
  clock_.advance(*by);
  return json_reply(fmt::format(R"({{"ok":true,"now":"{}"}})", utc_iso(clock_.now())));
}

Reply Control::log() const {
  std::string out;
  for (const LogEntry& entry : vendor_.log()) {
    JsonWriter json(out, JsonWriter::Style::truth);
    json.begin_object().key("time").text(utc_iso(entry.at)).key("method").text(entry.method);
    json.key("path").text(entry.path).key("status").number(entry.status).end_object();
    out.push_back('\n');
  }
  return json_reply(std::move(out));
}

Reply Control::stats() const {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::truth);
  std::int64_t requests = 0;
  json.begin_object().key("statuses").begin_object();
  for (const auto& [status, count] : vendor_.statuses()) {
    json.key(std::to_string(status)).number(count);
    requests += count;
  }
  const Limits::Counts counts = vendor_.counts();
  json.end_object().key("requests").number(requests).key("max_in_window").number(counts.max_in_window);
  json.key("repeats").number(counts.repeats).key("changes").number(script_.progress().changes).end_object();
  return json_reply(std::move(out));
}

}  // namespace surveysync::sandbox
