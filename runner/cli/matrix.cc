// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/dry_run.h"
#include "runner/cli/matrix_dry_run.h"
#include "runner/cli/matrix_page.h"
#include "runner/cli/matrix_plan.h"
#include "runner/cli/matrix_report.h"
#include "runner/cli/report_directory.h"
#include "runner/report/columns.h"
#include "runner/report/junit.h"
#include "runner/report/live_region.h"
#include "runner/report/page.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

// A table in a file is read where lines are as long as on a usual terminal.
int WidthOf(int fd) {
  const int columns = ColumnsOf(fd);
  return columns > 0 ? columns : 80;
}

using nlohmann::json;

class MatrixRun {
 public:
  MatrixRun(const Context& context, const RunOptions& options, MatrixPlan plan)
      : context_(context),
        options_(options),
        plan_(std::move(plan)),
        color_(WantsColor(context.terminal.color, context.terminal.fd)) {}

  ExitCode Run() {
    if (const auto opened = options_.resume ? Resume() : Begin(); !opened) {
      return Complain(opened.error());
    }
    for (const auto& name : plan_.left_out) {
      Print({Style::kWarning, "NOTE  ",
             fmt::format("{}: left out, \"{}\" matches none of its cases", name,
                         options_.filter)});
    }
    for (std::size_t i = 0; i < plan_.combinations.size(); ++i) {
      if (stop::Requested()) break;
      RunOne(i);
      Save();
    }
    Summarize();
    return WorstOf(matrix_);
  }

  ExitCode DryRun() {
    if (options_.resume) {
      auto found = FindResumable(context_.home, options_.report_dir, plan_);
      if (!found) return Complain(found.error());
      directory_ = std::move(*found);
    }
    const auto shown = PrintMatrixPlan(context_, plan_, directory_);
    return shown ? ExitCode::kOk : Complain(shown.error());
  }

 private:
  Status Begin() {
    const std::string id = RandomHex(6);
    directory_ = options_.report_dir.empty()
                     ? NewReportDirectory(context_.home, id)
                     : fs::absolute(options_.report_dir);
    LAB_CHECK_OK(Lock());
    for (const auto& one : plan_.combinations) {
      LAB_CHECK_OK(RemoveTree(directory_ / one.name()));
    }
    head_ = PlanToJson(plan_);
    head_["id"] = id;
    head_["started"] = TimestampUtc();
    head_["version"] = LAB_VERSION;
    head_["argv"] = options_.argv;
    if (options_.report_dir.empty()) PointLatestAt(context_.home, directory_);
    return Open();
  }

  Status Resume() {
    LAB_TRY(directory_,
            FindResumable(context_.home, options_.report_dir, plan_));
    LAB_CHECK_OK(Lock());
    LAB_TRY(const auto text, ReadFile(directory_ / kMatrixJson));
    head_ = json::parse(text, nullptr, false);
    Print({Style::kPlain, "RESUME ", directory_.string()});
    return Open();
  }

  // Two runners in one directory would remove each other's records.
  Status Lock() {
    LAB_CHECK_OK(MakeDirectories(directory_));
    LAB_TRY(auto lock, FileLock::TryTake(directory_ / "matrix.lock"));
    if (!lock.held()) {
      return UsageError("another runner is at work in " + directory_.string());
    }
    lock_.emplace(std::move(lock));
    return {};
  }

  Status Open() {
    ReadAll();
    return SaveAll();
  }

  void ReadAll() {
    matrix_.clear();
    for (const auto& one : plan_.combinations) {
      matrix_.push_back(
          {one.name(), ReadCombination(one, plan_.suite, directory_)});
    }
  }

  Path JunitPath() const {
    return options_.junit.empty() ? directory_ / "junit.xml"
                                  : fs::absolute(options_.junit);
  }

