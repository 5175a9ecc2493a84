// Single objects: there, gone or refused; and files that respondents uploaded.
#include "alchemer_source_fixture.h"

#include <fmt/format.h>

#include <sstream>

#include "alchemer_rows.h"
#include "base/sha256.h"
#include "sources/alchemer/file_store.h"
#include "sources/alchemer/response_file.h"

namespace surveysync::sources::alchemer {
namespace {

using FindObject = SourceFixture;
constexpr std::int64_t kSurvey = 11;

TEST_F(FindObject, BySingleGets) {
  const struct {
    const char* stream;
    model::Key key;
    const char *path, *body;
  } kCases[] = {
      {"campaign_contact",
       {kSurvey, std::int64_t{12}, std::int64_t{7}},
       "/v5/survey/11/surveycampaign/12/surveycontact/7?",
       R"({"result_ok":true,"data":{"id":"7"}})"},
      {"contact",
       {std::int64_t{31}, std::int64_t{7}},
       "/v5/contactlist/31/contactlistcontact/7?",
       R"({"result_ok":true,"data":{"id":7}})"},
      {"quota", {kSurvey, std::int64_t{2}}, "/v5/survey/11/quotas/2?", R"({"result_ok":true,"id":"2","name":"Q"})"},
      {"sso", {std::int64_t{9}}, "/v5/sso/9?", R"({"result_ok":true,"data":{"9":{"id":"9"}}})"},
      {"domain", {std::int64_t{9}}, "/v5/domain/9?", R"({"result_ok":true,"data":{"9":{"type":"Private"}}})"},
      {"account", {std::int64_t{644416}}, "/v5/account?", R"({"result_ok":true,"data":{"id":644416}})"},
  };
  for (const auto& one : kCases) {
    say(200, one.body);
    const Found found = find(one.stream, one.key);
    EXPECT_EQ(found.presence, Presence::present) << one.stream;
    ASSERT_EQ(found.page.records.size(), 1U);
    EXPECT_EQ(found.page.records[0].key, one.key);
    EXPECT_TRUE(asked().back().starts_with(one.path)) << asked().back();
  }
  say(200, R"({"result_ok":true,"data":{"id":"8"}})");
  EXPECT_THROW(find("campaign", {kSurvey, std::int64_t{12}}), Error);
}

TEST_F(FindObject, GoneAndRefused) {
  const model::Key key = {kSurvey, std::int64_t{12}};
  say(200, R"({"result_ok":true,"data":null})", 2);
  EXPECT_EQ(find("campaign", key).presence, Presence::gone);
  say(200, R"({"result_ok":true,"data":{"id":"12","status":"Deleted"}})");
  const Found deleted = find("campaign", key);
  EXPECT_EQ(deleted.presence, Presence::gone);
  EXPECT_TRUE(deleted.certain);
  say(404, R"({"result_ok":false,"code":404,"message":"Campaign not found"})");
  EXPECT_EQ(find("campaign", key).presence, Presence::gone);
  say(403, R"({"result_ok":false,"code":403,"message":"Permission Denied"})");
  EXPECT_EQ(find("campaign", key).presence, Presence::refused);
}

TEST_F(FindObject, InTheListWhereThereIsNoSingleGet) {
  const std::string list = R"({"result_ok":true,"total_count":1,"data":[{"id":5,"type":"NPS"}]})";
  say(200, list);
  EXPECT_EQ(find("statistic", {kSurvey, std::int64_t{5}}).presence, Presence::present);
  say(200, list);
  EXPECT_EQ(find("statistic", {kSurvey, std::int64_t{6}}).presence, Presence::gone);
  say(200, R"({"result_ok":true,"total_count":2,"data":[{"id":5},null]})", 3);
  EXPECT_EQ(find("statistic", {kSurvey, std::int64_t{6}}).presence, Presence::refused);
}

TEST_F(FindObject, BytesFromQuarantineAreKeyedAgain) {
  const model::Partition survey{"11", "", 0, ""};
  EXPECT_EQ(keys(source->reread(stream("quota"), survey, R"({"id":"2"})")), "11/2");
  EXPECT_EQ(source->reread(stream("quota"), survey, R"({"name":"x"})").quarantined.size(), 1U);
  EXPECT_EQ(source->reread(stream("email_message"), survey, R"({"id":2})").quarantined.size(), 1U);
}

// --- files ---

const std::string kAnswer = "19-7f910d4a5fe63f1a5a800bd34f0a5900_My photo.jpg";
const model::Key kFile = {kSurvey, std::int64_t{3}, kAnswer};

std::string file_body(const std::string& member = "url") {
  return fmt::format(R"({{"result_ok":true,"code":200,"message":"","data":{{"survey_id":"11","response_id":"3",)"
                     R"("filename":"{}","{}":"https:\/\/s3.example.com\/a\/b.jpg?Signature=hush-hush&Expires=1"}}}})",
                     kAnswer, member);
}

class FindFile : public SourceFixture {
 protected:
  std::string row(const Found& found) {
    model::RowBatch rows;
    source->decoder(stream("response_file"))(found.page.records.at(0), rows);
    return rows_text(rows, stream("response_file"));
  }
};

const std::string kRow = "response_file survey_id=11 response_id=3 response_file_id='" + kAnswer + "' filename='" +
                         kAnswer + "' original_name='My photo.jpg' url='https://s3.example.com/a/b.jpg'";

TEST_F(FindFile, IsDescribedWithoutItsSignature) {
  for (const char* const member : {"url", "download_url"}) {
    say(200, file_body(member));
    const Found found = find("response_file", kFile);
    ASSERT_EQ(found.presence, Presence::present);
    EXPECT_EQ(row(found), kRow + "\n");
    EXPECT_EQ(found.page.records[0].payload.find("hush"), std::string_view::npos);
    EXPECT_TRUE(found.page.records[0].context.empty()) << "rows can be made of the payload alone";
  }
  EXPECT_TRUE(asked()[0].starts_with("/v5/survey/11/surveyresponse/3/file?filename=19-7f91")) << asked()[0];
}

TEST_F(FindFile, IsFetchedWhereADirectoryIsGiven) {
  std::string from;
  open({}, {directory + "/files", [&](const std::string& url, const std::stop_token&) {
              from = url;
              return http::Download{"bytes", "image/jpeg", false};
            }});
  say(200, file_body());
  const Found found = find("response_file", kFile);
  const std::string path = directory + "/files/us/11/3/" + kAnswer;
  EXPECT_EQ(from, "https://s3.example.com/a/b.jpg?Signature=hush-hush&Expires=1");
  EXPECT_EQ(row(found), kRow + " content_type='image/jpeg' size=5 sha256='" + sha256_hex("bytes") + "' stored_path='" +
                            path + "' downloaded_at=" + format_utc(clock.utc_now()) + "\n");
  std::ostringstream stored;
  stored << std::ifstream(path).rdbuf();
  EXPECT_EQ(stored.str(), "bytes");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(FindFile, TroubleWithItCostsTheFileAndNotTheRow) {
  open({}, {directory + "/files", [](const std::string&, const std::stop_token&) {
              return http::Download{"", "", true};
            }});
  say(200, file_body());
  const Found large = find("response_file", kFile);
  EXPECT_EQ(row(large), kRow + "\nflag file\nflag file_limit\n");
  clock.advance(std::chrono::seconds(5));
  say(200, file_body());
  EXPECT_EQ(find("response_file", kFile).page.records[0].hash, large.page.records[0].hash) << "a fact, told once";
  open({}, {directory + "/files", [](const std::string&, const std::stop_token&) -> http::Download {
              throw Error(ErrorKind::rejected, "HTTP 403");
            }});
  say(200, file_body());
  const Found refused = find("response_file", kFile);
  EXPECT_EQ(row(refused), kRow + "\nflag file\n");
  clock.advance(std::chrono::seconds(5));
  say(200, file_body());
  EXPECT_NE(find("response_file", kFile).page.records[0].hash, refused.page.records[0].hash)
      << "when it was tried last is in the row, and decides when it is tried again";
}

TEST_F(FindFile, AStorageThatFailsIsAskedAgain) {
  int asked = 0;
  open({}, {directory + "/files", [&asked](const std::string&, const std::stop_token&) -> http::Download {
              if (++asked == 1) throw Error(ErrorKind::unavailable, "no route");
              return {"x", "", false};
            }});
  say(200, file_body());
  EXPECT_EQ(find("response_file", kFile).page.records.size(), 1U);
  EXPECT_EQ(asked, 2);
  open({}, {directory + "/files", [](const std::string&, const std::stop_token&) -> http::Download {
              throw Error(ErrorKind::unavailable, "no route");
            }});
  say(200, file_body());
  EXPECT_THROW(find("response_file", kFile), Error) << "a storage that is away says nothing of a file";
  open({}, {directory + "/us.key/files",  // no directory
            [](const std::string&, const std::stop_token&) {
              return http::Download{"x", "", false};
            }});
  say(200, file_body());
  EXPECT_THROW(find("response_file", kFile), Error);
}

TEST_F(FindFile, GoneAndHashed) {
  say(404, R"({"result_ok":false,"code":404,"message":"File not found"})");
  EXPECT_EQ(find("response_file", kFile).presence, Presence::gone);
  const auto before = transport.count();
  EXPECT_EQ(find("response_file", {kSurvey, std::int64_t{3}, std::string("0123456789abcdef0123456789abcdef")}).presence,
            Presence::gone);
  EXPECT_EQ(transport.count(), before) << "the vendor knows no digest";
}

TEST(FileStore, NamesStayInTheirDirectory) {
  EXPECT_EQ(safe_file_name("19-7f_photo.jpg"), "19-7f_photo.jpg");
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string("a/b"), std::string(".hidden"), std::string(".."), std::string(""),
        std::string("x\0y", 3), std::string(900, 'n') + ".pdf"}) {
    const std::string safe = safe_file_name(name);
    EXPECT_EQ(safe.find_first_of(std::string("/\\\0\n", 4)), std::string::npos) << safe;
    EXPECT_NE(safe.front(), '.');
    EXPECT_LE(safe.size(), 200U);
  }
  EXPECT_NE(safe_file_name("a/b"), safe_file_name("a_b"));
  EXPECT_TRUE(safe_file_name(std::string(900, 'n') + ".pdf").ends_with(".pdf"));
  std::string wide;
  for (int i = 0; i < 300; ++i)
    wide += "\xC3\xA9";
  EXPECT_TRUE(json::is_utf8(safe_file_name(wide)));
}

TEST(FileStore, LinksAreNotFollowed) {
  char name[] = "/tmp/ss_files.XXXXXX";
  const std::string directory = ::mkdtemp(name);
  std::filesystem::create_directory(directory + "/elsewhere");
  std::filesystem::create_directory(directory + "/files");
  std::filesystem::create_directory_symlink(directory + "/elsewhere", directory + "/files/us");
  EXPECT_THROW(store_file({directory + "/files", "us", 1, 2, "x"}, "bytes"), Error);
  EXPECT_TRUE(std::filesystem::is_empty(directory + "/elsewhere"));
  EXPECT_EQ(store_file({directory + "/files", "eu", 1, 2, "x"}, "bytes"), directory + "/files/eu/1/2/x");
  EXPECT_EQ(store_file({directory + "/files", "eu", 1, 2, "x"}, "other"), directory + "/files/eu/1/2/x");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory + "/files/eu/1/2"), {}), 1);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
