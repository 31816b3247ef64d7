// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostCombinations = 500;
constexpr std::size_t kLongestName = 60;

// Files of the report directory, in which each combination has a directory.
const std::set<std::string> kReserved = {"junit.xml", "matrix.json",
                                         "matrix.lock", "matrix.md"};

bool IsName(const std::string& name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kLongestName && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) {
                       return is_letter(c) || c == '.' || c == '-' || c == '_';
                     }) &&
         !kReserved.contains(name);
}

// From what tells combinations apart; a filter does not.
std::string NameOf(const Combination& combination) {
  std::vector<std::string> parts;
  for (const auto& axis : MatrixAxes()) {
    const std::string& value = combination.*axis.value;
    if (value.empty() || axis.value == &Combination::filter) continue;
    parts.push_back(axis.value == &Combination::config
                        ? Path(value).stem().string()
                        : value);
  }
  return parts.empty() ? "default" : Join(parts, "-");
}

const MatrixAxis* FindAxis(const std::string& name) {
  const auto& axes = MatrixAxes();
  const auto found =
      std::find_if(axes.begin(), axes.end(),
                   [&](const MatrixAxis& axis) { return axis.name == name; });
  return found == axes.end() ? nullptr : &*found;
}

std::vector<std::string> With(std::vector<std::string> names) {
  for (const auto& axis : MatrixAxes()) names.push_back(axis.name);
  return names;
}

class MatrixParser {
 public:
  explicit MatrixParser(const Path& path) : path_(path) {}

  Result<std::vector<Combination>> Parse(const YAML::Node& root,
                                         std::string& about) {
    if (!root.IsMap()) return At(root, "a mapping is expected");
    for (const auto& entry : root) {
      const std::string& key = entry.first.Scalar();
      if (key == "about") {
        LAB_TRY(about, Text(entry.second, key));
      } else if (key == "combinations") {
        LAB_CHECK_OK(ReadList(entry.second));
      } else if (key == "product") {
        LAB_CHECK_OK(ReadProduct(entry.second));
      } else {
        return Unknown(entry.first, {"about", "combinations", "product"});
      }
    }
    if (combinations_.empty()) {
      return At(root,
                "no combination: \"combinations\", a list, or \"product\" "
                "is expected");
    }
    LAB_CHECK_OK(CheckNames());
    return std::move(combinations_);
  }

 private:
  static int LineOf(const YAML::Node& node) {
    return std::max(node.Mark().line, 0) + 1;
  }
  Error AtLine(int line, const std::string& message) const {
    return UsageError(fmt::format("{}:{}: {}", path_.string(), line, message));
  }
  Error At(const YAML::Node& node, const std::string& message) const {
    return AtLine(LineOf(node), message);
  }

  Error Unknown(const YAML::Node& key,
                const std::vector<std::string>& known) const {
    const std::string name = Printable(key.Scalar());
    if (name == "sabotage") {
      return At(key,
                "a matrix measures labs that are whole; break one with "
                "`runner --suite NAME --sabotage NAME`");
    }
    return At(key, fmt::format("unknown field \"{}\"; known: {}", name,
                               Join(known, ", ")));
  }

  // As written: 1.30 is a version here, not the number 1.3.
  Result<std::string> Text(const YAML::Node& node,
                           const std::string& field) const {
    if (!node.IsScalar()) {
      return At(
          node,
          fmt::format("field \"{}\" must be a single value{}", field,
                      node.IsSequence() ? "; lists are for \"product\"" : ""));
    }
    const std::string text(Trim(node.Scalar()));
    if (text.empty()) {
      return At(node, fmt::format("field \"{}\" is empty", field));
    }
    return text;
  }

  Status ReadList(const YAML::Node& list) {
    if (!list.IsSequence()) {
      return At(list, "field \"combinations\" must be a list");
    }
    for (const auto& item : list) {
      LAB_TRY(auto combination, ReadCombination(item));
      combinations_.push_back(std::move(combination));
    }
    return {};
  }

  Result<Combination> ReadCombination(const YAML::Node& node) const {
    if (!node.IsMap()) return At(node, "a combination must be a mapping");
    Combination combination;
    combination.line = LineOf(node);
    for (const auto& entry : node) {
      const std::string& key = entry.first.Scalar();
      const MatrixAxis* axis = FindAxis(key);
      if (axis == nullptr && key != "name") {
        return Unknown(entry.first, With({"name"}));
      }
      const auto field = axis == nullptr ? &Combination::name : axis->value;
      LAB_TRY(combination.*field, Text(entry.second, key));
    }
    if (combination.name.empty()) combination.name = NameOf(combination);
    return combination;
  }

  Result<std::vector<std::string>> Values(const YAML::Node& node,
                                          const std::string& field) const {
    std::vector<std::string> values;
    if (!node.IsSequence()) {
      LAB_TRY(auto value, Text(node, field));
      return std::vector<std::string>{value};
    }
    for (const auto& item : node) {
      LAB_TRY(auto value, Text(item, field));
      values.push_back(std::move(value));
    }
    if (values.empty()) {
      return At(node, fmt::format("field \"{}\" is empty", field));
    }
    return values;
  }

