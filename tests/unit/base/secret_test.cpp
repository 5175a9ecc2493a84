#include "base/secret.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace surveysync {
namespace {

/// A folder of its own for each test.
class SecretTest : public testing::Test {
 protected:
  SecretTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "secret_test.XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~SecretTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& content, mode_t mode = 0600, const std::string& name = "key") const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static Credential read(const std::string& reference, std::size_t lines) {
    return SecretReference::parse(reference).read(lines);
  }
  static std::string refusal(const std::string& reference, std::size_t lines) {
    try {
      read(reference, lines);
    } catch (const Error& failure) {
      EXPECT_EQ(failure.kind(), ErrorKind::config);
      return failure.full_text();
    }
    return "accepted";
  }

  std::string folder_;
};

TEST_F(SecretTest, ReadsTheTwoLinesOfAKeyPair) {
  const Credential pair = read("file:" + file("tokentoken\nsecretsecret\n"), 2);
  ASSERT_EQ(pair.lines.size(), 2U);
  EXPECT_EQ(pair.lines[0].expose(), "tokentoken");
  EXPECT_EQ(pair.lines[1].expose(), "secretsecret");
  EXPECT_TRUE(pair.warnings.empty());
  EXPECT_EQ(pair.fingerprint, fingerprint("tokentoken\nsecretsecret"));
  EXPECT_EQ(pair.line_fingerprints, (std::vector{fingerprint("tokentoken"), fingerprint("secretsecret")}));
}

TEST_F(SecretTest, TrimsWhatEditorsAddWithAWarning) {
  const std::string clean = read("file:" + file("tokentoken\nsecretsecret\n"), 2).fingerprint;
  for (const char* const content :
       {"\xEF\xBB\xBFtokentoken\nsecretsecret\n", "tokentoken\r\nsecretsecret\r\n", "\"tokentoken\"\n'secretsecret'\n",
        "  tokentoken \nsecretsecret\n", "tokentoken\nsecretsecret\n\n\n"}) {
    const Credential pair = read("file:" + file(content), 2);
    EXPECT_EQ(pair.fingerprint, clean) << content;
    EXPECT_EQ(pair.warnings.size(), 1U) << content;
  }
}

TEST_F(SecretTest, RefusesFilesThatOthersCanRead) {
  for (const mode_t mode : {0640U, 0604U, 0644U, 0666U, 0620U}) {
    EXPECT_NE(refusal("file:" + file("tokentoken\nsecretsecret\n", mode), 2).find("chmod 600"), std::string::npos);
  }
  EXPECT_NO_THROW(read("file:" + file("tokentoken\nsecretsecret\n", 0400), 2));
}

TEST_F(SecretTest, FollowsSymbolicLinksToFilesOnly) {
  const std::string link = folder_ + "/link";
  ASSERT_EQ(::symlink(file("tokentoken\n").c_str(), link.c_str()), 0);
  EXPECT_EQ(read("file:" + link, 1).lines[0].expose(), "tokentoken");
  EXPECT_NE(refusal("file:" + folder_, 1).find("no regular file"), std::string::npos);
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(refusal("file:" + pipe, 1).find("no regular file"), std::string::npos);
}

TEST_F(SecretTest, RefusesControlCharactersAndWrongNumbersOfLinesWithoutShowingThem) {
  const std::string header = refusal("file:" + file("token\x01token\nsecretsecret\n"), 2);
  EXPECT_NE(header.find("control character in line 1"), std::string::npos);
  EXPECT_EQ(header.find("token\x01"), std::string::npos);
  EXPECT_NE(refusal("file:" + file("tokentoken\n"), 2).find("has 1 line, 2 expected"), std::string::npos);
  EXPECT_NE(refusal("file:" + file("tokentoken\nsecret1\nsecret2\n"), 2).find("has 3 lines"), std::string::npos);
  EXPECT_NE(refusal("file:" + file("\n\n"), 2).find("is empty"), std::string::npos);
  EXPECT_NE(refusal("file:" + folder_ + "/none", 2).find("No such file"), std::string::npos);
  EXPECT_NE(refusal("file:" + file(std::string(70000, 'a')), 1).find("too large"), std::string::npos);
}

TEST_F(SecretTest, RefusesAValueInPlaceOfAReferenceWithoutShowingIt) {
  const std::string text = refusal("0123456789abcdef", 1);
  EXPECT_EQ(text.find("0123456789abcdef"), std::string::npos);
  EXPECT_NE(text.find("by reference"), std::string::npos);
  EXPECT_NE(refusal("file:", 1), "accepted");
  EXPECT_NE(refusal("credential:../key", 1), "accepted");
  EXPECT_NE(refusal("exec:   ", 1), "accepted");
}

