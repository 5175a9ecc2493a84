// Which events open and close which incidents, and that nothing that changes is part of a key.

#include "app/incident_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/event_examples.h"

namespace surveysync::test {
namespace {

using app::IncidentAct;
using app::IncidentRules;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Scope us(std::int64_t run, const std::string& survey = "") {
  return {"us", run, survey.empty() ? "" : "response", survey};
}

/// "open KEY", "resolve KEY".
std::vector<std::string> words(const std::vector<IncidentAct>& acts) {
  std::vector<std::string> all;
  for (const IncidentAct& act : acts)
    all.push_back((act.opens ? "open " : "resolve ") + act.incident.key);
  return all;
}

const IncidentAct& opened(const std::vector<IncidentAct>& acts, const std::string& key) {
  static const IncidentAct none;
  for (const IncidentAct& act : acts) {
    if (act.opens && act.incident.key == key) return act;
  }
  ADD_FAILURE() << key << " was not opened";
  return none;
}

event::RunFinished finished(std::int64_t run, const std::string& outcome, const std::string& error = "",
                            const std::string& cause = "", std::int64_t quarantined = 0) {
  Counts counts;
  counts.quarantined = quarantined;
  return {us(run), outcome, counts, {}, error, cause};
}

event::CertificateIssued certificate(const std::string& survey, bool balanced) {
  return {us(7, survey), balanced, 12, 12, balanced ? 12 : 10, 0, 0};
}

TEST(IncidentRules, SurveysThatDoNotBalanceAreOneIncidentAtTheEndOfTheRun) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(7), "incremental"});
  EXPECT_THAT(rules.acts(certificate("1", false)), IsEmpty());
  rules.acts(certificate("2", false));
  rules.acts(certificate("3", false));
  rules.acts(certificate("3", true));
  const auto acts = rules.acts(finished(7, "partial", "2 surveys do not balance"));
  const IncidentAct& act = opened(acts, "certificate_unbalanced/us");
  EXPECT_EQ(act.incident.severity, "critical");
  EXPECT_THAT(act.incident.evidence, HasSubstr("survey 1: the vendor counts 12, the database holds 10 stored"));
  EXPECT_THAT(act.incident.evidence, HasSubstr("survey 2"));
  EXPECT_THAT(act.incident.evidence, Not(HasSubstr("survey 3")));
  EXPECT_THAT(act.incident.next_step, HasSubstr("surveysync verify us --survey 1 --survey 2 --deep"));
  EXPECT_FALSE(rules.certified(finished(7, "succeeded")));
}

TEST(IncidentRules, ListsOfTheAccountAreToldApart) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(7), "incremental"});
  rules.acts(event::CertificateIssued{{"us", 7, "invite", ""}, false, 12, 12, 10, 0, 0});
  rules.acts(event::CertificateIssued{{"us", 7, "member", ""}, true, 3, 3, 3, 0, 0});
  const auto acts = rules.acts(finished(7, "partial", "1 list does not balance"));
  const IncidentAct& act = opened(acts, "certificate_unbalanced/us");
  EXPECT_THAT(act.incident.evidence, HasSubstr("the list of invites: the vendor counts 12"));
  EXPECT_THAT(act.incident.next_step, HasSubstr("surveysync verify us --deep"));
}

TEST(IncidentRules, AGoodRunClosesWhatRunsOpen) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(8), "incremental"});
  rules.acts(certificate("1", true));
  const auto acts = words(rules.acts(finished(8, "succeeded")));
  for (const char* const rule : {"run_failed", "certificate_unbalanced", "deletion_brake", "quarantine_limit",
                                 "not_certified_lately", "contract_changed"})
    EXPECT_THAT(acts, Contains(std::string("resolve ") + rule + "/us"));
  EXPECT_TRUE(rules.certified(finished(8, "succeeded")));
}

