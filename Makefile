# Lightcone: the verbs. Each does what it needs first; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
BUILD ?= build/release

.PHONY: help setup demo build test bench fuzz sim crash fmt tidy asan tsan clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: ## install what this machine lacks, build Wasmtime once (about 6 minutes the first time, seconds after)
	@tools/setup

build: setup ## the release binary, at bin/lightcone
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@mkdir -p bin && ln -sf ../$(BUILD)/src/lightcone bin/lightcone

demo: build ## start a server with a sample module and watch two clients live (Ctrl-C ends it)
	@tools/demo

test: build ## everything: unit, vectors, simulation, crashes, end to end
	@tools/run-tests $(BUILD)

bench: build ## throughput, and each stage alone
	@tools/bench $(BUILD)

sim: build ## thousands of simulated crashes (SEEDS=20000)
	@$(BUILD)/tests/sim/sim_test --seeds $(or $(SEEDS),20000)
	@$(BUILD)/tests/sim/database_sim_test --seeds $$(( ($(or $(SEEDS),20000) + 9) / 10 ))

crash: build ## kill -9 under load, many rounds (ROUNDS=1000)
	@tests/crash/run --rounds $(or $(ROUNDS),1000)

fuzz: setup ## each fuzz target for SECONDS (60) with libFuzzer
	@tools/fuzz $(or $(SECONDS_EACH),60)

asan: setup ## unit tests under the address and undefined-behaviour sanitizers
	@cmake --preset asan >/dev/null && cmake --build build/asan -j $(JOBS) && ctest --test-dir build/asan --output-on-failure

tsan: setup ## unit tests under the thread sanitizer
	@cmake --preset tsan >/dev/null && cmake --build build/tsan -j $(JOBS) && ctest --test-dir build/tsan --output-on-failure -L threads

fmt: ## format the C sources
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-22 -i

tidy: ## what the repository checks about itself
	@tools/tidy

clean: ## remove build products of this checkout (caches outside it stay)
	@rm -rf build bin
