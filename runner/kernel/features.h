// SPDX-License-Identifier: Apache-2.0
// What the kernel's AppArmor can mediate: two kernels with the same summary
// enforce policy alike.
#pragma once

#include <string>
#include <string_view>

namespace lab {

/// The sorted, unique "path=value" lines of a walk through
/// /sys/kernel/security/apparmor/features, white space at their ends and
/// other lines removed; each ends in a newline.
std::string FeaturesSummary(std::string_view listing);

/// The first 12 hexadecimal digits of the SHA-256 of the summary: the same
/// whatever the order of the walk was.
std::string FeaturesDigest(std::string_view listing);

}  // namespace lab