  Status SaveAll() const {
    std::vector<NamedRun> runs;
    for (const auto& column : matrix_)
      runs.push_back({column.name, column.run});
    const auto title = plan_.suite + " " + plan_.file.name;
    json all = head_;
    all["results"] = MatrixResults(matrix_);
    LAB_CHECK_OK(WriteFileAtomically(
        directory_ / kMatrixJson,
        all.dump(2, ' ', false, json::error_handler_t::replace) + "\n"));
    LAB_CHECK_OK(WriteFileAtomically(
        directory_ / "matrix.md", MatrixMarkdown(title, plan_.cases, matrix_)));
    LAB_CHECK_OK(MakeDirectories(JunitPath().parent_path()));
    LAB_CHECK_OK(
        WriteFileAtomically(JunitPath(), DeriveJunit(runs, title, ThisHost())));
    LAB_TRY(const auto frame, ReadFile(PageFrame(context_.home)));
    LAB_TRY(const auto page, MatrixPage(title, plan_.cases, matrix_, frame));
    return WriteFileAtomically(directory_ / "report.html", page);
  }

  void Save() const {
    if (const auto saved = SaveAll(); !saved) {
      Print({Style::kWarning, "NOTE  ", saved.error().what});
    }
  }

  void RunOne(std::size_t index) {
    const auto& one = plan_.combinations[index];
    const auto place = fmt::format("{} of {}  {}", index + 1,
                                   plan_.combinations.size(), one.name());
    if (HasFinished(matrix_[index].run)) {
      Print({Style::kDim, "KEPT  ", place});
      return;
    }
    Print(StyledLine());
    Print({Style::kPlain, "MATRIX ",
           fmt::format("{}: {}, {} case{}", place,
                       DescribeLab(one.options, one.lab), one.cases.size(),
                       one.cases.size() == 1 ? "" : "s")});
    const Path directory = directory_ / one.name();
    if (const auto removed = RemoveTree(directory); !removed) {
      Print({Style::kWarning, "NOTE  ", removed.error().what});
    }
    RunOptions options = options_;
    options.matrix.clear();
    options.junit.clear();
    options.resume = false;
    options.lab = one.options;
    options.filter = one.combination.filter;
    options.cases = one.cases;
    options.combination = one.name();
    options.title = "matrix " + plan_.file.name + ": " + place;
    options.report_dir = directory.string();
    (void)RunSuite(context_, options);  // the records say how it ended
    matrix_[index].run = ReadCombination(one, plan_.suite, directory_);
  }

  // Wrapped on a terminal, one line each elsewhere.
  void Print(const std::vector<StyledLine>& lines) const {
    const int fd = context_.terminal.fd;
    if (::isatty(fd) == 1) {
      fmt::print(stderr, "{}",
                 LiveRegion(color_).Render(lines, {}, WidthOf(fd)));
      return;
    }
    for (const auto& line : lines) {
      fmt::print(stderr, "{}\n", Paint(line, color_));
    }
  }
  void Print(const StyledLine& line) const { Print(std::vector{line}); }

  StyledLine HowToGoOn() const {
    auto argv = options_.argv;
    if (!options_.resume) argv.push_back("--resume");
    argv.insert(argv.begin(), "build/runner");
    return {Style::kPlain, "go on    ", ShellQuote(argv), /*unbroken=*/true};
  }

  void Summarize() const {
    fmt::print(stderr, "\n");
    for (const auto& line : MatrixTable(
             plan_.cases, matrix_, WidthOf(context_.terminal.fd), color_)) {
      fmt::print(stderr, "{}\n", line);
    }
    fmt::print(stderr, "\n");
    auto lines = MatrixSummary(matrix_, directory_, JunitPath());
    if (stop::Requested()) lines.insert(lines.end() - 1, HowToGoOn());
    Print(lines);
  }

  const Context& context_;
  const RunOptions& options_;
  const MatrixPlan plan_;
  const bool color_;
  Path directory_;
  std::optional<FileLock> lock_;
  json head_;  ///< matrix.json but for its results
  std::vector<MatrixColumn> matrix_;
};

}  // namespace

ExitCode RunMatrix(const Context& context, const RunOptions& options) {
  auto plan = PlanMatrix(context, options);
  if (!plan) return Complain(plan.error());
  MatrixRun run(context, options, std::move(*plan));
  return options.dry_run ? run.DryRun() : run.Run();
}

}  // namespace lab
