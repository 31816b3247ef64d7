// SPDX-License-Identifier: Apache-2.0
// Parts that are built from Go modules, through the module proxy and checksum
// database that the user's Go is set up with.
#pragma once

#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {

/// `home` is the project's root; the module's go.mod and go.sum are in
/// components/NAME below it.
Result<PartRecipe> GoModuleRecipe(const GoModulePart& part, const Path& home);

/// What a generator is called with: `out` and the inputs put in.
std::vector<std::string> GeneratorArguments(const GeneratedSource& source,
                                            const Path& out);

}  // namespace lab
