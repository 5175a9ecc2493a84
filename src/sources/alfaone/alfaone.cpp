#include "sources/alfaone/alfaone.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "sources/alfaone/alfaone_source.h"
#include "sources/alfaone/judge.h"

namespace surveysync::sources::alfaone {
namespace {

constexpr std::string_view kNoFilter = "the vendor has no date filter";

Error no_window() {
  return {ErrorKind::rejected, "changes of a time cannot be asked for: " + std::string(kNoFilter),
          "resync everything: leave out --from and --until"};
}

std::int64_t count_of(std::string_view raw, std::string_view camel, std::string_view snake) {
  const std::string text = scalar_of(raw, camel, snake);
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return std::max<std::int64_t>(count, 0);
}

model::Partition partition_of(std::string_view raw, std::string id) {
  model::Partition partition;
  partition.name = std::move(id);
  partition.title = scalar_of(raw, "name", "title");
  partition.expected_records = count_of(raw, "inviteCount", "invite_count");
  partition.context = raw;
  partition.status = scalar_of(raw, "status", "status");
  partition.changed = scalar_of(raw, "updatedAt", "updated_at");
  return partition;
}

/// Invites are one list of the account, whichever assessments are followed.
std::vector<model::StreamSpec> narrowed(std::vector<model::StreamSpec> streams, const Following& following) {
  if (following.everything()) return streams;
  for (model::StreamSpec& stream : streams) {
    if (stream.name != "invite") continue;
    stream.tables[0].followed_rows = {.column = "assessment_id",
                                      .only = {following.include.begin(), following.include.end()},
                                      .never = {following.exclude.begin(), following.exclude.end()}};
  }
  return streams;
}

}  // namespace

AlfaOneSource::AlfaOneSource(const SourceContext& context)
    : context_(context),
      streams_(narrowed(stream_specs(), context.following)),
      privacy_(understood(context.privacy)),
      lister_(context.client),
      details_(context.client, context.clock) {
  for (const model::StreamSpec& stream : stream_specs()) {
    const Resource& resource = resource_of(stream.name);
    rules_.emplace(resource.stream, privacy_rules(resource, privacy_));
  }
}

ProbeResult AlfaOneSource::probe(const std::stop_token& stop) {
  constexpr int kProbeRows = 20;
  const Resource& resource = resource_of("assessment");
  const Scope scope{context_.name, 0, "assessment", ""};
  const PageNumber number{1, lister_.varied(kProbeRows, "probe")};
  const Answer answer = lister_.ask({resource, std::string(resource.path), {}, scope}, number, stop);
  const auto visible = answer.list.total.value_or(static_cast<std::int64_t>(answer.list.records.size()));
  return {fmt::format("{} assessments visible", visible), context_.client.clock_skew()};
}

std::vector<model::Partition> AlfaOneSource::partitions(const Scope& scope, const std::stop_token& stop) {
  const Resource& resource = resource_of("assessment");
  const Whole whole = lister_.read_whole({resource, std::string(resource.path), {}, scope}, stop);
  std::vector<model::Partition> assessments;
  for (const std::string_view raw : whole.records) {
    std::string id = id_of(raw, resource);
    if (!id.empty()) assessments.push_back(partition_of(raw, std::move(id)));  // without one its own stream tells
  }
  return assessments;
}

model::Decode AlfaOneSource::decoder(const model::StreamSpec& stream) const {
  auto document =
      std::make_shared<json::Document>();  // std::function must be copyable; each decoder has its own parser
  return [document, &resource = resource_of(stream.name)](const model::Record& record, model::RowBatch& rows) {
    decode_record(resource, *document, record, rows);
  };
}

Abilities AlfaOneSource::abilities(const model::StreamSpec&) const {
  return {false, false, false, std::string(kNoFilter)};
}

std::string AlfaOneSource::window_position(const std::string&, Duration) const {
  throw no_window();
}

std::string AlfaOneSource::window_position(UtcTime, std::optional<UtcTime>, bool) const {
  throw no_window();
}

UtcTime AlfaOneSource::vendor_now() const {
  const Duration skew = context_.client.clock_skew().value_or(Duration::zero());
  return context_.clock.utc_now() + std::chrono::duration_cast<std::chrono::microseconds>(skew);
}

std::string AlfaOneSource::decoding() const {
  return "1" + privacy_.text({"contacts"});
}

namespace {

void sign(const http::Signing& signing, http::Query&, http::Headers& headers) {
  headers.emplace_back("x-api-key", signing.credential.lines.at(0).expose());
}

/// The vendor's pages disagree on the host (vendor-api.md 2.1).
std::vector<std::string> hosts(std::string_view region) {
  if (!region.empty()) return {};
  return {"https://api.alfaone.com", "https://alfaone.app"};
}

}  // namespace

const SourceType& source_type() {
  static const SourceType type{
      .name = "alfaone",
      .credential_lines = 1,
      .sign = sign,
      .judge = judge,
      .probe = {"/api/v1/assessments", {{"page", "1"}, {"limit", "1"}}, {}, 1, 0, nullptr, "limit"},
      .account_probe = {"/api/v1/invites", {{"page", "1"}, {"limit", "1"}}, {}, 1, 0, nullptr, "limit"},
      .hosts = hosts,
      .regions = [] { return std::vector<std::string>{}; },
      .stream_names = {"assessment", "question", "invite", "member", "tag"},
      .privacy_fields = {},
      .max_page_size = kLargestPage,
      .customs = {.vendor_limit = 100,
                  .share_percent = 80,
                  .share_most = 800,
                  .page_start = kLargestPage,
                  .numeric_partitions = false,
                  .auth_types = {"key"},
                  .environments = {"live", "test"},
                  .contacts = "keep",
                  .key_mistake = key_mistake,
                  .key_warning = key_warning},
      .abilities =
          [](const std::vector<model::Capability>&) {
            return Abilities{false, false, false, std::string(kNoFilter)};
          },
      .make = [](const SourceContext& context) -> std::unique_ptr<Source> {
        return std::make_unique<AlfaOneSource>(context);
      },
  };
  return type;
}

}  // namespace surveysync::sources::alfaone
