// The control port's part that scripts the account: /change, /between, /chaos, /changes.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include "base/error.h"
#include "sandbox/change_json.h"
#include "sandbox/control.h"

namespace surveysync::sandbox {
namespace {

constexpr std::size_t kShownIds = 1000;

Poco::JSON::Object::Ptr parse_object(const std::string& body) {
  if (body.empty()) return new Poco::JSON::Object();
  return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>();
}

Duration duration(const Poco::JSON::Object& from, const std::string& name) {
  if (!from.has(name)) return {};
  const auto text = from.getValue<std::string>(name);
  if (const auto time = parse_duration(text)) return *time;
  throw Error(ErrorKind::config, fmt::format("{}: cannot read '{}'", name, text), "a duration like 30s or 2h");
}

std::string ids_text(const std::vector<std::int64_t>& ids) {
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(ids.size(), kShownIds); ++i)
    out += fmt::format("{}{}", i == 0 ? "" : ",", ids[i]);
  return out + "]";
}

}  // namespace

std::optional<Reply> Control::act_on_script(const HttpRequest& request) {
  const std::string what = request.method + " " + request.path;
  if (what == "POST /change") return change(request.body);
  if (what == "POST /object") return object(request.body);
  if (what == "GET /changes") return changes();
  if (what == "POST /prepare") return prepare(request.body);
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
  const Changed done = script_.apply(read_change(*parse_object(body)), "control");
  if (done.survey == 0) return refusal(400, "nothing that fits");
  return json_reply(fmt::format(R"({{"ok":true,"survey":{},"count":{},"responses":{}}})", done.survey,
                                done.responses.size(), ids_text(done.responses)));
}

// {"survey":ID,"since":"2026-01-01T00:00:00Z"}
Reply Control::prepare(const std::string& body) {
  const auto from = parse_object(body);
  const auto since = parse_written_time(from->optValue<std::string>("since", "1990-01-01"));
  if (!since) return refusal(400, "since must be a time like 2026-01-02T03:04:05Z");
  const std::int64_t count =
      vendor_.prepare(from->getValue<std::int64_t>("survey"), since->instant.value_or(since->wall));
  return json_reply(fmt::format(R"({{"ok":true,"count":{}}})", count));
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
  if (is_object_change(*from)) {
    step.act = [this, change = read_object_change(*from)](Seconds now) { return change_object(change, now); };
  } else if (from->has("op")) {
    step.change = read_change(*from);
  }
  script_.add(std::move(step));
  return json_reply(R"({"ok":true})");
}

Reply Control::chaos(const std::string& body) {
  const auto from = parse_object(body);
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
    chaos.changes.push_back(read_change_item(ops->get(static_cast<unsigned>(i))));
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
