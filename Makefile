# The two commands are `make demo` and `make test`; both install what is missing into this checkout first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

CORES ?= $(shell nproc 2>/dev/null || echo 1)
PYTEST ?=

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/bin:$(PATH)
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH PYTHONHOME

.PHONY: help demo test check setup lint docs clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16
	@echo
	@echo "CORES=n       cores for make demo, make test and make check (here $(CORES))"
	@echo "PYTEST=...    more arguments for pytest, for instance PYTEST='-k splits'"
	@echo "PYTHON=...    interpreter to build .venv on (3.11 or newer)"

demo: setup ## run the whole workflow on simulated worlds and write results/demo*/report.html
	@scripts/setup/demo.sh "$(CORES)"

# One file's tests stay on one worker, since they share what is costly to make; a worker per core leaves each one thread.
test: setup lint ## set up, check the style, run every test
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses=$(CORES) --maxprocesses=8 --dist=loadfile $(PYTEST)

check: setup ## the quick loop: fast style checks and the tests of the library that take no second each
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses=$(CORES) --maxprocesses=8 --dist=loadfile --quiet \
		-m "not workflow and not slow" $(PYTEST)

setup: ## install the pinned Python packages into .venv and the system tools into .tools
	@scripts/setup/install.sh
	@scripts/setup/tools.sh

lint: setup ## check style and workflow without running anything
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check workflow
	.venv/bin/snakemake --lint

docs: setup ## make the reference pages from the code: docs/built/*.md
	@mkdir -p docs/built
	.venv/bin/python -m rnamarks.api_page >docs/built/api.md
	.venv/bin/rnamarks keys >docs/built/keys.md
	.venv/bin/python -m rnamarks.dictionary docs/built/tables

clean: ## remove the demo's results and caches; installed packages and other results stay
	rm -rf results/demo results/demo_marks results/demo_language .pytest_cache .ruff_cache .hypothesis
	find scripts tests workflow benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
