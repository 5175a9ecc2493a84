#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/config_values.h"
#include "base/error.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kHead = "[database]\nuri = \"postgresql:///w\"\n";  // two lines
/// A sound source whose stanza a test goes on with; its lines are 3 to 6.
constexpr const char* kSource =
    "[source.us]\ntype = \"alchemer\"\nregion = \"us\"\nauth = { type = \"key\", secret = \"file:/k\" }\n";

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config_test.XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = std::filesystem::path(folder_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  Config load(const std::string& text) const { return load_config(write("s.toml", text)); }
  /// The mistakes of a configuration, the folder cut off.
  std::string mistakes(const std::string& text) const {
    try {
      load(text);
      return "sound";
    } catch (const Error& failure) {
      EXPECT_EQ(failure.kind(), ErrorKind::config);
      std::string shown = failure.what();
      for (std::size_t at; (at = shown.find(folder_ + "/")) != std::string::npos;)
        shown.erase(at, folder_.size() + 1);
      return shown;
    }
  }

  std::string folder_;
};

TEST_F(ConfigTest, TheExampleIsSoundAndShowsTheDefaults) {
  const Config example = load_config(std::string(SURVEYSYNC_SOURCE_DIR) + "/config/surveysync.example.toml");
  const Config plain = load(std::string(kHead) + kSource);
  ASSERT_EQ(example.sources.size(), 1U);
  // Whatever both show must be equal: the example says that its values are the defaults.
  std::map<std::string, std::string> shown;
  for (const Config::Setting& setting : example.settings)
    shown[setting.key] = setting.value;
  for (const Config::Setting& setting : plain.settings) {
    ASSERT_TRUE(shown.contains(setting.key)) << setting.key;
    if (setting.key == "database.uri" || setting.key == "source.us.auth.secret" || setting.key == "source.us.streams")
      continue;
    EXPECT_EQ(shown[setting.key], setting.value) << setting.key;
  }
}

TEST_F(ConfigTest, ReadsEverySetting) {
  const Config config = load(std::string(kHead) + R"(
[daemon]
lease_ttl = "10s"
[log]
format = "json"
level = "debug"
[status]
listen = ""
[source.us]
type = "alchemer"
base_url = "https://localhost:8443/prefix"
account = "shared"
auth = { type = "key", secret = "file:/k", next = "env:NEXT" }
schedule = { cron = "*/15 0-6 1,15 jan-mar mon", timezone = "America/New_York", jitter = "10m" }
streams = ["survey"]
surveys = { include = [8611799, "8611800"], exclude = [5] }
privacy = { ip_address = "drop" }
tls = { ca_file = "/ca.pem" }
proxy = "http://proxy:3128"
proxy_auth = "file:/p"
no_proxy = ["localhost"]
wide = false
limits = { vendor_limit = 60, page_size = { max = 100 }, body = "1MiB", retry = { attempts = 2 }, hold_probe = ["1s"] }
sync = { settle_lag = "0s", quarantine = { percent = 50 }, brake = { rows = 7 } }
[alerts.ops]
type = "webhook"
url = "file:/u"
plain_http = true
sources = ["us"]
[retention]
runs = "10d"
)");
  const SourceConfig& us = config.sources.at(0);
  EXPECT_EQ(config.lease_ttl, seconds(10));
  EXPECT_EQ(config.log_format, "json");
  EXPECT_EQ(config.status_listen, "");
  EXPECT_EQ(us.base_url, "https://localhost:8443/prefix");
  EXPECT_EQ(us.account, "shared");
  EXPECT_EQ(us.auth.next, "env:NEXT");
  EXPECT_EQ(us.schedule->timezone, "America/New_York");
  EXPECT_EQ(us.schedule->jitter, minutes(10));
  EXPECT_EQ(us.include, (std::set<std::string>{"8611799", "8611800"}));
  EXPECT_EQ(us.exclude, std::set<std::string>{"5"});
  EXPECT_EQ(us.privacy.at("ip_address"), "drop");
  EXPECT_EQ(us.privacy.at("geo"), "keep");
  EXPECT_EQ(us.privacy.at("contacts"), "off");
  EXPECT_FALSE(us.wide);
  EXPECT_EQ(us.limits.requests_per_minute, 30) << "half of what the plan allows";
  EXPECT_EQ(us.limits.page_size.start, 100) << "follows the maximum";
  EXPECT_EQ(us.limits.body, 1U << 20);
  EXPECT_EQ(us.limits.retry.attempts, 2);
  EXPECT_EQ(us.limits.retry.cap, seconds(60));
  EXPECT_EQ(us.limits.hold_probe, std::vector<Duration>{seconds(1)});
  EXPECT_EQ(us.sync.quarantine_percent, 50);
  EXPECT_EQ(us.sync.brake_rows, 7);
  EXPECT_EQ(config.alerts.at(0).setting("plain_http"), "true");
  EXPECT_EQ(config.alerts.at(0).sources, std::vector<std::string>{"us"});
  EXPECT_EQ(config.retention_runs, hours(240));
}