  Status ReadProduct(const YAML::Node& node) {
    if (!node.IsMap()) return At(node, "field \"product\" must be a mapping");
    std::vector<Combination> product(1);
    product[0].line = LineOf(node);
    std::vector<Combination> excludes;
    for (const auto& entry : node) {
      const std::string& key = entry.first.Scalar();
      if (key != "exclude" && FindAxis(key) == nullptr) {
        return Unknown(entry.first, With({"exclude"}));
      }
    }
    for (const auto& axis : MatrixAxes()) {
      const YAML::Node values = node[axis.name];
      if (!values.IsDefined()) continue;
      LAB_TRY(const auto list, Values(values, axis.name));
      LAB_CHECK_OK(Multiply(values, axis, list, product));
    }
    LAB_CHECK_OK(Exclude(node["exclude"], product));
    for (auto& one : product) {
      one.name = NameOf(one);
      combinations_.push_back(std::move(one));
    }
    return {};
  }

  Status Multiply(const YAML::Node& node, const MatrixAxis& axis,
                  const std::vector<std::string>& values,
                  std::vector<Combination>& product) const {
    if (product.size() * values.size() > kMostCombinations) {
      return At(node,
                fmt::format("more than {} combinations", kMostCombinations));
    }
    std::vector<Combination> multiplied;
    for (const auto& one : product) {
      for (const auto& value : values) {
        multiplied.push_back(one);
        multiplied.back().*axis.value = value;
      }
    }
    product = std::move(multiplied);
    return {};
  }

  // An exclusion that excludes nothing is a typing error.
  Status Exclude(const YAML::Node& list, std::vector<Combination>& product) {
    if (!list.IsDefined()) return {};
    if (!list.IsSequence()) {
      return At(list, "field \"exclude\" must be a list");
    }
    for (const auto& item : list) {
      if (!item.IsMap() || item.size() == 0) {
        return At(item, "an exclusion must be a mapping of fields to values");
      }
      LAB_TRY(const auto pattern, ReadPattern(item));
      if (std::erase_if(product, pattern) == 0) {
        return At(item, "this excludes nothing");
      }
    }
    return {};
  }

  using Pattern = std::function<bool(const Combination&)>;
  Result<Pattern> ReadPattern(const YAML::Node& node) const {
    std::vector<std::pair<MatrixAxis, std::string>> wanted;
    for (const auto& entry : node) {
      const MatrixAxis* axis = FindAxis(entry.first.Scalar());
      if (axis == nullptr) return Unknown(entry.first, With({}));
      LAB_TRY(auto value, Text(entry.second, axis->name));
      wanted.emplace_back(*axis, std::move(value));
    }
    return Pattern([wanted](const Combination& combination) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
        return combination.*one.first.value == one.second;
      });
    });
  }

  Status CheckNames() const {
    std::set<std::string> seen;
    for (const auto& one : combinations_) {
      if (!IsName(one.name)) {
        return AtLine(one.line,
                      fmt::format("\"{}\" is no name for a combination: "
                                  "letters, digits, \".\", \"-\" and \"_\", at "
                                  "most {}, and not a file of the report; "
                                  "give it a \"name\"",
                                  Printable(one.name), kLongestName));
      }
      if (!seen.insert(one.name).second) {
        return AtLine(one.line,
                      fmt::format("two combinations are called \"{}\"; give "
                                  "one of them another \"name\"",
                                  one.name));
      }
    }
    return {};
  }

  const Path& path_;
  std::vector<Combination> combinations_;
};

std::vector<std::string> KnownMatrices(const Path& home) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(home / "matrices", code)) {
    if (entry.path().extension() == ".yaml") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

const std::vector<MatrixAxis>& MatrixAxes() {
  static const std::vector<MatrixAxis> axes = {
      {"kubernetes", &Combination::kubernetes},
      {"node-os", &Combination::node_os},
      {"runtime", &Combination::runtime},
      {"config", &Combination::config},
      {"accel", &Combination::accel},
      {"filter", &Combination::filter}};
  return axes;
}

Result<MatrixFile> ParseMatrix(const std::string& text, const Path& path) {
  LAB_TRY(const auto root, LoadYaml(text, path.string()));
  MatrixFile file;
  LAB_TRY(file.combinations, MatrixParser(path).Parse(root, file.about));
  file.path = path;
  file.name = path.stem().string();
  file.sha256 = Sha256OfText(text);
  return file;
}

Result<MatrixFile> LoadMatrix(const Path& home, const std::string& matrix) {
  const auto names = KnownMatrices(home);
  const bool is_path =
      matrix.find('/') != std::string::npos || matrix.ends_with(".yaml");
  if (!is_path &&
      std::find(names.begin(), names.end(), matrix) == names.end()) {
    return UsageError(
        fmt::format("unknown matrix \"{}\"; known: {}, or the path of a file",
                    matrix, Join(names, ", ")));
  }
  const Path path =
      is_path ? fs::absolute(matrix) : home / "matrices" / (matrix + ".yaml");
  const auto text = ReadFile(path);
  if (!text) return UsageError("--matrix: " + text.error().what);
  return ParseMatrix(*text, path);
}

}  // namespace lab
