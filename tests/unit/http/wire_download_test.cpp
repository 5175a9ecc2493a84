// A file from an address that a vendor gave: whole, within its limit, without a key, and never by plain HTTP from afar.
#include "http/download.h"
#include "wire_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

class Fetch : public Wire {
 protected:
  Download get(std::size_t limit = 1UL << 20, const std::string& target = "/a/b.jpg?Signature=hush-hush") {
    return download(server->url() + target, {authority().file(), "", nullptr, {}, 5s, 20s, limit}, clock,
                    stop.get_token());
  }
};
INSTANTIATE_TEST_SUITE_P(Http, Fetch, testing::Bool());

TEST_P(Fetch, AsItIs) {
  std::string asked;
  const std::string bytes("%PDF\0\xFF\n", 7);
  serve([&](Peer& peer) {
    asked = peer.read_request();
    peer.send(with_length(bytes, "Content-Type: application/pdf\r\n"));
  });
  const Download file = get();
  EXPECT_EQ(file.bytes, bytes);
  EXPECT_EQ(file.content_type, "application/pdf");
  EXPECT_FALSE(file.too_large);
  server.reset();
  EXPECT_TRUE(asked.starts_with("GET /a/b.jpg?Signature=hush-hush HTTP/1.1\r\n")) << asked;
  EXPECT_EQ(asked.find("api_token"), std::string::npos);
}

TEST_P(Fetch, NotBeyondTheLimit) {
  answer_always(with_length(std::string(5000, 'x')));
  EXPECT_EQ(get(5000).bytes.size(), 5000U);
  const Download file = get(4999);
  EXPECT_TRUE(file.too_large);
  EXPECT_TRUE(file.bytes.empty());
}

TEST_P(Fetch, RefusalsShowNoSignature) {
  answer_always("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  try {
    get();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::rejected);
    EXPECT_EQ(error.full_text().find("hush"), std::string::npos) << error.full_text();
  }
}

TEST(DownloadAddress, HttpsOrThisMachine) {
  for (const char* const good :
       {"https://s3.example.com/a?x=1", "https://s3.example.com:8443/a", "http://127.0.0.1:1/a", "http://localhost/a?b",
        "https://s3.example.com?x=1", "http://[::1]:8/a"})
    EXPECT_EQ(download_mistake(good), "") << good;
  for (const char* const bad : {"http://s3.example.com/a", "ftp://x/a", "file:///etc/passwd", "", "//x/y", "https://",
                                "https://u:p@x/a", "https://x/a b", "https://x/a\r\nb"})
    EXPECT_NE(download_mistake(bad), "") << bad;
  EXPECT_NE(download_mistake("https://x/" + std::string(9000, 'a')), "");
}

}  // namespace
}  // namespace surveysync::http
