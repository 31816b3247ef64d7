// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kubeadm_patch.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

void UnsetArgument(std::vector<Argument>& arguments, const std::string& name) {
  arguments.erase(
      std::remove_if(arguments.begin(), arguments.end(),
                     [&](const Argument& one) { return one.name == name; }),
      arguments.end());
}

class ArgumentsPatch {
 public:
  ArgumentsPatch(const KindConfig& config, const KubeadmPatch& patch,
                 const KubeadmApi& api, const std::string& field,
                 std::vector<Argument>& arguments)
      : config_(config),
        patch_(patch),
        api_(api),
        field_(field),
        arguments_(arguments) {}

  Status Apply(const json& value) const {
    if (value.is_object()) return SetFromMap(value);
    if (value.is_array()) return SetFromList(value);
    return At(
        fmt::format("\"{}\" must be a mapping, or a list of name and "
                    "value",
                    field_));
  }

 private:
  Error At(const std::string& message) const {
    return AtPatch(config_, patch_, message);
  }

  Status CheckForm(bool is_list) const {
    if (is_list == api_.argument_lists) return {};
    if (is_list) {
      return At(
          fmt::format("\"{}\" of {} is a mapping, which a list would "
                      "replace; write {{NAME: VALUE}}",
                      field_, api_.name));
    }
    if (patch_.api_version.empty()) return {};
    return At(
        fmt::format("\"{}\" of {} is a list of name and value; leave "
                    "apiVersion out to write a mapping",
                    field_, api_.name));
  }

  Status SetFromMap(const json& map) const {
    LAB_CHECK_OK(CheckForm(false));
    for (const auto& [name, value] : map.items()) {
      if (value.is_null()) {
        UnsetArgument(arguments_, name);
      } else if (value.is_string()) {
        SetArgument(arguments_, name, value.get<std::string>());
      } else {
        return NotText(name);
      }
    }
    return {};
  }

  Status SetFromList(const json& list) const {
    LAB_CHECK_OK(CheckForm(true));
    for (const auto& item : list) {
      if (!item.is_object() || item.size() != 2 || !item.contains("name") ||
          !item.contains("value") || !item["name"].is_string()) {
        return At(fmt::format("an item of \"{}\" must have a name and a value",
                              field_));
      }
      const auto name = item["name"].get<std::string>();
      if (!item["value"].is_string()) return NotText(name);
      SetArgument(arguments_, name, item["value"].get<std::string>());
    }
    return {};
  }

  Error NotText(const std::string& name) const {
    return At(
        fmt::format("the value of \"{}\" in \"{}\" must be a string (put "
                    "it in quotes)",
                    Printable(name), field_));
  }

  const KindConfig& config_;
  const KubeadmPatch& patch_;
  const KubeadmApi& api_;
  const std::string& field_;
  std::vector<Argument>& arguments_;
};

}  // namespace

void SetArgument(std::vector<Argument>& arguments, const std::string& name,
                 const std::string& value) {
  for (auto& argument : arguments) {
    if (argument.name == name) {
      argument.value = value;
      return;
    }
  }
  arguments.push_back({name, value});
}

const Argument* FindArgument(const std::vector<Argument>& arguments,
                             const std::string& name) {
  for (const auto& argument : arguments) {
    if (argument.name == name) return &argument;
  }
  return nullptr;
}

Error AtPatch(const KindConfig& config, const KubeadmPatch& patch,
              const std::string& message) {
  return UsageError(fmt::format("{}:{}: {} patch: {}", config.file, patch.line,
                                patch.kind, message));
}

Status CheckPatchVersion(const KindConfig& config, const KubeadmPatch& patch,
                         const std::string& version) {
  if (patch.api_version.empty() || patch.api_version == version) return {};
  return AtPatch(config, patch,
                 fmt::format("apiVersion \"{}\" matches nothing; leave it out, "
                             "or write \"{}\"",
                             Printable(patch.api_version), version));
}

Status ApplyArguments(const KindConfig& config, const KubeadmPatch& patch,
                      const KubeadmApi& api, const std::string& field,
                      const json& value, std::vector<Argument>& arguments) {
  return ArgumentsPatch(config, patch, api, field, arguments).Apply(value);
}

}  // namespace lab
