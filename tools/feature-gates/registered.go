// SPDX-License-Identifier: Apache-2.0

// Prints every feature gate of the Kubernetes that this is built with, as JSON.
// It sees what --help of the programs leaves out: gates that are generally
// available or deprecated, and which of them are locked.
package main

import (
	"encoding/json"
	"os"

	utilfeature "k8s.io/apiserver/pkg/util/feature"

	// Registers the gates.
	_ "k8s.io/kubernetes/pkg/features"
	//@IMPORT@
)

type gate struct {
	Stage   string `json:"stage"`
	Default bool   `json:"default"`
	Locked  bool   `json:"locked,omitempty"`
}

func main() {
	gates := map[string]gate{}
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		stage := string(spec.PreRelease)
		if stage == "" {
			stage = "GA"
		}
		gates[string(name)] = gate{stage, spec.Default, spec.LockToDefault}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(gates); err != nil {
		os.Exit(1)
	}
}
