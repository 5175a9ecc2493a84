// The truth of everything beside surveys and responses: keys, and the object as it was sent.
#include "sandbox/files.h"
#include "sandbox/json_writer.h"
#include "sandbox/truth.h"

namespace surveysync::sandbox {

void truth_of_object(std::string& out, const std::vector<TruthKey>& keys, std::string_view payload) {
  JsonWriter json(out, JsonWriter::Style::truth);
  json.begin_object();
  for (const TruthKey& key : keys)
    json.key(key.name).number(key.id);
  json.key("payload").text(payload).end_object();
  out.push_back('\n');
}

void truth_of_files(std::string& out, std::int64_t survey, const Response& response, std::uint64_t seed,
                    std::size_t size) {
  for (const UploadedFile& file : uploaded_files(response)) {
    const std::string bytes = file_bytes(seed, file, size);
    JsonWriter json(out, JsonWriter::Style::truth);
    json.begin_object().key("survey_id").number(survey).key("response_id").number(response.row.id);
    json.key("response_file_id").text(file.answer).key("question_id").number(file.question_id);
    json.key("name").text(file.name()).key("bytes").number(static_cast<std::int64_t>(bytes.size()));
    json.key("sha256").text(sha256_hex(bytes)).end_object();
    out.push_back('\n');
  }
}

}  // namespace surveysync::sandbox
