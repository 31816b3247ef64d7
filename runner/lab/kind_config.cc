// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"

namespace lab {
namespace {

using nlohmann::json;

const std::vector<std::string> kPatchKinds = {
    "ClusterConfiguration", "InitConfiguration", "JoinConfiguration",
    "KubeletConfiguration", "KubeProxyConfiguration"};

// What may stand in a mapping, and who reads it.
struct Field {
  std::string name;
  std::function<Status(const YAML::Node& value, const std::string& path)> read;
  bool kind_only = false;
};

Status Ignore(const YAML::Node&, const std::string&) { return {}; }

class Parser {
 public:
  Parser(const std::string& text, const std::string& file)
      : lines_(Lines(text)) {
    config_.file = file;
  }

  Result<KindConfig> Parse(const YAML::Node& root) {
    LAB_CHECK_OK(CheckKind(root));
    LAB_CHECK_OK(
        ReadFields(root, "",
                   {{"kind", Ignore},
                    {"apiVersion", Ignore},
                    {"name", Text(config_.name)},
                    {"nodes", Nodes()},
                    {"featureGates", FeatureGates()},
                    {"runtimeConfig", Texts(config_.runtime_config)},
                    {"kubeadmConfigPatches", Patches(config_.patches)},
                    {"networking", Networking(), true},
                    {"kubeadmConfigPatchesJSON6902", Ignore, true},
                    {"containerdConfigPatches", Ignore, true},
                    {"containerdConfigPatchesJSON6902", Ignore, true}}));
    if (config_.nodes.empty()) config_.nodes.emplace_back();
    return std::move(config_);
  }

 private:
  using Reader = decltype(Field::read);

  static int LineOf(const YAML::Node& node) {
    return std::max(node.Mark().line, 0) + 1;
  }
  Error AtLine(int line, const std::string& message) const {
    return UsageError(fmt::format("{}:{}: {}", config_.file, line, message));
  }
  Error At(const YAML::Node& node, const std::string& message) const {
    return AtLine(LineOf(node), message);
  }
  Error WrongType(const YAML::Node& node, const std::string& path,
                  std::string_view expected) const {
    return At(node, fmt::format("field \"{}\" must be {}", path, expected));
  }

  Status CheckKind(const YAML::Node& root) const {
    const auto has = [&](const char* key, std::string_view value) {
      const YAML::Node node = root[key];
      return node.IsDefined() && node.IsScalar() && node.Scalar() == value;
    };
    if (root.IsMap() && has("kind", "Cluster") &&
        has("apiVersion", "kind.x-k8s.io/v1alpha4")) {
      return {};
    }
    return At(root,
              "no kind config: \"kind: Cluster\" and \"apiVersion: "
              "kind.x-k8s.io/v1alpha4\" are expected");
  }

  Status ReadFields(const YAML::Node& map, const std::string& path,
                    const std::vector<Field>& fields) {
    if (!map.IsMap()) return WrongType(map, path, "a mapping");
    for (const auto& entry : map) {
      const std::string& key = entry.first.Scalar();
      const std::string full = path.empty() ? key : path + "." + key;
      const auto field =
          std::find_if(fields.begin(), fields.end(),
                       [&](const Field& one) { return one.name == key; });
      if (field == fields.end()) return Unknown(entry.first, full, fields);
      LAB_CHECK_OK(field->read(entry.second, full));
      if (field->kind_only) {
        config_.kind_only.push_back(
            {full, Supported(fields), LineOf(entry.first)});
      }
    }
    return {};
  }

  static std::vector<std::string> Supported(const std::vector<Field>& fields) {
    std::vector<std::string> names;
    for (const auto& field : fields) {
      if (!field.kind_only) names.push_back(field.name);
    }
    return names;
  }

  Error Unknown(const YAML::Node& key, const std::string& full,
                const std::vector<Field>& fields) const {
    std::vector<std::string> names;
    for (const auto& field : fields) names.push_back(field.name);
    return At(key, fmt::format("unknown field \"{}\" (did you mean \"{}\"?)",
                               Printable(full),
                               ClosestTo(key.Scalar(), names, 1).front()));
  }

  // The document has passed YamlToJson as a whole, so its parts do.
  json Value(const YAML::Node& node) const {
    return YamlToJson(node, {config_.file}).value_or(nullptr);
  }

