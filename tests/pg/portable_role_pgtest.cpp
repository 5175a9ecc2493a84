// All that we do, as a role without temporary tables and without advisory locks.

#include "portable_fixture.h"

namespace surveysync::test {
namespace {

class PortableRoleTest : public PortableTest {
 protected:
  pg::ConnectOptions through() const override { return options(kRole); }
};

TEST_F(PortableRoleTest, EverythingWorks) {
  expect_refusals();
  migrate();
  run_nights();
  keep_book();
  serve();
}

}  // namespace
}  // namespace surveysync::test
