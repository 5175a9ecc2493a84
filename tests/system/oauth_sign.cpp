// Signs what test_oauth.py asks: one query a line, names and values in hexadecimal between tabs. Prints for each what
// would be sent: the target and the Authorization header.
//
//   oauth_sign BASE_URL PATH CONSUMER_FILE SECONDS_SINCE_1970
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "http/oauth1.h"

namespace {

using namespace surveysync;

std::string from_hex(std::string_view digits) {
  std::string text;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    text += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return text;
}

http::Query read_query(std::string_view line) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find('\t', at), line.size());
    fields.push_back(from_hex(line.substr(at, end - at)));
    at = end + 1;
  }
  http::Query query;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    query.emplace_back(fields[i], fields[i + 1]);
  return query;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const http::Endpoint endpoint = http::Endpoint::parse(argv[1]);
  const std::string path = argv[2];
  const Credential consumer = SecretReference::parse(std::string("file:") + argv[3]).read(http::kConsumerLines);
  const UtcTime time{std::chrono::seconds(std::stoll(argv[4]))};
  for (std::string line; std::getline(std::cin, line);) {
    http::Query query = read_query(line);
    http::Headers headers;
    http::sign_oauth1({consumer, endpoint, path, time}, query, headers);
    fmt::print("{}{}?{}\t{}\n", endpoint.prefix, path, http::encode_query(query), headers.front().second);
  }
  return 0;
}
