// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "runner/base/scratch_fixture.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

struct Unpacked {
  std::string content;
  int mode = 0;
};

class NodeConfig : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    ASSERT_TRUE(MakeDirectories(At("lab/pki")));
    ASSERT_TRUE(WriteFile(At("lab/pki/ca.crt"), "CA"));
    ASSERT_TRUE(WriteFile(At("lab/host_key"), "HOST KEY"));
    ASSERT_TRUE(WriteFile(At("lab/ssh_key.pub"), "PUBLIC KEY"));
    request_.node.name = "lab-worker";
    request_.kubernetes = "1.36.3";
    request_.kubeconfig = "KUBECONFIG";
    request_.directory = At("lab");
    request_.fixtures = LAB_SOURCE_DIR "/fixtures/node";
    request_.default_runtime = "runc";
  }

  Path At(const std::string& name) const { return dir_->path() / name; }

  // Config as the node will read it.
  json Kubelet() const {
    const auto text = KubeletConfig(request_);
    if (text) return json::parse(*text);
    ADD_FAILURE() << text.error().what;
    return {};
  }

  Status Write(const std::string& base = "BASE") const {
    LAB_CHECK_OK(WriteFile(At("base"), base));
    return WriteNodeInitramfs(request_, At("base"), At("out"));
  }

  // What is behind the first `skip` bytes of the written file.
  std::map<std::string, Unpacked> Unpack(std::size_t skip = 4) const {
    const auto whole = ReadFile(At("out")).value_or("");
    EXPECT_TRUE(WriteFile(At("own"), whole.substr(skip)));
    EXPECT_TRUE(RemoveTree(At("root")));
    const auto read = ExtractArchive(At("own"), At("root"),
                                     [](const std::string&) { return true; });
    EXPECT_TRUE(read) << read.error().what;
    std::map<std::string, Unpacked> found;
    for (const auto& entry : fs::recursive_directory_iterator(At("root"))) {
      auto& one = found[fs::relative(entry.path(), At("root")).string()];
      one.mode = static_cast<int>(entry.status().permissions());
      if (entry.is_regular_file()) one.content = *ReadFile(entry.path());
    }
    return found;
  }

  void Mount(const Path& host, const std::string& target) {
    request_.node.mounts.push_back(
        {.host_path = host, .container_path = target});
  }

  NodeConfigRequest request_;

 private:
};

TEST_F(NodeConfig, KubeletStartsFromTheFixture) {
  const auto config = Kubelet();
  EXPECT_EQ(config.at("kind"), "KubeletConfiguration");
  EXPECT_EQ(config.at("authorization").at("mode"), "Webhook");
  EXPECT_FALSE(config.contains("featureGates"));
}

TEST_F(NodeConfig, KubeletGetsGatesThenPatches) {
  request_.feature_gates = {{"Shape", true}, {"Both", true}};
  request_.node.kubelet_config = {
      {"maxPods", 5},
      {"featureGates", {{"Both", false}, {"Patch", true}}},
      {"authentication", {{"webhook", {{"cacheTTL", "9s"}}}}},
      {"failSwapOn", nullptr}};

  const auto config = Kubelet();

  EXPECT_EQ(config.at("maxPods"), 5);
  EXPECT_EQ(config.at("featureGates"),
            json({{"Shape", true}, {"Both", false}, {"Patch", true}}));
  EXPECT_EQ(config.at("authentication").at("webhook"),
            json({{"enabled", true}, {"cacheTTL", "9s"}}));
  EXPECT_FALSE(config.contains("failSwapOn"));
  EXPECT_TRUE(config.contains("cgroupDriver"));
}

struct Era {
  const char* version;
  std::vector<std::string> absent;
  std::string flags;
};

