// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kernel_image.h"

#include <cstdint>
#include <cstring>

#include "runner/components/archive.h"

namespace lab {
namespace {

constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kMagic = 0x202;
constexpr std::size_t kVersion = 0x206;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;
constexpr std::size_t kHeaderEnd = 0x250;
constexpr std::size_t kSector = 512;
constexpr std::uint16_t kFirstVersionWithPayload = 0x208;

template <typename T>
T At(std::string_view bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

Result<std::string> ExtractVmlinux(std::string_view bzimage) {
  if (bzimage.size() < kHeaderEnd || bzimage.substr(kMagic, 4) != "HdrS" ||
      At<std::uint16_t>(bzimage, kVersion) < kFirstVersionWithPayload) {
    return Error{"the kernel is no bzImage of boot protocol 2.08 or later"};
  }
  // 0 means 4, for very old loaders.
  std::size_t sectors = At<std::uint8_t>(bzimage, kSetupSectors);
  if (sectors == 0) sectors = 4;
  const std::size_t begin =
      (sectors + 1) * kSector + At<std::uint32_t>(bzimage, kPayloadOffset);
  const std::size_t length = At<std::uint32_t>(bzimage, kPayloadLength);
  // The last four bytes are the uncompressed size.
  if (length < 4 || begin > bzimage.size() || length > bzimage.size() - begin) {
    return Error{"the kernel's payload lies outside its image"};
  }
  LAB_TRY(auto vmlinux, DecompressBytes(bzimage.substr(begin, length - 4),
                                        "the kernel's payload"));
  if (!vmlinux.starts_with("\x7f"
                           "ELF")) {
    return Error{"the kernel's payload is no ELF file"};
  }
  return vmlinux;
}

}  // namespace lab
