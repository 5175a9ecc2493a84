#pragma once
// Files that respondents uploaded: answers of type FILE name them, one GET each tells where the bytes lie for some
// minutes. That address is signed: what is stored of it ends before its query. What was fetched is noted in the record
// itself, under a name that is ours, since rows are made of records alone. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "sources/alchemer/decode.h"

namespace surveysync::sources::alchemer {

/// The stream: read by name, one record an answer.
model::StreamSpec file_spec();

/// Whether an answer can be a file's name: a digest that stands for one cannot.
bool names_a_file(std::string_view answer);

/// What became of the bytes.
struct FetchedFile {
  std::string content_type, sha256, path;
  std::int64_t size = 0;
  UtcTime at{};
  std::string trouble;    ///< instead of all that, but `at`: why it is not there; empty where nobody asked
  bool left_out = false;  ///< the trouble is a limit of ours, and no reason to ask again
};

/// The address in the object under `data`: "url" or "download_url". Empty where there is none.
std::string file_url(json::Value object);

/// Appends the record of one file. `raw` is the object under `data`.
void key_file(std::string_view raw, const model::Key& key, const std::optional<FetchedFile>& fetched,
              const SliceOrigin& origin, model::Page& out);

/// One record into its row. Throws Error(malformed).
void decode_file(json::Document& document, const model::Record& record, model::RowBatch& rows);

}  // namespace surveysync::sources::alchemer