  Reader Text(std::string& target) {
    return [&](const YAML::Node& node, const std::string& path) -> Status {
      const json value = Value(node);
      if (!value.is_string()) {
        return WrongType(node, path, "a string (put it in quotes)");
      }
      target = value.get<std::string>();
      return {};
    };
  }

  Reader Flag(bool& target) {
    return [&](const YAML::Node& node, const std::string& path) -> Status {
      const json value = Value(node);
      if (!value.is_boolean()) {
        return WrongType(node, path, "true or false (without quotes)");
      }
      target = value.get<bool>();
      return {};
    };
  }

  // A map from free names to what `value_reader` reads.
  template <typename T>
  Reader MapOf(std::map<std::string, T>& target,
               Reader (Parser::*value_reader)(T&)) {
    return [this, &target, value_reader](const YAML::Node& node,
                                         const std::string& path) -> Status {
      if (!node.IsMap()) return WrongType(node, path, "a mapping");
      for (const auto& entry : node) {
        const std::string& key = entry.first.Scalar();
        T value{};
        LAB_CHECK_OK((this->*value_reader)(
            value)(entry.second,
                   fmt::format("{}[\"{}\"]", path, Printable(key))));
        target[key] = value;
      }
      return {};
    };
  }
  Reader Texts(std::map<std::string, std::string>& target) {
    return MapOf(target, &Parser::Text);
  }
  Reader FeatureGates() {
    return [this](const YAML::Node& map, const std::string& path) -> Status {
      LAB_CHECK_OK(MapOf(config_.feature_gates, &Parser::Flag)(map, path));
      config_.gate_lines = KeyLines(map);
      return {};
    };
  }

  static std::map<std::string, int> KeyLines(const YAML::Node& map) {
    std::map<std::string, int> lines;
    for (const auto& entry : map) {
      lines[entry.first.Scalar()] = LineOf(entry.first);
    }
    return lines;
  }

  // A list whose items `read_item` reads.
  Reader ListOf(Reader read_item) {
    return [this, read_item](const YAML::Node& node,
                             const std::string& path) -> Status {
      if (!node.IsSequence()) return WrongType(node, path, "a list");
      int index = 0;
      for (const auto& item : node) {
        LAB_CHECK_OK(read_item(item, fmt::format("{}[{}]", path, index++)));
      }
      return {};
    };
  }

  Reader Nodes() {
    return ListOf([this](const YAML::Node& item, const std::string& path) {
      return ReadNode(item, path);
    });
  }

  Status ReadNode(const YAML::Node& item, const std::string& path) {
    KindNode node;
    node.line = LineOf(item);
    std::string role = "control-plane";
    LAB_CHECK_OK(ReadFields(item, path,
                            {{"role", Text(role)},
                             {"labels", Labels(node)},
                             {"kubeadmConfigPatches", Patches(node.patches)},
                             {"extraMounts", Mounts(node.extra_mounts)},
                             {"image", Text(node.image), true},
                             {"extraPortMappings", PortMappings(), true},
                             {"kubeadmConfigPatchesJSON6902", Ignore, true}}));
    if (role != "control-plane" && role != "worker") {
      return At(item, fmt::format("field \"{}.role\" is \"{}\" (supported: "
                                  "control-plane, worker)",
                                  path, Printable(role)));
    }
    if (role == "worker") node.role = KindRole::kWorker;
    config_.nodes.push_back(std::move(node));
    return {};
  }

  Reader Labels(KindNode& node) {
    return [this, &node](const YAML::Node& map,
                         const std::string& path) -> Status {
      LAB_CHECK_OK(Texts(node.labels)(map, path));
      node.label_lines = KeyLines(map);
      return {};
    };
  }

  Reader Mounts(std::vector<KindMount>& mounts) {
    return ListOf([this, &mounts](const YAML::Node& item,
                                  const std::string& path) -> Status {
      KindMount mount;
      mount.line = LineOf(item);
      LAB_CHECK_OK(ReadFields(item, path,
                              {{"hostPath", Text(mount.host_path)},
                               {"containerPath", Text(mount.container_path)},
                               {"readOnly", Flag(mount.read_only)},
                               {"selinuxRelabel", Ignore, true},
                               {"propagation", Ignore, true}}));
      if (mount.host_path.empty() || mount.container_path.empty()) {
        return At(item, fmt::format("field \"{}\" must have hostPath and "
                                    "containerPath",
                                    path));
      }
      mounts.push_back(std::move(mount));
      return {};
    });
  }

