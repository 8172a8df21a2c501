# Everything a person does with this repository. `make help` lists it.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
# Tests to run, a regular expression over their names; all of them by default.
FILTER ?=
SECONDS ?= 60
CASES ?=
TARGETS ?=

# The Swift runtime is linked in, so that an installed program needs no toolchain.
release := -c release --static-swift-stdlib -Xswiftc -use-ld=lld
programs := mwc mwc-capture mwc-replay
# One product at a time: all at once would mean the tests' helpers too.
release_build = set -e; for program in $(programs); do $(SWIFT) build $(release) $(1) --product $$program; done
release_folder = "$$($(SWIFT) build $(release) --show-bin-path)"
test_run := SWIFT='$(SWIFT)' FILTER='$(FILTER)' Scripts/run-tests

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo build build-sqlite test test-asan test-tsan test-soak test-neon lint \
  fuzz conformance bench bench-scanner bench-format install clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

setup: ## install what is missing (apt) and check the toolchain
	@Scripts/setup

setup-tests: setup
	@Scripts/python-env peers >/dev/null
	@Scripts/python-env server >/dev/null
	@Scripts/python-env formats >/dev/null

build: setup ## release build
	@$(call release_build)

demo: setup ## record this host's metrics for five seconds and replay them at 10x
	@echo 'building (release) ...'
	@$(call release_build,--quiet)
	@Scripts/demo $(release_folder)

test: setup-tests $(if $(FILTER),,lint build-sqlite) ## the formatting rules and every test; FILTER=NAME for some
	@MWC_SQLITE_PROGRAM=$(CURDIR)/.build-sqlite/debug/mwc $(test_run)

build-sqlite: ## a debug build of mwc with the trait SQLite, for its tests
	@Scripts/setup libsqlite3-dev
	$(SWIFT) build --traits SQLite --scratch-path .build-sqlite --product mwc

test-asan: setup-tests ## every test under the address, leak and undefined behaviour sanitizers
	@ASAN_OPTIONS=suppressions=$(CURDIR)/Tests/asan.supp \
	  LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/lsan.supp:print_suppressions=0 \
	  $(test_run) --sanitize=address -Xcc -fsanitize=undefined --scratch-path .build-asan

test-tsan: setup-tests ## every test under the thread sanitizer
	@$(test_run) --sanitize=thread --scratch-path .build-tsan

test-soak: setup-tests ## the longest tests, as long as they can be
	MWC_SOAK=1 $(SWIFT) test --disable-xctest --filter MemoryTests

lint: ## formatting and documentation rules
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests \
	  Benchmarks/Package.swift Benchmarks/Sources/ScannerSwift

fuzz: setup ## fuzz what reads others' bytes: peers, captures, imports, filters; SECONDS=60 for each target, TARGETS='drift json' for some
	@Scripts/fuzz $(SECONDS) $(TARGETS)

test-neon: setup ## the kernels and the C fuzz targets on AArch64, under QEMU
	@Scripts/neon

conformance: setup ## the Autobahn suite against client and server; CASES='6.* 7.*' for a part
	$(SWIFT) build -c release --product mwc-conformance
	@Scripts/conformance "$$($(SWIFT) build -c release --show-bin-path)/mwc-conformance" $(CASES)

bench: build ## the numbers of the README, measured on this machine
	@Scripts/bench $(release_folder)

bench-scanner: setup ## the JSON scanner against simdjson On-Demand, from C and from Swift
	@Benchmarks/scanner.sh

bench-format: setup ## bytes and time per message against zstd, gzip and MCAP; COUNT=100000 messages
	@Benchmarks/format.sh $(COUNT)

install: build ## install programs, manual pages and completions below PREFIX
	@Scripts/install $(release_folder) '$(DESTDIR)$(PREFIX)'

clean: ## remove everything that was built
	rm -rf .build .build-asan .build-tsan .build-sqlite
