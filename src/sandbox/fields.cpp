#include "sandbox/fields.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>

namespace surveysync::sandbox {
namespace {

void write_value(JsonWriter& out, const Poco::Dynamic::Var& value) {
  if (value.isEmpty()) {
    out.null();
  } else if (value.type() == typeid(Poco::JSON::Object::Ptr)) {
    const auto& object = value.extract<Poco::JSON::Object::Ptr>();
    out.begin_object();
    for (const std::string& name : object->getNames()) {
      out.key(name);
      write_value(out, object->get(name));
    }
    out.end_object();
  } else if (value.type() == typeid(Poco::JSON::Array::Ptr)) {
    out.begin_array();
    for (const auto& item : *value.extract<Poco::JSON::Array::Ptr>())
      write_value(out, item);
    out.end_array();
  } else if (value.isString()) {
    out.text(value.convert<std::string>());
  } else {
    out.raw(value.convert<std::string>());
  }
}

}  // namespace

Fields& Fields::text(std::string_view name, std::string_view value) {
  std::string json;
  JsonWriter(json, style_).text(value);
  return raw(name, std::move(json));
}

Fields& Fields::text_or_null(std::string_view name, const std::optional<std::string>& value) {
  return value ? text(name, *value) : null(name);
}

Fields& Fields::raw(std::string_view name, std::string json) {
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
  if (found != items_.end()) {
    found->second = std::move(json);
  } else {
    items_.emplace_back(std::string(name), std::move(json));
  }
  return *this;
}

void Fields::merge(const Poco::JSON::Object& from) {
  for (const std::string& name : from.getNames()) {
    std::string json;
    JsonWriter out(json, style_);
    write_value(out, from.get(name));
    raw(name, std::move(json));
  }
}

void Fields::overlay(const Fields& over) {
  for (const auto& [name, json] : over.items_)
    raw(name, json);
}

std::vector<std::string> Fields::names() const {
  std::vector<std::string> out;
  for (const auto& item : items_)
    out.push_back(item.first);
  return out;
}

void Fields::erase(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
}

bool Fields::has(std::string_view name) const {
  return std::any_of(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
}

std::string_view Fields::value(std::string_view name) const {
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
  return found == items_.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::string> Fields::plain(std::string_view name) const {
  const std::string_view json = value(name);
  if (json.empty() || json == "null") return std::nullopt;
  if (json.front() != '"') return std::string(json);
  return std::string(json.substr(1, json.size() - 2));
}

std::string Fields::members() const {
  std::string out;
  for (const auto& [name, json] : items_) {
    if (!out.empty()) out.push_back(',');
    JsonWriter(out, style_).text(name);
    out.push_back(':');
    out += json;
  }
  return out;
}

std::string Fields::json() const {
  return "{" + members() + "}";
}

Poco::JSON::Object::Ptr parse_ordered(const std::string& text) {
  if (text.empty()) return new Poco::JSON::Object();
  const Poco::JSON::Handler::Ptr handler = new Poco::JSON::ParseHandler(true);
  return Poco::JSON::Parser(handler).parse(text).extract<Poco::JSON::Object::Ptr>();
}

}  // namespace surveysync::sandbox
