// SPDX-License-Identifier: Apache-2.0
// What a node needs that was restored from a saved state: it does not know
// that time has passed, that its peers are gone, and that other nodes may have
// been restored from the same state.
#pragma once

#include <string>

namespace probe {

/// Sets the clock to `clock` (seconds since the epoch, with a fraction), mixes
/// `seed` into the kernel's random numbers, and shuts the kubelet's TCP
/// connections with the host down: nothing answers on them, and without this
/// the kubelet finds out only when HTTP/2's own pings fail, after 45 s. Prints
/// how many there were. Returns an exit status.
int Wake(const std::string& clock, const std::string& seed);

}  // namespace probe
