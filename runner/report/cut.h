// SPDX-License-Identifier: Apache-2.0
// Long texts of records, shortened for what is derived from them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lab {

/// At most `most` bytes of valid UTF-8, without half a character at the end.
std::string_view Cut(std::string_view text, std::size_t most);

/// `text` if it is short enough, else as much as fits and a line that says so.
std::string Capped(std::string text, std::size_t most);

}  // namespace lab