TEST(IncidentRules, ARunOfOneSurveySaysNothingOfTheRest) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(8), "incremental", true});
  rules.acts(certificate("9", true));
  const auto acts = rules.acts(finished(8, "succeeded"));
  for (const char* const rule : {"run_failed", "quarantine_limit", "not_certified_lately", "contract_changed"})
    EXPECT_THAT(words(acts), Not(Contains(std::string("resolve ") + rule + "/us")));
  for (const IncidentAct& act : acts) {
    EXPECT_TRUE(act.if_balanced || act.incident.source != "us") << act.incident.key;
  }
  EXPECT_THAT(words(acts), Contains("resolve certificate_unbalanced/us"));
  EXPECT_FALSE(rules.certified(finished(8, "succeeded"))) << "a dead man's switch would be quiet for the others";
}

TEST(IncidentRules, ARunThatAsksNoVendorClosesNothingAndIsNoSignOfLife) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(9), "replay"});
  EXPECT_THAT(rules.acts(finished(9, "succeeded")), IsEmpty());
  EXPECT_FALSE(rules.certified(finished(9, "succeeded")));
}

TEST(IncidentRules, AFailedRunIsOneIncidentWithTheRunInItsWordsOnly) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(10), "incremental"});
  const auto one = rules.acts(finished(10, "failed", "GET /v5/survey: 500 at 10:31\n  hint: wait", "unavailable"));
  const IncidentAct& act = opened(one, "run_failed/us");
  EXPECT_EQ(act.incident.severity, "critical");
  EXPECT_EQ(act.incident.evidence, "run 10 (incremental) failed: GET /v5/survey: 500 at 10:31");
  EXPECT_THAT(act.incident.next_step, HasSubstr("surveysync run show 10"));
  rules.acts(event::RunStarted{us(11), "incremental"});
  EXPECT_EQ(opened(rules.acts(finished(11, "partial", "other")), "run_failed/us").incident.severity, "warning");
  EXPECT_FALSE(rules.certified(finished(11, "partial")));
}

event::PartitionFinished part(std::int64_t run, const std::string& survey, const std::string& outcome,
                              const std::string& error = "") {
  return {us(run, survey), outcome, {}, error};
}

TEST(IncidentRules, AFailedRunNamesWhatCouldNotBeReadAndWhy) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(6), "resync"});
  EXPECT_THAT(rules.acts(part(6, "1", "failed", "/v5/survey/1/surveyresponse answered 503\n  hint: wait")), IsEmpty());
  rules.acts(part(6, "2", "succeeded"));
  rules.acts(part(6, "3", "failed", "cut off"));
  const auto acts = rules.acts(finished(6, "partial"));
  const IncidentAct& act = opened(acts, "run_failed/us");
  EXPECT_EQ(act.incident.evidence,
            "run 6 (resync) is incomplete: 2 of 3 surveys could not be read completely; survey 1: "
            "/v5/survey/1/surveyresponse answered 503 and 1 more");
  EXPECT_EQ(act.incident.next_step, "See what the run met:\nsurveysync run show 6") << "nobody repeats a resync";
  EXPECT_EQ(act.incident.verdict, "incomplete");
  EXPECT_EQ(act.incident.severity, "warning");
}

TEST(IncidentRules, OneCauseIsOneIncident) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(7), "incremental"});
  rules.acts(event::DeletionsBraked{us(7, "5"), 80, 100, "more than 5 %"});
  rules.acts(event::CertificateIssued{us(7, "5"), false, 20, 20, 100, 0, 0});
  rules.acts(part(7, "5", "partial", "80 of 100 are missing"));
  EXPECT_THAT(words(rules.acts(finished(7, "partial"))), ::testing::ElementsAre("open deletion_brake/us"));
  rules.acts(event::RunStarted{us(8), "incremental"});
  rules.acts(event::RecordQuarantined{us(8, "5"), "1", "no id"});
  rules.acts(event::CertificateIssued{us(8, "5"), false, 20, 20, 0, 0, 0});
  EXPECT_THAT(words(rules.acts(finished(8, "failed", "more than 20 records", "malformed", 20))),
              ::testing::ElementsAre("open quarantine_limit/us"));
  rules.acts(event::RunStarted{us(9), "incremental"});
  rules.acts(certificate("5", false));
  rules.acts(part(9, "5", "partial", "2 are missing"));
  EXPECT_THAT(words(rules.acts(finished(9, "partial"))), ::testing::ElementsAre("open certificate_unbalanced/us"));
  rules.acts(event::RunStarted{us(10), "incremental"});
  rules.acts(certificate("5", false));
  rules.acts(part(10, "6", "failed", "503"));
  EXPECT_THAT(words(rules.acts(finished(10, "partial"))),
              ::testing::ElementsAre("open certificate_unbalanced/us", "open run_failed/us"));
}

