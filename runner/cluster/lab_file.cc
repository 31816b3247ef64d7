// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/lab_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

json ToJson(const ProcessId& id) {
  return {{"pid", id.pid}, {"start_time", id.start_time}};
}

ProcessId ReadProcessId(const json& j) {
  return {j.at("pid").get<pid_t>(),
          j.at("start_time").get<unsigned long long>()};
}

// Labs that were saved before nodes had one are without.
NodeLogin ReadLogin(const json& node) {
  if (!node.contains("login")) return {};
  return {node.at("login").at("command"), node.at("login").at("terminal")};
}

// Labs whose profiles are called as in the documents say nothing of them.
ProfileNames ReadProfileNames(const json& lab) {
  if (!lab.contains("profiles")) return {};
  const json& profiles = lab.at("profiles");
  return {profiles.at("mark"), profiles.at("names")};
}

LabFile Read(const json& j) {
  LabFile lab;
  lab.name = j.at("name");
  lab.kind = j.at("kind");
  lab.created = j.at("created");
  lab.state = j.at("state");
  lab.owner = ReadProcessId(j.at("owner"));
  lab.directory = j.at("directory").get<std::string>();
  lab.kubeconfig = j.at("kubeconfig").get<std::string>();
  lab.api_socket = j.at("api_socket").get<std::string>();
  lab.kubectl = j.at("kubectl").get<std::string>();
  lab.kubernetes = j.at("kubernetes");
  if (j.contains("engine")) {
    lab.engine = {j.at("engine").at("provider"), j.at("engine").at("at")};
  }
  lab.image = j.value("image", kFixtureImage);
  lab.profile_names = ReadProfileNames(j);
  for (const auto& n : j.at("nodes")) {
    lab.nodes.push_back({n.at("name"), n.at("role"), n.at("address"),
                         n.at("console").get<std::string>(), n.at("labels"),
                         ReadLogin(n)});
  }
  for (const auto& p : j.at("processes")) {
    lab.processes.push_back({p.at("name"), ReadProcessId(p)});
  }
  lab.facts = j.at("facts").get<std::map<std::string, std::string>>();
  return lab;
}

}  // namespace

std::vector<LabNode> LabFile::Workers() const {
  std::vector<LabNode> workers;
  for (const auto& node : nodes) {
    if (node.role == "worker") workers.push_back(node);
  }
  return workers;
}

NodeLogin LabFile::LoginTo(const std::string& node) const {
  for (const auto& known : nodes) {
    if (known.name == node) return known.login;
  }
  return {};
}

std::string LabFile::FactOf(const std::string& node,
                            const std::string& fact) const {
  const auto found = facts.find(node + "." + fact);
  return found == facts.end() ? "" : found->second;
}

Status LabFile::SaveTo(const Path& file) const {
  json j = {{"name", name},
            {"kind", kind},
            {"created", created},
            {"state", state},
            {"owner", ToJson(owner)},
            {"directory", directory.string()},
            {"kubeconfig", kubeconfig.string()},
            {"api_socket", api_socket.string()},
            {"kubectl", kubectl.string()},
            {"kubernetes", kubernetes},
            {"nodes", json::array()},
            {"processes", json::array()},
            {"facts", facts}};
  if (!engine.provider.empty()) {
    j["engine"] = {{"provider", engine.provider}, {"at", engine.at}};
  }
  if (image != kFixtureImage) j["image"] = image;
  if (profile_names.marked()) {
    j["profiles"] = {{"mark", profile_names.mark()},
                     {"names", profile_names.names()}};
  }
  for (const auto& node : nodes) {
    j["nodes"].push_back({{"name", node.name},
                          {"role", node.role},
                          {"address", node.address},
                          {"console", node.console.string()},
                          {"labels", node.labels},
                          {"login",
                           {{"command", node.login.command},
                            {"terminal", node.login.terminal}}}});
  }
  for (const auto& process : processes) {
    json entry = ToJson(process.id);
    entry["name"] = process.name;
    j["processes"].push_back(entry);
  }
  return WriteFileAtomically(file, j.dump(2) + "\n");
}

Result<LabFile> LabFile::Load(const Path& path) {
  const Path file =
      std::filesystem::is_directory(path) ? path / "lab.json" : path;
  LAB_TRY(const auto text, ReadFile(file));
  try {
    return Read(json::parse(text));
  } catch (const json::exception& e) {
    return Error{file.string() + ": " + e.what()};
  }
}

std::optional<std::string> FindDamage(const LabFile& lab) {
  for (const auto& process : lab.processes) {
    if (process.id.Alive()) continue;
    auto log = ReadFile(lab.LogOf(process.name)).value_or("");
    for (const auto& node : lab.nodes) {
      // A machine that ends says why on its console.
      if (process.name == "qemu-" + node.name && Trim(log).empty()) {
        log = ReadFile(node.console).value_or("");
      }
    }
    const auto last = LastLines(Trim(log), 3);
    return fmt::format("{} (process {}) ended{}{}", process.name,
                       process.id.pid,
                       last.empty() ? "" : "; last words: ", last);
  }
  return std::nullopt;
}

}  // namespace lab
