// SPDX-License-Identifier: Apache-2.0
// The one instantiation that json_pch.h promises.
#include <nlohmann/json.hpp>

template class nlohmann::basic_json<>;
