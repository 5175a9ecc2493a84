#include "store/session.h"

namespace surveysync::store {

Session::Session(const pg::ConnectOptions& options, Observer& observer, Clock& clock, std::stop_token stop,
                 DigestSource digest)
    : connection_(options, clock, std::move(stop)),
      ledger_(connection_, std::move(digest)),
      writer_(connection_, observer, clock) {}

}  // namespace surveysync::store