// Each field is there from the version on, and not before.
TEST_F(NodeConfig, KubeletGetsWhatItsVersionKnows) {
  const std::string monitor = "containerLogMonitorInterval";
  const std::string endpoint = "containerRuntimeEndpoint";
  const std::string isolation = "localStorageCapacityIsolation";
  const std::string socket =
      "--container-runtime-endpoint="
      "unix:///run/containerd/containerd.sock\n";
  const Era eras[] = {
      {"1.36.3", {}, ""},
      {"1.30.0", {}, ""},
      {"1.29.15", {monitor}, ""},
      {"1.27.0", {monitor}, ""},
      {"1.26.15", {monitor, endpoint}, socket},
      {"1.25.0", {monitor, endpoint}, socket},
      {"1.24.17", {monitor, endpoint, isolation}, socket},
      {"1.23.17",
       {monitor, endpoint, isolation},
       socket + "--container-runtime=remote\n"},
  };
  for (const auto& era : eras) {
    request_.kubernetes = era.version;
    const auto config = Kubelet();
    for (const auto& field : {monitor, endpoint, isolation}) {
      const bool absent =
          std::count(era.absent.begin(), era.absent.end(), field) > 0;
      EXPECT_NE(config.contains(field), absent) << era.version << " " << field;
    }
    EXPECT_TRUE(config.contains("cgroupDriver"));
    const auto flags = KubeletArgs(request_);
    ASSERT_TRUE(flags) << flags.error().what;
    EXPECT_EQ(*flags, "--hostname-override=lab-worker\n" + era.flags);
  }
}

TEST_F(NodeConfig, PatchesOfTheShapeComeAfterThoseOfTheVersion) {
  request_.kubernetes = "1.23.17";
  request_.node.kubelet_config = {{"localStorageCapacityIsolation", true}};
  request_.node.kubelet_extra_args = {{"container-runtime", "docker"}};
  EXPECT_EQ(Kubelet().at("localStorageCapacityIsolation"), true);
  EXPECT_TRUE(KubeletArgs(request_)->ends_with(
      "--container-runtime=remote\n--container-runtime=docker\n"));
}

TEST_F(NodeConfig, DamagedVersionsFileIsNamed) {
  ASSERT_TRUE(MakeDirectories(At("fixtures")));
  ASSERT_TRUE(WriteFile(At("fixtures/kubelet-config.yaml"), "a: 1\n"));
  request_.fixtures = At("fixtures");
  for (const auto* text :
       {"", "[]", "{\"changes\": [{}]}", "{\"changes\": [{\"below\": 1}]}"}) {
    ASSERT_TRUE(WriteFile(At("fixtures/kubelet-versions.json"), text));
    for (const auto& made : {KubeletConfig(request_), KubeletArgs(request_)}) {
      ASSERT_FALSE(made) << text;
      EXPECT_THAT(made.error().what, HasSubstr("kubelet-versions.json"));
    }
  }
}

TEST_F(NodeConfig, KubeletNeedsItsFixture) {
  request_.fixtures = At("nowhere");
  const auto config = KubeletConfig(request_);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr("nowhere/kubelet-config.yaml"));
}

TEST_F(NodeConfig, ArchiveHoldsWhatTheNodeNeeds) {
  request_.node.kubelet_extra_args = {{"v", "4"}, {"cgroup-root", "/x"}};
  const auto written = Write();
  ASSERT_TRUE(written) << written.error().what;

  const auto files = Unpack();

  const std::map<std::string, Unpacked> expected = {
      {"config/var/lib/kubelet/pki/ca.crt", {"CA", 0644}},
      {"config/var/lib/kubelet/kubeconfig", {"KUBECONFIG", 0600}},
      {"config/var/lib/kubelet/config.yaml", {*KubeletConfig(request_), 0644}},
      {"config/etc/hostname", {"lab-worker\n", 0644}},
      {"config/etc/ssh/ssh_host_ed25519_key", {"HOST KEY", 0600}},
      {"config/root/.ssh/authorized_keys", {"PUBLIC KEY", 0600}},
      {"config/lab/default-runtime", {"runc\n", 0644}},
      {"config/lab/kubelet-args.d/node",
       {"--hostname-override=lab-worker\n--v=4\n--cgroup-root=/x\n", 0644}},
      {"config/root/.ssh", {"", 0700}},
      {"config/etc/ssh", {"", 0755}},
      {"config/var/lib/kubelet", {"", 0755}},
  };
  for (const auto& [name, want] : expected) {
    ASSERT_TRUE(files.contains(name)) << name;
    EXPECT_EQ(files.at(name).content, want.content) << name;
    EXPECT_EQ(files.at(name).mode, want.mode) << name;
  }
  EXPECT_EQ(files.at("config/etc/machine-id").content.size(), 33u);
  EXPECT_EQ(files.at("config/etc/machine-id").mode, 0444);
}

