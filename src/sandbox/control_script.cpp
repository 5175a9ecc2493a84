// The control port's part that scripts the account: /change, /between, /chaos, /changes.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sandbox/control.h"
#include "sandbox/fields.h"

namespace surveysync::sandbox {
namespace {

Duration duration(const Poco::JSON::Object& from, const std::string& name) {
  if (!from.has(name)) return {};
  const auto text = from.getValue<std::string>(name);
  if (const auto time = parse_duration(text)) return *time;
  throw Error(ErrorKind::config, fmt::format("{}: cannot read '{}'", name, text), "a duration like 30s or 2h");
}

// An element of "ops": a change, or the op's name alone.
Poco::JSON::Object::Ptr change_item(const Poco::Dynamic::Var& from) {
  if (!from.isString()) return from.extract<Poco::JSON::Object::Ptr>();
  Poco::JSON::Object::Ptr alone = new Poco::JSON::Object();
  alone->set("op", from);
  return alone;
}

constexpr std::string_view kNothing = R"({"error":"nothing that fits"})";

}  // namespace

std::string ids_text(const std::vector<std::int64_t>& ids) {
  constexpr std::size_t kShownIds = 1000;
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(ids.size(), kShownIds); ++i)
    out += fmt::format("{}{}", i == 0 ? "" : ",", ids[i]);
  return out + "]";
}

Reply json_reply(std::string body, int status) {
  Reply out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

std::optional<Reply> Control::act_on_script(const HttpRequest& request) {
  const std::string what = request.method + " " + request.path;
  if (what == "POST /change") return change(request.body);
  if (what == "POST /object") return object(request.body);
  if (what == "GET /changes") return changes();
  if (what == "POST /between") return between(request.body);
  if (what == "POST /chaos") return chaos(request.body);
  if (what == "GET /chaos") return chaos_progress();
  if (what == "DELETE /between") {
    script_.clear_steps();
  } else if (what == "DELETE /chaos") {
    script_.stop_chaos();
  } else {
    return std::nullopt;
  }
  return json_reply(R"({"ok":true})");
}

Reply Control::change(const std::string& body) {
  const Changed done = script_.apply(vendor_.read_change(*parse_ordered(body)), "control");
  return done.survey == 0 ? json_reply(std::string(kNothing), 400) : json_reply(vendor_.shown(done));
}

Reply Control::object(const std::string& body) {
  const Done done = script_.apply(vendor_.read_act(*parse_ordered(body)), "control");
  if (done.ids.empty()) return json_reply(std::string(kNothing), 400);
  std::string out;
  JsonWriter json(out, JsonWriter::Style::truth);
  json.begin_object().key("ok").boolean(true).key("parents").raw(ids_text(done.parents)).key("ids");
  if (done.names.empty()) {
    json.raw(ids_text(done.ids));
  } else {
    json.begin_array();
    for (const std::string& name : done.names)
      json.text(name);
    json.end_array();
  }
  json.end_object();
  return json_reply(std::move(out));
}

Reply Control::between(const std::string& body) {
  const auto from = parse_ordered(body);
  Step step;
  step.after = from->optValue<std::int64_t>("after", 1);
  step.times = from->optValue<std::int64_t>("times", 1);
  step.path = from->optValue<std::string>("path", "");
  step.fault = from->optValue<std::string>("fault", "");
  step.remove_fault = from->optValue<std::string>("remove-fault", "");
  step.advance = duration(*from, "advance");
  if (from->has("kind")) {
    step.act = vendor_.read_act(*from);
  } else if (from->has("op")) {
    step.change = vendor_.read_change(*from);
  }
  script_.add(std::move(step));
  return json_reply(R"({"ok":true})");
}

Reply Control::chaos(const std::string& body) {
  const auto from = parse_ordered(body);
  Chaos chaos;
  chaos.seed = from->optValue<std::uint64_t>("seed", 1);
  chaos.per_million = static_cast<std::int64_t>(from->optValue<double>("rate", 0.3) * 1e6);
  chaos.path = from->optValue<std::string>("path", "");
  chaos.most = from->optValue<std::int64_t>("most", -1);
  chaos.advance = duration(*from, "advance");
  Poco::JSON::Array::Ptr ops = from->getArray("ops");
  if (!ops) {
    ops = new Poco::JSON::Array();
    for (const char* op : {"insert", "insert", "complete", "edit", "disqualify", "delete", "restore"})
      ops->add(op);
  }
  for (std::size_t i = 0; i < ops->size(); ++i)
    chaos.changes.push_back(vendor_.read_change(*change_item(ops->get(static_cast<unsigned>(i)))));
  if (const auto surveys = from->getArray("surveys")) {
    for (std::size_t i = 0; i < surveys->size(); ++i)
      chaos.surveys.push_back(surveys->getElement<std::int64_t>(static_cast<unsigned>(i)));
  }
  script_.start(std::move(chaos));
  return json_reply(R"({"ok":true})");
}

Reply Control::chaos_progress() const {
  const Script::Progress now = script_.progress();
  return json_reply(fmt::format(R"({{"running":{},"requests":{},"changes":{},"steps":{}}})", now.chaos, now.requests,
                                now.changes, now.steps));
}

Reply Control::changes() const {
  std::string out;
  for (const AppliedChange& item : script_.log()) {
    JsonWriter json(out, JsonWriter::Style::truth);
    json.begin_object().key("request").number(item.request).key("time").text(utc_iso(item.at));
    json.key("by").text(item.by).key("op").text(item.op).key("survey").number(item.touched.survey);
    json.key("count").number(static_cast<std::int64_t>(item.touched.responses.size()));
    json.key("responses").raw(ids_text(item.touched.responses)).end_object();
    out.push_back('\n');
  }
  return json_reply(std::move(out));
}

}  // namespace surveysync::sandbox
