# Every target makes the environment it needs; nothing has to be installed by hand beyond Python 3.11 and make.
PYTHON ?= python3.11
BIN := .venv/bin
RUN_STAMP := .venv/.run-stamp
DEV_STAMP := .venv/.dev-stamp
FOREIGN_STAMP := .venv/.foreign-stamp
FOREIGN_BIN := $(CURDIR)/.foreign/bin
GO := $(CURDIR)/tests/foreign/go/recent_go.sh
FSCK := github.com/transparency-dev/tessera/cmd/fsck@v1.0.2
LITEWITNESS := filippo.io/torchwood/cmd/litewitness@v0.9.0

.DEFAULT_GOAL := help

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

$(RUN_STAMP): requirements/run.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(FOREIGN_STAMP): requirements/foreign.txt $(DEV_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/foreign.txt
	touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

.PHONY: install
install: $(RUN_STAMP) ## The environment alone, with the exchange's commands in .venv/bin

.PHONY: run
run: $(RUN_STAMP) ## Start everything on this machine, play the story on an empty ledger, stay up until Ctrl-C
	@$(BIN)/exchange run

.PHONY: demo
demo: $(RUN_STAMP) ## Start everything in a folder of its own, play the story, check it, stop; exits 0 or 1
	@$(BIN)/exchange demo

.PHONY: test
test: $(DEV_STAMP) ## All tests that need only Python: real Postgres, the embedded broker
	BROKER=embedded $(BIN)/pytest -m "not kafka and not foreign" --ignore=tests/fault --ignore=tests/fuzz -q

.PHONY: test-faults
test-faults: $(DEV_STAMP) ## What kills, starves, restores, tampers and erases; needs only Python as well
	BROKER=embedded $(BIN)/pytest -m "not kafka and not foreign" tests/fault -q

.PHONY: conformance
conformance: $(RUN_STAMP) ## The numbered MUSTs: of a deployment (URL=… KEY=my.pem; without these one is started) and of the Python client
	$(BIN)/exchange conformance $(if $(URL),gateway --url $(URL) --key $(KEY),here)

.PHONY: test-openapi
test-openapi: $(DEV_STAMP) ## Schemathesis, every check on, holds the running gateway to its OpenAPI document
	BROKER=embedded $(BIN)/pytest tests/fuzz -q

.PHONY: test-kafka
test-kafka: $(DEV_STAMP) java ## The broker's contract and the main job on real Apache Kafka
	BROKER=kafka $(BIN)/pytest -m kafka -q
	BROKER=kafka $(BIN)/exchange demo

.PHONY: test-foreign
test-foreign: $(FOREIGN_STAMP) openssl node jdk examples/node/node_modules softhsm $(FOREIGN_BIN)/fsck $(FOREIGN_BIN)/verifylog ssh $(FOREIGN_BIN)/litewitness $(FOREIGN_BIN)/witnessedlog ## What others wrote holds with what we wrote: clients in other languages, verifiers of the log, a witness
	$(BIN)/pytest -m foreign -q

.PHONY: lint
lint: $(DEV_STAMP) ## Style, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: $(DEV_STAMP) ## Types, strictly, in source and tests
	$(BIN)/mypy

.PHONY: check
check: lint types test test-faults test-openapi demo conformance test-kafka test-foreign bench-smoke ## What CI runs
	@echo "make check: all of it passed"

.PHONY: bench
bench: $(DEV_STAMP) libpq $(FOREIGN_BIN)/fsck ## Speed as ratios beside something a reader can run too; one JSON line each
	@$(BIN)/python -m benchmarks

.PHONY: bench-smoke
bench-smoke: $(DEV_STAMP) libpq $(FOREIGN_BIN)/fsck ## The benchmarks, briefly: that they run and that what they wrote verifies
	@$(BIN)/python -m benchmarks --smoke

.PHONY: soak
soak: $(DEV_STAMP) libpq $(FOREIGN_BIN)/fsck ## The benchmarks for hours, on logs of millions of entries
	@$(BIN)/python -m benchmarks --soak

.PHONY: lock
lock: $(DEV_STAMP) ## Lock the requirements anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file requirements/run.txt pyproject.toml requirements/build.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --output-file requirements/dev.txt pyproject.toml requirements/build.in --constraint requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --extra foreign --output-file requirements/foreign.txt pyproject.toml requirements/build.in --constraint requirements/dev.txt

.PHONY: java
java:
	@command -v java >/dev/null && command -v mvn >/dev/null || { \
		echo "Java and Maven are missing; installing them from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq default-jre-headless maven; }

.PHONY: libpq
libpq:
	@$(BIN)/python -c 'import psycopg' 2>/dev/null || { \
		echo "PostgreSQL's client library is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq libpq5; }

.PHONY: node
node:
	@command -v node >/dev/null || { \
		echo "Node is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq nodejs; }

.PHONY: npm
npm: node
	@command -v npm >/dev/null || { \
		echo "npm is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq npm; }

examples/node/node_modules: examples/node/package.json examples/node/package-lock.json | npm
	cd examples/node && npm ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

.PHONY: jdk
jdk:
	@command -v javac >/dev/null || { \
		echo "A Java compiler is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq default-jdk-headless; }

.PHONY: openssl
openssl:
	@command -v curl >/dev/null && command -v openssl >/dev/null || { \
		echo "curl or openssl is missing; installing them from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq curl openssl; }

.PHONY: softhsm
softhsm:
	@command -v softhsm2-util >/dev/null || { \
		echo "SoftHSM is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq softhsm2; }

.PHONY: ssh
ssh:
	@command -v ssh-agent >/dev/null || { \
		echo "ssh-agent is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq openssh-client; }

.PHONY: go
go:
	@command -v go >/dev/null || { \
		echo "Go is missing; installing it from the system's packages"; \
		apt-get update -qq && apt-get install -y -qq golang-go; }

$(FOREIGN_BIN)/fsck: | go
	GOBIN=$(FOREIGN_BIN) $(GO) install $(FSCK)

$(FOREIGN_BIN)/verifylog: tests/foreign/go/main.go tests/foreign/go/go.mod tests/foreign/go/go.sum | go
	cd tests/foreign/go && $(GO) build -buildvcs=false -o $@ .

$(FOREIGN_BIN)/witnessedlog: $(addprefix tests/foreign/go/witnessedlog/,main.go go.mod go.sum) | go
	cd tests/foreign/go/witnessedlog && $(GO) build -buildvcs=false -o $@ .

$(FOREIGN_BIN)/litewitness: | go
	GOBIN=$(FOREIGN_BIN) $(GO) install $(LITEWITNESS)

.PHONY: clean
clean: ## Remove what was built and kept here: the environment and all data
	rm -rf .venv .foreign .exchange examples/node/node_modules build *.egg-info