TEST_F(SecretTest, ReadsTheEnvironmentOnceAndErasesIt) {
  ::setenv("SURVEYSYNC_TEST_SECRET", "tokentoken", 1);
  const char* const memory = std::getenv("SURVEYSYNC_TEST_SECRET");
  const Credential first = read("env:SURVEYSYNC_TEST_SECRET", 1);
  EXPECT_EQ(first.lines[0].expose(), "tokentoken");
  EXPECT_EQ(first.warnings.size(), 1U);
  EXPECT_EQ(std::getenv("SURVEYSYNC_TEST_SECRET"), nullptr);
  (void)memory;
  EXPECT_EQ(read("env:SURVEYSYNC_TEST_SECRET", 1).fingerprint, first.fingerprint) << "a second read must still know it";
  EXPECT_NE(refusal("env:SURVEYSYNC_TEST_NONE", 1).find("not set"), std::string::npos);
}

TEST_F(SecretTest, ReadsCredentialsOfSystemd) {
  file("tokentoken\n", 0440, "us.key");
  ::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  EXPECT_EQ(read("credential:us.key", 1).lines[0].expose(), "tokentoken");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_NE(refusal("credential:us.key", 1).find("CREDENTIALS_DIRECTORY"), std::string::npos);
}

TEST_F(SecretTest, RunsCommandsWithoutAShell) {
  EXPECT_EQ(read("exec:printf 'token;echo %s\\n' '$HOME'", 1).lines[0].expose(), "token;echo $HOME");
  EXPECT_EQ(SecretReference::parse("exec:pass show --key=hunter2").display(), "exec:pass");
  EXPECT_NE(refusal("exec:/bin/false", 1).find("ended with status 1"), std::string::npos);
  EXPECT_NE(refusal("exec:/no/such/program", 1).find("cannot be started"), std::string::npos);
  EXPECT_NE(refusal("exec:head -c 100000 /dev/zero", 1).find("wrote too much"), std::string::npos);
  EXPECT_NE(refusal("exec:printf 'open", 1).find("open quote"), std::string::npos);
}

TEST(MaskerTest, FindsEveryFormOfASecret) {
  Masker masker;
  masker.add(Secret("s3cr+t/v\"alue="));
  EXPECT_EQ(masker.mask("GET /?api_token=s3cr+t/v\"alue= HTTP"), "GET /?api_token=*** HTTP");
  EXPECT_EQ(masker.mask("?t=s3cr%2Bt%2Fv%22alue%3D&a=1"), "?t=***&a=1");
  EXPECT_EQ(masker.mask("?t=s3cr%2bt%2fv%22alue%3d&a=1"), "?t=***&a=1");
  EXPECT_EQ(masker.mask(R"({"token":"s3cr+t/v\"alue="})"), R"({"token":"***"})");
  EXPECT_EQ(masker.mask(R"({"token":"s3cr+t\/v\"alue="})"), R"({"token":"***"})");
  EXPECT_EQ(masker.mask("nothing here"), "nothing here");
}

TEST(MaskerTest, FindsBase64AtEveryAlignment) {
  Masker masker;
  masker.add(Secret("opensesame42"));
  // base64 of "opensesame42", "a:opensesame42", "ab:opensesame42" and their neighbours.
  for (const char* const text :
       {"b3BlbnNlc2FtZTQy", "YTpvcGVuc2VzYW1lNDI=", "YWI6b3BlbnNlc2FtZTQy", "YWJjOm9wZW5zZXNhbWU0Mg=="}) {
    const std::string masked = masker.mask(std::string("Basic ") + text);
    EXPECT_NE(masked.find("***"), std::string::npos) << text;
    EXPECT_EQ(masked.find("lc2FtZ"), std::string::npos) << text;
  }
}

TEST(MaskerTest, LeavesShortWordsAlone) {
  Masker masker;
  masker.add(Secret("abc"));
  masker.add(Secret(""));
  EXPECT_EQ(masker.mask("abc"), "abc");
}

TEST(MaskerTest, MasksALongerSecretBeforeItsPart) {
  Masker masker;
  masker.add(Secret("secret"));
  masker.add(Secret("secretsecret-long"));
  EXPECT_EQ(masker.mask("x secretsecret-long y secret z"), "x *** y *** z");
}

TEST(SecretValueTest, MovedFromIsEmpty) {
  Secret one(std::string("short"));
  const Secret two(std::move(one));
  EXPECT_EQ(two.expose(), "short");
  EXPECT_EQ(two.clone(), two);
  EXPECT_EQ(fingerprint("abc"), "ba7816bf");
}

}  // namespace
}  // namespace surveysync
