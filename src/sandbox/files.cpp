#include "sandbox/files.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <charconv>

#include "base/error.h"
#include "sandbox/call.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

std::uint64_t number_of(std::string_view text) {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  for (const char c : text)
    out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::int64_t number_in(const Query& query, std::string_view name, std::int64_t otherwise) {
  const std::string text = query.get(name).value_or("");
  std::int64_t value = otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

std::string signature(std::uint64_t seed, std::string_view path, std::string_view name, std::int64_t expires) {
  return Draw({seed, 0xF11E, number_of(path), number_of(name), static_cast<std::uint64_t>(expires)}).hex(32);
}

// What a storage service says, not the vendor's API.
Reply storage_refusal(int status, std::string_view code) {
  Reply out;
  out.status = status;
  out.content_type = "application/xml";
  out.body = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code></Error>", code);
  return out;
}

std::optional<UploadedFile> file_named(const Response& response, std::string_view name) {
  for (UploadedFile& file : uploaded_files(response)) {
    if (file.answer == name) return std::move(file);
  }
  return std::nullopt;
}

}  // namespace

std::string UploadedFile::name() const {
  return answer.substr(answer.find('_') + 1);
}

std::vector<UploadedFile> uploaded_files(const Response& response) {
  std::vector<UploadedFile> out;
  for (const Entry& entry : response.entries) {
    if (entry.type == "FILE" && entry.shape == AnswerShape::scalar) out.push_back({entry.question_id, entry.answer});
  }
  return out;
}

std::string file_bytes(std::uint64_t seed, const UploadedFile& file, std::size_t size) {
  Draw draw({seed, 0xB17E, number_of(file.answer)});
  if (size == 0) size = 100 + static_cast<std::size_t>(draw.below(19900));
  std::string out = "%PDF-1.4\n";
  while (out.size() < size) {
    const std::uint64_t bits = draw.next();
    for (unsigned shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<char>((bits >> shift) & 0xFFU));
  }
  out.resize(size);
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string out;
  for (const unsigned char byte : digest)
    out += fmt::format("{:02x}", byte);
  return out;
}

// GET survey/{s}/surveyresponse/{r}/file?filename=&expires=: where the bytes can be fetched for a while.
Reply Vendor::file_object(const Call& call, std::int64_t survey, std::int64_t response) const {
  const auto filename = call.query.get("filename");
  if (!filename || filename->empty()) return refusal(400, "filename is required");
  const auto row = account_.row(survey, response, call.now);
  if (!row || row->deleted || !file_named(account_.response(survey, *row), *filename))
    return refusal(404, "File not found");
  const std::string path = fmt::format("/files/survey/{}/response/{}", survey, response);
  const std::int64_t until = call.now + number_in(call.query, "expires", 300);
  const auto host = call.request.headers.find("host");
  const std::string url =
      fmt::format("{}://{}{}?filename={}&expires={}&signature={}", spec_.plain_http ? "http" : "https",
                  host == call.request.headers.end() ? "localhost" : host->second, path, percent_encoded(*filename),
                  until, signature(account_.spec().seed, path, *filename, until));
  return success(json_text([&](JsonWriter& out) {
    out.begin_object().key("result_ok").boolean(true).key("code").number(200).key("message").text("");
    out.key("data").begin_object().key("survey_id").text(std::to_string(survey));
    out.key("response_id").text(std::to_string(response)).key("filename").text(*filename);
    out.key(call.fault("download-url") != nullptr ? "download_url" : "url").text(url).end_object().end_object();
  }));
}

Reply Vendor::file_content(const Call& call) const {
  const std::int64_t survey = call.id(1), response = call.id(3);
  const std::string name = call.query.get("filename").value_or("");
  const std::int64_t until = number_in(call.query, "expires", 0);
  if (call.query.get("signature").value_or("") != signature(account_.spec().seed, call.request.path, name, until))
    return storage_refusal(403, "SignatureDoesNotMatch");
  if (call.now >= until) return storage_refusal(403, "AccessDenied");
  const auto row = account_.row(survey, response, call.now);
  const auto file = row && !row->deleted ? file_named(account_.response(survey, *row), name) : std::nullopt;
  if (!file) return storage_refusal(404, "NoSuchKey");
  Reply out;
  out.content_type = "application/pdf";
  out.body = file_bytes(account_.spec().seed, *file, spec_.file_bytes);
  return out;
}

}  // namespace surveysync::sandbox
