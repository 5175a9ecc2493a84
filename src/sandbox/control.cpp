#include "sandbox/control.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/fields.h"

namespace surveysync::sandbox {
namespace {

Reply mistake(std::string_view message) {
  std::string body;
  JsonWriter(body, JsonWriter::Style::truth).begin_object().key("error").text(message).end_object();
  return json_reply(std::move(body), 400);
}

}  // namespace

void write_key(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path fresh = file.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  if (!written || std::rename(fresh.c_str(), file.c_str()) != 0) {
    throw Error(ErrorKind::config, fmt::format("cannot write {}", file.string()));
  }
}

bool Control::serve(Connection& connection, const HttpRequest& request, const std::stop_token& stop) {
  if (request.method == "GET" && request.path.starts_with("/truth/") && vendor_.has_table(request.path.substr(7))) {
    ChunkedBody body(connection);
    vendor_.truth(body, request.path.substr(7), Query(request.query));
    body.finish();
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
  if (auto done = vendor_.control(request)) return *done;
  if (what == "POST /key") return change_key(request.body);
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
    return json_reply(R"({"error":"no such control"})", 404);
  }
  return json_reply(R"({"ok":true})");
}

// {"action":...[,"write":true]}: an unwritten new key waits in <key file>.next.
Reply Control::change_key(const std::string& body) {
  const auto wanted = parse_ordered(body);
  const NewKey fresh = vendor_.change_key(*wanted);
  const bool write = wanted->optValue<bool>("write", false);
  if (fresh) write_key(write ? key_file_ : std::filesystem::path(key_file_.string() + ".next"), *fresh);
  return json_reply(R"({"ok":true})");
}

Reply Control::advance(const std::string& body) {
  const auto by = parse_duration(parse_ordered(body)->optValue<std::string>("advance", ""));
  if (!by) return mistake("advance must be a duration like 1h");
  clock_.advance(*by);
  return json_reply(fmt::format(R"({{"ok":true,"now":"{}"}})", utc_iso(clock_.now())));
}

Reply Control::log() const {
  std::string out;
  for (const LogEntry& entry : vendor_.requests().entries()) {
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
  for (const auto& [status, count] : vendor_.requests().statuses()) {
    json.key(std::to_string(status)).number(count);
    requests += count;
  }
  const Limits::Counts counts = vendor_.counts();
  json.end_object().key("requests").number(requests).key("max_in_window").number(counts.max_in_window);
  json.key("repeats").number(counts.repeats).key("violations").number(vendor_.requests().violations());
  json.key("changes").number(script_.progress().changes).end_object();
  return json_reply(std::move(out));
}

}  // namespace surveysync::sandbox
