# The verbs of the project. `make demo` and `make test` set up all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install packages demo test again soak fuzz check format bench judge clean

help: ## say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## a virtual environment with everything

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	touch $@

packages: ## Debian packages that the tests use, when we may install them
	@sh tests/packages.sh

demo: $(READY) ## the main job on simulated devices; ONCE=1 runs the story once and exits
	$(BIN)/wolfsmoke-sims demo $(if $(ONCE),--once,)

test: $(READY) packages ## all the tests but the long ones
	$(BIN)/python -m pytest -q -m "not soak" -n 4 --dist loadgroup $(ARGS)

again: $(READY) packages ## the tests that failed last, one at a time
	$(BIN)/python -m pytest -q -m "not soak" -n 0 --last-failed --last-failed-no-failures none $(ARGS)

soak: $(READY) packages ## break a whole site for MINUTES=n, with SEED=n and its followers, ROUND=seconds each
	MINUTES=$(MINUTES) SEED=$(or $(SEED),$(shell date +%s)) ROUND=$(ROUND) $(BIN)/python -m pytest -q -s -m soak tests/system/test_faults.py $(ARGS)

fuzz: $(READY) ## 100,000 spoiled answers to each driver and each parser; an hour
	$(BIN)/python -m pytest -q -m soak tests/fuzz tests/unit/agent $(ARGS)

check: $(READY) ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/asyncapi.py --check

format: $(READY) ## put the format right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## the figures, next to the peers'
	@sh tests/packages.sh collectd-core prometheus prometheus-snmp-exporter prometheus-alertmanager
	$(BIN)/python tests/bench/run.py $(ARGS)

judge: $(READY) packages ## our SNMP drivers and NUT's on real recordings
	$(BIN)/python tests/judge/judge.py
	$(BIN)/python tests/judge/network.py

clean: ## forget the virtual environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
