// SPDX-License-Identifier: Apache-2.0
//
// lab-cni: the CNI plugin of a lab's nodes. A pod needs an address in its
// status and an interface in its network namespace; no suite needs a packet to
// leave the pod. So every pod gets a dummy device with an address that is its
// own on this node. Static, because an emulated node starts it twice a pod.
//
// Configuration: {"type": "lab-cni", "subnet": "10.244.1.0/24"}. All commands
// of the CNI specification 1.1.0, https://www.cni.dev/docs/spec/.
//
// A lease is a symbolic link under /run, named after the address and pointing
// at "CONTAINER/INTERFACE": made and taken atomically, so no lock is needed,
// and a node that starts again starts without leases.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

namespace {

using Json = nlohmann::json;
const std::string kLeases = "/run/lab-cni/";

// Error codes: below 100 they are the specification's, section "Error".
enum Code { kEnvironment = 4, kIo = 5, kConfig = 7, kFull = 100, kCheck = 101 };

struct Failure {
  Code code;
  std::string text;
};

[[noreturn]] void Fail(Code code, const std::string& text, int error = 0) {
  throw Failure{code, error == 0 ? text : text + ": " + std::strerror(error)};
}

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) Fail(kEnvironment, std::string(name) + " is not set");
  return value;
}

std::string_view Bytes(const auto& object) {
  return {reinterpret_cast<const char*>(&object), sizeof(object)};
}

struct Subnet {
  std::uint32_t base;
  unsigned prefix;
};

Subnet ParseSubnet(const Json& config) {
  const std::string text = config.value("subnet", "");
  const auto slash = text.find('/');
  const int prefix = slash == text.npos ? 0 : std::atoi(&text[slash + 1]);
  in_addr address{};
  if (prefix < 8 || prefix > 29 ||
      inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1) {
    Fail(kConfig, "subnet is \"" + text + "\", want ADDRESS/8 to ADDRESS/29");
  }
  return {ntohl(address.s_addr) & (~0U << (32 - prefix)),
          static_cast<unsigned>(prefix)};
}

// Starts at a place that the container's id chooses: an address that was just
// given back is seldom the next one used, and nobody mistakes two pods.
in_addr TakeAddress(const std::string& owner, const Subnet& subnet) {
  const std::uint32_t hosts = (1U << (32 - subnet.prefix)) - 3;
  const auto start =
      static_cast<std::uint32_t>(std::hash<std::string>{}(owner) % hosts);
  for (std::uint32_t i = 0; i < hosts; ++i) {
    // Neither the network's own address, nor the gateway's, nor broadcast.
    const in_addr address{htonl(subnet.base + 2 + (start + i) % hosts)};
    const std::string path = kLeases + inet_ntoa(address);
    if (::symlink(owner.c_str(), path.c_str()) == 0) return address;
    if (errno != EEXIST) Fail(kIo, "create " + path, errno);
  }
  Fail(kFull, "every address of the subnet has an owner");
}

// Gives back every address whose owner is not kept.
void Sweep(const std::function<bool(const std::string&)>& keep) {
  DIR* const dir = ::opendir(kLeases.c_str());
  if (dir == nullptr) Fail(kIo, "open " + kLeases, errno);
  while (const dirent* entry = ::readdir(dir)) {
    const std::string path = kLeases + entry->d_name;
    char owner[512];
    const ssize_t size = ::readlink(path.c_str(), owner, sizeof(owner));
    if (size < 0) continue;  // "." and "..", or gone meanwhile
    if (!keep(std::string(owner, owner + size))) ::unlink(path.c_str());
  }
  ::closedir(dir);
}

std::string Attribute(std::uint16_t type, std::string_view value) {
  const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(value.size())), type};
  std::string bytes = std::string(Bytes(head)).append(value);
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  return bytes;
}

// One rtnetlink request, done or failed when it returns.
void Request(const std::string& what, std::uint16_t type, int flags,
             const auto& body, const std::string& attributes) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof(header) + sizeof(body) +
                                                attributes.size());
  header.nlmsg_type = type;
  header.nlmsg_flags =
      static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  const std::string message =
      std::string(Bytes(header)).append(Bytes(body)) + attributes;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char request[1024];
  } answer{};
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (::send(fd, message.data(), message.size(), 0) < 0 ||
      ::recv(fd, &answer, sizeof(answer), 0) < 0) {
    Fail(kIo, what, errno);
  }
  ::close(fd);
  if (answer.error.error != 0) Fail(kIo, what, -answer.error.error);
}

