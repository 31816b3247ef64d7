// SPDX-License-Identifier: Apache-2.0
// Web pages that are one file: elements (pugixml, which escapes), put into the
// frame reports/page.html, which has the style and lets nothing be loaded.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// Appends an element with a text, of which PageText is taken. An empty `css`
/// is no class.
pugi::xml_node Add(pugi::xml_node parent, const char* element,
                   const std::string& css, std::string_view text = "");

/// The same with an attribute `href`, which is relative and made by HrefTo.
pugi::xml_node AddLink(pugi::xml_node parent, const std::string& css,
                       const std::string& href, std::string_view text);

/// A section with a heading, which names it; `id` is where links lead.
pugi::xml_node AddSection(pugi::xml_node parent, const std::string& id,
                          std::string_view heading);

/// Appends text to what an element has already.
void AddText(pugi::xml_node parent, std::string_view text);

void SetAttribute(pugi::xml_node node, const char* name,
                  std::string_view value);

/// Foreign text as it may stand in a page: lines without control characters
/// and without marks that turn the direction of what follows.
std::string PageText(std::string_view text);

/// A path, or the id of an element behind "#", as a part of a link: what is not
/// plain ASCII is written as %XX, so nothing in it can end the link or name a
/// scheme.
std::string HrefTo(std::string_view text);

class Page {
 public:
  /// Of a page's body.
  pugi::xml_node body() const { return document_.child("body"); }

  explicit Page(std::string title);

  /// The whole file. `frame` is the text of reports/page.html; an error says
  /// which of its two marks, {{title}} and {{body}}, it lacks.
  Result<std::string> In(std::string_view frame) const;

 private:
  std::string title_;
  pugi::xml_document document_;
};

/// The frame's place below the project's root.
Path PageFrame(const Path& home);

}  // namespace lab
