// SPDX-License-Identifier: Apache-2.0
// YAML as JSON, with errors that say where. Errors are of ErrorKind::kUsage:
// somebody wrote the text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/base/result.h"

namespace YAML {
class Node;
}

namespace lab {

/// Where the first character of a text stands: for errors about text within
/// another file.
struct YamlOrigin {
  std::string file;
  int line = 1;
  int column = 1;
};

struct YamlDocument {
  nlohmann::json value;
  int line = 1;  ///< of the file of the origin
};

/// The tree of a node. Plain scalars have the types of YAML's core schema,
/// quoted ones are strings, and so are numbers that JSON cannot hold (.inf);
/// anchors are expanded. Duplicate keys, keys that are lists or maps, foreign
/// tags, and trees deeper than 100 or larger than 100000 nodes (aliases may be
/// nested or circular) are errors. Merge keys ("<<") have no meaning, as in
/// yaml-cpp 0.7.
Result<nlohmann::json> YamlToJson(const YAML::Node& node,
                                  const YamlOrigin& origin);

/// The one document of a text, for who needs the places of its nodes; it has
/// passed YamlToJson.
Result<YAML::Node> LoadYaml(const std::string& text, const std::string& file);

/// The one document of a text. Errors read "FILE:LINE:COLUMN: message".
Result<nlohmann::json> ParseYaml(const std::string& text,
                                 const std::string& file);

/// The documents of a stream; empty ones are left out.
Result<std::vector<YamlDocument>> ParseYamlDocuments(const std::string& text,
                                                     const YamlOrigin& origin);

}  // namespace lab
