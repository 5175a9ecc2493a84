#include "store/fenced.h"

namespace surveysync::store {

std::vector<pg::Result> write_fenced(pg::Connection& connection, const Fence& fence,
                                     std::vector<pg::Statement> statements) {
  pg::Transaction transaction(connection);
  statements.insert(statements.begin(), Lease::check_statement(fence));
  std::vector<pg::Result> results = transaction.execute_all(statements);
  Lease::judge(results[0], fence);
  transaction.commit();
  results.erase(results.begin());
  return results;
}

pg::Result write_fenced(pg::Connection& connection, const Fence& fence, const std::string& sql,
                        std::vector<pg::Param> params) {
  return std::move(write_fenced(connection, fence, {{sql, std::move(params)}})[0]);
}

}  // namespace surveysync::store
