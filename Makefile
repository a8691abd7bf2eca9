# Each target sets up what it needs. PYTHON=python3.12 make demo  uses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INTEROP := .venv-interop
DOCS := .venv-docs

.PHONY: demo test test-interop lint docs bench fuzz lock
.DEFAULT_GOAL := demo

demo: $(VENV)/installed
	$(BIN)/snakemake
	@$(BIN)/sentinel-forest show-headline --table results/sample-v1/headline.tsv
	@echo "report: results/sample-v1/report.html"

# With CI=true, what is written is also opened by other people's readers; else those tests are skipped by name.
test: $(VENV)/installed-tests $(if $(filter true,$(CI)),$(INTEROP)/installed)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-interop: $(VENV)/installed-tests $(INTEROP)/installed
	$(BIN)/python -m pytest tests/interop

# tensorflow_datasets, mlcroissant and pystac, about 2 GB, in an environment of their own.
$(INTEROP)/installed: tests/interop/requirements.lock
	@$(PYTHON) envs/prerequisites.py $(INTEROP)
	$(PYTHON) -m venv $(INTEROP)
	@$(PYTHON) envs/install.py $(INTEROP)/bin/python $<
	@touch $@

lint: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python tests/lint_workflow.py

# The pages as a site in site/, with the report of the demo if it is there. A warning stops the build.
docs: $(DOCS)/installed
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "site: site/index.html"

$(DOCS)/installed: envs/docs.lock
	@$(PYTHON) envs/prerequisites.py $(DOCS)
	$(PYTHON) -m venv $(DOCS)
	@$(PYTHON) envs/install.py $(DOCS)/bin/python $<
	@touch $@

# Attacks on everything that comes from outside; docs/safety.md has the table.
fuzz: $(VENV)/installed-tests
	cd tests && ../$(BIN)/python -m fuzz

bench: $(VENV)/installed-tests
	cd tests && ../$(BIN)/python -m bench

# The locks hold hashes and name no index, so that they serve wherever packages come from.
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock: $(VENV)/installed
	$(PIP) uv
	$(COMPILE) envs/requirements.in --output-file envs/requirements.lock
	$(COMPILE) envs/tests.in --output-file envs/tests.lock
	$(COMPILE) envs/docs.in --output-file envs/docs.lock
	$(COMPILE) tests/interop/requirements.in --output-file tests/interop/requirements.lock

# What a run needs, and this checkout itself: an edit of src/ counts at once.
$(VENV)/installed: envs/requirements.lock pyproject.toml
	@$(PYTHON) envs/prerequisites.py $(VENV)
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python envs/install.py $(BIN)/python envs/requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# The same versions, and what tests and checks need beside them.
$(VENV)/installed-tests: $(VENV)/installed envs/tests.lock
	@$(BIN)/python envs/install.py $(BIN)/python envs/tests.lock
	@touch $@
