# Every target sets up what it needs; the second time that costs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
DB ?= sqlite
VENV := .venv
PY := $(VENV)/bin/python
# A stamp for this lock, this pyproject and this folder: another one of them means another set-up.
STAMP := $(VENV)/.setup-$(shell { cat requirements/dev.lock pyproject.toml; pwd; } | cksum | cut -d' ' -f1)
BENCH_STAMP := $(VENV)/.bench-$(shell { cat requirements/bench.lock pyproject.toml; pwd; } | cksum | cut -d' ' -f1)
PIP := $(PY) -m pip --disable-pip-version-check --no-input install -qq
DEMO := DISBURSE_HOME=$(CURDIR)/demo DISBURSE_ENV=demo $(VENV)/bin/disburse

.PHONY: help setup postgres test lint types contracts tests demo serve bench soak lock clean distclean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make .venv, where the command `disburse` lives (Python 3.11 or later)
	@:

$(STAMP):
	@scripts/venv "$(VENV)" $(PYTHON)
	@echo "setting up $(VENV) from requirements/dev.lock"
	@$(PIP) --require-hashes -r requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(PY) -m bank_adapters.xsd fetch
	@rm -f $(VENV)/.setup-* && touch $@

$(BENCH_STAMP): $(STAMP)
	@$(PIP) --no-build-isolation --require-hashes -r requirements/bench.lock
	@rm -f $(VENV)/.bench-* && touch $@

postgres: # PostgreSQL's programs, from the system's packages where root may install them
	@scripts/postgres

test: setup postgres ## Lint, types, import contracts, then every test on SQLite and on PostgreSQL
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) contracts
	@$(MAKE) tests

lint: setup ## ruff: rules and format
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

types: setup ## mypy, strict
	@$(VENV)/bin/mypy

contracts: setup ## import-linter: the packages import one way
	@$(VENV)/bin/lint-imports

tests: setup postgres # the tests alone
	@$(VENV)/bin/pytest -n auto --dist loadfile --no-loadscope-reorder -m "not soak"

demo: setup ## Three months of a province, end to end; DB=postgres for PostgreSQL
	@if [ "$(DB)" = postgres ]; then scripts/postgres --needed; fi
	@$(DEMO) demo --db $(DB)

serve: setup ## Open the demo's books at http://127.0.0.1:8025
	@$(DEMO) serve

bench: $(BENCH_STAMP) postgres ## Measure against peers, side by side
	@$(PY) -m benchmarks

soak: setup postgres ## The long tests
	@$(VENV)/bin/pytest -n auto -m soak

lock: $(STAMP) ## Resolve requirements/*.lock anew from pyproject.toml
	@scripts/lock

clean: ## Remove what can be made again, the demo's books included; not .venv, not var/
	@rm -rf demo build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean # and .venv
	@rm -rf $(VENV)