TEST(IncidentRules, ASecondKeyThatIsRefusedAfterTheFirstStopsTheSource) {
  IncidentRules rules("vm");
  const event::KeyTried refused{us(0), "next", "12ab34cd", "rotated"};
  const auto alone = rules.acts(refused);
  EXPECT_EQ(alone.at(0).worse_with, "second_key_in_use/us") << "as far as another process knows";
  EXPECT_EQ(alone.at(0).worse.severity, "critical");
  EXPECT_EQ(alone.at(0).worse.key, "second_key_refused/us");
  EXPECT_EQ(opened(rules.acts(refused), "second_key_refused/us").incident.severity, "warning");
  rules.acts(event::KeyRotated{us(0), "next", "12ab34cd"});
  const auto acts = rules.acts(refused);
  const IncidentAct& act = opened(acts, "second_key_refused/us");
  EXPECT_EQ(act.incident.severity, "critical");
  EXPECT_THAT(act.incident.evidence, HasSubstr("both keys of us are refused"));
  EXPECT_THAT(app::affected_by(act.incident), HasSubstr("nothing of us is loaded"));
  rules.acts(event::KeyAccepted{us(0), "secret", "99999999"});
  EXPECT_EQ(opened(rules.acts(refused), "second_key_refused/us").incident.severity, "warning");
}

TEST(IncidentRules, WhatConcernsAHostIsEndedByThatHostAlone) {
  IncidentRules here("vm"), elsewhere("other");
  const std::string key =
      opened(here.acts(event::ConfigRefused{{}, "line 3"}), "configuration_refused/vm").incident.key;
  EXPECT_THAT(words(elsewhere.acts(event::DaemonStarted{{}, 1})), Not(Contains("resolve " + key)));
  EXPECT_THAT(words(here.acts(event::DaemonStarted{{}, 1})), Contains("resolve " + key));
  opened(here.acts(event::UncleanExitFound{{}, "vm:5-6:7/11479/638"}), "unclean_exit/vm");
  EXPECT_THAT(words(elsewhere.acts(event::DaemonStopped{{}, 0})), Not(Contains("resolve unclean_exit/vm")));
  EXPECT_THAT(words(here.acts(event::DaemonStopped{{}, 0})), Contains("resolve unclean_exit/vm"));
}

/// What stands below the first line is pasted into a shell as it is.
TEST(IncidentRules, NextStepsAreASentenceAndCommands) {
  IncidentRules rules("vm");
  for (const EventExamples& examples : all_event_examples()) {
    for (const EventExample& example : examples.examples) {
      for (const IncidentAct& act : rules.acts(example.event)) {
        const std::string& step = act.incident.next_step;
        if (!act.opens || act.incident.rule == "credentials_refused") continue;  // the vendor's: a sentence
        ASSERT_NE(step.find('\n'), std::string::npos) << step;
        EXPECT_EQ(step.find_first_of("()<>"), std::string::npos) << step;
        EXPECT_EQ(step.substr(0, step.find('\n')).back(), ':') << step;
      }
    }
  }
}

TEST(IncidentRules, ARefusedKeyIsNotAlsoAFailedRun) {
  IncidentRules rules("vm");
  EXPECT_THAT(rules.acts(finished(12, "failed", "401", "unauthorized")), IsEmpty());
  EXPECT_THAT(rules.acts(finished(12, "failed", "worked by another", "locked")), IsEmpty());
  EXPECT_THAT(rules.acts(finished(12, "cancelled")), IsEmpty());
}

