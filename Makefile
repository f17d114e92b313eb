# Two commands: `make run` and `make test`. Both set up what they need, say what that is, and may be repeated.
.PHONY: run test setup check policies modules conformance figures scenarios bench bench-cluster fuzz help

# Debug information of our own code only by line: half the size and link time.
export CARGO_PROFILE_DEV_DEBUG ?= line-tables-only
CARDEA := $(or $(CARGO_TARGET_DIR),target)/debug/cardea
POLICIES := access-control canary header-rewrite maintenance rate-limit reference
MODULES := $(or $(CARGO_TARGET_DIR),target)/policies

help:
	@echo "make run    build and start the ingress on the quickstart, with demo backends"
	@echo "make test   everything that CI checks"
	@echo "make conformance  build the conformance policy of every language, and play the same scenarios on each"
	@echo "make figures      write the table of docs/languages.md (release build)"
	@echo "make bench  measure side by side with nginx, HAProxy and Envoy (release build, about half an hour)"
	@echo "make bench-cluster  measure on a real Kubernetes API server (release build, about a quarter of an hour)"
	@echo "make fuzz   a short run of each fuzz target"

run: setup
	@echo "cardea: building the ingress (the first time takes some minutes)" >&2
	cargo build -p cardea
	CARDEA_BIN=$(CARDEA) tools/quickstart

setup:
	@tools/setup

# Formatting and lints, units, the shipped policies and those of every language on the production engine, then the binary over
# real sockets and on a real Kubernetes API server, which is built once.
test: setup check
	cargo build --workspace --tests --bins
	cargo test --workspace --exclude cardea-tests
	$(MAKE) policies modules conformance
	control_plane=$$(tools/control-plane) && helm=$$(tools/helm) && \
	  export CARDEA_BIN=$(abspath $(CARDEA)) CARDEA_POLICIES_DIR=$(abspath $(MODULES)) CARDEA_CONTROL_PLANE=$$control_plane \
	  CARDEA_HELM=$$helm && deploy/check && cargo test -p cardea-tests

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

policies:
	$(CARDEA) policy build --out $(MODULES) $(addprefix policies/,$(POLICIES))
	cd policies && cargo test
	$(CARDEA) policy test --module $(MODULES) $(addprefix policies/,$(POLICIES))

# Modules of other ABIs, for tests and benchmarks.
modules:
	@tools/languages
	@tools/modules $(abspath $(MODULES))

conformance:
	@tools/languages
	CARDEA=$(CARDEA) tools/conformance --modules $(MODULES)

figures: setup
	@tools/languages
	cargo build --release -p cardea
	CARDEA=$(or $(CARGO_TARGET_DIR),target)/release/cardea tools/conformance --figures --modules $(MODULES)

bench: setup
	cargo build --release -p cardea
	python3 bench/bench.py

bench-cluster: setup
	python3 bench/bench.py --scenario cluster

fuzz: setup
	tests/fuzz/smoke
