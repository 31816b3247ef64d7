// SPDX-License-Identifier: Apache-2.0
// The kernel proper inside a bzImage. QEMU enters an uncompressed vmlinux by
// its PVH note, and no emulated CPU has to unpack anything.
#pragma once

#include <string>
#include <string_view>

#include "runner/base/result.h"

namespace lab {

/// The ELF file inside `bzimage`, found by the setup header's payload_offset
/// and payload_length (kernel: Documentation/arch/x86/boot.rst, protocol 2.08).
Result<std::string> ExtractVmlinux(std::string_view bzimage);

}  // namespace lab
