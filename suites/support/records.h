// SPDX-License-Identifier: Apache-2.0
// What a case tells the report while it runs: the evidence, line by line, and
// in the end the verdict. Lines go to the file LAB_RECORDS, at once.
#pragma once

#include <functional>
#include <string>

namespace lab::suite {

/// Kinds of evidence; the catalog says which a case owes.
enum class Kind {
  kControl,
  kLabel,
  kEffect,
  kTrace,
  kFilter,
  kApi,
  kNode,
  kNote
};

/// Notes what was observed, in one line that a person understands.
void Evidence(Kind kind, const std::string& text);

/// Has `work` done once the verdict is noted, which need not wait for it: what
/// is to be tidied up. What goes wrong there is a note.
void AfterVerdict(std::function<void()> work);

/// The id of the case that runs: LAB_CASE, or the GoogleTest name when a suite
/// is run by hand.
std::string CaseId();

}  // namespace lab::suite
