# `make demo` and `make test` need Python 3.11+, venv and make; everything else is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SHARED ?= ../shared
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.PHONY: demo test lint types imports unit trace bench l10n clean

$(VENV)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/pip install --quiet --editable '.[bench]'
	touch $@

demo: $(VENV)/.dev
	$(BIN)/python examples/demo.py

test: lint types imports unit

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadfile

# Every clause of the services: the rules that cite it, the cases that exercise it.
trace: $(VENV)/.dev
	$(BIN)/python -m tests.tracing

bench: $(VENV)/.bench
	$(BIN)/python -m bench

l10n: $(VENV)/.dev
	$(BIN)/python -m tests.l10n

clean:
	rm -rf $(VENV) demo-out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
