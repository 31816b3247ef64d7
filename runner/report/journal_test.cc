// SPDX-License-Identifier: Apache-2.0
#include "runner/report/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>

#include "runner/base/scratch_fixture.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const json kRun = {{"event", "run"},
                   {"id", "k3f9"},
                   {"suite", "s"},
                   {"started", "2026-05-04T03:02:01"},
                   {"cases", {"s.a", "s.b"}}};

json CaseStart(const std::string& id) {
  return {{"event", "case-start"}, {"id", id}};
}
json CaseEnd(const std::string& id, const std::string& verdict) {
  return {{"event", "case-end"},
          {"id", id},
          {"verdict", verdict},
          {"seconds", 1.5}};
}

class JournalFile : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    auto journal = Journal::Create(At("run/1"), "");
    ASSERT_TRUE(journal) << journal.error().what;
    journal_.emplace(std::move(*journal));
  }
  Path At(const std::string& name) const { return dir_->path() / name; }

  // Saves junit.xml, which must be whole, and gives its root.
  pugi::xml_node Saved() {
    EXPECT_TRUE(journal_->SaveJunit());
    const auto parsed = document_.load_file(journal_->junit().c_str());
    EXPECT_TRUE(parsed) << parsed.description();
    return document_.child("testsuites");
  }

  std::optional<Journal> journal_;

 private:
  pugi::xml_document document_;
};

TEST_F(JournalFile, BeginsEmptyAndReplacesAnEarlierOne) {
  EXPECT_EQ(journal_->records(), At("run/1/records.jsonl"));
  EXPECT_EQ(journal_->junit(), At("run/1/junit.xml"));
  EXPECT_EQ(*ReadFile(journal_->records()), "");
  EXPECT_FALSE(std::filesystem::exists(journal_->junit()));
  ASSERT_TRUE(journal_->Write(kRun));

  const auto again = Journal::Create(At("run/1"), "");

  ASSERT_TRUE(again);
  EXPECT_EQ(*ReadFile(again->records()), "");
  EXPECT_TRUE(again->state().id.empty());
}

TEST_F(JournalFile, JunitMayLieElsewhere) {
  const auto journal = Journal::Create(At("run/2"), At("deep/er/x.xml"));
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->SaveJunit());
  EXPECT_TRUE(std::filesystem::exists(At("deep/er/x.xml")));
  EXPECT_FALSE(std::filesystem::exists(At("run/2/junit.xml")));
}

TEST_F(JournalFile, TheirPageIsOfTheseRecords) {
  const Path frame = At("page.html");
  ASSERT_TRUE(WriteFile(frame, "{{title}}{{body}}"));
  ASSERT_TRUE(journal_->Write(kRun));

  ASSERT_TRUE(journal_->SaveHtml(frame));

  EXPECT_EQ(journal_->html(), At("run/1/report.html"));
  EXPECT_THAT(*ReadFile(journal_->html()), HasSubstr("k3f9"));
  // Another run in the same place has none until it ends.
  ASSERT_TRUE(Journal::Create(At("run/1"), ""));
  EXPECT_FALSE(std::filesystem::exists(journal_->html()));
}

TEST_F(JournalFile, AFrameThatIsMissingIsNamed) {
  const auto saved = journal_->SaveHtml(At("page.html"));
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().what, HasSubstr(At("page.html").string()));
}

TEST_F(JournalFile, AnImpossiblePlaceIsNamed) {
  ASSERT_TRUE(WriteFile(At("file"), ""));
  const auto journal = Journal::Create(At("file/run"), "");
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().what, HasSubstr(At("file/run").string()));
}

