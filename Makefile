# SPDX-License-Identifier: Apache-2.0
# A thin front: each target is one or two commands you can as well type.

SUITE ?= apparmor
ARGS ?=
CONFIG ?= fixtures/apparmor-host/cluster.yaml

.PHONY: help run test sabotage kind-apparmor build bench check setup clean
.DEFAULT_GOAL := help

help:
	@echo 'make run     install what is missing, build, run a suite in a lab'
	@echo '             SUITE=$(SUITE)  ARGS="--filter enforce-* --keep-lab"'
	@echo 'make test    install, build, then run everything that tests the project'
	@echo '             ARGS="--unit PATTERN": only the quick tests, by name'
	@echo 'make build   install, then build/runner and the suites'
	@echo 'make sabotage  all cases under every sabotage, against the table'
	@echo 'make kind-apparmor  a kind lab on a host with AppArmor: in a machine of'
	@echo '             its own, with Docker; ARGS are those of the runner in it'
	@echo 'make bench   measure, print a table, write JSON; ARGS=kind: a part alone'
	@echo 'make check   what a change must pass: warnings are errors, unit tests'
	@echo 'make setup   install what is missing (apt, with sudo when not root)'
	@echo 'make clean   remove what was built, and the reports'
	@echo
	@echo 'The parts of the labs outlive make clean. They are in'
	@echo '$${XDG_CACHE_HOME:-~/.cache}/confinement-lab; removing it is safe, and'
	@echo 'costs some minutes of building them again.'
	@echo
	@echo 'make turns every failure into exit status 2. build/runner tells them'
	@echo 'apart: run it itself, and see build/runner --help.'

setup:
	@tools/setup

# The product only; the tests take as long again. On a terminal ninja shows one line that changes; elsewhere nothing, except
# what fails.
build: setup
	@test -f build/build.ninja || { mkdir -p build && \
	  cmake --preset dev >build/cmake.log 2>&1; } || \
	  { cat build/cmake.log; exit 1; }
	@test -t 1 || quiet=--quiet; \
	  cmake --build build --target runner suites -- $$quiet

run: build
	@build/runner --suite $(SUITE) $(ARGS)

test: build
	@test -t 1 || quiet=--quiet; cmake --build build -- $$quiet
	@tools/test $(ARGS)

# Every case under every sabotage: half an hour on two cores.
sabotage: build
	@test -t 1 || quiet=--quiet; cmake --build build -- $$quiet
	@LAB_WHOLE_TABLE=1 build/tests/lab --gtest_filter='*Sabotage*'

# What a person with AppArmor in the host's kernel does: kind, in a virtual
# machine that is such a host (docs/kind-lab.md).
kind-apparmor: build
	@test -t 1 || quiet=--quiet; \
	  cmake --build build --target apparmor-host -- $$quiet
	@build/runner fetch --lab kind
	@build/tests/apparmor-host build/runner --suite $(SUITE) --lab kind \
	  --config $(CONFIG) --offline $(ARGS)

bench: build
	@test -t 1 || quiet=--quiet; cmake --build build --target bench -- $$quiet
	@build/tests/bench $(ARGS)

check: build
	@bash -n tools/setup && bash -n tools/test && bash -n .ci/run && bash -n .ci/step-summary && \
	  bash -n fixtures/bench/five-checks.sh && \
	  bash -n tools/seccomp-defaults/generate && \
	  bash -n tools/feature-gates/generate
	@cmake --preset ci -B build-ci >/dev/null
	@test -t 1 || quiet=--quiet; cmake --build build-ci -- $$quiet
	@tools/test --unit

clean:
	rm -rf build build-* reports/runs reports/latest
