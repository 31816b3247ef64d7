// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_page.h"

#include "runner/cli/matrix_report.h"
#include "runner/report/html.h"
#include "runner/report/page.h"

namespace lab {
namespace {

using Node = pugi::xml_node;

Node AddHeading(Node row, std::string_view text, const char* scope) {
  auto heading = Add(row, "th", "", text);
  SetAttribute(heading, "scope", scope);
  return heading;
}

// A table may be wider than a phone; then it alone is moved, by the keyboard
// too.
Node AddWideTable(Node parent, const std::string& label) {
  auto region = Add(parent, "div", "scroll");
  SetAttribute(region, "role", "region");
  SetAttribute(region, "aria-label", label);
  SetAttribute(region, "tabindex", "0");
  return Add(region, "table", "matrix");
}

// Its page is written when it ends; before, there is nothing to point to.
void AddPageLink(Node parent, const MatrixColumn& column,
                 const std::string& case_id, std::string_view text) {
  if (!column.run.end) return AddText(parent, text);
  auto href = HrefTo(column.name + "/report.html");
  if (!case_id.empty()) href += "#" + HrefTo(AnchorOf(case_id));
  AddLink(parent, "", href, text);
}

void AddVerdicts(Node main, const std::vector<std::string>& cases,
                 const std::vector<MatrixColumn>& matrix) {
  auto section = AddSection(main, "verdicts", "Verdicts");
  auto table = AddWideTable(section, "Verdicts");
  auto head = Add(Add(table, "thead", ""), "tr", "");
  AddHeading(head, "case", "col");
  for (const auto& column : matrix) {
    AddPageLink(AddHeading(head, "", "col"), column, "", column.name);
  }
  auto rows = Add(table, "tbody", "");
  for (const auto& id : cases) {
    auto row = Add(rows, "tr", "");
    AddHeading(row, SplitCaseId(id).name, "row");
    for (const auto& column : matrix) {
      const auto* state = column.run.Find(id);
      const auto mark = MarkOf(column, id);
      const auto css = state == nullptr ? "" : "word " + CssOf(state->verdict);
      auto cell = Add(Add(row, "td", ""), "span", css);
      if (state == nullptr) {
        AddText(cell, mark.word);
      } else {
        AddPageLink(cell, column, id, mark.word);
      }
    }
  }
}

void AddCombinations(Node main, const std::vector<MatrixColumn>& matrix) {
  auto section = AddSection(main, "combinations", "Combinations");
  auto table = AddWideTable(section, "Combinations, as measured");
  auto head = Add(Add(table, "thead", ""), "tr", "");
  for (const auto& name : CombinationHead()) AddHeading(head, name, "col");
  auto rows = Add(table, "tbody", "");
  for (const auto& column : matrix) {
    auto row = Add(rows, "tr", "");
    for (const auto& cell : CombinationRow(column)) Add(row, "td", "", cell);
  }
}

void AddTroubles(Node main, const std::vector<MatrixColumn>& matrix) {
  const auto troubles = TroublesOf(matrix);
  if (troubles.empty()) return;
  auto section = AddSection(main, "troubles", "What went wrong");
  for (const auto& trouble : troubles) {
    auto head = Add(section, "h3", "");
    Add(head, "span", "word fail", trouble.word);
    AddText(head, " " + trouble.id + " [" + trouble.combination + "]" +
                      AlsoOf(trouble));
    Add(section, "pre", "", trouble.headline);
    Add(Add(section, "p", "command"), "code", "", trouble.reproduce);
  }
}

}  // namespace

Result<std::string> MatrixPage(const std::string& title,
                               const std::vector<std::string>& cases,
                               const std::vector<MatrixColumn>& matrix,
                               std::string_view frame) {
  const auto totals = MatrixTotals(matrix);
  Page page(title + ": " + totals);
  auto header = Add(page.body(), "header", "");
  Add(header, "h1", "", title);
  Add(header, "p", "outcome " + OutcomeCss(StyleOf(matrix)), totals);
  auto nav = Add(header, "nav", "totals");
  SetAttribute(nav, "aria-label", "On this page");
  auto main = Add(page.body(), "main", "");
  AddTroubles(main, matrix);
  AddVerdicts(main, cases, matrix);
  AddCombinations(main, matrix);
  for (const auto section : main.children("section")) {
    AddLink(nav, "plain", std::string("#") + section.attribute("id").value(),
            section.child("h2").text().get());
  }
  return page.In(frame);
}

}  // namespace lab
