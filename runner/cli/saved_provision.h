// SPDX-License-Identifier: Apache-2.0
// From the name of a saved lab to a lab.
#pragma once

#include <string>

#include "runner/cli/options.h"
#include "runner/lab/vm_lab.h"

namespace lab {

/// Finds a saved lab and checks that it can go on here: a usage error if there
/// is none, a provision error if something it needs is missing, has changed, or
/// is in use by another lab.
Result<SavedLab> FindRestorable(const Context& context,
                                const std::string& saved);

/// Goes on with it as lab `name`, in this process.
Result<std::unique_ptr<Lab>> ProvideSavedLab(const Context& context,
                                             const std::string& saved,
                                             const std::string& name,
                                             Progress& progress);

}  // namespace lab
