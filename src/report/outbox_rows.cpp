#include "report/outbox_rows.h"

namespace surveysync::report {
namespace {

using Poco::Data::RecordSet;

constexpr std::size_t kColumns = 14;

/// The alert whose columns come first.
Alert alert_at(const RecordSet& rows, std::size_t row) {
  Alert alert;
  alert.key = text_at(rows, 0, row);
  alert.state = alert_state(text_at(rows, 1, row));
  std::string* const texts[] = {&alert.rule,     &alert.source,    &alert.severity, &alert.verdict, &alert.evidence,
                                &alert.affected, &alert.next_step, &alert.message,  &alert.host};
  for (std::size_t i = 0; i < std::size(texts); ++i)
    *texts[i] = text_at(rows, 2 + i, row);
  alert.since = time_at(rows, 11, row).value_or(UtcTime());
  alert.at = time_at(rows, 12, row).value_or(UtcTime());
  alert.resolved_at = time_at(rows, 13, row);
  return alert;
}

}  // namespace

std::int64_t number_of(const std::optional<UtcTime>& time) {
  return time ? time->time_since_epoch().count() : 0;
}

std::int64_t number_at(const RecordSet& rows, std::size_t column, std::size_t row) {
  const Poco::Dynamic::Var value = rows.value(column, row);
  return value.isEmpty() ? 0 : value.convert<Poco::Int64>();
}

std::string text_at(const RecordSet& rows, std::size_t column, std::size_t row) {
  const Poco::Dynamic::Var value = rows.value(column, row);
  return value.isEmpty() ? std::string() : value.convert<std::string>();
}

std::optional<UtcTime> time_at(const RecordSet& rows, std::size_t column, std::size_t row) {
  const std::int64_t number = number_at(rows, column, row);
  return number == 0 ? std::nullopt : std::optional(UtcTime(std::chrono::microseconds(number)));
}

OutboxRow::OutboxRow(const Alert& alert)
    : texts_{alert.key,       std::string(name_of(alert.state)),
             alert.rule,      alert.source,
             alert.severity,  alert.verdict,
             alert.evidence,  alert.affected,
             alert.next_step, alert.message,
             alert.host},
      times_{number_of(alert.since), number_of(alert.at), number_of(alert.resolved_at)} {}

void OutboxRow::bind(Poco::Data::Statement& statement) {
  for (std::string& text : texts_)
    statement, Poco::Data::Keywords::use(text);
  for (std::int64_t& time : times_)
    statement, Poco::Data::Keywords::use(time);
}

KnownIncident known_at(const RecordSet& rows, std::size_t row) {
  KnownIncident known;
  known.alert = alert_at(rows, row);
  known.open = number_at(rows, kColumns, row) != 0;
  known.in_database = number_at(rows, kColumns + 1, row) != 0;
  known.told = number_at(rows, kColumns + 2, row) != 0;
  known.told_at = time_at(rows, kColumns + 3, row).value_or(UtcTime());
  return known;
}

OutboxMessage message_at(const RecordSet& rows, std::size_t row) {
  OutboxMessage message;
  message.alert = alert_at(rows, row);
  message.id = number_at(rows, kColumns, row);
  message.channel = text_at(rows, kColumns + 1, row);
  message.attempts = static_cast<int>(number_at(rows, kColumns + 2, row));
  return message;
}

}  // namespace surveysync::report
