#include "app/config_salvage.h"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "app/config_environment.h"
#include "app/config_sections.h"
#include "app/json_writer.h"
#include "base/json.h"
#include "base/state_file.h"

namespace surveysync::app {
namespace {

std::string file_of(const std::string& state_dir) {
  return state_dir + "/channels.json";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts)
    json.value(text);
  json.end_array();
}

std::string document_of(const std::vector<AlertConfig>& channels) {
  JsonWriter json;
  json.begin_array();
  for (const AlertConfig& channel : channels) {
    json.begin_object().field("name", channel.name).field("type", channel.type).field("severity", channel.severity);
    write_texts(json, "sources", channel.sources);
    json.key("settings").begin_object();
    for (const auto& [key, text] : channel.settings)
      json.field(key, text);
    json.end_object().key("lists").begin_object();
    for (const auto& [key, texts] : channel.lists)
      write_texts(json, key, texts);
    json.end_object().end_object();
  }
  return json.end_array().done();
}

std::vector<std::string> texts_of(const json::Value& array) {
  std::vector<std::string> texts;
  for (const json::Value& item : array.items())
    texts.emplace_back(item.text());
  return texts;
}

AlertConfig channel_of(const json::Value& value) {
  AlertConfig channel;
  channel.name = value["name"].text();
  channel.type = value["type"].text();
  channel.severity = value["severity"].text();
  channel.sources = texts_of(value["sources"]);
  for (const json::Member& member : value["settings"].members())
    channel.settings.emplace(member.key, member.value.text());
  for (const json::Member& member : value["lists"].members())
    channel.lists.emplace(member.key, texts_of(member.value));
  return channel;
}

/// Whatever is wrong elsewhere in the file.
void read_what_can_be(const std::string& file, Config& config) {
  ConfigReading reading;  // its mistakes are told by whoever reads the file in earnest
  ConfigNode tree = read_files(file, reading.mistakes);
  overlay_environment(tree, reading.mistakes);
  ConfigSection root(&tree, "", tree.origin, reading);
  root.table("state").text("dir", config.state_dir);
  ConfigSection database = root.table("database");
  database.text("uri", config.database_uri);
  database.reference("password", config.database_password);
  for (const std::string& name : root.table("source").keys()) {
    config.sources.emplace_back();
    config.sources.back().name = name;
  }
  read_incidents(root.table("incidents"), config.incidents);
  read_alerts(root.table("alerts"), reading, config);
}

}  // namespace

Config salvaged_config(const std::string& file) noexcept {
  Config config;
  try {
    const std::string given = environment_text("STATE_DIRECTORY");
    if (!given.empty()) config.state_dir = given.substr(0, given.find(':'));
    read_what_can_be(file, config);
  } catch (const std::exception&) {
    // It is not there, or cannot be read: what was kept speaks.
  }
  if (config.alerts.empty()) config.alerts = kept_channels(config.state_dir);
  return config;
}

void keep_channels(const std::string& state_dir, const std::vector<AlertConfig>& channels) noexcept {
  try {
    const std::string text = document_of(channels), path = file_of(state_dir), draft = path + ".new";
    if (content_of(path) == text) return;
    make_state_directory(state_dir);
    const Descriptor out = open_state_file(draft, O_WRONLY | O_CREAT | O_TRUNC);
    if (out.get() >= 0 && ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
      std::rename(draft.c_str(), path.c_str());
  } catch (const std::exception&) {
    // Then a broken configuration is told by the log alone.
  }
}

std::vector<AlertConfig> kept_channels(const std::string& state_dir) noexcept {
  std::vector<AlertConfig> channels;
  try {
    const std::string text = content_of(file_of(state_dir));
    if (text.empty()) return channels;
    json::Document document;
    for (const json::Value& value : document.parse_copy(text).items())
      channels.push_back(channel_of(value));
  } catch (const std::exception&) {
    channels.clear();
  }
  return channels;
}

}  // namespace surveysync::app
