// SPDX-License-Identifier: Apache-2.0
// How that which a lab and its cases make in a cluster and on its nodes is
// known again, by whoever cleans up after them.
#pragma once

#include <string>

namespace lab {

/// On every object of a lab; its value is the lab's name.
inline constexpr char kLabLabel[] = "confinement-lab/lab";

/// A label that a case has put on a node is noted in an annotation of the node
/// with this prefix and the case's namespace: "LAB KEY".
inline constexpr char kNodeLabelNote[] = "confinement-lab/";
inline std::string NodeLabelNote(const std::string& lab,
                                 const std::string& key) {
  return lab + " " + key;
}

/// Files of a lab on a node: programs, marks, what cases need for a while.
inline std::string NodeDirectory(const std::string& lab) {
  return "/var/lib/confinement-lab/" + lab;
}

/// Where a kubelet looks for its static pods, by kubeadm's and our own
/// configuration (staticPodPath), and that of a case there.
inline constexpr char kStaticPods[] = "/etc/kubernetes/manifests";
inline std::string StaticPodFile(const std::string& name_space) {
  return std::string(kStaticPods) + "/" + name_space + ".json";
}

}  // namespace lab
