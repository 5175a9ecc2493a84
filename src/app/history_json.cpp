#include "app/history_json.h"

#include "app/json_writer.h"

namespace surveysync::app {
namespace {

void write_counts(JsonWriter& writer, const Counts& counts) {
  writer.field("requests", counts.requests)
      .field("inserted", counts.inserted)
      .field("updated", counts.updated)
      .field("unchanged", counts.unchanged)
      .field("tombstoned", counts.tombstoned)
      .field("quarantined", counts.quarantined);
}

/// The members of a run, without the braces.
void write_run(JsonWriter& writer, const store::RunRow& run) {
  writer.field("run_id", run.run_id)
      .field("source", run.source)
      .field("kind", run.kind)
      .text_or_null("outcome", run.outcome)
      .field("started_at", run.started_at)
      .field("finished_at", run.finished_at);
  write_counts(writer, run.counts);
  writer.text_or_null("error", run.error);
}

void write_clocks(JsonWriter& writer, const store::ClockRow& clocks) {
  writer.field("last_attempt", clocks.last_attempt)
      .field("last_success", clocks.last_success)
      .field("last_certified", clocks.last_certified)
      .field("newest_change", clocks.newest_change)
      .field("stored_live", clocks.stored_live)
      .field("balanced", clocks.balanced)
      .field("followed", clocks.followed);
}

void write_capabilities(JsonWriter& writer, const StatusSource& source) {
  writer.text_or_null("fallback", source.fallback).key("capabilities").begin_array();
  for (const model::Capability& capability : source.capabilities) {
    writer.begin_object()
        .field("name", capability.name)
        .field("value", capability.value)
        .field("evidence", capability.evidence)
        .field("learned_at", capability.learned_at)
        .end_object();
  }
  writer.end_array();
}

void write_survey(JsonWriter& writer, const StatusSurvey& survey) {
  writer.begin_object().field("survey_id", survey.clocks.partition).field("title", survey.clocks.title);
  write_clocks(writer, survey.clocks);
  writer.field("probed_at", survey.probed_at)
      .field("swept_at", survey.swept_at)
      .field("deleted", survey.deleted)
      .text_or_null("error", survey.error)
      .end_object();
}

void write_list(JsonWriter& writer, const store::ListRow& list) {
  writer.begin_object()
      .field("stream", list.stream)
      .field("last_certified", list.last_certified)
      .field("stored_live", list.stored_live)
      .field("vendor_total", list.total)
      .field("balanced", list.balanced)
      .end_object();
}

void write_quarantine(JsonWriter& writer, const store::QuarantineRow& row) {
  writer.field("quarantine_id", row.quarantine_id)
      .field("source", row.source)
      .field("stream", row.stream)
      .field("partition", row.partition)
      .field("record_key", row.record_key)
      .field("reason", row.reason)
      .field("size", row.size)
      .field("run_id", row.run_id)
      .field("first_seen_at", row.first_seen_at);
}

}  // namespace

std::string runs_json(const std::vector<store::RunRow>& runs) {
  JsonWriter writer;
  writer.begin_array();
  for (const store::RunRow& run : runs) {
    writer.begin_object();
    write_run(writer, run);
    writer.end_object();
  }
  return writer.end_array().done();
}

std::string run_json(const store::RunRow& run, const std::vector<store::RunStreamRow>& streams,
                     const std::vector<store::Certificate>& certificates) {
  JsonWriter writer;
  writer.begin_object();
  write_run(writer, run);
  writer.key("streams").begin_array();
  for (const store::RunStreamRow& row : streams) {
    writer.begin_object()
        .field("stream", row.stream)
        .field("partition", row.partition)
        .text_or_null("outcome", row.outcome)
        .field("started_at", row.started_at)
        .field("finished_at", row.finished_at);
    write_counts(writer, row.counts);
    writer.text_or_null("error", row.error).end_object();
  }
  writer.end_array().key("certificates").begin_array();
  for (const store::Certificate& certificate : certificates) {
    writer.begin_object()
        .field("stream", certificate.stream)
        .field("survey_id", certificate.partition)
        .field("as_of", certificate.as_of)
        .field("total_before", certificate.total_before)
        .field("total_after", certificate.total_after)
        .field("fetched", certificate.fetched)
        .field("stored_live", certificate.stored_live)
        .field("tombstoned", certificate.tombstoned)
        .field("quarantined", certificate.quarantined)
        .field("excluded", certificate.excluded)
        .field("in_flight", certificate.in_flight)
        .field("balanced", certificate.balanced)
        .end_object();
  }
  return writer.end_array().end_object().done();
}

namespace {

void write_incidents(JsonWriter& writer, const std::vector<store::Incident>& incidents) {
  writer.key("incidents").begin_array();
  for (const store::Incident& incident : incidents) {
    writer.begin_object().field("key", incident.key).field("rule", incident.rule);
    writer.field("severity", incident.severity).text_or_null("verdict", incident.verdict);
    writer.field("evidence", incident.evidence).field("next_step", incident.next_step);
    writer.field("opened_at", incident.opened_at).end_object();
  }
  writer.end_array();
}

void write_service(JsonWriter& writer, const StatusSource& source) {
  writer.text_or_null("worked_by", source.worked_by);
  writer.field("next_run", source.next_run ? std::optional(source.next_run->at) : std::nullopt);
  writer.text_or_null("next_run_reason", source.next_run ? source.next_run->reason : std::string());
  writer.key("refused_key");
  if (source.refused) {
    writer.begin_object().field("fingerprint", source.refused->fingerprint).field("verdict", source.refused->verdict);
    writer.field("refused_at", source.refused->refused_at).field("next_probe_at", source.refused->next_probe_at);
    writer.field("evidence", source.refused->evidence).field("next_step", source.refused->next_step).end_object();
  } else {
    writer.null();
  }
  write_incidents(writer, source.incidents);
}

void write_budget(JsonWriter& writer, const report::BudgetView& budget) {
  writer.begin_object().field("account", budget.account).key("sources").begin_array();
  for (const std::string& source : budget.sources)
    writer.value(source);
  writer.end_array().field("share", std::int64_t{budget.share});
  writer.field("vendor_limit", std::int64_t{budget.vendor_limit});
  writer.field("window_seconds", std::chrono::duration<double>(budget.window).count());
  writer.field("booked_until", budget.booked_until).field("resting_until", budget.resting_until).end_object();
}

void write_sources(JsonWriter& writer, const std::vector<StatusSource>& sources) {
  writer.begin_array();
  for (const StatusSource& source : sources) {
    writer.begin_object().field("source", source.source).field("configured", source.configured);
    write_clocks(writer, source.clocks);
    writer.key("last_run");
    if (source.last_run) {
      writer.begin_object();
      write_run(writer, *source.last_run);
      writer.end_object();
    } else {
      writer.null();
    }
    write_service(writer, source);
    write_capabilities(writer, source);
    writer.key("lists").begin_array();
    for (const store::ListRow& list : source.lists)
      write_list(writer, list);
    writer.end_array().key("surveys").begin_array();
    for (const StatusSurvey& survey : source.surveys)
      write_survey(writer, survey);
    writer.end_array().end_object();
  }
  writer.end_array();
}

}  // namespace

std::string status_json(const Status& status) {
  JsonWriter writer;
  writer.begin_object().key("sources");
  write_sources(writer, status.sources);
  write_incidents(writer, status.incidents);
  writer.key("budgets").begin_array();
  for (const report::BudgetView& budget : status.budgets)
    write_budget(writer, budget);
  return writer.end_array().end_object().done();
}

std::string sources_json(const std::vector<StatusSource>& sources) {
  JsonWriter writer;
  write_sources(writer, sources);
  return writer.done();
}

std::string quarantine_json(const std::vector<store::QuarantineRow>& rows) {
  JsonWriter writer;
  writer.begin_array();
  for (const store::QuarantineRow& row : rows) {
    writer.begin_object();
    write_quarantine(writer, row);
    writer.end_object();
  }
  return writer.end_array().done();
}

std::string quarantine_item_json(const store::QuarantineRow& row) {
  JsonWriter writer;
  writer.begin_object();
  write_quarantine(writer, row);
  return writer.field("raw", row.raw).field("raw_base64", base64(row.raw)).end_object().done();
}

}  // namespace surveysync::app
