// SPDX-License-Identifier: Apache-2.0

// Prints the feature gates of built Kubernetes programs, as JSON.
//
//	programs VERSION DIRECTORY REGISTERED LIVES
//
// --help lists gates that are alpha or beta. Of those that are generally
// available or deprecated it says nothing; what registered.go found of them
// counts, and what the API server says when it is asked.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

type gate struct {
	Stage     string   `json:"stage"`
	Default   bool     `json:"default"`
	Locked    bool     `json:"locked,omitempty"`
	UnknownTo []string `json:"unknown-to,omitempty"`
}

var programs = []string{
	"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"}

var listed = regexp.MustCompile(
	`(?m)^\s+(?:kube:)?(\w+)=true\|false \((\w+) - default=(\w+)\)`)

func read(path string, into any) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		log.Fatal(path, ": ", err)
	}
}

// accepts asks the API server, which reads the flag before it says its version.
func accepts(directory, name string, on bool) bool {
	flag := fmt.Sprintf("--feature-gates=%s=%t", name, on)
	return exec.Command(directory+"/kube-apiserver", flag, "--version").Run() == nil
}

// within says whether the gate lived in minor version.
func within(minor int, since, gone string) bool {
	number := func(text string) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(text, "1."))
		return n
	}
	return number(since) <= minor && (gone == "" || minor < number(gone))
}

func main() {
	version, directory := os.Args[1], os.Args[2]
	registered := map[string]gate{}
	read(os.Args[3], &registered)
	var lives struct {
		Gates map[string]struct{ Since, Gone string }
	}
	read(os.Args[4], &lives)

	gates := map[string]gate{}
	told := map[string]map[string]bool{}
	for _, program := range programs {
		help, err := exec.Command(directory+"/"+program, "--help").Output()
		if err != nil {
			log.Fatal(program, ": ", err)
		}
		for _, match := range listed.FindAllStringSubmatch(string(help), -1) {
			name, one := match[1], gate{Stage: match[2], Default: match[3] == "true"}
			if told[name] == nil {
				told[name] = map[string]bool{}
			} else if gates[name].Stage != one.Stage || gates[name].Default != one.Default {
				log.Fatal(name, ": the programs disagree")
			}
			told[name][program], gates[name] = true, one
		}
	}
	for name, one := range gates {
		for _, program := range programs {
			if !told[name][program] {
				one.UnknownTo = append(one.UnknownTo, program)
			}
		}
		gates[name] = one
	}
	for name, one := range registered {
		seen, hidden := gates[name], one.Stage == "GA" || one.Stage == "DEPRECATED"
		if hidden == (seen.Stage != "") || !hidden && seen.Default != one.Default {
			log.Fatal(name, ": the sources say ", one, ", the programs ", seen)
		}
		if hidden {
			gates[name] = one
		}
	}
	minor, _ := strconv.Atoi(strings.Split(version, ".")[1])
	for name, life := range lives.Gates {
		if gates[name].Stage != "" || !within(minor, life.Since, life.Gone) {
			continue
		}
		on, off := accepts(directory, name, true), accepts(directory, name, false)
		if on || off {
			gates[name] = gate{Stage: "GA", Default: on, Locked: on != off}
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	if err := out.Encode(map[string]any{
		"source": "tools/feature-gates/generate gates " + version + ": --help of the programs " +
			"built from k8s.io/kubernetes v" + version + ", and the gates that its sources register",
		"gates": gates,
	}); err != nil {
		log.Fatal(err)
	}
}
