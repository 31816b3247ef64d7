// SPDX-License-Identifier: Apache-2.0
// Where this program's own file is: other files are found beside it, and it
// starts itself again.
#pragma once

#include <filesystem>
#include <string>

namespace lab {

/// The file that this program was started from. If that was replaced or removed
/// meanwhile, the place where it was.
std::filesystem::path OwnProgram();

/// What starts exactly this program again from one of its own processes: its
/// path, or the kernel's link to it (proc(5), /proc/pid/exe) once another file
/// or none is there.
std::string OwnCommand();

}  // namespace lab
