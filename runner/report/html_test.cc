// SPDX-License-Identifier: Apache-2.0
#include "runner/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "runner/base/text.h"
#include "runner/report/junit.h"
#include "runner/report/page.h"
#include "runner/report/test_run.h"

namespace lab {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The page of a run, which must be whole: the frame is XML too, so a parser of
// XML may judge it.
class HtmlPage {
 public:
  explicit HtmlPage(const RunState& run) {
    const auto frame = ReadFile(PageFrame(LAB_SOURCE_DIR));
    EXPECT_TRUE(frame) << frame.error().what;
    auto derived = DeriveHtml(run, frame.value_or(""));
    EXPECT_TRUE(derived) << derived.error().what;
    text_ = derived.value_or("");
    const auto parsed = document_.load_string(
        text_.c_str(), pugi::parse_full | pugi::parse_ws_pcdata);
    EXPECT_TRUE(parsed) << parsed.description() << "\n" << text_;
  }

  const std::string& text() const { return text_; }

  std::vector<std::string> All(const std::string& xpath) const {
    std::vector<std::string> found;
    for (const auto& node : document_.select_nodes(xpath.c_str())) {
      found.emplace_back(node.attribute() ? node.attribute().value()
                                          : TextOf(node.node()));
    }
    return found;
  }
  std::string One(const std::string& xpath) const {
    const auto found = All(xpath);
    EXPECT_EQ(found.size(), 1u) << xpath;
    return found.empty() ? "" : found.front();
  }

 private:
  static std::string TextOf(pugi::xml_node node) {
    return pugi::xpath_query("string(.)").evaluate_string(node);
  }

