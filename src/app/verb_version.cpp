#include "app/json_writer.h"
#include "app/verbs.h"

namespace surveysync::app {

void add_version_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("version", "Print the version");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "print JSON");
  verb->callback([&program, &action, json] {
    action = [&program, json] {
      const std::string version = SURVEYSYNC_VERSION;
      program.print(*json ? JsonWriter().begin_object().field("version", version).end_object().done()
                          : "surveysync " + version + "\n");
      return 0;
    };
  });
}

}  // namespace surveysync::app