TEST_F(NodeConfig, NodesHaveMachineIdsOfTheirOwn) {
  ASSERT_TRUE(Write());
  const auto one = Unpack().at("config/etc/machine-id").content;
  ASSERT_TRUE(Write());
  EXPECT_NE(Unpack().at("config/etc/machine-id").content, one);
}

TEST_F(NodeConfig, ArchiveFollowsTheBaseAtAMultipleOfFour) {
  for (std::size_t size = 0; size <= 8; ++size) {
    const std::string base(size, 'b');
    const auto written = Write(base);
    ASSERT_TRUE(written) << written.error().what;

    const std::size_t begin = (size + 3) / 4 * 4;
    const auto whole = *ReadFile(At("out"));
    EXPECT_EQ(whole.substr(0, begin), base + std::string(begin - size, '\0'));
    EXPECT_EQ(whole.substr(begin, 2), "\x1f\x8b");  // gzip
    EXPECT_TRUE(Unpack(begin).contains("config/etc/hostname")) << size;
  }
}

TEST_F(NodeConfig, FileIsForItsOwnerAndAlone) {
  ASSERT_TRUE(Write());
  EXPECT_EQ(fs::status(At("out")).permissions(), fs::perms(0600));
  EXPECT_FALSE(fs::exists(At("out.node")));
}

TEST_F(NodeConfig, MountedFileIsCopiedWithItsMode) {
  ASSERT_TRUE(WriteFile(At("tool"), "#!"));
  fs::permissions(At("tool"), fs::perms(0750));
  Mount(At("tool"), "/opt/x/renamed");
  ASSERT_TRUE(Write());
  const auto files = Unpack();
  ASSERT_TRUE(files.contains("config/opt/x/renamed"));
  EXPECT_EQ(files.at("config/opt/x/renamed").content, "#!");
  EXPECT_EQ(files.at("config/opt/x/renamed").mode, 0750);
}

TEST_F(NodeConfig, MountedDirectoryIsCopiedWithAllBelow) {
  ASSERT_TRUE(MakeDirectories(At("tree/sub")));
  ASSERT_TRUE(WriteFile(At("tree/a"), "1"));
  ASSERT_TRUE(WriteFile(At("tree/sub/b"), "2"));
  Mount(At("tree"), "/opt/tree");
  ASSERT_TRUE(Write());
  const auto files = Unpack();
  ASSERT_TRUE(files.contains("config/opt/tree/a"));
  ASSERT_TRUE(files.contains("config/opt/tree/sub/b"));
  EXPECT_EQ(files.at("config/opt/tree/sub/b").content, "2");
}

TEST_F(NodeConfig, MountOfNothingIsAUsageErrorThatNamesIt) {
  Mount(At("nothing-here"), "/opt/x");
  const auto written = Write();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(written.error().what, HasSubstr("extraMounts of lab-worker"));
  EXPECT_THAT(written.error().what, HasSubstr("nothing-here"));
}

TEST_F(NodeConfig, MissingCredentialsAreNamed) {
  ASSERT_TRUE(RemoveTree(At("lab/host_key")));
  const auto written = Write();
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().what, HasSubstr("host_key"));
}

}  // namespace
}  // namespace lab
