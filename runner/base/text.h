// SPDX-License-Identifier: Apache-2.0
// Small functions on text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lab {

std::string_view Trim(std::string_view text);
std::vector<std::string> Split(std::string_view text, char separator);
/// Lines without their newline; no empty line for a final newline.
std::vector<std::string> Lines(std::string_view text);
std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator);
std::string ReplaceAll(std::string text, std::string_view from,
                       std::string_view to);
/// The last `count` lines, for error messages.
std::string LastLines(std::string_view text, std::size_t count);
/// One argument as a POSIX shell would need it written; used where a person
/// copies a command, and for ssh, whose far side is a shell.
std::string ShellQuote(std::string_view argument);
std::string ShellQuote(const std::vector<std::string>& argv);
/// fnmatch(3) on a scenario id: `*`, `?` and `[...]`.
bool GlobMatch(const std::string& pattern, const std::string& text);
/// The entries of `known` closest to `word` first, for "did you mean".
std::vector<std::string> ClosestTo(const std::string& word,
                                   std::vector<std::string> known,
                                   std::size_t most);
/// Valid UTF-8 without control characters other than tab and newline: what may
/// stand in XML 1.0. Anything else becomes U+FFFD.
std::string Printable(std::string_view bytes);
/// "12.3 s", "2 min 05 s".
std::string HumanSeconds(double seconds);
/// "1.5 GiB".
std::string HumanBytes(double bytes);
/// Random lower-case hexadecimal digits from the kernel.
std::string RandomHex(std::size_t digits);

}  // namespace lab