struct Mistake {
  const char* text;      ///< after kHead and kSource: line 7
  const char* expected;  ///< in the report
};

class MistakeTest : public ConfigTest, public testing::WithParamInterface<Mistake> {};

TEST_P(MistakeTest, IsToldWithItsPlace) {
  EXPECT_THAT(mistakes(std::string(kHead) + kSource + GetParam().text), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Table, MistakeTest,
    testing::Values(
        Mistake{"workers = 4", "s.toml:7:1: unknown key \"workers\" in [source.us]"},
        Mistake{"strems = []", "did you mean \"streams\"?"},
        Mistake{"[sources.eu]", "s.toml:7:2: unknown section [sources]; did you mean \"source\"?"},
        Mistake{"[source.us.limits]\nwindow = 60", "s.toml:8:1: source.us.limits.window: a duration with its unit"},
        Mistake{"[source.us.limits]\nwindow = \"60 s\"", "is no duration"},
        Mistake{"[source.us.limits]\nwindow = \"0s\"", "not between"},
        Mistake{"[source.us.limits]\nbody = \"64\"", "a size with its unit"},
        Mistake{"[source.us.limits]\nworkers = \"4\"", "a whole number is expected, not a text"},
        Mistake{"[source.us.limits]\nworkers = 0", "0 is not between 1 and 64"},
        Mistake{"[source.us.limits]\nrequests_per_minute = 229", "above 95 % of vendor_limit = 240"},
        Mistake{"[source.us.limits]\npage_size = { start = 9 }", "min <= start <= max does not hold (10, 9, 500)"},
        Mistake{"[source.us.limits]\npage_size = { max = 501 }", "501 is not between 1 and 500"},
        Mistake{"[source.us.limits]\nretry = { base = \"2m\" }", "is longer than cap"},
        Mistake{"[source.us.limits]\nhold_probe = [\"1s\", 2]", "every entry must be a duration"},
        Mistake{"wide = \"no\"", "s.toml:7:1: source.us.wide: true or false is expected, not a text"},
        Mistake{"base_url = \"https://x\"", "s.toml:7:1: source.us.base_url: contradicts region"},
        Mistake{"environment = \"live\"", "is no setting of alchemer"},
        Mistake{"streams = [\"respons\"]", "did you mean \"response\"?"},
        Mistake{"surveys = { include = [1, 2], exclude = [2] }", "2 is also in include"},
        Mistake{"surveys = { include = [\"abc\"] }", "\"abc\" is no survey id"},
        Mistake{"privacy = { geo = \"hashed\" }", "none of keep, drop, hash"},
        Mistake{"privacy = { questions = { \"8/x\" = \"drop\" } }", "names no question"},
        Mistake{"privacy = { questions = { 12 = \"off\" } }", "none of keep, drop, hash"},
        Mistake{"privacy = { geo = \"off\" }", "none of keep, drop, hash"},
        Mistake{"proxy = \"http://user:pw@proxy:1\"", "do not belong into the configuration"},
        Mistake{"proxy_auth = \"file:/p\"", "source.us.proxy_auth: is for a proxy"},
        Mistake{"proxy = \"http://proxy:1\"\nproxy_auth = \"user:pw\"", "source.us.proxy_auth"},
        Mistake{"tls = { ca_file = \"ca.pem\" }", "absolute path"},
        Mistake{"files = { dir = \"files\" }", "absolute path"}, Mistake{"files = { limit = \"1B\" }", "files.limit"},
        Mistake{"tls = { verify = false }", "unknown key \"verify\""},
        Mistake{"schedule = { cron = \"61 * * * *\" }", "\"61\" is no minute (0 to 59)"},
        Mistake{"schedule = { cron = \"* * * *\" }", "five fields"},
        Mistake{"schedule = { cron = \"0 0 30 feb *\" }", "there is no such day"},
        Mistake{"schedule = { cron = \"@daily\", timezone = \"Mars/Olympus\" }", "no time zone"},
        Mistake{"[source.BAD]\ntype = \"alchemer\"", "1 to 30 of a-z"},
        Mistake{"[source.eu]\ntype = \"alchmer\"", "did you mean \"alchemer\"?"},
        Mistake{"[source.eu]\ntype = \"alchemer\"\nregion = \"eu\"", "source.eu.auth.secret: must be given"},
        Mistake{"[source.eu]\ntype = \"alchemer\"\nauth = { secret = \"file:/k\" }", "source.eu.region: must be given"},
        Mistake{"[source.eu]\ntype = \"alchemer\"\nregion = \"eu\"\nauth = { type = \"oauth1\", secret = \"file:/k\" }",
                "belongs to type = \"key\""},
        Mistake{"[source.eu]\ntype = \"alchemer\"\nbase_url = \"http://example.com\"\nauth = { secret = \"file:/k\" }",
                "http:// is accepted for loopback addresses only"},
        Mistake{"[source.eu]\ntype = \"alchemer\"\nregion = \"eu\"\naccount = \"us\"\nauth = { secret = \"file:/k\" }\n"
                "limits = { vendor_limit = 60 }",
                "shares account \"us\" with source.us, but their limits.vendor_limit differ"},
        Mistake{"[alerts.ops]\ntype = \"pager\"", "did you mean \"pagerduty\"?"},
        Mistake{"[alerts.ops]\ntype = \"webhook\"\nurl = \"https://x/y\"\nsecrt = \"file:/s\"",
                "did you mean \"secret\"?"},
        Mistake{"[alerts.ops]\ntype = \"webhook\"\nurl = \"hooks.example.org/x\"", "must be an address"},
        Mistake{"[alerts.ops]\ntype = \"webhook\"\nurl = \"http://192.0.2.2:9/x\"", "plain_http"},
        Mistake{"[alerts.ops]\ntype = \"webhook\"", "alerts.ops.url: must be given"},
        Mistake{"[alerts.ops]\ntype = \"webhook\"\nurl = \"file:/u\"\nsources = [\"eu\"]", "there is no [source.eu]"},
        Mistake{"[alerts.ops]\ntype = \"slack\"\nurl = \"https://hooks.slack.com/T0/B0/xyz\"", "alerts.ops.url"},
        Mistake{"[alerts.ops]\ntype = \"pagerduty\"\nrouting_key = \"R0UT1NG\"", "alerts.ops.routing_key"},
        Mistake{"[alerts.ops]\ntype = \"email\"\nhost = \"mail\"\nfrom = \"a@b\"\nto = [\"Ops <o@b>\"]",
                "is no mail address"},
        Mistake{"[alerts.ops]\ntype = \"email\"\nhost = \"mail\"\nfrom = \"a@b\"\nto = [\"o@b\"]\ntls = \"none\"",
                "on this host only"},
        Mistake{"[alerts.ops]\ntype = \"email\"\nhost = \"mail\"\nfrom = \"a@b\"\nto = [\"o@b\"]\nuser = \"u\"",
                "belong together"},
        Mistake{"[alerts.ops]\ntype = \"exec\"\ncommand = []", "alerts.ops.command"},
        Mistake{"[incidents]\nrepeat = \"4h\"", "did you mean"},
        Mistake{"[incidents]\ndisk_free = 5", "a size with its unit"},
        Mistake{"[status]\nlisten = \"0.0.0.0:9187\"", "only with a token"},
        Mistake{"[log]\nlevel = \"warn\"", "none of debug, info, warning, error"},
        Mistake{"[daemon]\nlease_ttl = \"1s\"", "not between 2s and 1h"},
        Mistake{"[database]\nuri = \"x\"", "s.toml:7:"}));

TEST_F(ConfigTest, TellsAllMistakesTogetherInTheirOrder) {
  const std::string text = mistakes("[log]\nlevel = \"x\"\n[source.us]\ntype = \"alchemer\"\nregon = \"us\"\n");
  EXPECT_EQ(text,
            "the configuration has 5 mistakes:\n"
            "  s.toml:1:1: database.uri: must be given, like \"postgresql:///warehouse\"\n"
            "  s.toml:2:1: log.level: \"x\" is none of debug, info, warning, error\n"
            "  s.toml:3:9: source.us.region: must be given: us, eu, ca, au (or base_url instead)\n"
            "  s.toml:3:9: source.us.auth.secret: must be given, like \"file:/etc/surveysync/secrets/us.key\"\n"
            "  s.toml:5:1: unknown key \"regon\" in [source.us]; did you mean \"region\"?");
}

TEST_F(ConfigTest, NeverShowsAPastedSecret) {
  const std::string text =
      mistakes(std::string(kHead) +
               "[source.us]\ntype = \"alchemer\"\nregion = \"us\"\nauth = { secret = \"0123456789abcdef\" }\n");
  EXPECT_EQ(text.find("0123456789abcdef"), std::string::npos) << text;
  EXPECT_THAT(text, HasSubstr("by reference"));
}

TEST_F(ConfigTest, MergesConfDInTheOrderOfNames) {
  write("conf.d/20.toml", "[source.us.limits]\nworkers = 2\n");
  write("conf.d/10.toml", "[source.us.limits]\nworkers = 1\nvendor_limit = 120\n");
  write("conf.d/readme.txt", "not TOML");
  const Config config = load(std::string(kHead) + kSource + "[source.us.limits]\nworkers = 3\nwindow = \"9s\"\n");
  EXPECT_EQ(config.sources.at(0).limits.workers, 2);
  EXPECT_EQ(config.sources.at(0).limits.vendor_limit, 120);
  EXPECT_EQ(config.sources.at(0).limits.window, seconds(9));
  write("conf.d/30.toml", "[log]\nlvel = \"info\"\n");
  EXPECT_THAT(mistakes(std::string(kHead) + kSource), HasSubstr("conf.d/30.toml:2:1: unknown key \"lvel\""));
}

TEST_F(ConfigTest, TheEnvironmentWins) {
  ::setenv("SURVEYSYNC__DATABASE__URI", "postgresql:///other", 1);
  ::setenv("SURVEYSYNC__SOURCE__US__LIMITS__WORKERS", "7", 1);
  ::setenv("SURVEYSYNC__SOURCE__US__SURVEYS__INCLUDE", "[1, \"2\"]", 1);
  ::setenv("SURVEYSYNC__SOURCE__US__STREAMS", "survey,response", 1);
  ::setenv("SURVEYSYNC__SOURCE__US__WIDE", "false", 1);
  const Config config = load(std::string(kHead) + kSource);
  ::unsetenv("SURVEYSYNC__SOURCE__US__WIDE");
  EXPECT_FALSE(config.sources.at(0).wide);
  EXPECT_EQ(config.database_uri, "postgresql:///other");
  EXPECT_EQ(config.sources.at(0).limits.workers, 7);
  EXPECT_EQ(config.sources.at(0).include, (std::set<std::string>{"1", "2"}));
  EXPECT_EQ(config.sources.at(0).streams, (std::set<std::string>{"survey", "response"}));
  ::setenv("SURVEYSYNC__SOURCE__US__LIMITS__WORKERS", "many", 1);
  ::setenv("SURVEYSYNC__LOG__LEVL", "info", 1);
  const std::string text = mistakes(std::string(kHead) + kSource);
  EXPECT_THAT(
      text, HasSubstr("environment SURVEYSYNC__SOURCE__US__LIMITS__WORKERS: source.us.limits.workers: a whole number"));
  EXPECT_THAT(text,
              HasSubstr("environment SURVEYSYNC__LOG__LEVL: unknown key \"levl\" in [log]; did you mean \"level\"?"));
  for (const char* const name :
       {"SURVEYSYNC__DATABASE__URI", "SURVEYSYNC__SOURCE__US__LIMITS__WORKERS", "SURVEYSYNC__LOG__LEVL",
        "SURVEYSYNC__SOURCE__US__SURVEYS__INCLUDE", "SURVEYSYNC__SOURCE__US__STREAMS"}) {
    ::unsetenv(name);
  }
}

TEST_F(ConfigTest, SettingsTellTheirOrigin) {
  const Config config = load("[database]\nuri = \"postgresql://me:hunter2@db/w\"\n" + std::string(kSource));
  const auto find = [&](const std::string& key) {
    for (const Config::Setting& setting : config.settings) {
      if (setting.key == key) return setting.value + " " + setting.origin;
    }
    return std::string("none");
  };
  EXPECT_EQ(find("database.uri"), "\"postgresql://me:***@db/w\" " + folder_ + "/s.toml:2:1");
  EXPECT_EQ(find("source.us.limits.workers"), "4 default");
  EXPECT_EQ(find("source.us.auth.secret"), "\"file:/k\" " + folder_ + "/s.toml:6:24");
  EXPECT_EQ(config.warnings.size(), 1U) << "a password in the URI";
}

TEST_F(ConfigTest, TellsSyntaxErrorsAndMissingFiles) {
  EXPECT_THAT(mistakes("[log]\nlevel = info\n"), HasSubstr("s.toml:2:12: "));
  EXPECT_THROW(load_config(folder_ + "/none.toml"), Error);
}

TEST(ConfigValuesTest, MasksPasswordsInEveryForm) {
  EXPECT_EQ(mask_database_uri("postgresql://u:p%40ss@h:5432/d?sslmode=require"),
            "postgresql://u:***@h:5432/d?sslmode=require");
  EXPECT_EQ(mask_database_uri("postgresql://h/d?user=u&password=pw&x=1"), "postgresql://h/d?user=u&password=***&x=1");
  EXPECT_EQ(mask_database_uri("host=h password='a b\\'c' user=u"), "host=h password='***' user=u");
  EXPECT_EQ(mask_database_uri("host=h password = pw"), "host=h password = ***");
  EXPECT_EQ(mask_database_uri("postgresql://u@h/d"), "postgresql://u@h/d");
  EXPECT_EQ(mask_database_uri("host=h\n\tpassword=pw\ndbname=d"), "host=h\n\tpassword=***\ndbname=d");
  EXPECT_EQ(mask_database_uri("host=h password=pw application_name=a://b"),
            "host=h password=*** application_name=a://b");
  EXPECT_EQ(mask_database_uri("postgre://u:pw@h/d"), "postgre://u:***@h/d");
  EXPECT_EQ(mask_database_uri("postgresql://h/d?p%61ssword=pw"), "postgresql://h/d?p%61ssword=***");
  EXPECT_EQ(mask_database_uri("postgresql://h:5432/d?user=u@server"), "postgresql://h:5432/d?user=u@server");
  EXPECT_EQ(database_passwords("postgresql://u:p%40ss@h/d"), (std::vector<std::string>{"p%40ss", "p@ss"}));
}

TEST(ConfigValuesTest, MasksPasswordsThatWereNotEncoded) {
  for (const char* const password : {"a@b", "a?b", "a#b", "a/b", "a?b/c", "#", "a:b", "a?password=b"}) {
    const std::string uri = std::string("postgresql://u:") + password + "@h/d?x=1";
    EXPECT_EQ(mask_database_uri(uri), "postgresql://u:***@h/d?x=1");
    EXPECT_EQ(database_passwords(uri), std::vector<std::string>{password});
  }
}

TEST(ConfigValuesTest, AcceptsHttpOnLoopbackOnly) {
  for (const char* const url :
       {"http://localhost:1", "http://127.0.0.1:8080/p", "http://[::1]:80", "https://example.com"}) {
    EXPECT_EQ(base_url_mistake(url), "") << url;
  }
  for (const char* const url : {"http://127.evil.com", "http://localhost.evil.com", "ftp://x", "example.com",
                                "https://u:p@x", "https://x?a=1", "https://x:99999", "https://"}) {
    EXPECT_NE(base_url_mistake(url), "") << url;
  }
}

TEST(ConfigValuesTest, ReadsSizes) {
  EXPECT_EQ(parse_size("64MiB"), 64U << 20);
  EXPECT_EQ(parse_size("10kB"), 10'000U);
  EXPECT_FALSE(parse_size("64"));
  EXPECT_FALSE(parse_size("64 MiB"));
  EXPECT_FALSE(parse_size("99999999999GiB"));
  EXPECT_EQ(format_size(64U << 20), "64MiB");
}

}  // namespace
}  // namespace surveysync::app
