# The only entry points; CI calls these too. Nothing is needed but Python 3.11+ with venv, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check component soak bench lock format clean

help:           ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile

demo: $(VENV)/.demo  ## Set up, then play the main job through
	$(BIN)/lading demo

test: $(VENV)/.dev   ## Set up, then run the tests that need only PyPI
	$(BIN)/python -m pytest -m "not component"

check: $(VENV)/.dev  ## Format, lint, types, layers, dependencies, lock
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/python scripts/export.py --check

component: $(VENV)/.component  ## Run the tests that need system packages (.ci/run installs them)
	$(BIN)/python -m pytest -m component

soak: $(VENV)/.component  ## The full counts, and the benchmarks with peers; writes docs/soak.md
	$(BIN)/python scripts/soak.py

bench: $(VENV)/.dev  ## The benchmarks with peers; writes benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py

lock: $(VENV)/.dev   ## Resolve the dependencies anew
	$(BIN)/uv lock
	$(BIN)/python scripts/export.py

format: $(VENV)/.dev  ## Format and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:          ## Remove what these targets made
	rm -rf $(VENV) demo-project

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "lading needs Python 3.11 or later, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/demo.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.component: requirements/component.txt $(VENV)/.dev
	$(PIP) install --require-hashes --no-deps -r requirements/component.txt
	@touch $@
