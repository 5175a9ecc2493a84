#include "http/door_look.h"

#include "http/connection.h"
#include "http/patience.h"
#include "http/resolver.h"

namespace surveysync::http {

std::vector<std::string> addresses_of(const std::string& host, Clock& clock, const std::stop_token& stop) {
  if (is_numeric(host)) return {host};
  Patience patience(Deadline(clock, std::chrono::seconds(10)), stop, clock);
  return resolve(host, patience);
}

DoorFacts look_at_door(const TransportOptions& options, Clock& clock, const std::stop_token& stop) {
  const Deadline deadline(clock, options.connect_timeout * 2);
  Patience patience(deadline, stop, clock);
  Connector connector(options);
  DoorFacts facts;
  facts.through_proxy = connector.uses_proxy();
  facts.addresses = connector.next_addresses(patience);
  facts.certificate_until = connector.connect(patience)->certificate_until();
  return facts;
}

}  // namespace surveysync::http
