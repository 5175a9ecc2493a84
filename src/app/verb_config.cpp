#include <fmt/format.h>

#include "app/human.h"
#include "app/json_writer.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

int run_check(Program& program, bool json) {
  const Config& config = program.config();
  if (json) {
    JsonWriter writer;
    writer.begin_object().field("ok", true).field("file", program.flags.config_file).key("sources").begin_array();
    for (const SourceConfig& source : config.sources)
      writer.value(source.name);
    writer.end_array().key("warnings").begin_array();
    for (const std::string& warning : config.warnings)
      writer.value(warning);
    program.print(writer.end_array().end_object().done());
    return 0;
  }
  std::string text =
      fmt::format("{} is sound: {} source{}, {} alert channel{}\n", program.flags.config_file, config.sources.size(),
                  config.sources.size() == 1 ? "" : "s", config.alerts.size(), config.alerts.size() == 1 ? "" : "s");
  for (const std::string& warning : config.warnings)
    text += fmt::format("warning: {}\n", warning);
  program.print(text);
  return 0;
}

int run_show(Program& program, bool json) {
  const Config& config = program.config();
  if (json) {
    JsonWriter writer;
    writer.begin_array();
    for (const Config::Setting& setting : config.settings) {
      writer.begin_object()
          .field("key", setting.key)
          .field("value", setting.value)
          .field("origin", setting.origin)
          .end_object();
    }
    program.print(writer.end_array().done());
    return 0;
  }
  TextTable table({{"SETTING"}, {"VALUE"}, {"FROM"}});
  for (const Config::Setting& setting : config.settings)
    table.add({setting.key, setting.value, setting.origin});
  program.print(table.text());
  return 0;
}

}  // namespace

void add_config_verbs(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("config", "Check or show the configuration");
  verb->footer(
      "Reads the file, conf.d/*.toml beside it, then SURVEYSYNC__SECTION__KEY variables; later ones win.\n"
      "\nExamples:\n"
      "  surveysync config check --config ./surveysync.toml\n"
      "  surveysync config show\n"
      "  SURVEYSYNC__SOURCE__US__LIMITS__WORKERS=8 surveysync config show");
  const auto json = std::make_shared<bool>(false);
  CLI::App* const check = verb->add_subcommand("check", "Report every mistake with its file, line and column");
  check->add_flag("--json", *json, "print JSON");
  check->callback([&program, &action, json] { action = [&program, json] { return run_check(program, *json); }; });
  CLI::App* const show =
      verb->add_subcommand("show", "Print all effective values and where each came from; secrets are masked");
  show->add_flag("--json", *json, "print JSON");
  show->callback([&program, &action, json] { action = [&program, json] { return run_show(program, *json); }; });
}

}  // namespace surveysync::app
