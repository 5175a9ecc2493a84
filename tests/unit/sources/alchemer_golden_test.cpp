// Whole records against the rows they must become: tests/golden/alchemer/NAME.json and NAME.rows. Where they differ,
// the rows as they came are written to the directory for temporary files, to be reviewed and copied by hand.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "alchemer_rows.h"

namespace surveysync::sources::alchemer {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::string kFolder = std::string(SURVEYSYNC_SOURCE_DIR) + "/tests/golden/alchemer/";

void expect_golden(const std::string& name, const std::string& rows) {
  const std::string wanted = read(kFolder + name + ".rows");
  if (rows != wanted) {
    const std::string path = testing::TempDir() + name + ".rows";
    std::ofstream(path, std::ios::binary) << rows;
    ADD_FAILURE() << name << ": rows differ, see " << path;
  }
  EXPECT_EQ(rows, wanted);
}

TEST(Golden, Responses) {
  for (const char* name : {"response_all_shapes", "response_old_empty"}) {
    expect_golden(name, decoded_response(read(kFolder + name + ".json"), us_zones(), true));
  }
}

TEST(Golden, Definition) {
  expect_golden("definition", decoded_definition(read(kFolder + "definition.json"), {}, ""));
}

}  // namespace
}  // namespace surveysync::sources::alchemer