  std::string text_;
  pugi::xml_document document_;
};

RunState SomeRun() {
  RunState run;
  run.id = "k3f9";
  run.suite = "apparmor";
  run.started = "2026-05-04T03:02:01";
  run.version = "0.1.0";
  run.argv = {"--suite", "apparmor", "--filter", "enforce-*"};
  run.end = RunEnd{1, 65, 0};
  run.first_t = 100;
  run.last_t = 165;
  return run;
}

RunState OneOfEach() {
  auto run = SomeRun();
  AddCase(run, "apparmor.z-pass", Verdict::kPass);
  AddCase(run, "apparmor.a-pass", Verdict::kPass);
  AddCase(run, "apparmor.skip", Verdict::kSkip, "kernel: no AppArmor");
  AddCase(run, "apparmor.known", Verdict::kKnown, "issue 12");
  AddCase(run, "apparmor.fixed", Verdict::kFixed);
  AddCase(run, "apparmor.open", std::nullopt);
  AddCase(run, "apparmor.error", Verdict::kError, "the suite died");
  AddCase(run, "apparmor.fail", Verdict::kFail, "wrote");
  return run;
}

TEST(Html, HeadSaysWhatRanAndHowToRepeatIt) {
  const HtmlPage page(OneOfEach());
  EXPECT_EQ(page.One("/html/body/header/h1"), "apparmor suite");
  EXPECT_EQ(page.One("/html/head/title"),
            "apparmor: 2 passed, 1 failed, 1 in error, 1 fixed, 1 known, "
            "1 skipped, 1 not finished");
  const auto header = page.One("/html/body/header");
  EXPECT_THAT(header, HasSubstr("k3f9"));
  EXPECT_THAT(header, HasSubstr("2026-05-04T03:02:01 UTC"));
  EXPECT_THAT(header, HasSubstr("1 min 05 s"));
  EXPECT_THAT(header,
              HasSubstr("build/runner --suite apparmor --filter 'enforce-*'"));
}

TEST(Html, WhatWentWrongComesFirst) {
  const HtmlPage page(OneOfEach());
  EXPECT_THAT(page.All("//main/section/@id"),
              ElementsAre("fail", "error", "unfinished", "fixed", "known",
                          "skip", "pass", "lab", "statements"));
  EXPECT_THAT(page.All("//section[@id='pass']//summary/h3"),
              ElementsAre("apparmor.a-pass", "apparmor.z-pass"));
  EXPECT_THAT(page.All("//details[@open]/@id"),
              ElementsAre("case-apparmor.fail", "case-apparmor.error",
                          "case-apparmor.open", "case-apparmor.fixed"));
}

// Whoever reads both must not wonder.
TEST(Html, TotalsAreThoseOfJunit) {
  auto run = OneOfEach();
  run.phases = {{"lab", "ready", true, 1}};
  const HtmlPage page(run);
  const auto count = [&](const std::string& verdict) {
    const auto shown = page.One("//nav/a[@href='#" + verdict + "']/b");
    EXPECT_EQ(page.All("//section[@id='" + verdict +
                       "']/details[contains(@class, 'case')]")
                  .size(),
              std::stoul(shown));
    return std::stoi(shown);
  };
  pugi::xml_document junit;
  ASSERT_TRUE(junit.load_string(DeriveJunit(run, "host-1").c_str()));
  const auto suite =
      junit.child("testsuites")
          .find_child_by_attribute("testsuite", "name", "apparmor");

  EXPECT_EQ(count("fail") + count("fixed"),
            suite.attribute("failures").as_int());
  EXPECT_EQ(count("error") + count("unfinished"),
            suite.attribute("errors").as_int());
  EXPECT_EQ(count("skip") + count("known"),
            suite.attribute("skipped").as_int());
  EXPECT_EQ(page.All("//details[@class='case']").size(),
            suite.attribute("tests").as_uint());
}

TEST(Html, FailureShowsWhatWasExpectedAndSeenAndTheWayBack) {
  auto run = SomeRun();
  run.facts["kubernetes"] = "1.36.3";
  run.facts["reproduce-options"] = "--sabotage permissive-profiles";
  auto& c = AddCase(run, "apparmor.deny", Verdict::kFail);
  c.claim = "every write is refused";
  c.node = "lab-worker";
  c.expect = {{"<1.30", "of old"}, {">=1.30", "EACCES, and a record"}};
  c.failed_checks = {{Verdict::kFail,
                      "touch.status 0\ntouch.status\n  Which is: 0",
                      "x_test.cc", 12}};
  c.reason = "touch.status 0";
  const HtmlPage page(run);
  const std::string at = "//*[@id='case-apparmor.deny']";
  EXPECT_EQ(page.One(at + "/summary/span[@class='word fail']"), "FAIL");
  EXPECT_EQ(page.One(at + "/summary/span[@class='number']"), "3.2 s");
  EXPECT_EQ(page.One(at + "/summary/span[@class='claim']"),
            "every write is refused");
  EXPECT_EQ(page.One(at + "/summary/span[@class='why again']"),
            "touch.status 0");
  EXPECT_THAT(page.All(at + "//ul/li"), ElementsAre("EACCES, and a record"));
  EXPECT_EQ(page.One(at + "//pre"), "touch.status\n  Which is: 0");
  EXPECT_THAT(page.All(at + "//*[@class='place']"),
              ElementsAre("x_test.cc:12", "Node lab-worker, log of the case"));
  EXPECT_EQ(page.One(at + "//code"),
            "build/runner --suite apparmor --filter deny --sabotage "
            "permissive-profiles");
}

// Where the version was not measured, nobody can say which of it holds.
TEST(Html, ExpectationsOfAnUnknownVersionAreAllShown) {
  auto run = SomeRun();
  auto& c = AddCase(run, "apparmor.deny", Verdict::kError, "no-lab: x");
  c.expect = {{"<1.30", "of old"}, {">=1.30", "EACCES"}};
  EXPECT_THAT(
      HtmlPage(run).All("//details[@class='case']//ul/li"),
      ElementsAre("Kubernetes <1.30: of old", "Kubernetes >=1.30: EACCES"));
}

TEST(Html, SkipSaysWhyWithoutBeingOpened) {
  EXPECT_EQ(HtmlPage(OneOfEach())
                .One("//section[@id='skip']//summary/"
                     "span[@class='why']"),
            "kernel: no AppArmor");
}

TEST(Html, EvidenceIsATable) {
  auto run = SomeRun();
  auto& c = AddCase(run, "apparmor.a", Verdict::kPass);
  c.evidence = {{"control", "touch: exit 0"}, {"trace", "one\ntwo"}};
  const HtmlPage page(run);
  EXPECT_THAT(page.All("//table[@class='evidence']//th"),
              ElementsAre("control", "trace"));
  EXPECT_THAT(page.All("//table[@class='evidence']//pre"),
              ElementsAre("touch: exit 0", "one\ntwo"));
}

TEST(Html, LabIsWhatWasMeasuredAndWhatItTook) {
  auto run = SomeRun();
  run.facts = {{"kernel", "6.12.43"},
               {"os", "mixed"},
               {"lab-worker.os", "sid"},
               {"lab-worker2.os", "trixie"},
               {"engine", "docker 29.1, private"},
               {"seconds.lab", "12.2"}};
  run.phases = {{"parts", "ready", true, 1.5}, {"lab", "ready", true, 12.2}};
  const HtmlPage page(run);
  EXPECT_THAT(page.All("//section[@id='lab']/dl/div/dt"),
              ElementsAre("Node system", "Kernel", "Container engine"));
  EXPECT_THAT(page.All("//section[@id='lab']/dl/div/dd"),
              ElementsAre("lab-worker: sid\nlab-worker2: trixie", "6.12.43",
                          "docker 29.1, private"));
  EXPECT_THAT(page.All("//table[@class='steps']/tbody/tr"),
              ElementsAre("parts1.5 sready", "lab12.2 sready"));
  EXPECT_EQ(page.All("//table[@class='facts']//tr").size(), 6u);
}

TEST(Html, ALabThatFailedIsTheFirstThing) {
  auto run = SomeRun();
  run.phases = {{"parts", "ready", true, 1.5},
                {"lab", "qemu: exit 1\nno memory", false, 2},
                {"profiles", "load", std::nullopt, 0}};
  AddCase(run, "apparmor.a", Verdict::kError, "no-lab: qemu: exit 1");
  const HtmlPage page(run);
  EXPECT_EQ(page.All("//main/section/@id").front(), "lab-failed");
  EXPECT_THAT(page.All("//section[@id='lab-failed']/h3"),
              ElementsAre("lab", "profiles"));
  EXPECT_THAT(page.All("//section[@id='lab-failed']/pre"),
              ElementsAre("qemu: exit 1\nno memory", "did not end"));
}

TEST(Html, StatementsAreInOrderWithTheirCases) {
  auto run = SomeRun();
  AddCase(run, "apparmor.a", Verdict::kPass).statements = {
      {"S0-10", "tutorial", "ten"}, {"S0-9", "tutorial", "nine"}};
  AddCase(run, "apparmor.b", Verdict::kFail).statements = {
      {"S0-9", "tutorial", "nine"}};
  const HtmlPage page(run);
  EXPECT_THAT(page.All("//table[@class='statements']/tbody/tr"),
              ElementsAre("S0-9ninetutorialPASS apparmor.aFAIL apparmor.b",
                          "S0-10tentutorialPASS apparmor.a"));
  EXPECT_THAT(page.One("//section[@id='statements']/p"),
              HasSubstr("2 statements of 1 document."));
}

TEST(Html, OfARunThatWasKilledSaysSo) {
  auto run = SomeRun();
  run.end.reset();
  auto& c = AddCase(run, "apparmor.a", std::nullopt);
  c.started_at = 157.5;
  AddCase(run, "apparmor.b", std::nullopt).started = false;
  const HtmlPage page(run);
  EXPECT_THAT(page.One("/html/body/header"),
              HasSubstr("none: the run goes on or was killed"));
  EXPECT_THAT(page.All("//section[@id='unfinished']//summary"),
              ElementsAre(HasSubstr("DID NOT END apparmor.a 7.5 s"),
                          HasSubstr("NOT STARTED apparmor.b")));
}

// Every link leads to something: an element of the page, or a file beside it.
TEST(Html, LinksLeadSomewhere) {
  auto run = OneOfEach();
  run.cases[0].statements = {{"S0-1", "d", "x"}};
  const HtmlPage page(run);
  const auto ids = page.All("//@id");
  for (const auto& href : page.All("//a/@href")) {
    if (href == "records.jsonl" || href.starts_with("cases/")) continue;
    EXPECT_THAT(ids, testing::Contains(href.substr(1))) << href;
  }
}

TEST(Html, ManyFailuresAreClosed) {
  auto run = SomeRun();
  for (int i = 0; i < 30; ++i) {
    AddCase(run, "apparmor.c" + std::to_string(i), Verdict::kError, "no-lab");
  }
  EXPECT_THAT(HtmlPage(run).All("//details[@open]"), IsEmpty());
}

TEST(Html, LongTextsAreCutAndSayWhereTheRestIs) {
  auto run = SomeRun();
  auto& c = AddCase(run, "apparmor.a", Verdict::kFail);
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "\u20ac";
  for (int i = 0; i < 1000; ++i) {
    c.evidence.push_back({"node", text});
    c.failed_checks.push_back({Verdict::kFail, text, "x.cc", 1});
  }
  const HtmlPage page(run);
  EXPECT_LT(page.text().size(), 400'000u);
  EXPECT_THAT(page.text(), HasSubstr("(cut; all of it is in records.jsonl)"));
  EXPECT_THAT(page.text(), HasSubstr("960 more in records.jsonl"));
}

TEST(Html, OfAnEmptyRunIsWhole) {
  EXPECT_THAT(HtmlPage(RunState()).All("//details"), IsEmpty());
}

// Wherever a record's text goes, it stays text: the elements, the attributes
// and the characters are those of a page of harmless words.
TEST(Html, HostileTextStaysText) {
  const std::string hostile =
      "\"' onclick='x' ]]></pre></td></details><script>alert(1)</script>"
      "<!--&amp;{{body}}\x1b[2J\x07\xff\xfe\xed\xa0\x80\r\n\t\x7f\u202e" +
      std::string(1, '\0') + "\xEF\xBF\xBF end";
  const auto with = [](const std::string& word) {
    auto run = SomeRun();
    run.id = run.suite = run.started = run.version = word;
    run.argv = {word};
    for (const auto* fact : {"kernel", "lsm", "kubernetes"}) {
      run.facts[fact] = word;
    }
    run.facts["x" + word] = word;
    run.phases = {{word, word, false, -1}, {word, word, true, 1}};
    for (const auto verdict :
         {Verdict::kPass, Verdict::kFail, Verdict::kSkip, Verdict::kError,
          Verdict::kKnown, Verdict::kFixed}) {
      auto& c = AddCase(run, word + "." + word, verdict, word);
      c.node = c.claim = word;
      c.expect = {{word, word}};
      c.statements = {{word, word, word}};
      c.failed_checks = {{verdict, word, word, 1}};
      c.evidence = {{word, word}};
    }
    return run;
  };
  const HtmlPage page(with(hostile));
  const HtmlPage harmless(with("word"));

  for (const auto* same : {"//*", "//@*"}) {
    EXPECT_EQ(page.All(same).size(), harmless.All(same).size()) << same;
  }
  EXPECT_THAT(page.All("//script"), IsEmpty());
  EXPECT_THAT(page.text(), Not(HasSubstr("<script")));
  EXPECT_THAT(page.text(), Not(HasSubstr("\u202e")));
  EXPECT_EQ(Printable(page.text()), page.text());
  EXPECT_THAT(page.All("//a/@href"),
              Each(testing::MatchesRegex("[-A-Za-z0-9._/%#]+")));
}

}  // namespace
}  // namespace lab
