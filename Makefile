# The commands of this checkout. Everything is installed into .venv; pip takes its settings from your environment.
# CONTRIBUTING.md says which switches there are, and how to get a CPU build of torch.

PYTHON ?= python3
UV ?= uv
BENCH ?= time_to_quality
BENCH_FLAGS ?=
PYTEST_FLAGS ?=
TORCH_PIP_FLAGS ?=

TORCH := 2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip

.PHONY: help install install-dev run test check format openapi bench lock clean

help:
	@echo 'make install   install what the service needs into $(VENV)'
	@echo 'make run       install, then start the service: ganery up'
	@echo 'make test      install the tools too, then run every test'
	@echo 'make check     formatting, lint, types'
	@echo 'make format    put the code into its form'
	@echo 'make openapi   write docs/openapi.json again, after a change of the API'
	@echo 'make bench     measure how soon the presets reach a given quality; BENCH=zoo compares all families'
	@echo 'make lock      resolve pyproject.toml into the two lock files (needs uv)'
	@echo 'make clean     remove $(VENV)'

install: $(VENV)/ganery.stamp

install-dev: $(VENV)/ganery.stamp $(VENV)/tools.stamp

run: install
	$(BIN)/ganery up

test: install-dev
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: install
	$(BIN)/python -m app.export docs/openapi.json

bench: install
	$(BIN)/python -m benchmarks.$(BENCH) $(BENCH_FLAGS)

# torch stands outside the locks: docs/decisions/0004-torch-outside-the-lock.md
LOCK := $(UV) pip compile --universal --generate-hashes --python-version 3.11 pyproject.toml
lock:
	$(LOCK) --group dev -o requirements-dev.lock
	$(LOCK) -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf $(VENV)

# A stamp stands for a step that is done, so the second time is quick, and a step is repeated when what it read has changed.

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Ganery needs Python 3.11 or later, and $(PYTHON) is not: install one, then name it: make PYTHON=python3.12'; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/torch-$(TORCH).stamp: $(VENV)/python.stamp
	$(PIP) install $(TORCH_PIP_FLAGS) torch==$(TORCH)
	@touch $@

$(VENV)/runtime.stamp: requirements.lock $(VENV)/torch-$(TORCH).stamp
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/ganery.stamp: pyproject.toml $(VENV)/runtime.stamp
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/tools.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