TEST(IncidentRules, TooManyInQuarantineNameTheList) {
  IncidentRules rules("vm");
  const auto acts =
      rules.acts(finished(13, "failed", "more than 20 records and 1 % could not be stored", "malformed", 55));
  const IncidentAct& act = opened(acts, "quarantine_limit/us");
  EXPECT_THAT(act.incident.evidence, HasSubstr("55 records"));
  EXPECT_THAT(act.incident.next_step, HasSubstr("surveysync quarantine list --source us"));
}

TEST(IncidentRules, ABrakeNamesTheCommandThatConfirms) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(14), "incremental"});
  rules.acts(event::DeletionsBraked{us(14, "5"), 80, 100, "more than 5 %"});
  const auto acts = rules.acts(finished(14, "partial"));
  const IncidentAct& act = opened(acts, "deletion_brake/us");
  EXPECT_THAT(act.incident.evidence, HasSubstr("survey 5: 80 of 100"));
  EXPECT_THAT(act.incident.next_step, HasSubstr("surveysync resync us --survey 5 --yes"));
}

TEST(IncidentRules, AChangedContractNeverShowsTheSample) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(15), "incremental"});
  rules.acts(event::ContractChanged{us(15, "1"), "new field response.colour", "jane@example.org"});
  rules.acts(event::ContractChanged{us(15, "2"), "new field response.colour", "joe@example.org"});
  const auto acts = rules.acts(finished(15, "succeeded"));
  const IncidentAct& act = opened(acts, "contract_changed/us");
  EXPECT_EQ(act.incident.severity, "warning");
  EXPECT_THAT(act.incident.evidence, HasSubstr("new field response.colour"));
  EXPECT_THAT(act.incident.evidence, Not(HasSubstr("example.org")));
  EXPECT_THAT(words(acts), Not(Contains("resolve contract_changed/us")));
}

TEST(IncidentRules, ManySurveysAreCountedAndNotListed) {
  IncidentRules rules("vm");
  rules.acts(event::RunStarted{us(16), "incremental"});
  for (int survey = 100; survey < 200; ++survey)
    rules.acts(certificate(std::to_string(survey), false));
  const auto acts = rules.acts(finished(16, "partial"));
  const IncidentAct& act = opened(acts, "certificate_unbalanced/us");
  EXPECT_THAT(act.incident.evidence, HasSubstr("and 97 more"));
  EXPECT_LT(act.incident.evidence.size(), 2000U);
}

TEST(IncidentRules, TheDaemonsStartEndsWhatSaidThatItFailed) {
  IncidentRules rules("vm");
  bool found = false;
  for (const IncidentAct& act : rules.acts(event::DaemonStarted{{}, 1}))
    found = found || (act.incident.rule == "unit_failed" && act.whole_rule && !act.opens);
  EXPECT_TRUE(found);
}

TEST(IncidentRules, EveryIncidentSaysWhatIsAffectedAndWhatToDo) {
  IncidentRules rules("vm");
  std::size_t opened = 0;
  for (const EventExamples& examples : all_event_examples()) {
    for (const EventExample& example : examples.examples) {
      for (const IncidentAct& act : rules.acts(example.event)) {
        if (!act.opens) {
          EXPECT_FALSE(act.message.empty() && !act.whole_rule) << act.incident.key;
          continue;
        }
        ++opened;
        EXPECT_FALSE(act.incident.evidence.empty()) << act.incident.key;
        EXPECT_FALSE(act.incident.next_step.empty()) << act.incident.key;
        EXPECT_FALSE(app::affected_by(act.incident).empty()) << act.incident.key;
        const std::string about = act.incident.source.empty() ? "vm" : act.incident.source;
        EXPECT_EQ(act.incident.key, act.incident.rule + "/" + about);
      }
    }
  }
  EXPECT_GE(opened, 4U);
}

}  // namespace
}  // namespace surveysync::test
