// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"log"
	"math/rand"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"syscall"

	"@IMPORT@"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
	"CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
	"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
	"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
	"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
}

// personality(2): uname then tells of a kernel 2.6.
const uname26 = 0x0020000

// OCI's JSON; which of it the Go types have depends on their age.
type ociProfile struct {
	DefaultAction   string
	DefaultErrnoRet *uint
	Architectures   []string
	Syscalls        []ociRule
}

type ociRule struct {
	Names    []string   `json:"names"`
	Action   string     `json:"action"`
	ErrnoRet *uint      `json:"errnoRet,omitempty"`
	Args     []argument `json:"args,omitempty"`
}

func defaultProfile(caps []string) ociProfile {
	var p ociProfile
	text := inline(seccomp.DefaultProfile(&specs.Spec{Process: &specs.Process{
		Capabilities: &specs.LinuxCapabilities{Bounding: caps}}}))
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		log.Fatal(err)
	}
	return p
}

func keys(p ociProfile) []string {
	var all []string
	for _, call := range p.Syscalls {
		if key := inline(call); !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}

func converted(key string) rule {
	var call ociRule
	if err := json.Unmarshal([]byte(key), &call); err != nil {
		log.Fatal(err)
	}
	return rule{Names: call.Names, Action: call.Action, ErrnoRet: call.ErrnoRet, Args: call.Args}
}

// What an old kernel would not get, and from which kernel on it does: the
// source has exactly one such place.
func newerKernels(source string) ([]string, string) {
	// A personality is its thread's, and a child inherits it.
	runtime.LockOSThread()
	if _, _, e := syscall.RawSyscall(syscall.SYS_PERSONALITY, uname26, 0, 0); e != 0 {
		log.Fatal(e)
	}
	old := exec.Command("/proc/self/exe", "old-kernel")
	old.Stderr = os.Stderr
	text, err := old.Output()
	if err != nil {
		log.Fatal(err)
	}
	syscall.RawSyscall(syscall.SYS_PERSONALITY, 0, 0, 0)
	runtime.UnlockOSThread()
	var without []string
	if err := json.Unmarshal(text, &without); err != nil {
		log.Fatal(err)
	}
	var only []string
	for _, key := range keys(defaultProfile(nil)) {
		if !slices.Contains(without, key) {
			only = append(only, key)
		}
	}
	code, err := os.ReadFile(source)
	if err != nil {
		log.Fatal(err)
	}
	found := regexp.MustCompile(`KernelVersion\{Kernel: (\d+), Major: (\d+)\}`).FindAllSubmatch(code, -1)
	if len(only) == 0 && len(found) == 0 {
		return nil, ""
	}
	if len(found) != 1 {
		log.Fatalf("%d kernel versions in %s", len(found), source)
	}
	return only, string(found[0][1]) + "." + string(found[0][2])
}

func has(all []string, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(one string) bool { return !slices.Contains(all, one) })
}

// The rules say the same as the runtime does, for any set of capabilities.
func check(rules map[string]rule) {
	for i := 0; i < 2000; i++ {
		var caps []string
		for _, one := range capabilities {
			if rand.Intn(2) == 0 {
				caps = append(caps, one)
			}
		}
		var mine []string
		for key, r := range rules {
			if has(caps, r.Includes.Caps) &&
				!slices.ContainsFunc(r.Excludes.Caps, func(one string) bool { return slices.Contains(caps, one) }) {
				mine = append(mine, key)
			}
		}
		its := keys(defaultProfile(caps))
		for j := range mine {
			mine[j] = plain(mine[j])
		}
		sort.Strings(mine)
		sort.Strings(its)
		if mine = slices.Compact(mine); !slices.Equal(mine, its) {
			log.Fatalf("the rules do not say what the runtime does for %v", caps)
		}
	}
}

// A rule that several capabilities bring is kept once for each.
func plain(key string) string { return regexp.MustCompile(`^CAP_\w+ `).ReplaceAllString(key, "") }

func main() {
	if len(os.Args) == 2 && os.Args[1] == "old-kernel" {
		os.Stdout.WriteString(inline(keys(defaultProfile(nil))))
		return
	}
	version, source, where := os.Args[1], os.Args[2], os.Args[3]
	base := keys(defaultProfile(nil))
	only, kernel := newerKernels(source)
	rules := map[string]rule{}
	order := append([]string{}, base...)
	for _, key := range base {
		r := converted(key)
		if slices.Contains(only, key) {
			r.Includes.MinKernel = kernel
		}
		rules[key] = r
	}
	for _, one := range capabilities {
		with := keys(defaultProfile([]string{one}))
		for _, key := range base {
			if !slices.Contains(with, key) {
				r := rules[key]
				r.Excludes.Caps = append(r.Excludes.Caps, one)
				rules[key] = r
			}
		}
		for _, key := range with {
			if !slices.Contains(base, key) {
				r := converted(key)
				r.Includes.Caps = []string{one}
				rules[one+" "+key] = r
				order = append(order, one+" "+key)
			}
		}
	}
	check(rules)
	p := defaultProfile(nil)
	out := profile{Runtime: "containerd", Version: version, Source: where,
		DefaultAction: p.DefaultAction, DefaultErrnoRet: p.DefaultErrnoRet,
		Architectures: p.Architectures}
	for _, key := range order {
		out.Rules = append(out.Rules, rules[key])
	}
	out.write()
}
