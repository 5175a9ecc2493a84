// The declarations of sources/alchemer against the migrated schema.
#include "fixture.h"
#include "sources/alchemer/tables.h"
#include "store/writer.h"

namespace surveysync::test {
namespace {

class AlchemerTablesTest : public DatabaseTest {};

TEST_F(AlchemerTablesTest, EveryDeclaredTableIsThere) {
  const auto connection = connect();
  EXPECT_FALSE(sources::alchemer::stream_specs().empty());
  for (const model::StreamSpec& stream : sources::alchemer::stream_specs())
    store::verify_tables(*connection, stream);
}

}  // namespace
}  // namespace surveysync::test
