#include "pg/connection.h"

#include <gtest/gtest.h>

namespace surveysync::pg {
namespace {

TEST(SqlstateTest, EveryClassOfTheTableHasItsKind) {
  using enum ErrorKind;
  const std::vector<std::pair<std::string_view, ErrorKind>> cases = {{"08006", unavailable},
                                                                     {"0A000", refused_schema},
                                                                     {"22021", refused_row},
                                                                     {"23505", refused_row},
                                                                     {"25006", unavailable},
                                                                     {"25P03", unavailable},
                                                                     {"25P02", bug},
                                                                     {"28P01", config},
                                                                     {"3D000", config},
                                                                     {"40001", conflict},
                                                                     {"40P01", conflict},
                                                                     {"40003", in_doubt},
                                                                     {"42501", refused_schema},
                                                                     {"42P01", refused_schema},
                                                                     {"53100", unavailable},
                                                                     {"53300", unavailable},
                                                                     {"54000", refused_row},
                                                                     {"55P03", conflict},
                                                                     {"57014", unavailable},
                                                                     {"57P01", unavailable},
                                                                     {"57P03", unavailable},
                                                                     {"58030", unavailable},
                                                                     {"P0001", refused_row},
                                                                     {"XX001", unavailable},
                                                                     {"21000", bug}};
  for (const auto& [state, kind] : cases)
    EXPECT_EQ(kind_of_sqlstate(state, true), kind) << state;
}

TEST(SqlstateTest, ALostConnectionWithoutAStateIsUnavailable) {
  EXPECT_EQ(kind_of_sqlstate("", false), ErrorKind::unavailable);
  EXPECT_EQ(kind_of_sqlstate("", true), ErrorKind::unavailable);
  EXPECT_EQ(kind_of_sqlstate("21000", false), ErrorKind::unavailable);
  EXPECT_EQ(kind_of_sqlstate("23505", false), ErrorKind::refused_row);
}

}  // namespace
}  // namespace surveysync::pg
