# `make` lists the targets. Only Go is needed for run, build and install; `make test` fetches
# the rest: pinned tools are built into .build/tools, .ci/deps finds or installs a Redis.
# Kept to what GNU make 3.81 (macOS) and a POSIX shell understand.

GO ?= go

# ARGS go to `holdfast serve`, TESTFLAGS to `go test`, BENCHFLAGS to the benchmarks.
ARGS ?=
TESTFLAGS ?=
BARS ?=
BENCHFLAGS ?=

# TORTURE_FOR is how long `make torture` goes on, TORTUREFLAGS go to it (-help lists them).
TORTURE_FOR ?= 1h
TORTUREFLAGS ?=

# SIMULATE_SEEDS is how many runs `make simulate` has, from SIMULATE_FROM on; FUZZ_FOR is how long `make fuzz`
# fuzzes each target.
SIMULATE_SEEDS ?= 100000
SIMULATE_FROM ?= 1
FUZZ_FOR ?= 30s
FUZZ ?=
FUZZFLAGS ?= -fuzzminimizetime=5s

# Modules of their own beside the one at the root, so that nothing of theirs is asked of who imports us: what is
# checked there is checked here too.
MODULES := bench bench/torture

BUILD := .build
TOOLS := $(BUILD)/tools
BUF := $(TOOLS)/buf
GOLANGCI_LINT := $(TOOLS)/golangci-lint
PROTOC_PLUGINS := $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc
VALIDATE_PROTO := $(BUILD)/proto/buf/validate/validate.proto
STATUS_PROTO := $(BUILD)/proto/google/rpc/status.proto
PROTO_DEPS := $(VALIDATE_PROTO) $(STATUS_PROTO)

# Without cgo the tools need no C compiler; without go.work their modules stand alone.
TOOL_GO := GOWORK=off CGO_ENABLED=0 $(GO)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
# The checks run in the order given, cheap ones first; each uses every core by itself.
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

##@ Run and build

.PHONY: run
run: ## Run the server, in memory by default (ARGS="--flag value")
	$(GO) run ./cmd/holdfast serve $(ARGS)

.PHONY: cluster
cluster: ## Start a Redis Cluster on this machine and say how to serve against it, until Ctrl-C
	@.ci/deps redis
	@$(GO) build -o '$(CURDIR)/$(BUILD)/cluster/' ./reservation/redisstore/redistest/localcluster
	@$(BUILD)/cluster/localcluster

.PHONY: build
build: ## Build bin/holdfast
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/holdfast

.PHONY: install
install: ## Install holdfast where `go install` puts it
	CGO_ENABLED=0 $(GO) install -trimpath ./cmd/holdfast

##@ Check

.PHONY: test
test: deps check-tidy vet proto-lint proto-breaking check-generated lint test-go ## Run every check, as CI does
	@echo "make test: every check passed"

.PHONY: test-go
test-go: deps ## Run the Go tests with the race detector (TESTFLAGS="-run Name")
	$(GO) test -race -timeout 20m $(TESTFLAGS) ./...
	@# What a call may allocate is counted without the race detector, which allocates itself; the suite is run
	@# over again on a cluster and by other rules of the scripts, of which the race detector knows nothing.
	$(GO) test -timeout 10m -run '^TestAllocs|^TestStore_OnCluster$$|^TestStore_OnRedisAsInBatches$$' \
		./server ./reservation/redisstore
	@# So many simulated runs would take the race detector a quarter of an hour.
	HOLDFAST_SIM_SEEDS=3000 $(GO) test -timeout 15m -run '^TestSimulation$$' ./reservation/redisstore
	@# Most of a fault is waiting, so more of them run at once than there are cores.
	for module in $(MODULES); do \
		$(GO) test -C $$module -race -timeout 20m -parallel 6 $(TESTFLAGS) ./... || exit 1; \
	done

.PHONY: test-valkey
test-valkey: deps ## Run the tests that need a store against Valkey, and the short form of the faults
	@.ci/deps valkey
	HOLDFAST_TEST_REDIS_SERVER=valkey-server $(GO) test -timeout 20m $(TESTFLAGS) \
		./reservation/redisstore ./server ./cmd/holdfast
	HOLDFAST_TEST_REDIS_SERVER=valkey-server $(GO) test -C bench/torture -timeout 20m -parallel 6 \
		$(TESTFLAGS) ./...

.PHONY: torture
torture: deps ## Do harm of every kind for an hour and balance the books (TORTURE_FOR=10m)
	$(GO) build -C bench/torture -o '$(CURDIR)/$(BUILD)/torture/' .
	cd bench/torture && '$(CURDIR)/$(BUILD)/torture/torture' -for $(TORTURE_FOR) \
		-keep '$(CURDIR)/$(BUILD)/torture/kept' $(TORTUREFLAGS)

.PHONY: mutants
mutants: deps ## Put each fault of the lists into scripts and server: the tests must find it (minutes)
	HOLDFAST_LONG=1 $(GO) test -timeout 60m -run TestMutants ./reservation/redisstore
	HOLDFAST_LONG=1 $(GO) test -C bench/torture -timeout 60m -run TestMutants .

.PHONY: simulate
simulate: ## Run SIMULATE_SEEDS seeds of batcher, store and sweeper against a Redis that does harm
	HOLDFAST_SIM_SEEDS=$(SIMULATE_SEEDS) HOLDFAST_SIM_FROM=$(SIMULATE_FROM) $(GO) test -timeout 12h \
		-run '^TestSimulation$$' -v $(TESTFLAGS) ./reservation/redisstore | grep -v '=== '

