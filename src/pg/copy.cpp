#include "pg/copy.h"

#include "pg/libpq.h"

namespace surveysync::pg {
namespace {

constexpr std::string_view kHeader{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
constexpr std::string_view kTrailer{"\377\377", 2};
/// What goes to libpq at once: it copies this, so it bounds its memory too.
constexpr std::size_t kSlice = 256UL * 1024;

}  // namespace

CopyWriter::CopyWriter(Transaction& transaction, const std::string& sql) : connection_(transaction.connection()) {
  Connection::Impl& impl = *connection_.impl_;
  if (!impl.in_transaction) throw Error(ErrorKind::bug, "COPY outside a transaction");
  impl.require_ready("COPY");
  const PgResult result = impl.script(sql, impl.statement_deadline(), OnStop::heed);
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) throw Error(ErrorKind::bug, "not a COPY FROM STDIN: " + sql);
  impl.in_copy = open_ = true;
  if (PQputCopyData(impl.conn, kHeader.data(), static_cast<int>(kHeader.size())) < 0) impl.lost("COPY");
}

CopyWriter::~CopyWriter() {
  if (open_) connection_.impl_->abandon_copy();
}

void CopyWriter::put(std::string_view tuples) {
  if (!open_) throw Error(ErrorKind::bug, "rows after the end of a COPY");
  Connection::Impl& impl = *connection_.impl_;
  const Deadline deadline = impl.statement_deadline();
  while (!tuples.empty()) {
    const std::string_view slice = tuples.substr(0, kSlice);
    const int state = PQputCopyData(impl.conn, slice.data(), static_cast<int>(slice.size()));
    if (state > 0) tuples.remove_prefix(slice.size());
    if (state < 0) {
      // The server hung up; what it said before is in the result.
      open_ = impl.in_copy = false;
      impl.finish(deadline, OnStop::heed);
      impl.lost("COPY");
    }
    impl.flush(deadline, OnStop::heed);
  }
}

std::int64_t CopyWriter::finish() {
  if (!open_) throw Error(ErrorKind::bug, "a COPY is finished twice");
  Connection::Impl& impl = *connection_.impl_;
  const Deadline deadline = impl.statement_deadline();
  put(kTrailer);
  open_ = impl.in_copy = false;
  try {
    if (PQputCopyEnd(impl.conn, nullptr) < 0) impl.lost("COPY");
    impl.flush(deadline, OnStop::heed);
    const PgResult result = impl.finish(deadline, OnStop::heed);
    return std::stoll(PQcmdTuples(result.get()));
  } catch (const Error&) {
    impl.interrupt();
    throw;
  }
}

}  // namespace surveysync::pg
