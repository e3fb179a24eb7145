# `make run` and `make test` are all that a newcomer needs; each installs what it lacks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Where an image of a container forbids Python to keep what it compiled, each of the many processes here would compile
# dbt and Dagster anew: half of what they take to start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install run test lint lint-python lint-sql bench faults dev lock clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Sincerely needs Python 3.11 or newer; this is %s. Name another one: make install PYTHON=python3.11" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned environment into $(VENV) (a minute or two, once) ..."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: $(STAMP)
	@$(BIN)/sincerely demo
	@$(BIN)/sincerely run

test: $(STAMP) lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Both halves at once: each takes half a minute of one core in a new checkout.
lint: $(STAMP)
	@$(MAKE) --no-print-directory -j 2 lint-python lint-sql

lint-python: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint-sql: $(STAMP)
	@$(BIN)/sqlfluff lint dbt_project/models

bench: $(STAMP)
	@$(BIN)/python -m tests.bench

faults: $(STAMP)
	@$(BIN)/python -m tests.faults.landing
	@$(BIN)/python -m tests.faults.sending
	@$(BIN)/python -m pytest -m long

dev: $(STAMP)
	@$(BIN)/sincerely dev

# Renews the lock from pyproject.toml (needs uv: pip install uv).
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) var