.PHONY: fuzz
fuzz: ## Fuzz every target in turn (FUZZ_FOR=5m, FUZZ=FuzzReplies for one)
	@grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z]*' . | sort | \
		sed 's|\(.*\)/[^/]*:func \(.*\)|\1 \2|' | while read -r package target; do \
			[ -z '$(FUZZ)' ] || [ "$$target" = '$(FUZZ)' ] || continue; \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ_FOR) $(FUZZFLAGS) "$$package" || exit 1; \
		done

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...
	for module in $(MODULES); do $(GO) vet -C $$module ./... || exit 1; done

.PHONY: check-tidy
check-tidy: ## Check that go.mod and go.sum are tidy
	$(GO) mod tidy -diff
	for module in $(MODULES); do $(GO) -C $$module mod tidy -diff || exit 1; done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Check style, import directions and formatting of the Go code
	$(GOLANGCI_LINT) run
	for module in $(MODULES); do (cd $$module && '$(CURDIR)/$(GOLANGCI_LINT)' run) || exit 1; done

.PHONY: proto-lint
proto-lint: $(BUF) $(PROTO_DEPS) ## Check style and formatting of the protos
	$(BUF) lint
	$(BUF) format --diff --exit-code proto

.PHONY: proto-breaking
proto-breaking: $(BUF) $(PROTO_DEPS) ## Check that no call or field breaks (BREAKING_AGAINST=ref|none)
	@BUF=$(BUF) .ci/proto-breaking

.PHONY: check-generated
check-generated: $(BUF) $(PROTO_DEPS) $(PROTOC_PLUGINS) ## Check that gen/ is what the protos generate
	@rm -rf $(BUILD)/check-generated
	$(BUF) generate --output $(BUILD)/check-generated
	@diff -r $(BUILD)/check-generated/gen gen || { echo "gen/ is out of date: run 'make generate'" >&2; exit 1; }

##@ Measure

.PHONY: bench
bench: ## Measure every bar beside PostgreSQL and others, under 20 minutes (BARS=B2,B3 BENCHFLAGS=--quick)
	@.ci/deps bench
	CGO_ENABLED=0 $(GO) build -C bench -o '$(CURDIR)/$(BUILD)/bench/bench' .
	$(BUILD)/bench/bench $(if $(BARS),--bars $(BARS)) $(BENCHFLAGS)

.PHONY: bench-docs
bench-docs: ## Put kept results into docs/benchmarks.md (RESULTS=bench/results/...)
	CGO_ENABLED=0 $(GO) build -C bench -o '$(CURDIR)/$(BUILD)/bench/bench' .
	$(BUILD)/bench/bench paste '$(RESULTS)'

##@ Change

.PHONY: generate
generate: $(BUF) $(PROTO_DEPS) $(PROTOC_PLUGINS) ## Generate gen/ from the protos
	$(BUF) generate

.PHONY: fmt
fmt: $(GOLANGCI_LINT) $(BUF) ## Format Go code and protos
	$(GOLANGCI_LINT) fmt
	for module in $(MODULES); do (cd $$module && '$(CURDIR)/$(GOLANGCI_LINT)' fmt) || exit 1; done
	$(BUF) format --write proto

.PHONY: deps
deps: ## Find or install what the tests need: a Redis server, a C compiler
	@.ci/deps

.PHONY: clean
clean: ## Remove what make has built
	rm -rf $(BUILD) bin

# Tools, each pinned in a module of its own: see docs/decisions/0001-tools-in-a-module-of-their-own.md.

$(BUF): .ci/tools/buf/go.mod .ci/tools/buf/go.sum $(BUILD)/go-version
	$(TOOL_GO) build -C .ci/tools/buf -o '$(CURDIR)/$(TOOLS)/' tool

$(PROTOC_PLUGINS): .ci/tools/protoc/go.mod .ci/tools/protoc/go.sum $(BUILD)/go-version
	$(TOOL_GO) build -C .ci/tools/protoc -o '$(CURDIR)/$(TOOLS)/' tool

$(GOLANGCI_LINT): .ci/tools/golangci-lint/go.mod .ci/tools/golangci-lint/go.sum $(BUILD)/go-version
	@echo "building golangci-lint: a few minutes the first time"
	$(TOOL_GO) build -C .ci/tools/golangci-lint -o '$(CURDIR)/$(TOOLS)/' tool

$(VALIDATE_PROTO): .ci/tools/protovalidate/go.mod .ci/tools/protovalidate/go.sum
	@mkdir -p $(@D)
	$(TOOL_GO) -C .ci/tools/protovalidate mod download
	dir=$$($(TOOL_GO) list -C .ci/tools/protovalidate -m -f '{{.Dir}}' github.com/bufbuild/protovalidate) && \
		cat "$$dir/proto/protovalidate/buf/validate/validate.proto" > $@

# The one module is named, for its own requirements are not wanted.
$(STATUS_PROTO): .ci/tools/googleapis/go.mod .ci/tools/googleapis/go.sum
	@mkdir -p $(@D)
	$(TOOL_GO) -C .ci/tools/googleapis mod download github.com/grpc-ecosystem/grpc-gateway
	dir=$$($(TOOL_GO) list -C .ci/tools/googleapis -m -f '{{.Dir}}' github.com/grpc-ecosystem/grpc-gateway) && \
		cat "$$dir/third_party/googleapis/google/rpc/status.proto" > $@

# Changes only when Go does: a tool built by an older Go cannot check code for a newer one.
$(BUILD)/go-version: FORCE
	@mkdir -p $(TOOLS)
	@$(GO) version > $@.new && { cmp -s $@.new $@ && rm $@.new || mv $@.new $@; }

.PHONY: FORCE
FORCE:
