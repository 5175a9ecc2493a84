#pragma once
// How alerts stand in the outbox's tables: values to bind, and rows read back. Pure; for outbox.cpp alone.

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/Statement.h>

#include <array>
#include <optional>
#include <string>

#include "report/outbox.h"

namespace surveysync::report {

/// What both tables say of an alert, in the order of OutboxRow.
inline constexpr const char* kAlertColumns =
    "key, state, rule, source, severity, verdict, evidence, affected, next_step, message, host, since, at, resolved_at";

/// Microseconds since 1970, as times are stored; 0: none.
std::int64_t number_of(const std::optional<UtcTime>& time);
/// An integer; 0 for NULL.
std::int64_t number_at(const Poco::Data::RecordSet& rows, std::size_t column, std::size_t row);
/// A text; empty for NULL.
std::string text_at(const Poco::Data::RecordSet& rows, std::size_t column, std::size_t row);
/// A time; none for 0.
std::optional<UtcTime> time_at(const Poco::Data::RecordSet& rows, std::size_t column, std::size_t row);

/// An alert as values to bind, which must stay where they are while a statement uses them.
class OutboxRow {
 public:
  explicit OutboxRow(const Alert& alert);
  /// Binds all of kAlertColumns.
  void bind(Poco::Data::Statement& statement);

 private:
  std::array<std::string, 11> texts_;
  std::array<std::int64_t, 3> times_;
};

/// kAlertColumns, open, in_database, told, told_at.
KnownIncident known_at(const Poco::Data::RecordSet& rows, std::size_t row);
/// kAlertColumns, id, channel, attempts.
OutboxMessage message_at(const Poco::Data::RecordSet& rows, std::size_t row);

}  // namespace surveysync::report
