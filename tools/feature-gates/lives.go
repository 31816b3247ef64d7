// SPDX-License-Identifier: Apache-2.0

// Prints when each feature gate came and went, as JSON. Arguments: MINOR=DIR,
// the sources of a module of that minor version, in order.
package main

import (
	"encoding/json"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

type life struct {
	Since string `json:"since"`
	Gone  string `json:"gone,omitempty"`
}

// `Name featuregate.Feature = "Name"`, in client-go without the package.
var declared = regexp.MustCompile(
	`(?m)^\s*\w+\s+(?:featuregate\.)?Feature\s*=\s*"(\w+)"`)

// names adds the gates that the sources below directory declare.
func names(directory string, into map[string]bool) {
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "test" || entry.Name() == "testing") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			!strings.Contains(path, "features/") && !strings.Contains(path, "/logs/") &&
				!strings.Contains(path, "/featuregate/") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range declared.FindAllStringSubmatch(string(text), -1) {
			into[match[1]] = true
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	known := map[string]map[string]bool{}
	var minors []string
	for _, argument := range os.Args[1:] {
		minor, directory, _ := strings.Cut(argument, "=")
		if known[minor] == nil {
			known[minor] = map[string]bool{}
			minors = append(minors, minor)
		}
		names(directory, known[minor])
	}
	lives := map[string]life{}
	for _, minor := range minors {
		for name := range known[minor] {
			if lives[name].Since == "" {
				lives[name] = life{Since: minor}
			}
			// A gate that comes back has not gone.
			lives[name] = life{Since: lives[name].Since}
		}
		for name, one := range lives {
			if !known[minor][name] && one.Gone == "" {
				lives[name] = life{one.Since, minor}
			}
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	if err := out.Encode(map[string]any{
		"about": "The minor versions of Kubernetes that have each feature gate: " +
			"since the first that declares it (or earlier, where that is the oldest), " +
			"gone in the first that does not any more.",
		"source": "tools/feature-gates/generate lives: declarations of the type Feature in " +
			"k8s.io/kubernetes, apiserver, apiextensions-apiserver, client-go, component-base " +
			"and controller-manager, release .0 of each minor version",
		"oldest": minors[0], "newest": minors[len(minors)-1], "gates": lives,
	}); err != nil {
		log.Fatal(err)
	}
}