  Reader AnyOf(std::vector<std::string> names) {
    std::vector<Field> fields;
    for (auto& name : names) fields.push_back({std::move(name), Ignore});
    return [this, fields](const YAML::Node& node, const std::string& path) {
      return ReadFields(node, path, fields);
    };
  }
  Reader Networking() {
    return AnyOf({"ipFamily", "apiServerPort", "apiServerAddress", "podSubnet",
                  "serviceSubnet", "disableDefaultCNI", "kubeProxyMode",
                  "dnsSearch"});
  }
  Reader PortMappings() {
    return ListOf(
        AnyOf({"containerPort", "hostPort", "listenAddress", "protocol"}));
  }

  Reader Patches(std::vector<KubeadmPatch>& patches) {
    return ListOf(
        [this, &patches](const YAML::Node& item, const std::string& path) {
          return ReadPatch(item, path, patches);
        });
  }

  Status ReadPatch(const YAML::Node& item, const std::string& path,
                   std::vector<KubeadmPatch>& patches) {
    const json text = Value(item);
    if (!text.is_string()) {
      return WrongType(item, path, "a string of YAML (write \"- |\" above it)");
    }
    LAB_TRY(auto documents,
            ParseYamlDocuments(text.get<std::string>(), OriginOfText(item)));
    if (documents.empty()) return WrongType(item, path, "a kubeadm patch");
    for (auto& document : documents) {
      LAB_TRY(auto patch, AsPatch(std::move(document), path));
      patches.push_back(std::move(patch));
    }
    return {};
  }

  Result<KubeadmPatch> AsPatch(YamlDocument document,
                               const std::string& path) const {
    KubeadmPatch patch;
    patch.line = document.line;
    const auto text_of = [&](const char* key) -> std::string {
      const auto found = document.value.find(key);
      if (found == document.value.end()) return "";
      return found->is_string() ? found->get<std::string>() : found->dump();
    };
    if (document.value.is_object()) {
      patch.api_version = text_of("apiVersion");
      patch.kind = text_of("kind");
    }
    if (patch.kind.empty()) {
      return AtLine(patch.line, fmt::format("the patch in \"{}\" must be a "
                                            "mapping with a field \"kind\"",
                                            path));
    }
    if (std::find(kPatchKinds.begin(), kPatchKinds.end(), patch.kind) ==
        kPatchKinds.end()) {
      return AtLine(
          patch.line,
          fmt::format("a patch of kind \"{}\" matches nothing (did you mean "
                      "\"{}\"?)",
                      Printable(patch.kind),
                      ClosestTo(patch.kind, kPatchKinds, 1).front()));
    }
    patch.body = std::move(document.value);
    return patch;
  }

  // Where the text of a scalar begins: on the next line, indented, if it is a
  // block ("- |"), else where the scalar does.
  YamlOrigin OriginOfText(const YAML::Node& scalar) const {
    YamlOrigin origin{config_.file, LineOf(scalar),
                      std::max(scalar.Mark().column, 0) + 1};
    const auto line_at = [&](int number) -> std::string_view {
      const auto index = static_cast<std::size_t>(number - 1);
      return index < lines_.size() ? lines_[index] : std::string_view();
    };
    const std::string_view first = line_at(origin.line);
    const auto at = static_cast<std::size_t>(origin.column - 1);
    if (at < first.size() && (first[at] == '|' || first[at] == '>')) {
      const std::string_view next = line_at(++origin.line);
      const auto indent = std::min(next.find_first_not_of(' '), next.size());
      origin.column = static_cast<int>(indent) + 1;
    }
    return origin;
  }

  const std::vector<std::string> lines_;
  KindConfig config_;
};

}  // namespace

Result<KindConfig> ParseKindConfig(const std::string& text,
                                   const std::string& file) {
  LAB_TRY(const auto root, LoadYaml(text, file));
  return Parser(text, file).Parse(root);
}

}  // namespace lab
