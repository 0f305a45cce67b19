# `make` alone lists what there is to make. A file .venv/.NAME says that the step NAME is done.

PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check -qq
# Folders too: they change when a file is added or removed.
SOURCES := $(shell find src cmake examples -name __pycache__ -prune -o -print)
# A process for each core, but not more than help; whoever is done early takes over from the others.
PROCESSES = -n auto --maxprocesses 8 --dist worksteal

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s%s\n", $$1, $$2 }' Makefile
	@echo "PYTHON=/path/to/python3 chooses a Python, ARGS='...' adds arguments to what is run."

tour: .venv/.tour ## learn ReLU and Leaky ReLU, live in the terminal
	@.venv/bin/halfwave tour $(ARGS)

test: .venv/.test ## run the tests
	.venv/bin/python -m pytest $(PROCESSES) $(ARGS)

verify: .venv/.test ## try every input on every instruction set
	@.venv/bin/halfwave verify --full $(ARGS)

sanitize: .venv/.test ## run the tests with the memory and undefined behaviour sanitizers
	@sh tools/sanitize.sh .venv/bin/python $(PROCESSES) $(ARGS)

lint: .venv/.lint ## check the style of the Python code
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: .venv/.lint .venv/.test ## check the types
	.venv/bin/mypy

format: .venv/.lint ## rewrite the Python code in the house style
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

wheel: .venv/.made ## build the source distribution and a wheel that carries Highway, into dist
	sh tools/wheel.sh .venv/bin/python dist

tutorial: .venv/.tour ## write docs/tutorial.md and its graphs anew
	.venv/bin/python -m halfwave.tour.markdown docs/tutorial.md

docs: .venv/.docs ## build the site: a page for each activation, and the documents
	@rm -rf build/site
	.venv/bin/python tools/site/build.py build/site
	@echo "Open build/site/index.html"

clean: ## remove all that was made
	rm -rf .venv build dist wheelhouse .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/.made: tools/prepare.sh tools/pythons.sh
	@sh tools/prepare.sh "$(PYTHON)"
	@touch $@

.venv/.installed: .venv/.made $(SOURCES) CMakeLists.txt pyproject.toml
	@echo "Building and installing halfwave"
	@$(PIP) install --no-build-isolation .
	@touch $@

# The names of the extras and of the groups are in pyproject.toml.
.venv/.tour: pyproject.toml | .venv/.installed
	@echo "Installing what the tour needs"
	@$(PIP) install 'halfwave[tour]'
	@touch $@

.venv/.test: pyproject.toml | .venv/.installed
	@echo "Installing what the tests need"
	@$(PIP) install 'halfwave[all]' --group test
	@touch $@

.venv/.lint: pyproject.toml | .venv/.made
	@echo "Installing what the checks need"
	@$(PIP) install --group lint
	@touch $@

.venv/.docs: pyproject.toml | .venv/.tour
	@echo "Installing what the site needs"
	@$(PIP) install --group docs
	@touch $@

# Two steps must not install into one environment at once.
.NOTPARALLEL:
.PHONY: help tour test verify sanitize lint types format wheel tutorial docs clean
