// SPDX-License-Identifier: Apache-2.0

// Package main writes a container runtime's default seccomp profile as data:
// docs/seccomp-filters.md describes the file. This part is the same for all
// runtimes.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
)

type conditions struct {
	Caps      []string `json:"caps,omitempty"`
	MinKernel string   `json:"minKernel,omitempty"`
}

type argument struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"`
}

type rule struct {
	Names    []string
	Action   string
	ErrnoRet *uint
	Args     []argument
	Includes conditions
	Excludes conditions
}

type profile struct {
	Runtime, Version, Source string
	DefaultAction            string
	DefaultErrnoRet          *uint
	Architectures            []string
	Rules                    []rule
}

func inline(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

// Names go into lines as long as a page is wide.
func wrapped(names []string, indent string) string {
	var lines []string
	line := indent
	for i, name := range names {
		word := inline(name)
		if i+1 < len(names) {
			word += ","
		}
		if len(line)+1+len(word) > 80 && strings.TrimSpace(line) != "" {
			lines = append(lines, line)
			line = indent
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

func (r rule) text() string {
	fields := []string{fmt.Sprintf("\"names\": [\n%s\n      ]", wrapped(r.Names, "        "))}
	add := func(name string, value any) {
		fields = append(fields, fmt.Sprintf("%q: %s", name, inline(value)))
	}
	add("action", r.Action)
	if r.ErrnoRet != nil {
		add("errnoRet", *r.ErrnoRet)
	}
	if len(r.Args) > 0 {
		add("args", r.Args)
	}
	if len(r.Includes.Caps) > 0 || r.Includes.MinKernel != "" {
		add("includes", r.Includes)
	}
	if len(r.Excludes.Caps) > 0 {
		add("excludes", r.Excludes)
	}
	return "    {\n      " + strings.Join(fields, ",\n      ") + "\n    }"
}

func (p profile) write() {
	var rules []string
	for _, r := range p.Rules {
		rules = append(rules, r.text())
	}
	defaultErrno := ""
	if p.DefaultErrnoRet != nil {
		defaultErrno = fmt.Sprintf("\n  \"defaultErrnoRet\": %d,", *p.DefaultErrnoRet)
	}
	fmt.Fprintf(os.Stdout, `{
  "runtime": %q,
  "version": %q,
  "source": %q,
  "defaultAction": %q,%s
  "architectures": %s,
  "syscalls": [
%s
  ]
}
`, p.Runtime, p.Version, p.Source, p.DefaultAction, defaultErrno,
		inline(p.Architectures), strings.Join(rules, ",\n"))
}
