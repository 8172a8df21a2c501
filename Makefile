# Everything a person does with this repository. `make help` lists it.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
# Tests to run, a regular expression over their names; all of them by default.
FILTER ?=
SECONDS ?= 60
CASES ?=

# The Swift runtime is linked in, so that an installed program needs no toolchain.
release_build := $(SWIFT) build -c release --static-swift-stdlib
# The XCTest library is not used, and leaks a little of its own.
test_run := $(SWIFT) test --disable-xctest $(if $(FILTER),--filter '$(FILTER)')

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo build test test-asan test-tsan lint \
  fuzz conformance bench install clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## install what is missing (apt) and check the toolchain
	@Scripts/setup

setup-tests: setup
	@Scripts/python-env peers >/dev/null
	@Scripts/python-env server >/dev/null

build: setup ## release build
	$(release_build)

demo: setup ## record this host's metrics for five seconds and replay them at 10x
	@echo 'building (release) ...'
	@$(release_build) --quiet
	@Scripts/demo "$$($(release_build) --show-bin-path)"

test: setup-tests ## every test; FILTER=NAME for some
	$(test_run)

test-asan: setup-tests ## every test under the address, leak and undefined behaviour sanitizers
	$(test_run) --sanitize=address -Xcc -fsanitize=undefined --scratch-path .build-asan

test-tsan: setup-tests ## every test under the thread sanitizer
	$(test_run) --sanitize=thread --scratch-path .build-tsan

lint: ## formatting and documentation rules
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

fuzz: setup ## fuzz what reads peers' bytes; SECONDS=60 for each target
	@Scripts/fuzz $(SECONDS)

conformance: setup ## the Autobahn suite against client and server; CASES='6.* 7.*' for a part
	$(SWIFT) build -c release --product mwc-conformance
	@Scripts/conformance "$$($(SWIFT) build -c release --show-bin-path)/mwc-conformance" $(CASES)

bench: build ## the numbers of the README, measured on this machine
	@Scripts/bench "$$($(release_build) --show-bin-path)"

install: build ## install programs, manual pages and completions below PREFIX
	@Scripts/install "$$($(release_build) --show-bin-path)" '$(DESTDIR)$(PREFIX)'

clean: ## remove everything that was built
	rm -rf .build .build-asan .build-tsan
