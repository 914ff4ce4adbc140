# Knobs: make test PYTEST_ARGS="tests/unit -x", make demo BROKER=kafka DEMO_ARGS="--events 20000", make setup PYTHON=python3.13
PYTHON ?= python3
PYTEST_ARGS ?= -n 5 --dist worksteal
BENCH_ARGS ?=
PEERS_ARGS ?=
INTEROP_ARGS ?=
DEMO_ARGS ?=
PICTURE_ARGS ?=
BROKER ?=

BIN := .venv/bin
SOURCES := shared services tests benchmarks deploy examples docs/notebooks
# Set up for developing if that was done before, else with what running needs.
RUNTIME := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.runtime)

# uv installs in 15 seconds what takes pip a minute. Where there is none, pip fetches it; where pip cannot, or that uv
# reaches nothing, because only pip was told of a mirror, pip installs all: the same files, checked against the same hashes.
ifneq ($(shell command -v uv 2>/dev/null | grep -vxF "$(CURDIR)/.venv/bin/uv"),)
UV := uv
VENV := uv venv --quiet --allow-existing --no-python-downloads --python "$(PYTHON)" .venv
install = $(by_uv)
else
UV := .venv/bin/uv
VENV := "$(PYTHON)" -m venv .venv
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check
fetch_uv = @test $(UV) -nt requirements-setup.lock || $(PIP) --only-binary :all: --require-hashes -r requirements-setup.lock || echo "without uv"
install = (test -x $(UV) && $(by_uv)) || $(PIP) $(1)
endif
by_uv = $(UV) pip install --quiet --python .venv/bin/python $(1)

# Tests start hundreds of processes. Where a machine forbids to keep what was compiled, each of them would do it again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Use
.PHONY: demo
demo: $(RUNTIME) ## Run the whole pipeline on a simulated market and prove the result (BROKER=embedded|kafka, DEMO_ARGS)
	$(BIN)/headrace demo $(if $(BROKER),--broker $(BROKER)) $(DEMO_ARGS)

.PHONY: demo-observe
demo-observe: $(RUNTIME) ## Run it all until Ctrl-C, to be looked at: headrace top, metrics, Prometheus where installed (BROKER, DEMO_ARGS)
	$(BIN)/headrace demo --observe --rules deploy/prometheus/rules $(if $(BROKER),--broker $(BROKER)) $(DEMO_ARGS)

.PHONY: recording
recording: $(RUNTIME) ## Play the demo and make docs/demo.svg of it, the film in the README
	$(BIN)/headrace demo --broker embedded --record docs/demo.svg $(DEMO_ARGS)

##@ Develop
.PHONY: setup
setup: .venv/.dev ## Make .venv with everything locked for development (PYTHON)

.PHONY: fmt
fmt: .venv/.dev ## Format, and fix what can be fixed
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

.PHONY: check
check: check-types check-rest ## Format, lint, types and layers, without changing anything

.PHONY: check-types
check-types: .venv/.dev
	$(BIN)/mypy

# The last of them compiles the tests, while one CPU has the types: else each process that runs them does it again.
.PHONY: check-rest
check-rest: .venv/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports
	@$(BIN)/pytest --collect-only --quiet > .venv/.collected || { cat .venv/.collected; exit 1; }

.PHONY: test
test: .venv/.dev ## Run every test, on a real Kafka too where Java 17 and Maven are (PYTEST_ARGS)
	$(BIN)/pytest $(PYTEST_ARGS)

.PHONY: interop
interop: .venv/.dev ## Let Spark with Delta Lake read and write the tables, and see what workers and verify make of it (INTEROP_ARGS)
	$(BIN)/pytest -m spark tests/interop $(INTEROP_ARGS)

.PHONY: reference
reference: .venv/.dev ## Make the API reference of the docstrings, in docs/_build
	$(BIN)/python -m deploy.reference

.PHONY: bench
bench: .venv/.dev ## Measure throughput, memory, commit cost, freshness, verify, maintenance and readers on a real Kafka (BENCH_ARGS)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: bench-peers
bench-peers: .venv/.dev ## Measure the same topic through Headrace, a script, Spark and Kafka Connect (PEERS_ARGS="spark --records 500000")
	$(BIN)/python -m benchmarks.peers $(PEERS_ARGS)

.PHONY: boards
boards: .venv/.dev ## Make the boards for Grafana again from deploy/boards
	$(BIN)/python -m deploy.boards

.PHONY: pictures
pictures: .venv/.dev ## Draw the boards without Grafana, from a Prometheus that runs (PICTURE_ARGS="--prometheus URL --minutes 15")
	$(BIN)/python -m deploy.boards.pictures $(PICTURE_ARGS)

.PHONY: notebook
notebook: .venv/.dev ## Run docs/notebooks anew, and keep the tables and pictures that come of it
	$(BIN)/jupyter-execute --inplace --NotebookClient.record_timing=False docs/notebooks/*.ipynb

##@ Maintain
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
PEERS := benchmarks/peers/script benchmarks/peers/iceberg
.PHONY: lock
lock: | .venv/bin/python ## Renew the lock files within the bounds of pyproject.toml (LOCK_ARGS=--upgrade takes newer versions)
	$(fetch_uv)
	$(LOCK) $(LOCK_ARGS) --group pyproject.toml:setup --output-file requirements-setup.lock
	$(LOCK) $(LOCK_ARGS) --all-extras --group build pyproject.toml --output-file requirements.lock
	$(LOCK) $(LOCK_ARGS) --all-extras --group dev --constraints requirements.lock pyproject.toml --output-file requirements-dev.lock
	for peer in $(PEERS); do $(LOCK) $(LOCK_ARGS) $$peer/requirements.in --output-file $$peer/requirements.lock || exit 1; done

.PHONY: clean
clean: ## Remove what these targets made, except downloaded Kafka jars and tables
	rm -rf .venv dist docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find $(wildcard $(SOURCES)) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headrace needs Python 3.11 or newer; name one with PYTHON=")'
	$(VENV)

# Compiled, as pip does it unasked: a machine may forbid it to the processes that import, other than those of `make`.
.venv/.runtime: export UV_COMPILE_BYTECODE := 1
.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/python
	$(fetch_uv)
	$(call install,--require-hashes -r requirements.lock)
	$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(fetch_uv)
	$(call install,--require-hashes -r requirements-dev.lock)
	$(call install,--no-deps --no-build-isolation -e .)
	@touch $@
