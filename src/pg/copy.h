#pragma once
// Rows in by COPY ... FROM STDIN (FORMAT binary), flow-controlled: the server's pace is ours, memory stays small.
// Abandon is the destructor (the transaction is then broken and must be rolled back), finish() is explicit.

#include <cstdint>
#include <string>
#include <string_view>

#include "pg/connection.h"

namespace surveysync::pg {

class CopyWriter {
 public:
  /// `sql`: the COPY statement. Starts it at once.
  CopyWriter(Transaction& transaction, const std::string& sql);
  ~CopyWriter();
  CopyWriter(const CopyWriter&) = delete;
  CopyWriter& operator=(const CopyWriter&) = delete;

  /// Sends bytes of complete tuples as pg/binary.h encodes them (header and trailer are added here).
  void put(std::string_view tuples);
  /// Ends the COPY and takes its result; the number of rows stored.
  std::int64_t finish();

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace surveysync::pg