TEST_F(JournalFile, TakesRecordsOfOthersOnce) {
  const RecordWriter suite(journal_->records());
  ASSERT_TRUE(journal_->Write(kRun));
  ASSERT_TRUE(suite.Write({{"event", "evidence"},
                           {"id", "s.a"},
                           {"kind", "label"},
                           {"text", "x"}}));

  ASSERT_TRUE(journal_->Catch());
  ASSERT_TRUE(journal_->Catch());
  ASSERT_TRUE(journal_->Write(CaseEnd("s.a", "pass")));

  const auto* a = journal_->state().Find("s.a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->evidence.size(), 1u);
  EXPECT_EQ(a->verdict, Verdict::kPass);
}

TEST_F(JournalFile, WriteTakesWhatOthersWroteBefore) {
  ASSERT_TRUE(journal_->Write(kRun));
  ASSERT_TRUE(RecordWriter(journal_->records()).Write(CaseEnd("s.a", "fail")));
  ASSERT_TRUE(journal_->Write(CaseStart("s.b")));
  EXPECT_EQ(journal_->state().Find("s.a")->verdict, Verdict::kFail);
  EXPECT_TRUE(journal_->state().Find("s.b")->running());
}

// Wherever the writer of a line is when the journal looks: the line counts
// once, when it is whole.
TEST_F(JournalFile, WaitsForTheRestOfALine) {
  ASSERT_TRUE(journal_->Write(kRun));
  const auto before = *ReadFile(journal_->records());
  const std::string line =
      R"({"event":"evidence","t":1,"id":"s.a","kind":"api","text":"é"})"
      "\n";
  for (std::size_t length = 0; length < line.size(); ++length) {
    ASSERT_TRUE(
        WriteFile(journal_->records(), before + line.substr(0, length)));
    ASSERT_TRUE(journal_->Catch()) << length;
    ASSERT_TRUE(journal_->state().Find("s.a")->evidence.empty()) << length;
  }
  ASSERT_TRUE(WriteFile(journal_->records(), before + line));
  ASSERT_TRUE(journal_->Catch());
  EXPECT_EQ(journal_->state().Find("s.a")->evidence.size(), 1u);
}

TEST_F(JournalFile, GoesOnAfterATornLine) {
  ASSERT_TRUE(journal_->Write(kRun));
  const auto before = *ReadFile(journal_->records());
  ASSERT_TRUE(WriteFile(journal_->records(), before + R"({"event":"case-e)"));

  ASSERT_TRUE(journal_->DropTornLine());
  ASSERT_TRUE(journal_->Write(CaseEnd("s.a", "error")));

  EXPECT_EQ(journal_->state().Find("s.a")->verdict, Verdict::kError);
  EXPECT_TRUE(ReadRun(*ReadFile(journal_->records())));
}

TEST_F(JournalFile, ALineThatIsNoRecordIsAnErrorOnce) {
  ASSERT_TRUE(journal_->Write(kRun));
  ASSERT_TRUE(AppendLine(journal_->records(), "rubbish"));
  ASSERT_TRUE(RecordWriter(journal_->records()).Write(CaseEnd("s.a", "pass")));

  EXPECT_FALSE(journal_->Catch());
  EXPECT_TRUE(journal_->Catch());

  EXPECT_EQ(journal_->state().Find("s.a")->verdict, Verdict::kPass);
}

// A run that is killed at any moment leaves the junit.xml of that moment: it
// must never read as success.
TEST_F(JournalFile, JunitIsRedUntilEveryCaseHasPassed) {
  ASSERT_TRUE(journal_->Write(kRun));
  EXPECT_EQ(Saved().attribute("tests").as_int(), 2);
  EXPECT_EQ(Saved().attribute("errors").as_int(), 2);

  ASSERT_TRUE(journal_->Phase("parts", "looking"));
  EXPECT_EQ(Saved().attribute("errors").as_int(), 3);

  ASSERT_TRUE(journal_->PhaseEnd("parts", 1, Status(), "ready"));
  EXPECT_EQ(Saved().attribute("errors").as_int(), 2);

  ASSERT_TRUE(journal_->Write(CaseStart("s.a")));
  EXPECT_EQ(Saved().attribute("errors").as_int(), 2);

  ASSERT_TRUE(journal_->Write(CaseEnd("s.a", "pass")));
  EXPECT_EQ(Saved().attribute("errors").as_int(), 1);

  ASSERT_TRUE(journal_->Write(CaseEnd("s.b", "pass")));
  EXPECT_EQ(Saved().attribute("errors").as_int(), 0);
  EXPECT_EQ(Saved().attribute("tests").as_int(), 3);
}

TEST_F(JournalFile, TheEndOfAPhaseIsInJunitAtOnce) {
  ASSERT_TRUE(journal_->Write(kRun));
  ASSERT_TRUE(journal_->Phase("lab", "booting"));
  ASSERT_TRUE(journal_->PhaseEnd("lab", 2.5,
                                 Error{"node lab-worker: no kubelet"}, "-"));

  const auto& phase = journal_->state().phases.at(0);
  EXPECT_EQ(phase.ok, false);
  EXPECT_EQ(phase.seconds, 2.5);
  EXPECT_EQ(phase.text, "node lab-worker: no kubelet");
  EXPECT_THAT(*ReadFile(journal_->junit()),
              HasSubstr("node lab-worker: no kubelet"));
}

}  // namespace
}  // namespace lab
