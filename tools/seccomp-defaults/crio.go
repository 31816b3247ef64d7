// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log"
	"os"
	"slices"

	common "github.com/containers/common/pkg/seccomp"
	crio "github.com/cri-o/cri-o/internal/config/seccomp"
)

// CRI-O's profile has its conditions in it; errnos may be names.
var errnos = map[string]uint{"EPERM": 1, "EINVAL": 22, "ENOSYS": 38}

func number(name string, ret *uint) *uint {
	if name == "" {
		return ret
	}
	errno, known := errnos[name]
	if !known {
		log.Fatalf("errno %s", name)
	}
	return &errno
}

func main() {
	version, where := os.Args[1], os.Args[2]
	p := crio.DefaultProfile()
	out := profile{Runtime: "cri-o", Version: version, Source: where,
		DefaultAction:   string(p.DefaultAction),
		DefaultErrnoRet: number(p.DefaultErrno, p.DefaultErrnoRet)}
	for _, one := range p.ArchMap {
		if one.Arch == common.ArchX86_64 {
			out.Architectures = append(out.Architectures, string(one.Arch))
			for _, sub := range one.SubArches {
				out.Architectures = append(out.Architectures, string(sub))
			}
		}
	}
	for _, call := range p.Syscalls {
		if len(call.Includes.Arches) > 0 && !slices.Contains(call.Includes.Arches, "amd64") ||
			slices.Contains(call.Excludes.Arches, "amd64") {
			continue
		}
		r := rule{Names: call.Names, Action: string(call.Action),
			ErrnoRet: number(call.Errno, call.ErrnoRet)}
		if call.Name != "" {
			r.Names = append(r.Names, call.Name)
		}
		for _, a := range call.Args {
			r.Args = append(r.Args, argument{a.Index, a.Value, a.ValueTwo, string(a.Op)})
		}
		r.Includes.Caps = call.Includes.Caps
		r.Excludes.Caps = call.Excludes.Caps
		out.Rules = append(out.Rules, r)
	}
	out.write()
}
