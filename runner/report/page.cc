// SPDX-License-Identifier: Apache-2.0
#include "runner/report/page.h"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "runner/base/text.h"
#include "runner/report/display.h"

namespace lab {
namespace {

constexpr std::string_view kTitleMark = "{{title}}";
constexpr std::string_view kBodyMark = "{{body}}";

// Without indentation, which would show in a <pre>.
std::string Printed(pugi::xml_node parent) {
  std::ostringstream out;
  for (const auto node : parent.children()) {
    node.print(out, "", pugi::format_raw, pugi::encoding_utf8);
    out << '\n';
  }
  return out.str();
}

std::string Escaped(const std::string& text) {
  pugi::xml_document document;
  AddText(document.append_child("x"), text);
  return Printed(document.first_child());
}

Error Lacks(std::string_view mark) {
  return Error{fmt::format("reports/page.html: lacks {}, title first", mark)};
}

}  // namespace

pugi::xml_node Add(pugi::xml_node parent, const char* element,
                   const std::string& css, std::string_view text) {
  auto added = parent.append_child(element);
  if (!css.empty()) SetAttribute(added, "class", css);
  // An element with a text, be it empty, is never written as <td/>, which in
  // HTML begins a cell and does not end it.
  AddText(added, text);
  return added;
}

pugi::xml_node AddLink(pugi::xml_node parent, const std::string& css,
                       const std::string& href, std::string_view text) {
  auto link = Add(parent, "a", css, text);
  SetAttribute(link, "href", href);
  return link;
}

pugi::xml_node AddSection(pugi::xml_node parent, const std::string& id,
                          std::string_view heading) {
  const auto heading_id = id + "-h";
  auto section = Add(parent, "section", "");
  SetAttribute(section, "id", id);
  SetAttribute(section, "aria-labelledby", heading_id);
  SetAttribute(Add(section, "h2", "", heading), "id", heading_id);
  return section;
}

void AddText(pugi::xml_node parent, std::string_view text) {
  parent.append_child(pugi::node_pcdata).set_value(PageText(text).c_str());
}

void SetAttribute(pugi::xml_node node, const char* name,
                  std::string_view value) {
  node.append_attribute(name).set_value(PageText(value).c_str());
}

std::string PageText(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& line : Split(text, '\n')) lines.push_back(OneLine(line));
  return Join(lines, "\n");
}

std::string HrefTo(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";
  std::string href;
  for (const char c : PageText(text)) {
    if (kPlain.find(c) != std::string_view::npos) {
      href += c;
    } else {
      href += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return href;
}

Page::Page(std::string title) : title_(std::move(title)) {
  document_.append_child("body");
}

Result<std::string> Page::In(std::string_view frame) const {
  const auto title = frame.find(kTitleMark);
  if (title == std::string_view::npos) return Lacks(kTitleMark);
  const auto body = frame.find(kBodyMark, title);
  if (body == std::string_view::npos) return Lacks(kBodyMark);
  const auto after_title = title + kTitleMark.size();
  return std::string(frame.substr(0, title))
      .append(Trim(Escaped(title_)))
      .append(frame.substr(after_title, body - after_title))
      .append(Printed(this->body()))
      .append(frame.substr(body + kBodyMark.size()));
}

Path PageFrame(const Path& home) { return home / "reports" / "page.html"; }

}  // namespace lab
