// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;

// Both documents of the configuration for a version of the real table.
std::pair<json, json> ConfigFor(const std::string& version) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  if (!table) {
    ADD_FAILURE() << table.error().what;
    return {};
  }
  const auto kubernetes = table->FindKubernetes(version);
  if (!kubernetes) {
    ADD_FAILURE() << kubernetes.error().what;
    return {};
  }
  const std::string text =
      KubeadmConfig({.kubeadm = "kubeadm",
                     .directory = "/lab",
                     .kubernetes = kubernetes->version,
                     .kubeadm_api = kubernetes->kubeadm_api,
                     .api_port = 16444});
  const auto border = text.find("\n---\n");
  EXPECT_NE(border, std::string::npos);
  return {json::parse(text.substr(0, border)),
          json::parse(text.substr(border + 5))};
}

TEST(KubeadmConfig, BothDocumentsAreOfTheVersionsApi) {
  for (const auto& [version, api] :
       {std::pair{"1.23", "kubeadm.k8s.io/v1beta3"},
        std::pair{"1.24", "kubeadm.k8s.io/v1beta3"},
        std::pair{"1.30", "kubeadm.k8s.io/v1beta3"},
        std::pair{"1.36", "kubeadm.k8s.io/v1beta4"}}) {
    const auto [init, cluster] = ConfigFor(version);
    EXPECT_EQ(init.at("apiVersion"), api);
    EXPECT_EQ(init.at("kind"), "InitConfiguration");
    EXPECT_EQ(cluster.at("apiVersion"), api);
    EXPECT_EQ(cluster.at("kind"), "ClusterConfiguration");
  }
}

TEST(KubeadmConfig, AsksForEcdsaAsTheVersionKnowsIt) {
  for (const auto* version : {"1.23", "1.24", "1.30"}) {
    const auto cluster = ConfigFor(version).second;
    EXPECT_EQ(cluster.at("featureGates"), json({{"PublicKeysECDSA", true}}));
    EXPECT_FALSE(cluster.contains("encryptionAlgorithm")) << version;
  }
  const auto cluster = ConfigFor("1.36").second;
  EXPECT_EQ(cluster.at("encryptionAlgorithm"), "ECDSA-P256");
  EXPECT_FALSE(cluster.contains("featureGates"));
}

TEST(KubeadmConfig, SaysWhereTheLabIs) {
  const auto [init, cluster] = ConfigFor("1.23.17");
  EXPECT_EQ(init.at("localAPIEndpoint"),
            json({{"advertiseAddress", "10.0.2.2"}, {"bindPort", 16444}}));
  EXPECT_EQ(cluster.at("kubernetesVersion"), "v1.23.17");
  EXPECT_EQ(cluster.at("certificatesDir"), "/lab/pki");
  EXPECT_EQ(cluster.at("controlPlaneEndpoint"), "127.0.0.1:16444");
  EXPECT_EQ(cluster.at("apiServer").at("certSANs"),
            json({"127.0.0.1", "10.0.2.2", "localhost"}));
}

}  // namespace
}  // namespace lab
