# `make demo` and `make test` need Python 3.11+, venv and make; everything else is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SHARED ?= ../shared
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.PHONY: demo test test-hosts programs lint types imports unit trace bench l10n clean

# The example of an outside adapter is installed beside the library, so that its tests run and `svc-policy adapters` lists it.
$(VENV)/.dev: pyproject.toml examples/adapter-slips/pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip install --quiet --no-deps --editable examples/adapter-slips
	touch $@

$(VENV)/.hosts: $(VENV)/.dev integrations/tryton/pyproject.toml
	$(BIN)/pip install --quiet --editable '.[hosts]'
	$(BIN)/pip install --quiet --no-deps --editable integrations/tryton
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

# The systems that the library lives in, installed and started for real. Those that cannot be are named at the end, with the reason.
test-hosts: $(VENV)/.hosts programs
	$(BIN)/pytest hosts -n 2 --dist loadfile

# A browser and a database server are no Python packages: on Debian, as root, they are installed where they are missing.
programs:
	@export DEBIAN_FRONTEND=noninteractive; missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get install --yes --quiet --no-install-recommends $$missing || \
		{ apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends $$missing; } || true; \
	fi

# Every clause of the services: the rules that cite it, the cases that exercise it.
trace: $(VENV)/.dev
	$(BIN)/python -m tests.tracing

bench: $(VENV)/.bench
	$(BIN)/python -m bench

l10n: $(VENV)/.dev
	$(BIN)/python -m tests.l10n

clean:
	rm -rf $(VENV) demo-out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