void CreateDevice(const std::string& name, in_addr address, unsigned prefix) {
  constexpr int kNew = NLM_F_CREATE | NLM_F_EXCL;
  ifinfomsg link{};
  link.ifi_flags = link.ifi_change = IFF_UP;
  Request("create dummy device " + name, RTM_NEWLINK, kNew, link,
          Attribute(IFLA_IFNAME, {name.c_str(), name.size() + 1}) +
              Attribute(IFLA_LINKINFO, Attribute(IFLA_INFO_KIND, "dummy")));
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
  body.ifa_index = if_nametoindex(name.c_str());
  Request("give " + name + " its address", RTM_NEWADDR, kNew, body,
          Attribute(IFA_LOCAL, Bytes(address)));
}

// False when there is no such namespace (any more).
bool EnterNamespace(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  if (::setns(fd, CLONE_NEWNET) != 0) Fail(kIo, "enter " + path, errno);
  return ::close(fd) == 0;
}

// Also of what was never added: the runtime repeats DEL until it succeeds.
void Delete(const std::string& owner) {
  Sweep([&](const std::string& other) { return other != owner; });
  const char* netns = std::getenv("CNI_NETNS");
  if (netns == nullptr || *netns == '\0' || !EnterNamespace(netns)) return;
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(if_nametoindex(Env("CNI_IFNAME").c_str()));
  if (link.ifi_index != 0) Request("delete device", RTM_DELLINK, 0, link, {});
}

Json Add(const Json& config, const std::string& owner) {
  const Subnet subnet = ParseSubnet(config);
  const std::string netns = Env("CNI_NETNS");
  const std::string name = Env("CNI_IFNAME");
  const in_addr address = TakeAddress(owner, subnet);
  try {
    if (!EnterNamespace(netns)) Fail(kEnvironment, "no namespace " + netns);
    CreateDevice(name, address, subnet.prefix);
  } catch (const Failure&) {
    Sweep([&](const std::string& other) { return other != owner; });
    throw;
  }
  const std::string length = "/" + std::to_string(subnet.prefix);
  return {
      {"cniVersion", config.at("cniVersion")},
      {"interfaces", {{{"name", name}, {"sandbox", netns}}}},
      {"ips", {{{"address", inet_ntoa(address) + length}, {"interface", 0}}}}};
}

void Check(const std::string& owner) {
  bool found = false;
  Sweep([&](const auto& other) { return found |= other == owner, true; });
  if (!found || !EnterNamespace(Env("CNI_NETNS")) ||
      if_nametoindex(Env("CNI_IFNAME").c_str()) == 0) {
    Fail(kCheck, owner + " has lost its address or its device");
  }
}

void CollectGarbage(const Json& config) {
  std::set<std::string> valid;
  for (const Json& a : config.at("cni.dev/valid-attachments")) {
    valid.insert(a.value("containerID", "") + "/" + a.value("ifname", ""));
  }
  Sweep([&](const std::string& owner) { return valid.contains(owner); });
}

// What goes to standard output; null for nothing.
Json Run() {
  const std::string command = Env("CNI_COMMAND");
  if (command == "VERSION") {
    return {{"cniVersion", "1.1.0"}, {"supportedVersions", {"1.0.0", "1.1.0"}}};
  }
  const Json config = Json::parse(stdin);
  if (::mkdir(kLeases.c_str(), 0700) != 0 && errno != EEXIST) {
    Fail(kIo, "create " + kLeases, errno);
  }
  if (command == "STATUS") return ParseSubnet(config), nullptr;
  if (command == "GC") return CollectGarbage(config), nullptr;
  const std::string owner = Env("CNI_CONTAINERID") + "/" + Env("CNI_IFNAME");
  if (command == "ADD") return Add(config, owner);
  if (command == "DEL") return Delete(owner), nullptr;
  if (command == "CHECK") return Check(owner), nullptr;
  Fail(kEnvironment, "CNI_COMMAND is \"" + command + "\"");
}

int Print(const Json& json, int status) {
  if (!json.is_null()) std::puts(json.dump().c_str());
  return status;
}

}  // namespace

int main() {
  Failure failure{kConfig, ""};
  try {
    return Print(Run(), 0);
  } catch (const Failure& caught) {
    failure = caught;
  } catch (const std::exception& caught) {
    failure.text = caught.what();
  }
  return Print({{"cniVersion", "1.0.0"},
                {"code", failure.code},
                {"msg", "lab-cni: " + failure.text}},
               1);
}
