#pragma once
// A database that was filled from a BookSource by the writer alone, without a run: what replay, verify and the
// quarantine start from.

#include "book_source.h"
#include "fixture.h"
#include "store/archive.h"
#include "store/ledger.h"
#include "store/session.h"
#include "sync/run.h"

namespace surveysync::test {

class BookTest : public DatabaseTest {
 protected:
  BookTest() {
    job_.source = "us";
    job_.page_sizes = {10, 2, 10};
    job_.workers = 2;
    open_ = [this](std::stop_token token) {
      return std::make_unique<store::Session>(options(), events_, clock_, std::move(token));
    };
  }

  /// Stores all that the vendor has, as a run would.
  void load() {
    const auto session = open_({});
    const store::Fence fence = session->acquire_lease("us", std::chrono::minutes(5));
    const std::int64_t run = session->ledger().open_run(fence, "incremental");
    for (const auto& [id, survey] : vendor_.surveys) {
      for (const model::StreamSpec& stream : vendor_.streams())
        load(*session, fence, run, stream, vendor_.partition(id));
    }
    session->ledger().finish_run(fence, run, "succeeded", {}, "");
    session->release_lease(fence);
  }
  void load(store::Session& session, const store::Fence& fence, std::int64_t run, const model::StreamSpec& stream,
            const model::Partition& partition) {
    const store::Exclusions excluded = session.ledger().exclusions("us", stream.name, partition.name);
    for (std::optional<std::string> position = ""; position;) {
      const model::Page page = vendor_.fetch({stream, partition, *position, 10, true, {}}, {});
      session.writer().apply(page, vendor_.decoder(stream),
                             {stream.name, partition.name, "bookmark", page.next.value_or(""), 77},
                             {stream, partition, run, fence, false, &excluded});
      position = page.next;
    }
  }

  /// All columns of a table but run_id, first_seen_at and changed_at.
  std::vector<std::string> content(const std::string& table) {
    return rows(
        "SELECT (to_jsonb(t) - 'run_id' - 'first_seen_at' - 'changed_at')::text || coalesce((row_to_json(t) -> "
        "'payload')::text, '') FROM " +
        table + " AS t ORDER BY 1");
  }
  std::vector<std::string> everything() {
    std::vector<std::string> all;
    for (const char* table :
         {"alchemer.survey", "alchemer.question", "alchemer.option", "alchemer.response", "alchemer.answer"}) {
      for (std::string& row : content(table))
        all.push_back(std::string(table) + " " + row);
    }
    return all;
  }

  Events events_;
  BookSource vendor_;
  sync::Job job_;
  store::OpenSession open_;
};

}  // namespace surveysync::test
